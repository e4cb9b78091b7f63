"""Decisions about who was at a session: what stands, that nothing reported later overrides it, and their undoing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import deciding
from records.deciding import DecisionError
from records.deciding_presence import Choice, correct, decide, decide_all, strike
from records.models import AuditEntry, Decision, Dispute, Presence
from tests.support.attended import REASON, account_id, by, counted, meeting, record, said, whole_net
from tests.support.cli import Cli
from tests.support.deeds import AMARA, HAO, LENA, membership_id, net
from tests.support.house import House
from tests.support.readings import enrolment

CLOSED = "2026-01-31"


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


def done(house: House, act: Callable[[Session], Any]) -> Any:
    """An act in a transaction of its own, and everything computed again."""
    with Session(house.engine) as session, session.begin():
        found = act(session)
    house.work()
    assert house.differences() == []
    return found


def undo(house: House, decision: UUID) -> None:
    done(house, lambda s: deciding.write(s, deciding.undo(s, decision), by(house)))


def disputes(house: House) -> set[tuple[UUID, UUID]]:
    with Session(house.engine) as session:
        return {(d.session_id, d.account_id) for d in session.scalars(select(Dispute))}


def test_a_choice_a_later_report_another_choice_and_their_undoing(house: House) -> None:
    there, amara = meeting(house), account_id(house, AMARA)
    online = net(house, AMARA)
    record(house, said(there, amara, Way.ROSTER, 120), said(there, amara, Way.ZOOM, 90))
    house.work()
    # Until somebody decides the least counts.
    assert (net(house, AMARA), disputes(house)) == (online + 90, {(there, amara)})
    untouched = whole_net(house)
    first = done(house, lambda s: decide(s, there, amara, take=Way.ROSTER, by=by(house)))
    assert (net(house, AMARA), disputes(house)) == (online + 120, set())
    with Session(house.engine) as session:
        row = session.get_one(Decision, first)
        assert row.membership_id == membership_id(house, AMARA)
        assert row.data["chosen"] == "roster"
        assert row.data["said"]["zoom"] == {"minutes": 90, "status": None, "mode": None}  # type: ignore[index]
        assert row.data["before"] == {"way": "zoom", "minutes": 90, "status": None, "mode": None}
        entry = session.scalars(select(AuditEntry).where(AuditEntry.subject == str(first))).one()
        assert REASON not in str(entry.after)

    # What is reported later is told to staff where it would earn something else, and counts for nothing by itself.
    record(house, said(there, amara, Way.TEAMS, 120))
    assert disputes(house) == set()
    record(house, said(there, amara, Way.FILE, 30))
    house.work()
    assert (net(house, AMARA), disputes(house)) == (online + 120, {(there, amara)})
    second = done(house, lambda s: decide(s, there, amara, take=Way.FILE, by=by(house)))
    assert (net(house, AMARA), disputes(house)) == (online + 30, set())

    undo(house, second)
    assert (net(house, AMARA), disputes(house)) == (online + 120, {(there, amara)})
    undo(house, first)
    assert disputes(house) == {(there, amara)}
    assert net(house, AMARA) == online + 30
    with Session(house.engine) as session, session.begin():
        for later in session.scalars(select(Presence).where(Presence.way.in_(("teams", "file")))):
            later.withdrawn_at, later.folded_at = house.now, None
    record(house, said(there, amara, Way.ROSTER, 120))
    house.work()
    assert whole_net(house) == untouched


def test_corrections_and_strikes_of_people_with_and_without_reports(house: House) -> None:
    there, amara, hao, lena = meeting(house), *(account_id(house, user) for user in (AMARA, HAO, LENA))
    record(house, said(there, amara, Way.CHECK_IN, 100))
    house.work()
    before = whole_net(house)
    struck = done(house, lambda s: strike(s, there, amara, by=by(house)))
    added = done(house, lambda s: correct(s, there, hao, minutes=45, status=None, mode="virtual", by=by(house)))
    # Lena is in no community: she becomes a member, and is credited once she is enrolled.
    walked_in = done(house, lambda s: correct(s, there, lena, minutes=60, status=None, mode=None, by=by(house)))
    assert (counted(house, there, amara), counted(house, there, hao)) == (0, 45)
    assert (net(house, HAO), net(house, LENA)) == (45, 0)
    house.post([], [enrolment(LENA, 2)])
    house.work()
    assert net(house, LENA) == 60
    for decision in (struck, added, walked_in):
        undo(house, decision)
    assert whole_net(house) == before

    ahead = meeting(house, "S2", starts_at=house.now + timedelta(days=1))
    clinic = meeting(house, "S3", kind="clinic")
    cancelled = meeting(house, "S4", cancelled_at=house.now)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("no session", {"session_id": uuid4(), "minutes": 1}),
        ("yet to come", {"session_id": ahead, "minutes": 1}),
        ("restore it first", {"session_id": cancelled, "minutes": 1}),
        ("way of 'zoom'", {"session_id": there, "take": Way.ZOOM}),
        ("how many minutes", {"session_id": there}),
        ("0 to 1440", {"session_id": there, "minutes": -1}),
        ("weigh 'X'", {"session_id": clinic, "status": "X"}),
        ("weigh 'Anna'", {"session_id": clinic, "minutes": 1, "status": "Anna"}),
        ("weighs no statuses", {"session_id": there, "minutes": 1, "status": "P"}),
        ("no mode", {"session_id": there, "minutes": 1, "mode": "asleep"}),
    ]
    for says, values in wrong:
        with Session(house.engine) as session, pytest.raises(DecisionError, match=says):
            decide(session, account_id=amara, by=by(house), **values)
    choices = [Choice(there, amara, minutes=5), Choice(there, hao, take=Way.PAPER)]
    with Session(house.engine) as session, pytest.raises(DecisionError):
        decide_all(session, choices, by=by(house))
    assert whole_net(house) == before


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([w for w in Way if w is not Way.DECIDED]), st.sampled_from([0, 40, 120])),
        min_size=1,
        max_size=5,
    ),
    decided=st.one_of(st.none(), st.sampled_from([0, 75])),
)
def test_nobody_is_credited_twice_whatever_the_ways_say(
    house: House, rows: list[tuple[Way, int]], decided: int | None
) -> None:
    before, code = net(house, HAO), f"N{uuid4().hex[:8]}"
    there, hao = meeting(house, code), account_id(house, HAO)
    record(house, *(said(there, hao, way, minutes) for way, minutes in rows))
    if decided is not None:
        done(house, lambda s: correct(s, there, hao, minutes=decided, status=None, mode=None, by=by(house)))
    record(house, *(said(there, hao, way, minutes) for way, minutes in rows))
    house.work()
    # The last that each way says; and of those the least.
    expected = min(dict(rows).values()) if decided is None else decided
    assert net(house, HAO) - before == expected


def test_what_is_decided_of_a_closed_period_waits_to_be_let_in(house: House) -> None:
    there, amara = meeting(house), account_id(house, AMARA)
    record(house, said(there, amara, Way.ROSTER, 120))
    house.now = datetime.now(UTC)
    house.work()
    cli = Cli(house.settings)
    closed = cli("period", "close", "deeds", "--from", "2025-07-01", "--until", CLOSED, "--reason", "The year is over.")
    assert closed.code == 0, closed.err
    house.work()
    before = whole_net(house)
    done(house, lambda s: correct(s, there, amara, minutes=30, status=None, mode=None, by=by(house)))
    assert whole_net(house) == before
    late = cli("period", "late", "deeds", "--json")
    assert (late.code, f"attendance:{there}" in late.out) == (0, True), late.out + late.err
