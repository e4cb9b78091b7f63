"""Acts on attendance in any order: the books are what a computation from scratch gives, and each undo is exact."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import attendance_reports, deciding, presences, review_acts, roster_saving, sessions
from records.actor import CLI
from records.attendance_reports import ReportError
from records.deciding import DecisionError
from records.deciding_presence import decide
from records.mirror import everywhere_alone
from records.models import (
    Account,
    AttendanceReport,
    Dispute,
    FactRow,
    LedgerEntry,
    Membership,
    Presence,
    SessionRow,
    uuid7,
)
from records.review_acts import NotThere, ReviewError
from records.roster_saving import Change, What
from records.session_checks import SessionError
from records.settings import Settings
from tests.support.attended import account_id, by, meeting, said
from tests.support.deeds import DEEDS, community_id
from tests.support.house import House
from tests.support.two_people import BOTH, ONE, OTHER, THIRD, furnish, merge, undo

PROGRAM = DEEDS.replace(
    "components: {face_to_face: face_to_face, virtual: online}",
    "components: {face_to_face: face_to_face, virtual: online}\n  at_most_planned: true",
)
PEOPLE = (ONE, OTHER, THIRD)
"""The third has an account, and is in no community."""
WAYS = (Way.ROSTER, Way.PAPER, Way.FILE, Way.ZOOM)
REFUSED = (SessionError, DecisionError, ReviewError, NotThere, ReportError)
MINUTES = st.sampled_from([0, 30, 100, 150])
EVENT = st.tuples(st.integers(0, 2), st.sampled_from(PEOPLE), st.sampled_from(WAYS), MINUTES)


@pytest.fixture
def house(settings: Settings, engine: Engine, redis: Redis) -> House:
    return House(settings, engine, redis, program=PROGRAM)


@dataclass
class Run:
    """One sequence of acts; what was done, for who takes it back."""

    house: House
    meetings: list[UUID]
    undone: list[Callable[[], Any]] = field(default_factory=list)

    def done(self, act: Callable[[Session], Any]) -> Any:
        """An act in a transaction of its own; None where it is refused."""
        try:
            with Session(self.house.engine) as session, session.begin():
                return act(session)
        except REFUSED:
            return None

    def rows(self, *which: Any) -> list[UUID]:
        with Session(self.house.engine) as session:
            return list(session.scalars(select(Presence.id).where(*which).order_by(Presence.id)))

    def first(self, *which: Any) -> UUID:
        """One that isn't there where there is none: the act is refused."""
        return next(iter(self.rows(*which)), uuid7())


def say(run: Run, at: int, user: int, way: Way, minutes: int) -> None:
    """Rows alone, as fast pages leave them."""
    row = said(run.meetings[at], account_id(run.house, user), way, minutes)
    run.done(lambda s: presences.add(s, [row], by=CLI, correlation_id=uuid7()))


def nobody(run: Run, at: int, user: int, way: Way, minutes: int) -> None:
    row = said(run.meetings[at], None, way, minutes, who={"name": f"User {user}"})
    run.done(lambda s: presences.add(s, [row], by=CLI, correlation_id=uuid7()))


def match(run: Run, at: int, user: int, _way: Way, _minutes: int) -> None:
    who = account_id(run.house, user)
    row = run.first(Presence.session_id == run.meetings[at], Presence.account_id.is_(None))
    if run.done(lambda s: review_acts.match(s, CLI, row, who)):
        run.undone.append(lambda: run.done(lambda s: review_acts.unmatch(s, CLI, row)))


def dismiss(run: Run, at: int, _user: int, _way: Way, _minutes: int) -> None:
    p = Presence
    open_now = (p.withdrawn_at.is_(None), p.account_id.is_(None) | p.held.is_not(None))
    row = run.first(p.session_id == run.meetings[at], *open_now)
    if run.done(lambda s: review_acts.dismiss(s, CLI, row, "Nobody of ours.")):
        run.undone.append(lambda: run.done(lambda s: review_acts.restore(s, CLI, row)))


