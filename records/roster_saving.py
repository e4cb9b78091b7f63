"""Record who was at a session from its roster: changes that may come twice, late, and from several hands at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way, present_status, rule_of, whole
from mappings.intervals import Interval
from records import audit, presences, sessions
from records.actor import Actor, Role
from records.attendance_file import DAY_MINUTES
from records.deciding import By, DecisionError
from records.deciding_presence import correct, hold_people
from records.keys import among
from records.matching_people import Who, folded
from records.matching_people import match as match_people
from records.mirror import everywhere_alone
from records.models import Account, Presence, SessionRow, uuid7
from records.presences import Held, NewPresence
from records.roster import RosterPerson, noted, of_meeting, shut, sites_of, wants_reason
from records.sessions import shown_people

MODES = ("face_to_face", "virtual")
"""How one person can be at a hybrid session."""
DECIDERS = (Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR)
"""As what somebody decides who holds several roles."""


class What(StrEnum):
    """What a change says of somebody."""

    PRESENT = "present"
    """All the time; `minutes` says how long that was, where the session doesn't."""
    PART = "part"
    """Late, or gone early, by minutes."""
    MINUTES = "minutes"
    """Exactly so many."""
    STATUS = "status"
    """One of the statuses that the program weighs."""
    ABSENT = "absent"
    CLEARED = "cleared"
    """Nothing: what was recorded here is taken back."""


class Refused(StrEnum):
    """Why a change couldn't be taken."""

    CANCELLED = "cancelled"
    TOO_EARLY = "too_early"
    NO_REASON = "no_reason"
    """It is a correction by now, and no reason was given."""
    NOBODY = "nobody"
    """No such account on the communities' sites."""
    LENGTH_UNKNOWN = "length_unknown"
    """Nobody said how long the session is: minutes have to be given."""
    NO_SUCH_STATUS = "no_such_status"
    NO_SUCH_MINUTES = "no_such_minutes"
    NOT_CLEARED = "not_cleared"
    """What was recorded can be corrected by now, and not simply taken back."""
    NOT_DECIDED = "not_decided"
    """The correction can't be decided."""
    USED = "used"
    """Its id is that of another change."""
    NOTED = "noted"
    """Somebody of this name and key is noted already."""


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody says of one person. `seen`: the version that it was made on; None: nothing was recorded yet."""

    id: UUID
    account_id: UUID
    what: What
    seen: UUID | None = None
    minutes: int | None = None
    late: int = 0
    left: int = 0
    status: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """What a change amounts to; all None: nothing is recorded any more."""

    minutes: int | None = None
    status: str | None = None
    mode: str | None = None
    intervals: tuple[Interval, ...] = ()

    @property
    def values(self) -> tuple[int | None, str | None, str | None]:
        return self.minutes, self.status, self.mode


NOTHING = Meant()


@dataclass(slots=True)
class Saved:
    """What became of changes: the ids of those that stand, those that somebody else was quicker to contradict, and
    those that can't be taken."""

    taken: list[UUID] = field(default_factory=list)
    clashes: list[Change] = field(default_factory=list)
    refused: dict[UUID, Refused] = field(default_factory=dict)


@dataclass(slots=True)
class _Stand:
    """What stands of somebody while changes are taken one by one."""

    version: UUID | None
    meant: Meant
    decided: bool
    """Somebody decided it with a reason: what says otherwise needs one, too."""


def save(
    session: Session, session_id: UUID, changes: Sequence[Change], by: Actor, now: datetime, reason: str = ""
) -> Saved:
    """Take changes in their order; one that was taken before is taken again, and nothing happens.

    The session exists, and nothing is locked yet. Presences are added and not folded: the caller wakes the job after
    the commit.
    """
    lengths = (change.minutes for change in changes if change.what in (What.PRESENT, What.PART))
    keep_length(session, session_id, next(filter(None, lengths), None), by, now, reason)
    meeting = presences.held(session, {session_id})[session_id]
    closed = shut(meeting.row, now)
    if closed:
        return Saved(refused={change.id: Refused(str(closed)) for change in changes})
    late = wants_reason(session, meeting, now)
    if late or reason.strip():
        # Corrections are decisions, which make their facts at once.
        everywhere_alone(session)
        hold_people(session, [change.account_id for change in changes])
    take_turns(session, session_id)
    taking = _Taking(session, meeting, changes, By(by, _role(by), reason.strip(), now), late=late)
    for change in changes:
        taking.take(change)
    taking.write()
    return taking.saved


