"""Take in a filled sign-in sheet: what its lines mean, and the presences of Way.PAPER that they become."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from mappings.attending import Way, rule_of, whole
from mappings.intervals import Interval, minutes_of, since
from records import audit, presences
from records.actor import Actor
from records.keys import among
from records.models import Presence, SessionRow, uuid7
from records.presences import Held, NewPresence
from records.roster import Group, RosterPerson
from records.roster_saving import Change, Meant, Refused, What, meant_by, take_turns
from records.sheet import Line, Names, NoSuchTime, Spec, Wrong, moments, read_lines

ON_PAPER = "face_to_face"
"""How somebody was there who signed a sheet."""
REFUSED = {
    Refused.LENGTH_UNKNOWN: Wrong.LENGTH_UNKNOWN,
    Refused.NO_SUCH_MINUTES: Wrong.TOO_LONG,
    Refused.NO_SUCH_STATUS: Wrong.NO_STATUS,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is entered of one person: from a line, or as one of all others. `wrong` given: it isn't."""

    line: Line | None
    person: RosterPerson | None = None
    meant: Meant | None = None
    wrong: Wrong | None = None
    known: bool = False
    """The sheet said so before: nothing is added."""
    minutes: int | None = None
    """The minutes that it amounts to; None: a status says it."""
    instead: str = ""
    """What to type in place of the times."""


def entries(
    meeting: Held, roster: Sequence[RosterPerson], text: str, *, others: bool, length: int | None = None
) -> list[Entry]:
    """What the lines of a text mean, in their order; then, where `others`, every participant of whom neither a line
    nor an earlier sheet says anything, as present. `length`: the session's, where it doesn't say so itself."""
    people = {person.account_id: person for person in roster}
    of = {account: person.accounts for account, person in people.items()}
    names = Names(meeting.row.id, {account: person.name for account, person in people.items()}, of)
    rule = rule_of(meeting.program, meeting.row.kind)
    made, seen = [], dict[UUID, Spec]()
    for read in read_lines(text, tuple(rule.weights)):
        found, line = names.find_line(read)
        if found.account_id is None:
            made.append(Entry(line, wrong=found.wrong))
            continue
        person = people[found.account_id]
        if seen.setdefault(person.account_id, line.spec) != line.spec:
            made.append(Entry(line, person, wrong=Wrong.TWICE))
            continue
        made.append(_entry(meeting, line, person, length))
    return [*made, *_others(meeting, roster, seen, length)] if others else made


def _others(
    meeting: Held, roster: Sequence[RosterPerson], seen: dict[UUID, Spec], length: int | None
) -> Iterator[Entry]:
    for person in roster:
        on_paper = any(one.said.way is Way.PAPER for one in person.told)
        if person.group is Group.PARTICIPANT and person.account_id not in seen and not on_paper:
            yield _entry(meeting, None, person, length)


def _entry(meeting: Held, line: Line | None, person: RosterPerson, length: int | None) -> Entry:
    try:
        meant = _meant(meeting, person.account_id, line.spec if line else Spec(), length)
    except NoSuchTime as err:
        return Entry(line, person, wrong=err.wrong, instead=err.instead)
    if isinstance(meant, Wrong):
        return Entry(line, person, wrong=meant)
    before = next((one for one in person.told if one.said.way is Way.PAPER), None)
    same = before is not None and (
        before.seen == meant.intervals if meant.intervals and meant.minutes is None else before.values == meant.values
    )
    minutes = meant.minutes
    if minutes is None and meant.intervals:
        minutes = minutes_of(since(meeting.row.starts_at, meant.intervals))
    return Entry(line, person, meant, known=same, minutes=minutes)


def _meant(meeting: Held, account: UUID, spec: Spec, length: int | None) -> Meant | Wrong:
    if spec.unread:
        return Wrong.VALUE
    if spec.clocks is not None:
        return _between(meeting, spec.clocks)
    what = What.PRESENT
    if spec.status is not None:
        what = What.STATUS
    elif spec.early is not None:
        what = What.PART
    elif spec.minutes is not None:
        what = What.MINUTES if spec.minutes else What.ABSENT
    rule = rule_of(meeting.program, meeting.row.kind)
    if what in (What.PART, What.MINUTES) and rule.weights:
        return Wrong.NO_STATUS
    full = whole(rule, meeting.row.planned_minutes)
    full = length if full is None else full
    if what is What.PART and full is not None and (spec.early or 0) > full:
        return Wrong.LONGER
    minutes = length if spec.minutes is None else spec.minutes
    change = Change(account, account, what, minutes=minutes, left=spec.early or 0, status=spec.status, mode=ON_PAPER)
    meant = meant_by(meeting, change)
    return REFUSED[meant] if isinstance(meant, Refused) else meant


def _between(meeting: Held, clocks: tuple[int, int, int, int]) -> Meant | Wrong:
    row = meeting.row
    if rule_of(meeting.program, row.kind).weights:
        return Wrong.NO_STATUS
    there = (Interval(*moments(clocks, row.starts_at, row.timezone, ends(row))),)
    return Meant(None, None, ON_PAPER if row.mode == "hybrid" else None, there)


def ends(row: SessionRow) -> datetime | None:
    """When a session ends, by what was said of its end or of its length; None: nobody said."""
    planned = timedelta(minutes=row.planned_minutes) if row.planned_minutes else None
    return row.ends_at or (row.starts_at + planned if planned else None)


def take(session: Session, meeting: Held, found: Sequence[Entry], by: Actor, reason: str = "") -> int:
    """Add what isn't known yet of the entries that nothing is wrong with. Returns how many that are.

    An earlier sheet's line about the same person is taken back. The caller wakes the job after the commit.
    """
    news = [entry for entry in found if entry.meant and entry.person and not entry.known]
    said = [_presence(meeting, entry.person, entry.meant, reason) for entry in news if entry.person and entry.meant]
    if not said:
        return 0
    # Of two who enter the same sheet at once the second one takes back what the first one added.
    take_turns(session, meeting.row.id)
    p, accounts = Presence, [account for entry in news if entry.person for account in entry.person.accounts]
    meeting_id, cause = meeting.row.id, uuid7()
    of_paper = (p.session_id == meeting_id, p.way == str(Way.PAPER), among(p.account_id, accounts))
    presences.withdraw(session, *of_paper, by=by)
    presences.add(session, said, by=by, correlation_id=cause)
    after = {"correlation": str(cause), "people": len(said)}
    audit.record(session, by, "attendance.paper", str(meeting_id), after=after)
    return len(said)


def _presence(meeting: Held, person: RosterPerson, meant: Meant, reason: str) -> NewPresence:
    said = NewPresence(meeting.row.id, person.account_id, Way.PAPER, meant.minutes, meant.status, meant.mode)
    return replace(said, intervals=meant.intervals, reason=reason)