def accept(run: Run, at: int, user: int, _way: Way, minutes: int) -> None:
    """A check-in with somebody else's phone, and that it counts."""
    row = said(run.meetings[at], account_id(run.house, user), Way.CHECK_IN, minutes, held="device", device="d")
    (made,) = run.done(lambda s: presences.add(s, [row], by=CLI, correlation_id=uuid7()))
    run.done(lambda s: review_acts.accept(s, CLI, made))
    run.undone.append(lambda: run.done(lambda s: review_acts.hold_again(s, CLI, made, "device")))


def settle(run: Run, at: int, user: int, way: Way, minutes: int) -> None:
    """Take one way's word, or a value of one's own."""
    who, take = account_id(run.house, user), way if minutes == 30 else None
    value = None if take else minutes
    made = run.done(lambda s: decide(s, run.meetings[at], who, take=take, minutes=value, by=by(run.house)))
    if made:
        run.undone.append(lambda: run.done(lambda s: deciding.write(s, deciding.undo(s, made), by(run.house))))


def take_in(run: Run, at: int, user: int, way: Way, minutes: int) -> None:
    """A report about two people, of whom one isn't known."""

    def act(session: Session) -> UUID:
        report = AttendanceReport(format="zoom", name="", sha256="0" * 64, actor="cli", status="done")
        session.add(report)
        session.flush()
        everywhere_alone(session)
        of = {"report_id": report.id}
        rows = [
            said(run.meetings[at], account_id(run.house, user), way, minutes, **of),
            said(run.meetings[at], None, way, minutes, who={"name": "Somebody"}, **of),
        ]
        presences.add(session, rows, by=CLI, correlation_id=uuid7())
        presences.fold(session, [(run.meetings[at], account_id(run.house, user))])
        return report.id

    made = run.done(act)
    run.undone.append(lambda: run.done(lambda s: attendance_reports.undo(s, made, by=CLI, now=run.house.now)))


def tick(run: Run, at: int, user: int, _way: Way, minutes: int) -> None:
    """On the roster: with a reason where the minutes say so, else it may be refused."""
    who, there = account_id(run.house, user), run.meetings[at]
    p = Presence
    mine = (p.session_id == there, p.account_id == who, p.withdrawn_at.is_(None))
    decided = run.rows(*mine, p.way == Way.DECIDED)
    by_hand = decided or run.rows(*mine, p.way == Way.ROSTER)
    what = What.CLEARED if minutes == 30 else What.MINUTES
    change = Change(uuid7(), who, what, by_hand[-1] if by_hand else None, minutes=minutes)
    reason = "The sheet says so." if minutes > 100 else ""
    run.done(lambda s: roster_saving.save(s, there, [change], CLI, run.house.now, reason))


def replan(run: Run, at: int, user: int, _way: Way, minutes: int) -> None:
    """Move a session, cancel or restore it, share it, or have it be of another length and kind."""
    there, now, house = run.meetings[at], run.house.now, run.house
    if minutes == 0:
        run.done(lambda s: sessions.cancel(s, there, CLI, "Rain.", now))
        return
    if minutes == 150:
        run.done(lambda s: sessions.restore(s, there, CLI, "Sun.", now))
        return

    def act(session: Session) -> None:
        draft = sessions.draft_of(session, session.get_one(SessionRow, there))
        shared = frozenset() if draft.shared_with else frozenset({community_id(house, "LA")})
        changes: dict[int, dict[str, Any]] = {
            ONE: {"planned_minutes": None if draft.planned_minutes else 60, "kind": "gathering"},
            OTHER: {"starts_at": draft.starts_at + timedelta(days=7), "shared_with": shared},
            THIRD: {"makes_up": None if draft.makes_up else run.meetings[at - 1], "kind": "webinar"},
        }
        sessions.change(session, there, replace(draft, **changes[user]), CLI, now, reason="As it was.")

    run.done(act)


def unite(run: Run, _at: int, user: int, _way: Way, _minutes: int) -> None:
    into = OTHER if user == ONE else ONE
    try:
        made = merge(run.house, user, into)
    except DecisionError:
        return
    run.undone.append(lambda: undo_merge(run, made))


def undo_merge(run: Run, made: UUID) -> None:
    try:
        undo(run.house, made)
    except DecisionError:
        return


def work(run: Run, *_: Any) -> None:
    run.house.work()