def keep_length(
    session: Session, session_id: UUID, minutes: int | None, by: Actor, now: datetime, reason: str = ""
) -> None:
    """Have the session be planned for so many minutes, where nobody said yet how long it is and presence there counts
    minutes: whoever records it may say so, whosever session it is. Nothing is locked yet."""
    meeting = presences.held(session, {session_id})[session_id]
    rule = rule_of(meeting.program, meeting.row.kind)
    if rule.weights or whole(rule, meeting.row.planned_minutes) is not None:
        return
    if minutes not in range(1, DAY_MINUTES + 1) or shut(meeting.row, now):
        return
    if wants_reason(session, meeting, now) and not reason.strip():
        return
    everywhere_alone(session)
    take_turns(session, session_id)
    row = presences.held(session, {session_id})[session_id].row
    if row.planned_minutes is not None:
        return
    row.planned_minutes = minutes
    sessions.note(
        session, row, "changed", {"planned_minutes": None}, {"planned_minutes": minutes}, by, now, reason.strip()
    )
    presences.touch(session, Presence.session_id == session_id)
    sessions.mark(session, sessions.communities_of(session, row))


def take_turns(session: Session, session_id: UUID) -> None:
    """Have two who save at the same time go one after the other; check-ins go on meanwhile."""
    session.execute(select(SessionRow.id).where(SessionRow.id == session_id).with_for_update(key_share=True))


def _role(by: Actor) -> str:
    return str(next((role for role in DECIDERS if role in by.roles), by.name))


