"""Take in a filled sign-in sheet: what its lines mean, and the presences of Way.PAPER that they become."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from mappings.attending import Way, rule_of
from mappings.intervals import Interval, minutes_of
from records import audit, presences
from records.actor import Actor
from records.keys import among
from records.models import Presence, uuid7
from records.presences import Held, NewPresence
from records.roster import Group, RosterPerson
from records.roster_saving import Change, Meant, Refused, What, meant_by
from records.sheet import MOST_MINUTES, Line, Names, NoSuchTime, Spec, Wrong, moments, read_lines

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

    @property
    def minutes(self) -> int | None:
        """The minutes that it amounts to; None: a status says it."""
        if self.meant is None or self.meant.minutes is not None:
            return self.meant.minutes if self.meant else None
        return minutes_of(self.meant.intervals) if self.meant.intervals else None


def entries(meeting: Held, roster: Sequence[RosterPerson], text: str, *, others: bool) -> list[Entry]:
    """What the lines of a text mean, in their order; then, where `others`, every participant of whom neither a line
    nor an earlier sheet says anything, as present."""
    people = {person.account_id: person for person in roster}
    names = Names(meeting.row.id, {account: person.name for account, person in people.items()})
    rule = rule_of(meeting.program, meeting.row.kind)
    made, seen = [], dict[UUID, Spec]()
    for line in read_lines(text, tuple(rule.weights)):
        found = names.find(line.who)
        if found.account_id is None:
            made.append(Entry(line, wrong=found.wrong))
            continue
        person = people[found.account_id]
        if seen.setdefault(person.account_id, line.spec) != line.spec:
            made.append(Entry(line, person, wrong=Wrong.TWICE))
            continue
        made.append(_entry(meeting, line, person, line.spec))
    return [*made, *_others(meeting, roster, seen)] if others else made


def _others(meeting: Held, roster: Sequence[RosterPerson], seen: dict[UUID, Spec]) -> Iterator[Entry]:
    for person in roster:
        on_paper = any(one.said.way is Way.PAPER for one in person.told)
        if person.group is Group.PARTICIPANT and person.account_id not in seen and not on_paper:
            yield _entry(meeting, None, person, Spec())


def _entry(meeting: Held, line: Line | None, person: RosterPerson, spec: Spec) -> Entry:
    meant = _meant(meeting, person.account_id, spec)
    if isinstance(meant, Wrong):
        return Entry(line, person, wrong=meant)
    before = next((one for one in person.told if one.said.way is Way.PAPER), None)
    same = before is not None and (
        before.seen == meant.intervals if meant.intervals and meant.minutes is None else before.values == meant.values
    )
    return Entry(line, person, meant, known=same)


def _meant(meeting: Held, account: UUID, spec: Spec) -> Meant | Wrong:
    if spec.clocks is not None:
        return _between(meeting, spec.clocks)
    what = What.PRESENT
    if spec.status is not None:
        what = What.STATUS
    elif spec.early is not None:
        what = What.PART
    elif spec.minutes is not None:
        what = What.MINUTES if spec.minutes else What.ABSENT
    if what in (What.PART, What.MINUTES) and rule_of(meeting.program, meeting.row.kind).weights:
        return Wrong.NO_STATUS
    change = Change(
        account, account, what, minutes=spec.minutes, left=spec.early or 0, status=spec.status, mode=ON_PAPER
    )
    meant = meant_by(meeting, change)
    return REFUSED[meant] if isinstance(meant, Refused) else meant


def _between(meeting: Held, clocks: tuple[int, int, int, int]) -> Meant | Wrong:
    row = meeting.row
    if rule_of(meeting.program, row.kind).weights:
        return Wrong.NO_STATUS
    try:
        since, until = moments(clocks, row.starts_at, row.timezone)
    except NoSuchTime:
        return Wrong.NO_TIME
    there = (Interval(since, until),)
    if minutes_of(there) > MOST_MINUTES:
        return Wrong.TOO_LONG
    return Meant(None, None, ON_PAPER if row.mode == "hybrid" else None, there)


def take(session: Session, meeting: Held, found: Sequence[Entry], by: Actor, reason: str = "") -> int:
    """Add what isn't known yet of the entries that nothing is wrong with. Returns how many that are.

    An earlier sheet's line about the same person is taken back. The caller wakes the job after the commit.
    """
    news = [entry for entry in found if entry.meant and entry.person and not entry.known]
    said = [_presence(meeting, entry.person, entry.meant, reason) for entry in news if entry.person and entry.meant]
    if not said:
        return 0
    p, accounts = Presence, [one.account_id for one in said]
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