ACTS = {act.__name__: act for act in (say, nobody, match, dismiss, accept, settle, take_in, tick, replan, unite, work)}
REVERSIBLE = ("match", "dismiss", "settle", "take_in", "unite")
STEPS = st.lists(
    st.tuples(st.sampled_from([*ACTS, "say", "say", "settle", "replan", "undo"]), EVENT), min_size=4, max_size=14
)


def told(house: House) -> tuple[Any, ...]:
    """The facts of attendance, the conflicts and everybody's minutes."""
    house.work()
    f = FactRow
    wanted = select(f.key, f.minutes, f.presence, f.mode).where(f.superseded_at.is_(None), f.ended.is_(None))
    with Session(house.engine) as session:
        facts = {key: tuple(rest) for key, *rest in session.execute(wanted.where(f.kind == "attendance"))}
        disputed = {(d.session_id, d.account_id) for d in session.scalars(select(Dispute))}
        minutes: dict[tuple[UUID, str], int] = {}
        for entry in session.scalars(select(LedgerEntry)):
            key = (entry.membership_id, entry.credit_key)
            minutes[key] = minutes.get(key, 0) + entry.minutes
    return facts, disputed, {key: net for key, net in minutes.items() if net}


def by_hand(house: House) -> dict[UUID, int]:
    """What each participant has, from the rows of presences alone: of each occasion the best, and of what ways say
    that disagree the least."""
    rows: dict[tuple[UUID, UUID], list[Presence]] = {}
    found: dict[UUID, int] = {}
    with Session(house.engine) as session:
        p = Presence
        standing = select(p).where(p.withdrawn_at.is_(None), p.held.is_(None), p.account_id.is_not(None))
        for one in session.scalars(standing.order_by(p.recorded_at, p.id)):
            if one.account_id:
                rows.setdefault((one.session_id, one.account_id), []).append(one)
        held = presences.held(session, {there for there, _ in rows})
        persons = dict(session.execute(select(Account.id, Account.person_id)).all())
        best: dict[tuple[UUID, UUID, UUID], int] = {}
        for (there, account), of in rows.items():
            row = held[there].row
            if row.cancelled_at:
                continue
            last = {one.way: one.minutes or 0 for one in of}
            earned = [min(minutes, row.planned_minutes or minutes) for minutes in last.values()]
            decided = last.get(Way.DECIDED)
            minutes = min(earned) if decided is None else min(decided, row.planned_minutes or decided)
            for community in held[there].communities:
                key = (community, persons[account], row.makes_up or row.id)
                best[key] = max(best.get(key, 0), minutes)
        for (community, person, _), minutes in best.items():
            m = Membership
            mine = (m.community_id == community, m.person_id == person, m.merged_into.is_(None))
            whose = session.scalars(select(m.id).where(*mine, m.role == "participant")).one_or_none()
            if whose:
                found[whose] = found.get(whose, 0) + minutes
    return {whose: minutes for whose, minutes in found.items() if minutes}


def check(house: House) -> None:
    """Nothing is left to do, and everything is what it has to be."""
    before = told(house)
    assert house.differences() == []
    with Session(house.engine) as session, session.begin():
        everywhere_alone(session)
        p = Presence
        keys = session.execute(select(p.session_id, p.account_id).where(p.account_id.is_not(None))).all()
        assert presences.fold(session, [(there, who) for there, who in keys if who]) == 0
    assert told(house) == before
    sums: dict[UUID, int] = {}
    for (whose, _), minutes in before[2].items():
        sums[whose] = sums.get(whose, 0) + minutes
    assert {whose: minutes for whose, minutes in sums.items() if minutes} == by_hand(house)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, last=st.tuples(st.sampled_from(REVERSIBLE), EVENT))
def test_whatever_is_done_the_books_are_what_was_said_and_an_undo_is_exact(
    house: House, owner_engine: Engine, steps: list[tuple[str, Any]], last: tuple[str, Any]
) -> None:
    house.reset(owner_engine)
    furnish(house, BOTH)
    run = Run(house, [meeting(house, f"S{number}") for number in range(3)])
    for what, about in steps:
        if what == "undo":
            if run.undone:
                run.undone.pop(about[0] % len(run.undone))()
        else:
            ACTS[what](run, *about)
    check(house)
    run.undone.clear()
    before = told(house)
    what, about = last
    ACTS[what](run, *about)
    check(house)
    for undone in run.undone:
        undone()
    assert told(house) == before
    check(house)