class _Taking:
    """The changes of one roster, on their way."""

    def __init__(self, session: Session, meeting: Held, changes: Sequence[Change], by: By, *, late: bool) -> None:
        self.session, self.meeting, self.by, self.late = session, meeting, by, late
        self.saved = Saved()
        people = of_meeting(session, meeting, by.actor)
        self.accounts = {account: person.accounts for person in people for account in person.accounts}
        """By account: all of the person's, first the one that changes go to."""
        self.standing = {person.account_id: _stand(person) for person in people}
        new = {change.account_id for change in changes} - self.accounts.keys()
        self.standing |= {
            account: _Stand(None, NOTHING, False) for account in _of_sites(session, meeting, by.actor, new)
        }
        named = {change.id for change in changes} | {change.seen for change in changes if change.seen}
        self.known = {row.id: row for row in session.scalars(select(Presence).where(among(Presence.id, named)))}
        self.became: dict[UUID, UUID | None] = {}
        """What changes of this batch stand as, by their ids."""
        self.new: dict[UUID, NewPresence] = {}
        self.last: dict[UUID, UUID | None] = {}
        """By account: the row that says it from now on; None: none does."""

    def take(self, change: Change) -> None:
        """Take one change, or note why not."""
        change = replace(change, account_id=self._main(change.account_id))
        stand = self.standing.get(change.account_id)
        meant = meant_by(self.meeting, change)
        why = Refused.NOBODY if stand is None else self._unusable(change)
        if why or isinstance(meant, Refused) or stand is None:
            self.saved.refused[change.id] = why or Refused(str(meant))
        elif change.id in self.known or meant.values == stand.meant.values or self._cleared_before(change):
            self._done(change, stand)
        elif (self.became.get(change.seen, change.seen) if change.seen else None) != stand.version:
            self.saved.clashes.append(change)
        elif self.late or stand.decided:
            self._correct(change, meant, stand)
        else:
            self._record(change, meant, stand)

    def _main(self, account: UUID) -> UUID:
        """The one of a person's accounts that changes go to."""
        return self.accounts.get(account, (account,))[0]

    def _unusable(self, change: Change) -> Refused | None:
        before = self.known.get(change.id)
        mine = before is None or (
            before.session_id == self.meeting.row.id
            and before.account_id is not None
            and self._main(before.account_id) == change.account_id
        )
        return None if mine else Refused.USED

    def _cleared_before(self, change: Change) -> bool:
        """Whether this is a second sending: nothing is added by taking back, that it could be known by."""
        before = self.known.get(change.seen) if change.seen and change.what is What.CLEARED else None
        return before is not None and before.withdrawn_at is not None and before.withdrawn_by == self.by.actor.name

    def _done(self, change: Change, stand: _Stand) -> None:
        self.became[change.id] = stand.version
        self.saved.taken.append(change.id)

    def _record(self, change: Change, meant: Meant, stand: _Stand) -> None:
        cleared = change.what is What.CLEARED
        stand.version, stand.meant = None if cleared else change.id, meant
        self.last[change.account_id] = stand.version
        if not cleared:
            self.new[change.id] = NewPresence(
                self.meeting.row.id,
                change.account_id,
                Way.ROSTER,
                meant.minutes,
                meant.status,
                meant.mode,
                meant.intervals,
                id=change.id,
            )
        self._done(change, stand)

    def _correct(self, change: Change, meant: Meant, stand: _Stand) -> None:
        """Decide it. Its version is asked for afterwards: the decision names its row itself."""
        if not self.by.reason or change.what is What.CLEARED:
            self.saved.refused[change.id] = Refused.NOT_CLEARED if self.by.reason else Refused.NO_REASON
            return
        minutes, status, mode = meant.values
        meeting = self.meeting.row.id
        try:
            decision = correct(
                self.session, meeting, change.account_id, minutes=minutes, status=status, mode=mode, by=self.by
            )
        except DecisionError:
            self.saved.refused[change.id] = Refused.NOT_DECIDED
            return
        stand.version = self.session.scalars(select(Presence.id).where(Presence.decision_id == decision)).one()
        stand.meant, stand.decided = meant, True
        self._done(change, stand)

    def write(self) -> None:
        """Add what is new. One row of the roster stands for each person: those before it are taken back."""
        if not self.last:
            return
        actor, meeting, kept = self.by.actor, self.meeting.row.id, set(filter(None, self.last.values()))
        cause = uuid7()
        presences.add(self.session, self.new.values(), by=actor, correlation_id=cause)
        p = Presence
        theirs = {account for one in self.last for account in self.accounts.get(one, (one,))}
        of_roster = (p.session_id == meeting, p.way == str(Way.ROSTER), among(p.account_id, theirs))
        presences.withdraw(self.session, *of_roster, ~among(p.id, kept), by=actor)
        after = {"correlation": str(cause), "people": len(self.last), "cleared": len(self.last) - len(kept)}
        audit.record(self.session, actor, "attendance.roster", str(meeting), after=after)


def _stand(person: RosterPerson) -> _Stand:
    said = person.by_hand
    decided = said is not None and said.said.way is Way.DECIDED
    return _Stand(person.version, Meant(*said.values) if said else NOTHING, decided)


def _of_sites(session: Session, meeting: Held, by: Actor, accounts: Iterable[UUID]) -> set[UUID]:
    """Those of accounts that are users of a site of the session's communities, and that one may see there."""
    a, sites = Account, sites_of(session, meeting.communities)
    found = select(a.id, a.person_id).where(among(a.id, accounts), among(a.site_id, sites), a.present)
    persons = dict(session.execute(found).all())
    shown = shown_people(session, by, meeting.communities, set(persons.values()))
    return {account for account, person in persons.items() if person in shown}


