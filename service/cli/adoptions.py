"""`copbridge adoption`: copies of courses that are communities, and the decision on each."""

from dataclasses import asdict, replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from jobs.queues import QueueName
from mappings.facts import Activity
from records import adopting
from records.actor import CLI, Role
from records.adopting import Decided, Wanted
from records.adoption_preview import AdoptionPreview, preview
from records.adoptions import Status
from records.deciding import By
from records.queries.adoptions import Adoption, Review, adoptions, review
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, hours, minute, say, say_json, table
from service.wording import plain

group = typer.Typer(help="Copies of courses that are communities: decide on each.", no_args_is_help=True)
Site = Annotated[str, typer.Argument(help="The site's short name.", metavar="SITE")]
Course = Annotated[int, typer.Argument(help="Moodle's id of the copied course.", metavar="COURSE", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


class Choice(StrEnum):
    """What somebody says at the terminal."""

    CONTINUATION = "continuation"
    NEW_COMMUNITY = "new-community"
    IGNORE = "ignore"
    UNDO = "undo"


STATUS = {
    Choice.CONTINUATION: Status.CONTINUATION,
    Choice.NEW_COMMUNITY: Status.NEW_COMMUNITY,
    Choice.IGNORE: Status.IGNORED,
    Choice.UNDO: Status.PROPOSED,
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="adoption")


@group.command("list")
def list_adoptions(
    decided: Annotated[bool, typer.Option("--all", help="Also those that somebody decided about.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the copies of communities' courses that wait for a decision."""
    with records() as opened, opened.transaction() as session:
        found = adoptions(session, CLI, decided=decided)
    if as_json:
        say_json([_copy_data(copy) for copy in found])
        return
    if not found:
        say("No copy of a course waits for a decision.")
        return
    columns = ("site", "course", "name", "copy of", "communities", "since", "people", "completions", "is")
    table("", columns, [_row(copy) for copy in found], right=("course", "people", "completions"))
    say("`copbridge adoption show SITE COURSE` says more of one; `adoption decide` decides.")


def _row(copy: Adoption) -> tuple[object, ...]:
    original = f"{copy.original_id} {copy.original}".strip()
    communities = ", ".join(map(str, copy.communities))
    status = "waits" if copy.status is Status.PROPOSED else plain(copy.status)
    return (
        *(copy.site, copy.course_id, copy.name, original, communities),
        *(minute(copy.copied_at), copy.people, copy.completions, status),
    )


@group.command()
def show(site: Site, course: Course, as_json: AsJson = False) -> None:
    """Show a copied course: which of its activities would go on with which ones of the original."""
    with records() as opened, opened.transaction() as session:
        found = review(session, CLI, (find_site(session, site).id, course))
    if as_json:
        say_json(_as_data(found))
        return
    copy = found.adoption
    say(clean(f"Course {copy.course_id} “{copy.name}” of the site '{copy.site}'"))
    say(
        clean(
            f"is a copy of course {copy.original_id} “{copy.original}”, at the latest since {minute(copy.copied_at)}."
        )
    )
    say(f"The original is: {clean(', '.join(map(str, copy.communities))) or 'no community'}.")
    say(f"In the copy: {counted(copy.people, 'person', 'people')}, {counted(copy.completions, 'completion')}.")
    say(_standing(found))
    _tell_pairs(found)


def _standing(found: Review) -> str:
    copy = found.adoption
    now = f"It is: {clean(', '.join(map(str, found.own)))}." if found.own else "It is no community and earns nothing."
    if found.decided_at is None:
        return f"Nobody has decided. {now}"
    return clean(
        f"Decided {minute(found.decided_at)} by {found.decided_by}: {plain(copy.status)} ({found.reason}). {now}"
    )


def _tell_pairs(found: Review) -> None:
    pairs = found.pairs
    continues = found.adoption.status is Status.CONTINUATION
    chosen = found.decided if continues else pairs.pairs
    rows = [(new, _form(pairs.new.get(new)), old, _form(pairs.old.get(old))) for new, old in chosen.items()]
    title = "Goes on with, as decided" if continues else "Would go on with, as a continuation"
    table(title, ("new", "activity", "old", "activity of the original"), rows, right=("new", "old"))
    for title, numbers, forms in (
        ("In the copy alone", pairs.new.keys() - chosen.keys(), pairs.new),
        ("In the original alone", pairs.old.keys() - set(chosen.values()), pairs.old),
    ):
        if numbers:
            table(title, ("id", "activity"), [(n, _form(forms[n])) for n in sorted(numbers)], right=("id",))
    if found.unlike:
        say(clean(f"Groups that are communities, and have no like in the copy: {', '.join(found.unlike)}."))


def _form(activity: Activity | None) -> str:
    if activity is None:
        return "gone"
    return " / ".join(part for part in (activity.idnumber, activity.kind, activity.section, activity.name) if part)


def _copy_data(copy: Adoption) -> dict[str, object]:
    return asdict(replace(copy, communities=[])) | {"communities": [str(one) for one in copy.communities]}


def _as_data(found: Review) -> dict[str, object]:
    return {
        **_copy_data(found.adoption),
        "is": [str(one) for one in found.own],
        "claimed": found.claimed,
        "pairs": found.pairs.pairs,
        "decided_pairs": found.decided,
        "only_new": {n: _form(found.pairs.new[n]) for n in found.pairs.only_new},
        "only_old": {n: _form(found.pairs.old[n]) for n in found.pairs.only_old},
        "groups_without_like": found.unlike,
        "decided_at": found.decided_at,
        "decided_by": found.decided_by,
        "reason": found.reason,
    }


@group.command()
def decide(
    site: Site,
    course: Course,
    choice: Annotated[
        Choice,
        typer.Argument(
            help="continuation: it goes on with the original. new-community: one of its own, where copied completions"
            " don't count. ignore: neither. undo: it waits again."
        ),
    ],
    reason: Annotated[str, typer.Option(help="Why: it is kept with the decision.")],
    pairs: Annotated[
        list[str] | None,
        typer.Option("--map", help="An activity of the copy and the one it goes on with.", metavar="NEW=OLD"),
    ] = None,
    unmap: Annotated[
        list[int] | None, typer.Option("--unmap", help="An activity that goes on with none.", metavar="NEW")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Decide what a copied course is; the latest decision stands. First says what would change, and asks."""
    wanted = Wanted(STATUS[choice], _pairs(pairs or []), frozenset(unmap or []))
    with records() as opened:
        by = By(CLI, Role.IT, reason, opened.now())
        with opened.transaction() as session:
            key = (find_site(session, site).id, course)
            adopting.known_copy(session, key)
        _tell_preview(preview(opened.engine, key, wanted, by))
        if not yes:
            typer.confirm("Decide so?", abort=True, err=True)
        with opened.transaction() as session:
            done = adopting.decide(session, key, wanted, by)
            said = _outcome(session, key, wanted, done)
        opened.wake(QueueName.RECONCILE)
    for line in said:
        say(line)


def _pairs(given: list[str]) -> dict[int, int]:
    found = {}
    for text in given:
        new, _, old = text.partition("=")
        if not all(part.isascii() and part.isdigit() and len(part) < 18 for part in (new, old)):
            raise UserError(f"'{clean(text)}' is no pair: --map NEW=OLD names two activities by Moodle's ids.", code=2)
        found[int(new)] = int(old)
    return found


def _tell_preview(found: AdoptionPreview) -> None:
    change = found.minutes_after - found.minutes_before
    say(
        f"Of {counted(found.people, 'person', 'people')} {found.gains} would have more hours and {found.loses} fewer:"
        f" from {hours(found.minutes_before)} to {hours(found.minutes_after)} in all"
        f" ({'+' if change > 0 else ''}{hours(change)})."
    )
    if found.memberships_before != found.memberships_after:
        say(f"Memberships: {found.memberships_before} now, {found.memberships_after} then.")


def _outcome(session: Session, key: tuple[UUID, int], wanted: Wanted, done: Decided) -> list[str]:
    """What became of it, and what is left to do."""
    found = review(session, CLI, key)
    said = [f"Decided ({done.decision_id}); the hours are being computed again."]
    if done.communities:
        said.append(clean(f"Course {key[1]} is: {', '.join(map(str, found.own))}."))
    elif wanted.status is Status.NEW_COMMUNITY:
        forms = ", ".join(f"{name} '{value}'" for name, value in found.fields.items()) or "not read yet"
        said.append(
            clean(
                f"No program claims the course as it is called now ({forms}), so that it earns nothing yet. Give it in"
                " Moodle an ID number (or whatever else the program file's `communities` look at) that stands for"
                " a topic and a region, as those of its other courses do: it is a community then."
            )
        )
    else:
        said.append(f"Course {key[1]} is no community and earns nothing.")
    if found.unlike and wanted.status is Status.CONTINUATION:
        said.append(
            clean(f"No group of the copy is like {', '.join(found.unlike)}: give one the same ID number or name.")
        )
    return said
