"""The roster of a session: what is said of people by hand, by several hands, twice, late; and on paper."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.intervals import Interval
from records import closings, presences, roster, roster_saving
from records.actor import CLI, Actor, Grant, Role, Scope
from records.mirror import everywhere_alone
from records.models import Decision, FactRow, Presence, uuid7
from records.presences import NewPresence
from records.roster_saving import Change, Refused, Saved, What
from records.settings import Settings
from records.sheet import code_of
from service.context import EXTENSION
from tests.support import readings, seed
from tests.support import roster as built
from tests.support.roster import Meeting
from tests.support.web import application

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


def minutes(engine: Engine, meeting: Meeting, user: int) -> int | None:
    """What the fact says, after the job."""
    with Session(engine) as session, session.begin():
        everywhere_alone(session)
        presences.fold(session, presences.due(session))
        key = presences.attendance_key(meeting.session, meeting.accounts[user])
        return session.scalars(
            select(FactRow.minutes).where(FactRow.key == key, FactRow.superseded_at.is_(None))
        ).one_or_none()


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
    ({}, What.MINUTES, {"minutes": 6_001}, Refused.NO_SUCH_MINUTES),
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
    with application(settings) as made:
        monkeypatch.setitem(made.extensions, EXTENSION, replace(made.extensions[EXTENSION], clock=lambda: NOW))
        yield made


def sign_in(app: Flask, engine: Engine, community: UUID) -> FlaskClient:
    """A facilitator of a community, whose requests carry the form token."""
    client = app.test_client()
    grants = [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(community))]
    client.set_cookie("copbridge", seed.signed_in_cookie(engine, "dana@example.org", grants))
    client.environ_base["HTTP_X_CSRFTOKEN"] = fields(client.get("/").text)["csrf_token"]
    return client


def fields(page: str) -> dict[str, str]:
    """The fields of the roster's form, as a browser without scripts sends them."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    found += re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked>', page)
    found += re.findall(r'name="([^"]+)" type="number"[^>]* value="([^"]*)">', page)
    return dict(found)


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
    with Session(engine) as session:
        rows = session.execute(select(Presence.account_id, Presence.minutes, Presence.who).order_by(Presence.id)).all()
    assert sorted((who, minutes) for account, minutes, who in rows if account is None) == [
        ({"name": "Zoé <b>", "email": "zoe@example.org"}, 90)
    ]
    assert len(rows) == 2


def test_the_sheet(app: Flask, engine: Engine) -> None:
    people = [("Thị Hương", "Nguyễn"), ("Łukasz", "Żak"), ("محمد", "علي"), ("小明", "王")]
    meeting = built.make(engine, people, NOW)
    codes = {user: code_of(meeting.session, account) for user, account in meeting.accounts.items()}
    address = f"/sessions/{meeting.session}/sheet"
    with sign_in(app, engine, meeting.community) as client:
        answer = client.get(f"{address}.pdf")
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
        lines = f"{codes[101]} 45\nlukasz zak 12:00-13:10\nnobody\n{codes[103]} -30\n{codes[101]} 50"
        looked = client.post(address, data={"lines": lines, "look": "1", "others": "1"}).text
        assert "Nobody on the roster has this code or name." in looked
        assert "An earlier line says something else" in looked
        assert said_on_paper(engine) == {}
        for _ in range(2):
            taken = client.post(address, data={"lines": lines, "take": "1", "others": "1"}).text
            assert ">nobody\n" in taken
    expected = {101: 45, 102: 70, 103: 60, 104: 90}
    assert [minutes(engine, meeting, user) for user in expected] == list(expected.values())
    assert len(said_on_paper(engine)) == len(expected)


def said_on_paper(engine: Engine) -> dict[UUID, int | None]:
    with Session(engine) as session:
        rows = session.execute(select(Presence.id, Presence.minutes).where(Presence.way == str(Way.PAPER)))
        return {row: minutes for row, minutes in rows}  # noqa: C416 - dict() of rows loses their types


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