def meant_by(meeting: Held, change: Change) -> Meant | Refused:
    """What a change amounts to at a session."""
    if change.what is What.CLEARED:
        return NOTHING
    row, rule = meeting.row, rule_of(meeting.program, meeting.row.kind)
    mode = change.mode if row.mode == "hybrid" and change.mode in MODES else None
    if change.what is What.ABSENT:
        return Meant(0)
    if change.what is What.STATUS:
        return Meant(None, change.status, mode) if change.status in rule.weights else Refused.NO_SUCH_STATUS
    if change.what is What.PRESENT and rule.weights:
        return Meant(None, present_status(rule), mode)
    full = whole(rule, row.planned_minutes)
    if change.what is What.PART:
        return _part(row, change, full, mode)
    minutes = change.minutes if change.what is What.MINUTES or full is None else full
    if minutes is None:
        return Refused.LENGTH_UNKNOWN if change.what is What.PRESENT else Refused.NO_SUCH_MINUTES
    return Meant(minutes, None, mode) if 0 <= minutes <= DAY_MINUTES else Refused.NO_SUCH_MINUTES


def _part(row: SessionRow, change: Change, full: int | None, mode: str | None) -> Meant | Refused:
    """Late or gone early: the minutes between, and when they were."""
    length = change.minutes if full is None else full
    if length is None:
        return Refused.LENGTH_UNKNOWN
    if min(change.late, change.left, length) < 0 or max(change.late, change.left, length) > DAY_MINUTES:
        return Refused.NO_SUCH_MINUTES
    minutes = max(0, length - change.late - change.left)
    since = row.starts_at + timedelta(minutes=change.late)
    there = (Interval(since, since + timedelta(minutes=minutes)),) if minutes else ()
    return Meant(minutes, None, mode, there)


@dataclass(frozen=True, slots=True)
class WalkIn:
    """Somebody who came and can't be found by an exact key: staff will say who it is."""

    id: UUID
    """Made by who sends it, perhaps twice."""
    name: str
    key: str = ""
    """What nobody has as an e-mail, ID number or Moodle id."""
    minutes: int | None = None
    mode: str | None = None


def note(session: Session, session_id: UUID, guest: WalkIn, by: Actor, now: datetime) -> Refused | None:
    """Note somebody whom nobody knows yet as present, for the review queue. Returns why it couldn't be done."""
    meeting = presences.held(session, {session_id})[session_id]
    closed = shut(meeting.row, now)
    if closed:
        return Refused(str(closed))
    meant = meant_by(meeting, Change(guest.id, guest.id, What.PRESENT, minutes=guest.minutes, mode=guest.mode))
    if isinstance(meant, Refused):
        return meant
    key = guest.key.strip()
    who = Who(guest.name.strip(), **{"email" if "@" in key else "idnumber": key})
    take_turns(session, session_id)
    if any(_alike(Who.said(one.who), who) and one.id != guest.id for one in noted(session, session_id)):
        return Refused.NOTED
    said = NewPresence(
        session_id, None, Way.ROSTER, meant.minutes, meant.status, meant.mode, who=who.as_json(), id=guest.id
    )
    presences.add(session, [said], by=by, correlation_id=uuid7())
    return None


def _alike(one: Who, other: Who) -> bool:
    return (folded(one.name), one.keys) == (folded(other.name), other.keys)


def take_note_back(session: Session, session_id: UUID, presence_id: UUID, by: Actor) -> bool:
    """Take back what somebody noted, while nobody said who it is. Returns whether there was something."""
    p = Presence
    own = (p.id == presence_id, p.session_id == session_id, p.recorded_by == by.name, p.way == str(Way.ROSTER))
    return presences.withdraw(session, *own, p.account_id.is_(None), by=by) > 0


def find(session: Session, session_id: UUID, key: str) -> UUID | None:
    """The account that an e-mail, ID number or Moodle user id stands for on the sites of a session's communities;
    None where nobody has it, or more than one."""
    meeting = presences.held(session, {session_id})[session_id]
    text = key.strip()
    asked = [Who(email=text), Who(idnumber=text), Who(user=text)]
    found = {match.account_id for match in match_people(session, meeting.communities, asked) if match.account_id}
    return found.pop() if len(found) == 1 else None
