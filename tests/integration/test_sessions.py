"""Sessions are planned, moved, cancelled and restored; what makes one up credits nobody twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.attendance import fold_due
from mappings.attending import Way
from records import closings, presences, sessions
from records.actor import CLI, Actor, Grant, Role, Scope
from records.models import Account, AuditEntry, Community, FactRow, SessionChange, SessionRow, uuid7
from records.presences import NewPresence
from records.session_checks import Draft, Fault, SessionError, moment
from records.together import of_program
from tests.support.cli import Cli
from tests.support.deeds import AMARA, BAY, HAO, LENA, QUIZ, QUIZ_LA, community_id, net, standing
from tests.support.house import House
from tests.support.readings import completion, enrolment

ZONE = "America/Los_Angeles"
SATURDAY = date(2026, 1, 17)
STRANGER = Actor.user(uuid7(), (Grant(Role.STAFF, Scope.REGION, "deeds/LA"),))


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


def draft(code: str = "S-1", day: date = SATURDAY, clock: time = time(9), **more: Any) -> Draft:
    given: dict[str, Any] = {"title": f"Session {code}", "timezone": ZONE, "mode": "face_to_face"} | more
    return Draft(code=code, starts_at=moment(day, clock, given["timezone"]), **given)


def make(house: House, stated: Draft, region: str = "BAY", by: Actor = CLI, **more: Any) -> UUID:
    with Session(house.engine) as session, session.begin():
        return sessions.make(session, community_id(house, region), stated, by, house.now, **more)


def act(house: House, what: Callable[..., Any], *args: Any, **more: Any) -> Any:
    with Session(house.engine) as session, session.begin():
        return what(session, *args, **more)


def edit(house: House, meeting: UUID, reason: str = "", by: Actor = CLI, **changes: Any) -> str | None:
    with Session(house.engine) as session, session.begin():
        stated = replace(sessions.draft_of(session, session.get_one(SessionRow, meeting)), **changes)
        return sessions.change(session, meeting, stated, by, house.now, reason=reason)


def attend(house: House, meeting: UUID, minutes: int, user: int = AMARA) -> None:
    with Session(house.engine) as session, session.begin():
        account = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
        presences.add(session, [NewPresence(meeting, account, Way.ROSTER, minutes)], by=CLI, correlation_id=uuid7())


def work(house: House) -> None:
    fold_due(house.engine)
    house.work()
    assert house.differences() == []


def history(house: House, meeting: UUID) -> list[tuple[str, dict[str, Any], dict[str, Any], str]]:
    with Session(house.engine) as session:
        c = SessionChange
        rows = session.scalars(select(c).where(c.session_id == meeting).order_by(c.id))
        return [(row.what, row.before, row.after, row.reason) for row in rows]


def test_the_life_of_a_session(house: House) -> None:
    one = make(house, draft(planned_minutes=120, place="Room 4"))
    assert edit(house, one) is None
    assert edit(house, one, title="  The first   session ", capacity=40) == "changed"
    later = moment(SATURDAY, time(13), ZONE)
    assert act(house, sessions.move, one, later, None, CLI, house.now, reason="The room was taken") == "moved"
    act(house, sessions.cancel, one, CLI, "Snow", house.now)
    act(house, sessions.restore, one, CLI, "", house.now)
    assert [(what, reason) for what, _, _, reason in history(house, one)] == [
        ("made", ""),
        ("changed", ""),
        ("moved", "The room was taken"),
        ("cancelled", "Snow"),
        ("restored", ""),
    ]
    assert history(house, one)[1][1:3] == (
        {"title": "Session S-1", "capacity": None},
        {"title": "The first session", "capacity": 40},
    )
    assert history(house, one)[2][1:3] == (
        {"starts_at": "2026-01-17T17:00:00+00:00"},
        {"starts_at": "2026-01-17T21:00:00+00:00"},
    )
    with Session(house.engine) as session:
        row = session.get_one(SessionRow, one)
        assert (row.revision, row.cancelled_at, row.title) == (4, None, "The first session")
        trail = session.scalars(select(AuditEntry).where(AuditEntry.action.like("session.%")))
        # The trail is kept for ever: no text that somebody typed is in it.
        assert "Snow" not in str([(entry.before, entry.after) for entry in trail])


def test_a_series_keeps_its_clock_over_the_change_of_time(house: House) -> None:
    stated = draft("SAT", clock=time(9), ends_at=moment(SATURDAY, time(11, 30), ZONE))
    saturdays = [date(2026, 2, 28), date(2026, 3, 7), date(2026, 3, 14)]
    made = act(house, sessions.make_series, community_id(house, "BAY"), stated, saturdays[::-1], CLI, house.now)
    with Session(house.engine) as session:
        rows = [session.get_one(SessionRow, each) for each in made]
        assert [(row.code, row.series) for row in rows] == [(f"SAT-{n}", "SAT") for n in (1, 2, 3)]
        assert [row.starts_at.hour for row in rows] == [17, 17, 16]
        assert {row.ends_at - row.starts_at for row in rows if row.ends_at} == {timedelta(hours=2, minutes=30)}
    for wrong in ([], [SATURDAY, SATURDAY]):
        with pytest.raises(SessionError) as refused:
            act(house, sessions.make_series, community_id(house, "BAY"), stated, wrong, CLI, house.now)
        assert refused.value.fault is Fault.DATES
    night = replace(draft("N", day=date(2026, 3, 1), clock=time(2, 30)))
    with pytest.raises(SessionError) as refused:
        act(house, sessions.make_series, community_id(house, "BAY"), night, [date(2026, 3, 8)], CLI, house.now)
    assert refused.value.fault is Fault.NO_SUCH_TIME


def refused_by(do: Callable[[], Any]) -> Fault:
    with pytest.raises(SessionError) as refused:
        do()
    return refused.value.fault


def test_what_is_refused(house: House) -> None:
    one = make(house, draft(module=(house.site_id, QUIZ)))
    again = make(house, draft("S-1b", makes_up=one))
    la = community_id(house, "LA")
    in_la = make(house, draft("L-1"), "LA")
    wrong: dict[Fault, dict[str, Any]] = {
        Fault.TITLE: {"title": " "},
        Fault.CODE: {"code": "x" * 81},
        Fault.CODE_TAKEN: {"code": "s-1"},
        Fault.TIMEZONE: {"timezone": "Mars/Olympus"},
        Fault.ENDS: {"ends_at": moment(SATURDAY, time(9), ZONE)},
        Fault.MODE: {"mode": "telepathy"},
        Fault.KIND: {"kind": "party"},
        Fault.PLANNED: {"planned_minutes": 1441},
        Fault.CAPACITY: {"capacity": 0},
        Fault.PLACE: {"place": "x" * 501},
        Fault.LINK: {"link": "javascript:alert(1)"},
        Fault.SERIES: {"series": "x" * 81},
        Fault.MAKES_UP: {"makes_up": in_la},
        Fault.CHAIN: {"makes_up": again},
        Fault.MODULE: {"module": (house.site_id, QUIZ_LA)},
        Fault.MODULE_TAKEN: {"module": (house.site_id, QUIZ)},
        Fault.SHARED: {"shared_with": frozenset({uuid7()})},
    }
    for fault, changes in wrong.items():
        assert refused_by(partial(make, house, replace(draft("NEW"), **changes))) is fault, fault
    assert refused_by(lambda: edit(house, one, makes_up=one)) is Fault.MAKES_UP_ITSELF
    assert refused_by(lambda: edit(house, one, makes_up=make(house, draft("S-2")))) is Fault.CHAIN
    assert refused_by(lambda: make(house, draft("NEW"), by=STRANGER)) is Fault.COMMUNITY
    assert refused_by(lambda: edit(house, one, by=STRANGER, title="Mine")) is Fault.COMMUNITY
    assert refused_by(lambda: act(house, sessions.cancel, one, CLI, " ", house.now)) is Fault.REASON
    assert refused_by(lambda: act(house, sessions.restore, one, CLI, "", house.now)) is Fault.NOT_CANCELLED
    # In a community that shares it the activity would stand for two.
    shared = make(house, draft("S-3", shared_with=frozenset({la}), module=None))
    make(house, draft("L-2", module=(house.site_id, QUIZ_LA)), "LA")
    assert refused_by(lambda: edit(house, shared, module=(house.site_id, QUIZ_LA))) is Fault.MODULE_TAKEN
    with Session(house.engine) as session:
        there = {name: sessions.find(session, STRANGER, each) for name, each in (("one", one), ("shared", shared))}
        assert there["one"] is None
        assert there["shared"] is not None
        assert not sessions.plans(session, STRANGER, there["shared"])
        assert sessions.find(session, CLI, uuid7()) is None


def test_who_was_there_keeps_a_session_from_being_cancelled(house: House) -> None:
    one = make(house, draft())
    attend(house, one, 0, HAO)
    assert act(house, sessions.attended, one) == 0
    attend(house, one, 60)
    assert refused_by(lambda: act(house, sessions.cancel, one, CLI, "Snow", house.now)) is Fault.ATTENDED
    attend(house, one, 0)
    act(house, sessions.cancel, one, CLI, "Nobody came", house.now)
    work(house)
    assert net(house, AMARA) == 60


def test_a_session_that_is_moved_takes_its_hours_along(house: House) -> None:
    one = make(house, draft())
    attend(house, one, 90)
    work(house)
    assert edit(house, one, starts_at=moment(date(2026, 2, 7), time(9), ZONE)) == "moved"
    work(house)
    assert net(house, AMARA) == 60 + 90
    with Session(house.engine) as session:
        facts = session.scalars(select(FactRow).where(FactRow.session_id == one).order_by(FactRow.version)).all()
        assert [fact.happened_at.date().isoformat() for fact in facts] == ["2026-01-17", "2026-02-07"]
    # Held on a call, it counts as something else; shared, for others too.
    edit(house, one, mode="virtual", shared_with=frozenset({community_id(house, "LA")}))
    work(house)
    assert net(house, AMARA, "LA") == 60 + 90
    edit(house, one, shared_with=frozenset())
    work(house)
    assert net(house, AMARA, "LA") == 60


def test_a_closed_period_asks_why(house: House) -> None:
    one = make(house, draft())
    work(house)
    with Session(house.engine) as session, session.begin():
        snapshot = closings.begin(session, "deeds", date(2026, 1, 1), date(2026, 1, 31), "January", house.now)
        for _ in closings.fill(session, snapshot, house.now):
            pass
        closings.close(session, snapshot, actor=CLI, role="it", reason="Reported", now=house.now)
    out, into = moment(date(2026, 2, 7), time(9), ZONE), moment(date(2026, 1, 24), time(9), ZONE)
    assert refused_by(lambda: edit(house, one, starts_at=out)) is Fault.CLOSED
    assert edit(house, one, starts_at=out, reason="It was a week later") == "moved"
    assert refused_by(lambda: edit(house, one, starts_at=into)) is Fault.CLOSED
    assert edit(house, one, place="Room 5") == "changed"
    work(house)


def test_no_double_credit_whatever_comes_first(house: House) -> None:
    """A session, the one that makes it up, and an activity tied to each."""
    house.post([], [enrolment(LENA, BAY)])
    work(house)
    assert net(house, LENA) == 0
    one = make(house, draft(module=(house.site_id, QUIZ), planned_minutes=120))
    again = make(house, draft("S-1b", day=date(2026, 1, 24), makes_up=one))
    acts: dict[str, Callable[[], Any]] = {
        "session": lambda: attend(house, one, 50, LENA),
        "make-up": lambda: attend(house, again, 90, LENA),
        "activity": lambda: house.post([], [completion(LENA, QUIZ, BAY)]),
    }
    worth = {"session": 50, "make-up": 90, "activity": 60}
    for number, order in enumerate(permutations(acts)):
        done: list[str] = []
        for name in order:
            acts[name]()
            done.append(name)
            work(house)
            best = max(worth[each] for each in done) if number == 0 else 90
            assert net(house, LENA) == best, (order, done)
    edit(house, again, makes_up=None)
    work(house)
    assert net(house, LENA) == 60 + 90
    edit(house, again, makes_up=one)
    work(house)
    assert net(house, LENA) == 90


def test_what_was_cancelled_is_asked_of_nobody(house: House) -> None:
    """The program asks the school for a report after each gathering."""
    one = make(house, draft("G-1", kind="gathering"))
    again = make(house, draft("G-1b", day=date(2026, 1, 24), kind="gathering", makes_up=one))

    def lacking() -> list[str]:
        with Session(house.engine) as session:
            community = session.get_one(Community, community_id(house, "BAY"))
            found = of_program(session, community.program_id, house.now)
        outcomes = [o for each in found for o in each.together.outcomes if o.requirement == "reports"]
        return sorted({str(lack.params["session"]) for outcome in outcomes for lack in outcome.missing})

    assert lacking() == ["G-1"]
    act(house, sessions.cancel, one, CLI, "Snow", house.now)
    assert lacking() == ["G-1b"]
    act(house, sessions.cancel, again, CLI, "Snow again", house.now)
    assert lacking() == []
    act(house, sessions.restore, one, CLI, "", house.now)
    assert lacking() == ["G-1"]
    work(house)
    assert standing(house, AMARA)[0] == 60


def test_the_command_line(house: House) -> None:
    cli = Cli(house.settings)
    when = ("--date", "2026-03-07", "--start", "09:00", "--mode", "virtual")
    for wrong in ((), ("--minutes", "60", "--also", "9999-12-31")):
        refused = cli("session", "add", "COP-MATH-BAY", "--code", "C", *when, *wrong)
        assert (refused.code, ("Say when it ends" in refused.err) != bool(wrong)) == (1, True), refused.err
    further = ("--minutes", "60", "--also", "2026-03-14")
    made = cli("session", "add", "COP-MATH-BAY", "--code", "C", *when, *further).out.split()
    assert (
        cli("session", "move", made[0], "--date", "2026-03-08", "--start", "10:00", "--reason", "Ill").out == "Moved.\n"
    )
    assert cli("session", "cancel", made[1], "--reason", "Snow").code == 0
    assert "cancelled already" in cli("session", "cancel", made[1], "--reason", "Snow").err
    assert cli("session", "restore", made[1]).code == 0
    listed = cli("session", "list", "COP-MATH-BAY", "--json").data
    assert [(each["code"], each["revision"]) for each in listed] == [("C-1", 1), ("C-2", 2)]
    assert listed[0]["starts_at"] == "2026-03-08T17:00:00+00:00"
    assert [each["what"] for each in cli("session", "show", made[0], "--json").data["history"]] == ["moved", "made"]
    assert cli("session", "show", str(uuid7())).code == 1


def test_a_state_that_was_looked_at_is_the_one_that_is_changed(house: House) -> None:
    one = make(house, draft())
    edit(house, one, place="Room 5")
    assert edit(house, one, code="s-1") == "changed"
    acts: list[Callable[[], Any]] = [
        lambda: act(house, sessions.cancel, one, CLI, "Snow", house.now, revision=1),
        lambda: act(house, sessions.restore, one, CLI, "", house.now, revision=1),
        lambda: act(house, sessions.move, one, house.now, None, CLI, house.now, revision=1),
    ]
    for stale in acts:
        assert refused_by(stale) is Fault.MEANWHILE
    act(house, sessions.cancel, one, CLI, "Snow", house.now, revision=2)


def test_a_time_that_comes_twice_is_the_first_one() -> None:
    assert moment(date(2026, 11, 1), time(1, 30), ZONE) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    with pytest.raises(SessionError, match="no_such_time"):
        moment(date(2026, 3, 8), time(2, 30), ZONE)
