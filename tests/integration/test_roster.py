"""The roster of a session: what is said of people by hand, by several hands, twice, late; and on paper."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.intervals import Interval
from records import closings, merging, presences, roster, roster_saving
from records.actor import CLI, Actor, Grant, Role
from records.deciding import By
from records.models import Account, Decision, Presence, SessionChange, uuid7
from records.presences import NewPresence
from records.roster_saving import Change, Refused, Saved, What
from records.settings import Settings
from records.sheet import code_of
from tests.support import readings, seed
from tests.support import roster as built
from tests.support.roster import Meeting, fields, minutes, sign_in

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
"""Noon of a Saturday in Los Angeles."""
DANA, OTHER = (Actor.user(uuid7(), (Grant(Role.FACILITATOR),)) for _ in range(2))
FIRST, SECOND, THIRD = 101, 102, 103


@pytest.fixture
def meeting(engine: Engine) -> Meeting:
    return built.make(engine, built.names(4), NOW)


def save(
    engine: Engine, meeting: UUID, *changes: Change, by: Actor = DANA, now: datetime = NOW, reason: str = ""
) -> Saved:
    with Session(engine) as session, session.begin():
        return roster_saving.save(session, meeting, changes, by, now, reason)


def said(engine: Engine, meeting: UUID) -> dict[UUID, tuple[Any, ...]]:
    """(minutes, status, mode, version) by account, of whom something was recorded by hand."""
    with Session(engine) as session:
        return {
            person.account_id: (*person.by_hand.values, person.version)
            for person in roster.people(session, meeting)
            if person.by_hand
        }


def change(meeting: Meeting, user: int, what: What = What.PRESENT, **values: Any) -> Change:
    return Change(uuid7(), meeting.accounts[user], what, **values)


def test_who_is_on_it(engine: Engine, meeting: Meeting) -> None:
    seed.take_in(engine, meeting.site, [readings.account(500, "E500")])
    came = NOW - timedelta(minutes=20)
    with Session(engine) as session, session.begin():
        assert roster_saving.find(session, meeting.session, "e500") is None
        guest = roster_saving.find(session, meeting.session, "E500")
        assert guest == roster_saving.find(session, meeting.session, "U500@Example.org")
        ways = [
            NewPresence(meeting.session, meeting.accounts[FIRST], Way.CHECK_IN, intervals=(Interval(came, None),)),
            NewPresence(meeting.session, meeting.accounts[SECOND], Way.FILE, 45),
            NewPresence(meeting.session, meeting.accounts[SECOND], Way.ZOOM, 90),
            NewPresence(meeting.session, meeting.accounts[THIRD], Way.CHECK_IN, held="device"),
            NewPresence(meeting.session, guest, Way.FILE, 30),
        ]
        presences.add(session, ways, by=DANA, correlation_id=uuid7())
        people = roster.people(session, meeting.session)
    assert [p.group for p in people] == ["participant"] * 4 + ["facilitator", "guest"]
    names = [p.name for p in people[:4]]
    assert names == sorted(names, key=str.casefold)
    of = {p.account_id: p for p in people}
    first, second, third = (of[meeting.accounts[user]] for user in (FIRST, SECOND, THIRD))
    assert (first.others[0].open, first.others[0].seen[0].since, first.recorded) == (True, came, False)
    assert (second.disputed, second.stands.minutes if second.stands else None, second.version) == (True, 45, None)
    assert (third.others[0].held, third.recorded) == (True, False)
    assert guest is not None
    assert of[guest].group == "guest"


def test_what_a_change_says(engine: Engine, meeting: Meeting) -> None:
    changes = [
        change(meeting, 101),
        change(meeting, 102, What.PART, late=15, left=10),
        change(meeting, 103, What.MINUTES, minutes=30),
        change(meeting, 104, What.ABSENT),
    ]
    assert save(engine, meeting.session, *changes).taken == [one.id for one in changes]
    values = said(engine, meeting.session)
    assert [values[one.account_id][:3] for one in changes] == [(m, None, None) for m in (90, 65, 30, 0)]
    assert [minutes(engine, meeting, user) for user in (101, 102, 103, 104)] == [90, 65, 30, 0]
    # Taken back: as if nothing had been said.
    save(engine, meeting.session, change(meeting, 103, What.CLEARED, seen=changes[2].id))
    assert meeting.accounts[103] not in said(engine, meeting.session)
    assert minutes(engine, meeting, 103) is None


OTHER_KINDS: list[tuple[dict[str, Any], What, dict[str, Any], object]] = [
    ({"kind": "weighed"}, What.PRESENT, {}, (None, "P", None)),
    ({"kind": "weighed"}, What.STATUS, {"status": "L"}, (None, "L", None)),
    ({"kind": "weighed"}, What.STATUS, {"status": "X"}, Refused.NO_SUCH_STATUS),
    ({"kind": "weighed"}, What.ABSENT, {}, (0, None, None)),
    ({"kind": "fixed", "planned_minutes": None}, What.PRESENT, {}, (60, None, None)),
    ({"planned_minutes": None}, What.PRESENT, {}, Refused.LENGTH_UNKNOWN),
    ({"planned_minutes": None}, What.PRESENT, {"minutes": 80}, (80, None, None)),
    ({"planned_minutes": None}, What.PART, {"minutes": 80, "left": 20}, (60, None, None)),
    ({"planned_minutes": None}, What.PART, {"left": 20}, Refused.LENGTH_UNKNOWN),
    ({}, What.PRESENT, {"minutes": 3, "mode": "virtual"}, (90, None, None)),
    ({"mode": "hybrid"}, What.PRESENT, {"mode": "virtual"}, (90, None, "virtual")),
    ({"mode": "hybrid"}, What.PRESENT, {"mode": "by_mail"}, (90, None, None)),
    ({}, What.PART, {"late": 80, "left": 80}, (0, None, None)),
    ({}, What.MINUTES, {}, Refused.NO_SUCH_MINUTES),
    ({}, What.MINUTES, {"minutes": 1_441}, Refused.NO_SUCH_MINUTES),
    ({"cancelled_at": NOW}, What.PRESENT, {}, Refused.CANCELLED),
    ({"starts_at": NOW + timedelta(days=1)}, What.PRESENT, {}, Refused.TOO_EARLY),
]


def test_sessions_of_other_kinds(engine: Engine, meeting: Meeting) -> None:
    for columns, what, values, expected in OTHER_KINDS:
        session_id = built.add_session(engine, meeting.community, NOW, **columns)
        one = change(meeting, FIRST, what, **values)
        saved = save(engine, session_id, one)
        if isinstance(expected, Refused):
            assert (saved.refused, said(engine, session_id)) == ({one.id: expected}, {}), (columns, what, values)
        else:
            assert {a: v[:3] for a, v in said(engine, session_id).items()} == {one.account_id: expected}, (
                columns,
                what,
            )


def test_the_length_is_asked_for_once(app: Flask, engine: Engine, meeting: Meeting) -> None:
    session_id = built.add_session(engine, meeting.community, NOW, planned_minutes=None)
    address = f"/sessions/{session_id}/roster"
    with sign_in(app, engine, meeting.community) as client:
        assert 'name="whole"' in client.get(f"/sessions/{session_id}/sheet").text
        one = {"account": str(meeting.accounts[FIRST]), "what": "present", "minutes": 75}
        answer = client.post(address, json={"changes": [one | {"id": str(uuid7())}]}).get_json()
        told = next(p for p in answer["people"] if p["account"] == one["account"])
        assert (answer["full"], told["what"]) == (75, "present")
        # Whoever says something else meanwhile means all the time, too.
        other = one | {"account": str(meeting.accounts[SECOND]), "minutes": 80, "id": str(uuid7())}
        client.post(address, json={"changes": [other]})
        assert {values[0] for values in said(engine, session_id).values()} == {75}
        assert 'name="whole"' not in client.get(address).text
        assert "Planned length" in client.get(f"/sessions/{session_id}").text
        # Typed in from a sheet: what a line says of one person is no length of the session.
        paper = built.add_session(engine, meeting.community, NOW, planned_minutes=None)
        lines = {"lines": f"{code_of(paper, meeting.accounts[FIRST])} 20\nBo", "whole": "60"}
        looked = client.post(f"/sessions/{paper}/sheet", data=lines | {"look": "1"}).text
        assert "1:00 h" in looked or "1 h" in looked
        assert client.post(f"/sessions/{paper}/sheet", data=lines | {"take": "1"}).status_code == 303
    with Session(engine) as session:
        assert presences.held(session, {paper})[paper].row.planned_minutes == 60
        history = select(SessionChange.what, SessionChange.after).where(SessionChange.session_id == session_id)
        assert [(what, after) for what, after in session.execute(history)] == [("changed", {"planned_minutes": 75})]


def test_two_accounts_of_one_person_are_on_it_once(app: Flask, engine: Engine, meeting: Meeting) -> None:
    by_first, by_second = change(meeting, FIRST), change(meeting, SECOND, What.MINUTES, minutes=20)
    with Session(engine) as session, session.begin():
        way = NewPresence(meeting.session, meeting.accounts[FIRST], Way.FILE, 45)
        presences.add(session, [way], by=DANA, correlation_id=uuid7())
        persons = dict(session.execute(select(Account.moodle_user_id, Account.person_id)).all())
    save(engine, meeting.session, by_second)
    with Session(engine) as session, session.begin():
        merging.merge(session, persons[FIRST], persons[SECOND], By(CLI, "it", "The same", NOW))
    with Session(engine) as session:
        people = roster.people(session, meeting.session)
    assert len(people) == 4
    (one,) = (person for person in people if person.person_id == persons[SECOND])
    assert one.account_id == meeting.accounts[SECOND]
    assert {(told.said.way, told.said.minutes) for told in one.told} == {(Way.FILE, 45), (Way.ROSTER, 20)}
    # What was queued about the other account goes where the roster's row is, by the same rules.
    assert save(engine, meeting.session, by_first).clashes[0].id == by_first.id
    seen = replace(by_first, id=uuid7(), seen=by_second.id)
    assert save(engine, meeting.session, seen).taken == [seen.id]
    assert {account: values[0] for account, values in said(engine, meeting.session).items()} == {one.account_id: 90}
    assert minutes(engine, meeting, SECOND) == 90
    with sign_in(app, engine, meeting.community) as client:
        page = client.get(f"/sessions/{meeting.session}").text
        assert page.count('<th role="rowheader"') == 1
        assert "1 of 3 recorded" in client.get(f"/sessions/{meeting.session}/roster").text


def test_sent_again_nothing_is_doubled(engine: Engine, meeting: Meeting) -> None:
    first = change(meeting, FIRST)
    then = change(meeting, FIRST, What.ABSENT, seen=first.id)
    save(engine, meeting.session, first)
    # The answer was lost: both are sent, and sent again.
    for _ in range(2):
        saved = save(engine, meeting.session, first, then)
        assert (saved.taken, saved.clashes) == ([first.id, then.id], [])
    cleared = change(meeting, FIRST, What.CLEARED, seen=then.id)
    for _ in range(2):
        assert save(engine, meeting.session, cleared).taken == [cleared.id]
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Presence)) == 2
    assert said(engine, meeting.session) == {}
    # An id that names something else is no second sending.
    assert save(engine, meeting.session, Change(first.id, meeting.accounts[SECOND], What.PRESENT)).refused == {
        first.id: Refused.USED
    }


def test_two_facilitators(engine: Engine, meeting: Meeting) -> None:
    mine, same = change(meeting, FIRST), change(meeting, FIRST)
    save(engine, meeting.session, mine)
    # The same is no clash, and adds nothing.
    assert save(engine, meeting.session, same, by=OTHER).taken == [same.id]
    theirs = change(meeting, FIRST, What.MINUTES, minutes=20)
    saved = save(engine, meeting.session, theirs, by=OTHER)
    assert (saved.taken, saved.clashes) == ([], [theirs])
    assert said(engine, meeting.session)[theirs.account_id] == (90, None, None, mine.id)
    # Having seen it, the other one may change it; and the first, who hasn't, may not any more.
    again = change(meeting, FIRST, What.MINUTES, minutes=20, seen=mine.id)
    assert save(engine, meeting.session, again, by=OTHER).taken == [again.id]
    late = change(meeting, FIRST, What.ABSENT, seen=mine.id)
    assert save(engine, meeting.session, late).clashes == [late]
    assert minutes(engine, meeting, FIRST) == 20


def test_a_correction_has_a_reason_and_is_a_decision(engine: Engine, meeting: Meeting) -> None:
    first = change(meeting, FIRST)
    tomorrow, later = NOW + timedelta(days=1), NOW + timedelta(days=2)
    assert save(engine, meeting.session, first, now=tomorrow).taken == [first.id]
    wrong = change(meeting, FIRST, What.MINUTES, minutes=45, seen=first.id)
    assert save(engine, meeting.session, wrong, now=later).refused == {wrong.id: Refused.NO_REASON}
    assert save(engine, meeting.session, wrong, now=later, reason="Left at the break").taken == [wrong.id]
    # Sent again after a lost answer: it says what stands, and nothing is decided twice.
    assert save(engine, meeting.session, wrong, now=later, reason="Left at the break").taken == [wrong.id]
    with Session(engine) as session:
        (decision,) = session.scalars(select(Decision)).all()
        assert (decision.kind, decision.reason, decision.actor) == ("presence", "Left at the break", DANA.name)
    assert minutes(engine, meeting, FIRST) == 45
    cleared = change(meeting, FIRST, What.CLEARED, seen=said(engine, meeting.session)[wrong.account_id][3])
    assert save(engine, meeting.session, cleared, now=later, reason="?").refused == {cleared.id: Refused.NOT_CLEARED}
    # What was decided isn't changed without a reason on the same day either.
    today = change(meeting, FIRST, seen=cleared.seen)
    assert save(engine, meeting.session, today).refused == {today.id: Refused.NO_REASON}


def test_a_closed_period_asks_for_a_reason(engine: Engine, meeting: Meeting) -> None:
    tomorrow = NOW + timedelta(days=1)
    with Session(engine) as session, session.begin():
        held = presences.held(session, {meeting.session})[meeting.session]
        assert not roster.wants_reason(session, held, tomorrow)
        period = closings.begin(session, "small", date(2026, 11, 1), date(2026, 11, 21), "Fall", tomorrow)
        closings.close(session, period, actor=CLI, role="it", reason="The fall is over", now=tomorrow)
        assert roster.wants_reason(session, held, tomorrow)


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    with built.application_at(settings, monkeypatch, NOW) as made:
        yield made


def test_the_page_without_scripts(app: Flask, engine: Engine, meeting: Meeting) -> None:
    address = f"/sessions/{meeting.session}/roster"
    with sign_in(app, engine, meeting.community) as client:
        form = fields(client.get(address).text)
        second, third = meeting.accounts[SECOND], meeting.accounts[THIRD]
        form |= {f"what-{second}": "part", f"late-{second}": "20", f"what-{third}": "absent", "all": "1"}
        for _ in range(2):
            # The button pressed twice sends it twice.
            assert client.post(address, data=form).status_code == 303
        assert {a: v[0] for a, v in said(engine, meeting.session).items()} == {
            meeting.accounts[101]: 90, second: 70, third: 0, meeting.accounts[104]: 90,
        }  # fmt: skip
        page = client.get(address).text
        assert "late by 20 min" in page
        assert "4 of 4 recorded" in page
        # Somebody else was quicker: what was touched on an old page is told, and what wasn't is left alone.
        stale = fields(page)
        seen = said(engine, meeting.session)[second][3]
        save(engine, meeting.session, change(meeting, SECOND, What.ABSENT, seen=seen), by=OTHER)
        assert client.post(address, data=stale | {f"what-{third}": "present"}).status_code == 303
        assert said(engine, meeting.session)[second][0] == 0
        answer = client.post(address, data=stale | {f"what-{second}": "present"})
        assert "something different meanwhile" in answer.text


def test_what_the_script_sends(app: Flask, engine: Engine, meeting: Meeting) -> None:
    address = f"/sessions/{meeting.session}/roster"
    one = {"id": str(uuid7()), "account": str(meeting.accounts[FIRST]), "what": "present"}
    with sign_in(app, engine, meeting.community) as client:
        revision = client.get(f"{address}/state").get_json()["revision"]
        assert client.get(f"{address}/state?seen={revision}").status_code == 204
        answer = client.post(address, json={"changes": [one], "reason": ""})
        told = next(p for p in answer.get_json()["people"] if p["account"] == one["account"])
        assert (answer.get_json()["taken"], told["version"], told["label"]) == ([one["id"]], one["id"], "Present")
        assert client.get(f"{address}/state?seen={revision}").get_json()["revision"] == answer.get_json()["revision"]
        unfit: list[Any] = [
            {"changes": [one | {"what": "x"}]},
            {"changes": [one] * 501},
            [],
            {"changes": [one | {"late": -1}]},
        ]
        for wrong in unfit:
            assert client.post(address, json=wrong).status_code == 400
        many = [one | {"id": str(uuid7()), "seen": str(uuid7()), "mode": "face_to_face"} for _ in range(500)]
        assert client.post(address, json={"changes": many}).status_code == 200


def test_walk_ins(app: Flask, engine: Engine, meeting: Meeting) -> None:
    seed.take_in(engine, meeting.site, [readings.account(500, "E500")])
    address = f"/sessions/{meeting.session}/roster"
    with sign_in(app, engine, meeting.community) as client:
        sent = {"id": str(uuid7()), "key": "u500@EXAMPLE.org"}
        assert [client.post(f"{address}/walk-in", data=sent).status_code for _ in range(2)] == [303, 303]
        # By a part of a name nobody is found, however many there are.
        assert "No account has exactly this key" in client.post(f"{address}/walk-in", data={"key": "Abara"}).text
        noted = {"id": str(uuid7()), "key": "zoe@example.org", "name": "Zoé <b>"}
        assert [client.post(f"{address}/walk-in", data=noted).status_code for _ in range(2)] == [303, 303]
        page = client.get(address).text
        assert "Zoé &lt;b&gt;" in page
        assert "Others who came" in page
        # Noted again, by whomever: it is one entry.
        again = {"key": "ZOE@example.org", "name": " zoe <B>"}
        assert "This person is noted already." in client.post(f"{address}/walk-in", data=again).text
        other = {"id": str(uuid7()), "name": "Zoé <b>"}
        client.post(f"{address}/walk-in", data=other)
        assert client.get(address).text.count(">Take back</button>") == 2
        assert client.post(f"{address}/walk-in", data={"back": other["id"]}).status_code == 303
        assert client.get(address).text.count(">Take back</button>") == 1
        with Session(engine) as session:
            assert not roster_saving.take_note_back(session, meeting.session, UUID(noted["id"]), OTHER)
    with Session(engine) as session:
        standing = Presence.withdrawn_at.is_(None)
        rows = session.execute(select(Presence.account_id, Presence.minutes, Presence.who).where(standing)).all()
    assert sorted((who, minutes) for account, minutes, who in rows if account is None) == [
        ({"name": "Zoé <b>", "email": "zoe@example.org"}, 90)
    ]
    assert len(rows) == 2


def test_what_lies_outside_is_not_there(app: Flask, engine: Engine, meeting: Meeting) -> None:
    with sign_in(app, engine, uuid7()) as client:
        one = {"id": str(uuid7()), "account": str(meeting.accounts[FIRST]), "what": "present"}
        for session_id in (meeting.session, uuid7()):
            roster_at, sheet_at = f"/sessions/{session_id}/roster", f"/sessions/{session_id}/sheet"
            for path in (roster_at, f"{roster_at}/state", sheet_at, f"{sheet_at}.pdf"):
                assert client.get(path).status_code == 404
            assert client.post(roster_at, json={"changes": [one]}).status_code == 404
            assert client.post(roster_at, data={"all": "1"}).status_code == 404
            assert client.post(f"{roster_at}/walk-in", data={"key": "E101"}).status_code == 404
            assert client.post(sheet_at, data={"lines": "x", "take": "1"}).status_code == 404
    assert said(engine, meeting.session) == {}
