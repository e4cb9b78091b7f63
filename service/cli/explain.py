"""`copbridge explain`: every line of a person's hours, by the functions that computed them, now or on a past day."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from records.actor import CLI
from records.queries.look_back import LiesAhead, LookBack, When
from records.queries.person import InCommunity, PersonPage, person
from service.cli.errors import UserError
from service.cli.lookup import find_communities, find_person
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, hours, local, say, say_json, table
from service.explained_json import as_data
from service.explanations import LineTold, RequirementTold, Told, tell
from service.moments import NotADay, read_when
from service.wording import member_role, member_status, standing

LANGUAGE = "en"
DAY = "A day (its end, on the community's clock) or an ISO moment; past only."
KnownOn = Annotated[str, typer.Option(help=f"Only what was known then. {DAY}", metavar="DATE")]
TrueOn = Annotated[str, typer.Option(help=f"Only what had happened until then. {DAY}", metavar="DATE")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(explain)


def explain(
    who: Annotated[str, typer.Argument(help="A person's id, or SITE:MOODLE_ID.", metavar="PERSON")],
    community: Annotated[
        str, typer.Option(help="Only this one: its course's ID number, or its id.", metavar="COMMUNITY")
    ] = "",
    known_on: KnownOn = "",
    true_on: TrueOn = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Explain a person's hours and requirements: what each fact and decision earned, or why nothing; what is missing.

    --known-on and --true-on look back, and compare with what the ledger held. Roles, names and which activity counts
    as what are always the present ones: of those no history is kept.
    """
    look = LookBack(_when(known_on, "--known-on"), _when(true_on, "--true-on"))
    with records() as opened, opened.transaction() as session:
        person_id = find_person(session, who)
        only = find_communities(session, community) if community else None
        found = _find(opened, session, person_id, look, only)
    communities = found.communities if found else []
    if as_json:
        memberships = [as_data(each, tell(each, LANGUAGE)) for each in communities]
        say_json({"person": person_id, "memberships": memberships})
        return
    if found is None:
        say(f"The person {person_id} is in no community{' of that name' if community else ''}.")
    elif found.untold:
        say(f"The program of {counted(found.untold, 'community', 'communities')} wasn't known yet then.")
    for each in communities:
        _tell(each, tell(each, LANGUAGE))


def _when(text: str, option: str) -> When | None:
    try:
        return read_when(text) if text else None
    except NotADay as err:
        problem = f"{option}: '{clean(text)}' is neither a day such as 2026-05-01 nor an ISO moment."
        raise UserError(problem, code=2) from err


def _find(
    opened: Opened, session: Session, person_id: UUID, look: LookBack, only: Collection[UUID] | None
) -> PersonPage | None:
    try:
        return person(session, CLI, person_id, opened.now(), look, only)
    except LiesAhead as err:
        raise UserError(f"{err} lies ahead: one can look back only.", code=2) from err


def _tell(found: InCommunity, told: Told) -> None:
    say(clean(_title(found)))
    for name, moment in (("As known on", found.as_of.known_on), ("As true on", found.as_of.true_on)):
        if moment:
            say(f"{name} {local(moment, found.timezone)}.")
    if told.lines or found.brought:
        columns = ("when", "what", "h:mm", "component", "rule", "version", "why")
        rows = [*_brought(found), *(_cells(found, line) for line in told.lines)]
        rows.append(("", "Sum", hours(found.standing.all_minutes), "", "", "", ""))
        table("", columns, rows, right=("h:mm", "version"))
    else:
        say("Nothing was achieved yet.")
    for amount, what in told.totals:
        say(f"{amount} {what}.")
    if told.requirements:
        asked = ("requirement", "status", "have", "due", "missing", "not counted")
        table("", asked, [_requirement(each) for each in told.requirements])
    if told.to_do:
        say(clean(f"Missing: {'; '.join(told.to_do)}."))
    if told.pace:
        say(told.pace)
    if found.dirty and found.written is None:
        say("Something arrived that the ledger doesn't show yet; it will within seconds.")
    if found.standing.on_their_way:
        say(f"{counted(found.standing.on_their_way, 'line')} on the way.")
    _compare(found, told)
    say("")


def _title(found: InCommunity) -> str:
    s = found.standing
    band = f" of {hours(s.band_min)}-{hours(s.band_max or 0)}" if s.band_min is not None else ""
    who = f"{member_role(found.role)}, {member_status(found.status)}".lower()
    place = f"{found.program.program} {found.topic} {found.region}"
    return f"{place}: {who}; {hours(s.minutes)}{band}, {standing(s.status).lower()}"


def _compare(found: InCommunity, told: Told) -> None:
    if found.written is None:
        return
    if not told.written:
        say(f"The ledger held the same then: {hours(found.written.written)}.")
    for sentence in told.written:
        say(clean(sentence))


def _brought(found: InCommunity) -> list[tuple[object, ...]]:
    return [
        ("", "Brought along by a transfer", hours(minutes), component, "", "", "")
        for component, minutes in found.brought.items()
    ]


def _cells(found: InCommunity, told: LineTold) -> tuple[object, ...]:
    line = told.line
    what = f"{told.what} ({told.detail or line.kind})"
    why = " ".join((told.why, *told.notes)).strip()
    when = local(line.happened_at, found.timezone)
    return when, what, hours(line.minutes), line.component or "", line.rule or "", line.version, why


def _requirement(told: RequirementTold) -> tuple[object, ...]:
    passed = "; ".join(f"{what}: {why}" for what, why in told.passed_over)
    return told.title, told.words, told.have, told.due, told.missing, passed
