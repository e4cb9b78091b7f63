"""`copbridge decision`: correct hours, take reports, waive, explain, transfer, recalculate; list and undo."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from jobs.queues import QueueName
from records import approving, deciding, effects
from records.actor import CLI, Role
from records.csv_file import Wrong, day, optional_text
from records.deciding import By, Draft
from records.decisions import Kind
from records.effects import Effect
from records.milestone_file import Evidence, evidence_of
from records.queries.decisions import listed
from records.recalculating import recalculate as recalculate_facts
from service.cli.decision_words import shown_as_data, tell, what
from service.cli.errors import UserError
from service.cli.lookup import find_person
from service.cli.milestones import digest_of
from service.cli.opening import Opened, records
from service.cli.output import clean, minute, say, say_json, table
from service.cli.subjects import find_membership, find_subject

group = typer.Typer(help="Decisions about hours and requirements, each with a reason.", no_args_is_help=True)

PersonName = Annotated[str, typer.Argument(help="A person's id, or SITE:MOODLE_ID.", metavar="PERSON")]
CommunityName = Annotated[
    str, typer.Argument(help="A course's idnumber, SITE:IDNUMBER, or the community's id.", metavar="COMMUNITY")
]
Minutes = Annotated[str, typer.Option(help="Such as +90, -30 or 1:30.")]
Component = Annotated[str, typer.Option(help="The component that they count in.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON; with --yes or --dry-run.")]
OfPerson = Annotated[str, typer.Option("--person", help="A person's id, or SITE:MOODLE_ID; with --community.")]
OfTeam = Annotated[str, typer.Option("--team", help="A team's idnumber; with --community.")]
OfOrganisation = Annotated[str, typer.Option("--organisation", help="An organisation's code; with --program.")]
OfCommunity = Annotated[str, typer.Option("--community", help="A course's idnumber, or the community's id.")]
OfProgram = Annotated[str, typer.Option("--program", help="A program's code.")]
WAITS = "It counts once somebody else has approved it: see `copbridge decision list`."


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="decision")


@group.command()
def adjust(
    person: PersonName,
    community: CommunityName,
    minutes: Minutes,
    component: Component,
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give a person minutes in a community, or take some."""
    amount = _minutes(minutes)

    def draft(session: Session, by: By) -> Draft:
        membership = find_membership(session, person, community)
        return deciding.adjust(session, membership, minutes=amount, component=component, now=by.now)

    _decide(draft, reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command()
def report(
    person: PersonName,
    community: CommunityName,
    minutes: Minutes,
    component: Component,
    date: Annotated[str, typer.Option(help="The day, as YYYY-MM-DD.")],
    reason: Reason,
    evidence: Annotated[list[str] | None, typer.Option(help="An https link, or sha256:HEX; may be repeated.")] = None,
    evidence_file: Annotated[
        list[Path] | None, typer.Option(help="A file of which the SHA-256 is kept, and nothing else; may be repeated.")
    ] = None,
    note: Annotated[str, typer.Option(help="A text as evidence.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Enter hours that a participant reports. They count once they are approved."""
    amount, on, pieces = _minutes(minutes), _day(date), _pieces(evidence, evidence_file, note)

    def draft(session: Session, by: By) -> Draft:
        membership = find_membership(session, person, community)
        return deciding.report(
            session, membership, minutes=amount, component=component, day=on, evidence=pieces, now=by.now
        )

    _decide(draft, reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command()
def approve(
    report: Annotated[UUID, typer.Argument(help="What waits: see `decision list`.", metavar="ID")],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have reported hours count, or a large adjustment that another person has to approve."""
    _decide(
        lambda session, by: approving.approve(session, report, actor=by.actor),
        reason,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )


@group.command()
def waive(
    requirement: Annotated[str, typer.Argument(help="The requirement's code.", metavar="REQUIREMENT")],
    reason: Reason,
    person: OfPerson = "",
    team: OfTeam = "",
    organisation: OfOrganisation = "",
    community: OfCommunity = "",
    program: OfProgram = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have a requirement not be asked of a person, team, organisation, community or program."""

    def draft(session: Session, by: By) -> Draft:
        subject, program_id = find_subject(
            session, person=person, team=team, organisation=organisation, community=community, program=program
        )
        return deciding.waive(session, subject, program_id, requirement, now=by.now)

    _decide(draft, reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command("explain-deviation")
def explain_deviation(
    notice: Annotated[str, typer.Argument(help="The guideline's code.", metavar="NOTICE")],
    reason: Annotated[str, typer.Option(help="The rationale: it is kept with the decision.")],
    person: OfPerson = "",
    team: OfTeam = "",
    organisation: OfOrganisation = "",
    community: OfCommunity = "",
    program: OfProgram = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Record why a guideline isn't kept by a person, team, organisation, community or program."""

    def draft(session: Session, by: By) -> Draft:
        subject, program_id = find_subject(
            session, person=person, team=team, organisation=organisation, community=community, program=program
        )
        return deciding.explain(session, subject, program_id, notice, now=by.now)

    _decide(draft, reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command()
def transfer(
    person: PersonName,
    source: Annotated[str, typer.Option("--from", help="The community that the person was in.")],
    target: Annotated[str, typer.Option("--to", help="The community that the person goes on in.")],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have a person's minutes in one community add up in another one of the program, where the person goes on."""

    def draft(session: Session, by: By) -> Draft:  # noqa: ARG001 - every draft is made in one way
        return deciding.transfer(
            session, find_membership(session, person, source), find_membership(session, person, target)
        )

    _decide(draft, reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command()
def recalculate(
    program: Annotated[str, typer.Argument(help="A program's code.", metavar="PROGRAM")],
    version: Annotated[int, typer.Option(help="The version that counts: see `program history`.")],
    first: Annotated[str, typer.Option("--from", help="The first day, as YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--until", help="The last day, as YYYY-MM-DD.")],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Have what was achieved within some days be credited by another version of the program than the one in force."""
    days = _day(first), _day(last)
    _decide(
        lambda session, _: recalculate_facts(session, program, version, *days),
        reason,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )


@group.command()
def undo(
    decision: Annotated[UUID, typer.Argument(help="Its id: see `decision list`.", metavar="ID")],
    reason: Reason,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take a decision back. It stays in the history."""
    _decide(lambda session, _: deciding.undo(session, decision), reason, dry_run=dry_run, yes=yes, as_json=as_json)


@group.command("list")
def list_decisions(
    person: Annotated[str, typer.Option(help="Only about this person: an id, or SITE:MOODLE_ID.")] = "",
    program: Annotated[str, typer.Option(help="Only of this program.")] = "",
    kind: Annotated[Kind | None, typer.Option(help="Only of this kind.")] = None,
    undone: Annotated[bool, typer.Option("--undone", help="Also those that were undone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List what was decided, the latest first."""
    with records() as opened, opened.transaction() as session:
        person_id = find_person(session, person) if person else None
        found = listed(
            session, CLI, person_id=person_id, program=program, kind=str(kind) if kind else "", undone=undone
        )
    if as_json:
        say_json([shown_as_data(shown) for shown in found])
        return
    if not found:
        say("Nothing was decided.")
        return
    rows = [(s.id, minute(s.decided_at), s.kind, s.about, what(s), s.actor, s.reason, s.state) for s in found]
    table("", ("id", "when", "kind", "about", "what", "by", "reason", "state"), rows)


def _decide(draft_of: Callable[[Session, By], Draft], reason: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what a decision would move, ask, and take it."""
    if as_json and not (dry_run or yes):
        raise UserError("--json needs --yes or --dry-run: there is nobody to ask.", code=2)
    with records() as opened:
        expected = None
        if dry_run or not yes:
            _, expected, waits = _take(opened, draft_of, reason, keep=False)
            tell(expected, as_json=as_json, decision=None)
            if waits and not as_json:
                say(WAITS)
            if dry_run:
                return
            if not typer.confirm("Decide so?"):
                raise UserError("Nothing was decided.")
        decision, moved, waits = _take(opened, draft_of, reason, keep=True, expected=expected)
        opened.wake(QueueName.RECONCILE)
    if yes:
        tell(moved, as_json=as_json, decision=decision)
    if not as_json:
        say(f"Decided: {decision}. {WAITS if waits else 'The hours are being computed again.'}")


def _take(
    opened: Opened,
    draft_of: Callable[[Session, By], Draft],
    reason: str,
    *,
    keep: bool,
    expected: Effect | None = None,
) -> tuple[UUID, Effect, bool]:
    """Take a decision, and say what it moves, and whether it waits for somebody's approval; it is kept only where
    that is what was expected."""
    # Nobody is asked while a transaction is open: its locks would wait for the answer.
    with opened.transaction() as session:
        by = By(CLI, Role.IT, reason, opened.now())
        draft = draft_of(session, by)
        was = effects.before(session, draft, by.now)
        decision = deciding.write(session, draft, by)
        moved = effects.effect(session, draft, was, by.now)
        waits = deciding.waits_for_approval(session, draft, by.now)
        effects.keep(session, by.actor, {m.membership_id: (m.before, m.after) for m in moved.moved}, decision)
        if not keep:
            session.rollback()
    if expected is not None and moved != expected:
        raise UserError("Something else changed meanwhile: look at it again.")
    return decision, moved, waits


def _minutes(text: str) -> int:
    """Whole minutes out of +90, -30, 1:30 or -0:45. Raises UserError."""
    found = re.fullmatch(r"([+-]?)(?:(\d{1,4}):([0-5]\d)|(\d{1,5}))", text.strip(), re.ASCII)
    if not found:
        raise UserError(f"'{clean(text)}' can't be minutes: expected such as +90, -30 or 1:30.", code=2)
    amount = int(found[4]) if found[4] else 60 * int(found[2]) + int(found[3])
    return -amount if found[1] == "-" else amount


def _day(text: str) -> date:
    try:
        return day(text)
    except Wrong as err:
        raise UserError(f"{clean(err)}.", code=2) from err


def _pieces(links: list[str] | None, files: list[Path] | None, note: str) -> tuple[Evidence, ...]:
    try:
        found = [*evidence_of(" ".join(links or ()))]
        if optional_text(note):
            found.append(("note", note))
    except Wrong as err:
        raise UserError(f"The evidence can't be taken: {clean(err)}.", code=2) from err
    return (*found, *(("file", digest_of(path)) for path in files or ()))
