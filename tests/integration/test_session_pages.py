"""The pages about sessions: plan, look, change, cancel; who missed what; and who may not."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import closings, presences, sessions
from records.actor import CLI, Grant, Role, Scope
from records.models import Account, SessionChange, SessionRow, SharedSession, uuid7
from records.presences import NewPresence
from records.session_checks import Draft, Fault, SessionError, moment
from records.settings import Settings
from service import session_words
from tests.support import seed
from tests.support.readings import settle
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application

ZONE = "America/Los_Angeles"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MISSED = "Missed it Active participants who were neither here nor at a session that makes it up."
HIDDEN = ("csrf_token", "revision")
STATED = {
    "title": "Writing clinic",
    "code": "W-1",
    "day": "2026-03-07",
    "start": "09:00",
    "end": "11:30",
    "timezone": ZONE,
    "mode": "face_to_face",
    "planned_minutes": "120",
    "place": "Room 4",
}


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    with client.get(path) as response:
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_data(as_text=True)


def send(client: FlaskClient, path: str, page: str, values: Any, status: int = 303) -> str:
    """Post a form of a page; where it leads to, or what is shown instead."""
    shown = read(client, page)
    hidden = {name: found[1] for name in HIDDEN if (found := re.search(rf'name="{name}" value="([^"]+)"', shown))}
    with client.post(path, data=hidden | values) as response:
        html = response.get_data(as_text=True)
        assert response.status_code == status, words(html)
        return str(response.headers["Location"]) if status == 303 else html


def rows(engine: Engine) -> dict[str, SessionRow]:
    with Session(engine, expire_on_commit=False) as session:
        return {row.code: row for row in session.scalars(select(SessionRow))}


def attend(engine: Engine, meeting: UUID, user: int, minutes: int, way: Way = Way.ROSTER) -> UUID:
    """The account of who was there."""
    with Session(engine) as session, session.begin():
        account = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
        presences.add(session, [NewPresence(meeting, account, way, minutes)], by=CLI, correlation_id=uuid7())
        presences.fold(session, presences.due(session))
        return account


def test_plan_a_session_change_move_cancel_and_hold_it_after_all(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    place = f"/communities/{seeded.communities[BAY]}/sessions"
    other = str(seeded.communities[LA])
    made = send(client, place, f"{place}/new", STATED | {"required": "1", "shared_with": [other]})
    row = rows(engine)["W-1"]
    assert made == f"/sessions/{row.id}"
    assert (row.starts_at, row.required, row.planned_minutes) == (datetime(2026, 3, 7, 17, tzinfo=UTC), True, 120)
    with Session(engine) as session:
        assert str(session.scalars(select(SharedSession.community_id)).one()) == other
    page = words(read(client, made))
    assert "Mar 7, 2026, 9:00 AM PST · Room 4 · face-to-face" in page
    # A form that is refused keeps what was typed.
    typed = STATED | {"title": "Another title", "planned_minutes": "a lot"}
    refused = send(client, f"{made}/edit", f"{made}/edit", typed, 400)
    assert "Planned minutes are a whole number from 0 to 1440" in words(refused)
    assert 'value="Another title"' in refused
    assert re.search(r'id="planned_minutes"[^>]*aria-invalid="true"', refused)
    send(client, f"{made}/edit", f"{made}/edit", STATED | {"place": "Room 5", "reason": "Full"})
    when = {"day": "2026-03-08", "start": "02:30", "reason": ""}
    refused = send(client, f"{made}/move", made, when, 400)
    assert "02:30 doesn't exist on Mar 8, 2026 in America/Los_Angeles" in words(refused)
    send(client, f"{made}/move", made, when | {"start": "13:00", "end": "15:30", "reason": "The room was taken"})
    assert "Say why" in words(send(client, f"{made}/cancel", made, {"reason": " "}, 400))
    send(client, f"{made}/cancel", made, {"reason": "Snow"})
    page = words(read(client, made))
    assert "This session was cancelled" in page
    assert "Roster: who is here" not in page
    assert "Writing clinic W-1 cancelled" in words(read(client, f"/communities/{seeded.communities[BAY]}"))
    send(client, f"{made}/restore", made, {"reason": ""})
    page = words(read(client, made))
    for told in (
        "Held after all",
        "Cancelled · ",
        "Robin Ellery · Snow",
        "Begins: Mar 7, 2026, 9:00 AM PST → Mar 8, 2026, 1:00 PM PDT",
        "Place: Room 4 → Room 5",
        "Shared with: Evidence-Based Writing",
        "Required: yes → nothing",
    ):
        assert told in page, (told, page)
    with Session(engine) as session:
        acts = session.scalars(select(SessionChange.what).order_by(SessionChange.id)).all()
    assert list(acts) == ["made", "changed", "moved", "cancelled", "restored"]


def test_what_a_form_needs_and_what_it_was_made_of(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    place = f"/communities/{seeded.communities[BAY]}/sessions"
    needed = "Say when it ends, or how many minutes are planned."
    open_end = {"end": "", "planned_minutes": ""}
    assert needed in words(send(client, place, f"{place}/new", STATED | open_end, 400))
    made = send(client, place, f"{place}/new", STATED | {"planned_minutes": ""})
    # Without planned minutes all of it is planned.
    assert rows(engine)["W-1"].planned_minutes == 150
    assert "Writing clinic W-1" in words(read(client, place))
    assert "Writing clinic (W-1), Mar 7, 2026" in read(client, f"{place}/new")
    taken = send(client, place, f"{place}/new", STATED | {"code": "w-1"}, 400)
    assert "Another session of the community has the code “W-1” already" in words(taken)
    days = "Choose a day from Jan 1, 2000 to Dec 31, 2100."
    for day in ("9999-12-31", "0001-01-01", "1999-12-31"):
        assert days in words(send(client, place, f"{place}/new", STATED | {"code": "X", "day": day}, 400))
        assert days in words(send(client, place, f"{place}/new", STATED | {"code": "X", "further": [day]}, 400))
        assert days in words(send(client, f"{made}/move", made, {"day": day, "start": "09:00"}, 400))
    # Somebody changes it while a form is open: whatever the form says, nothing is done.
    send(client, f"{made}/edit", f"{made}/edit", STATED | {"title": "Theirs"})
    stale = {"revision": "0", "reason": "Snow"}
    for path, values in (("edit", STATED | {"place": "Mine"}), ("move", {"day": "2026-03-09", "start": "09:00"})):
        page = send(client, f"{made}/{path}", made, values | stale, 409)
        assert "Somebody changed the session meanwhile" in words(page)
        assert ("Theirs" in page, "Mine" in page, 'name="revision" value="1"' in page) == (True, False, True)
    for path in ("cancel", "restore"):
        send(client, f"{made}/{path}", made, stale, 409)
    row = rows(engine)["W-1"]
    assert (row.revision, row.cancelled_at, row.title, row.place) == (1, None, "Theirs", "Room 4")
    # Nor for a form that is corrected after a refusal.
    wrong = send(client, f"{made}/edit", f"{made}/edit", STATED | stale | {"day": "soon"}, 400)
    assert 'name="revision" value="0"' in wrong


def test_a_form_that_is_sent_after_the_sign_in_ended_leads_back(app: Flask, seeded: Seeded) -> None:
    place = f"/communities/{seeded.communities[BAY]}/sessions"
    with app.test_client() as client:
        for referrer, back in (
            (f"http://localhost{place}/new?makes_up=1", f"/sign-in?next={place}/new?makes_up%3D1"),
            (f"https://elsewhere.org{place}/new", "/sign-in"),
            ("http://localhost//elsewhere.org", "/sign-in"),
            (f"http://localhost/sessions/{uuid7()}/move", "/sign-in"),
            ("http://[", "/sign-in"),
        ):
            with client.post(place, data=STATED, headers={"Referer": referrer}) as response:
                page = response.get_data(as_text=True)
            assert response.status_code == 401
            assert f'href="{back}"' in page, page
            assert ("type it again" in page) == (back != "/sign-in")


def test_a_series_and_a_session_that_makes_one_up(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    place = f"/communities/{seeded.communities[BAY]}/sessions"
    dates = {"further": ["2026-03-14", "", "2026-03-21"]}
    assert send(client, place, f"{place}/new", STATED | dates) == place
    assert {"W-1-1", "W-1-2", "W-1-3"} <= rows(engine).keys()
    original = rows(engine)["S1"]
    form = read(client, f"{place}/new?makes_up={original.id}")
    assert re.search(rf'<option value="{original.id}" selected>', form)
    made = send(client, place, f"{place}/new", STATED | {"code": "S1-b", "makes_up": str(original.id)})
    assert "Makes up Face-to-face session 1" in words(read(client, made))
    assert "Made up by Writing clinic" in words(read(client, f"/sessions/{original.id}"))
    refused = send(client, place, f"{place}/new", STATED | dates | {"code": "W-1"}, 400)
    assert "Another session of the community has the code “W-1-1” already" in words(refused)
    assert "Choose the day" in words(send(client, place, f"{place}/new", STATED | {"day": "soon"}, 400))
    for wrong in ({"module": "x:1"}, {"makes_up": "x"}, {"shared_with": "x"}, {"module": f"{seeded.site}:999"}):
        send(client, place, f"{place}/new", STATED | {"code": "X"} | wrong, 400)


def test_who_was_there_and_who_missed_it(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    community = seeded.communities[BAY]
    first = rows(engine)["S1"]
    with Session(engine) as session, session.begin():
        stated = Draft("Again", "S1-b", moment(date(2026, 2, 7), time(9), ZONE), ZONE, "virtual", makes_up=first.id)
        again = sessions.make(session, community, stated, CLI, NOW)
        session.get_one(SessionRow, first.id).required = True
    listed = words(read(client, f"/communities/{community}/sessions"))
    # Two of six participants weren't there; whoever left isn't asked.
    assert "4 present 2 missed it" in listed
    page = words(read(client, f"/sessions/{first.id}"))
    assert f"{MISSED} Jonah Whitfield Priya Raman Change of plans" in page
    assert "Amara Okafor File: 5 h 5 h 5 h face-to-face" in page
    attend(engine, again, 14, 60)
    attend(engine, first.id, 11, 200)
    page = words(read(client, f"/sessions/{first.id}"))
    assert f"{MISSED} Jonah Whitfield Change of plans" in page
    assert "Amara Okafor Roster: 3 h 20 min File: 5 h 3 h 20 min they disagree 3 h 20 min face-to-face" in page
    assert "The ways of recording disagree about 1 person" in page
    assert f"/review?session={first.id}" in read(client, f"/sessions/{first.id}")
    assert "4 present 1 missed it" in words(read(client, f"/communities/{community}/sessions"))
    refused = send(client, f"/sessions/{first.id}/cancel", f"/sessions/{first.id}", {"reason": "Snow"}, 400)
    assert "4 people were there and have hours for it." in words(refused)


@pytest.mark.usefixtures("seeded")
def test_what_came_late_for_a_closed_period_doesnt_look_counted(client: FlaskClient, engine: Engine) -> None:
    first = rows(engine)["S1"]
    with Session(engine) as session, session.begin():
        snapshot = closings.begin(session, seed.PROGRAM, date(2026, 1, 1), date(2026, 2, 28), "Winter", NOW)
        for _ in closings.fill(session, snapshot, NOW):
            pass
        closings.close(session, snapshot, actor=CLI, role="program_admin", reason="It is over", now=NOW)
    assert "late: waits" not in read(client, f"/sessions/{first.id}")
    attend(engine, first.id, 14, 60)
    settle(engine)
    page = words(read(client, f"/sessions/{first.id}"))
    assert "Of 1 person this came late for a closed period" in page
    assert page.count("late: waits to be let in") == 1
    assert "/late" in read(client, f"/sessions/{first.id}")


def test_what_a_scope_covers_of_a_shared_session(app: Flask, engine: Engine, seeded: Seeded) -> None:
    bay, la = seeded.communities[BAY], seeded.communities[LA]
    with Session(engine) as session, session.begin():
        stated = Draft("Both", "B-1", moment(date(2026, 2, 7), time(9), ZONE), ZONE, "virtual")
        both = sessions.make(session, bay, stated, CLI, NOW)
        session.add(SharedSession(session_id=both, community_id=la))
    attend(engine, both, 11, 60)
    attend(engine, both, 31, 60)
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(la))])
        page = read(client, f"/sessions/{both}")
        assert "Teo Alvarez" in page
        assert "Okafor" not in page
        assert "1 more person was there, of a community that your account doesn't cover" in words(page)
        assert "Roster: who is here" in page
        # The files name nobody else either.
        files = [f"/sessions/{both}/attendance.csv", f"/communities/{la}/attendance.csv"]
        assert files[0] in page
        assert files[1] in read(client, f"/communities/{la}/sessions")
        for file in files:
            assert "Teo Alvarez" in read(client, file)
            assert "Okafor" not in read(client, file)
        # Nor do the pages on which it is recorded, and what they take is about one's own people.
        amara = attend(engine, both, 11, 60, Way.CHECK_IN)
        attend(engine, both, 31, 60, Way.CHECK_IN)
        for path in ("roster", "roster/state", "sheet", "check-in"):
            found = read(client, f"/sessions/{both}/{path}")
            assert ("Okafor" in found, str(amara) in found) == (False, False), path
        assert "2 people have checked in" in words(found)
        assert "1 more person was there" in words(found)
        token = re.search(r'name="csrf_token" value="([^"]+)"', found)
        assert token
        change = {"id": str(uuid7()), "account": str(amara), "what": "absent"}
        sent = {"changes": [change], "reason": "Wasn't there."}
        answer = client.post(f"/sessions/{both}/roster", json=sent, headers={"X-CSRFToken": token[1]}).get_json()
        assert (answer["taken"], list(answer["refused"])) == ([], [change["id"]])
        # Whose session it is plans it.
        for path in ("edit", "move", "cancel"):
            assert f"/sessions/{both}/{path}" not in page
        read(client, f"/sessions/{both}/edit", 404)
        send(client, f"/sessions/{both}/cancel", f"/communities/{la}/sessions/new", {"reason": "Mine"}, 404)
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.AUDITOR)], "auditor@example.org")
        page = read(client, f"/sessions/{both}") + read(client, f"/communities/{bay}/sessions")
        assert "Okafor" in page
        assert "Plan a session" not in page
        assert "Roster: who is here" not in page


def test_every_fault_has_its_words() -> None:
    params = {"most": 1, "code": "c", "timezone": "z", "clock": "09:00", "day": date(2026, 3, 8), "kind": "k"}
    params |= {"first": date(2000, 1, 1), "last": date(2100, 12, 31)}
    told = {session_words.fault(SessionError(fault, **params, label="l", people=2)) for fault in Fault}
    assert len(told) == len(Fault)
