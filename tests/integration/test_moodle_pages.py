"""What the pages say of readings of Moodle: never, running, failed, what was found; and the button that asks."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from jobs import drift_alerts
from jobs.queues import QueueName, queue
from records.actor import Grant, Role, Scope
from records.drift import Drift
from records.models import AuditEntry, MirrorCourse, Sweep
from records.settings import Settings
from tests.integration.test_pages import form_token, part, read
from tests.support import seed, swept
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


@pytest.fixture
def sighted(engine: Engine, seeded: Seeded) -> Seeded:
    """The site has a token."""
    swept.token(engine, seeded)
    return seeded


def address(seeded: Seeded, course: int = BAY) -> str:
    return f"/communities/{seeded.communities[course]}"


def told(client: FlaskClient, seeded: Seeded) -> str:
    """What the page says of readings."""
    page = read(client, address(seeded))
    # The page's own list names it first.
    return part(page[page.rindex("What Moodle says") :], "What Moodle says", "Hours over time are being computed")


def test_without_a_token_it_says_so_and_there_is_nothing_to_press(client: FlaskClient, seeded: Seeded) -> None:
    page = told(client, seeded)
    assert "Never read from Moodle as a whole: there is no web-services token." in page
    assert "Read from Moodle now" not in page
    assert "never read as a whole: there is no web-services token" in read(client, "/")
    assert "not read from Moodle yet" not in read(client, "/")


def test_a_community_that_was_never_read(client: FlaskClient, sighted: Seeded) -> None:
    assert "Not read from Moodle as a whole yet." in told(client, sighted)
    board = read(client, "/")
    assert "not read from Moodle yet" in board
    assert "Not every community has been read as a whole yet." in board


def test_a_community_that_was_read(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    swept.sweep(engine, sighted, "done", total=7, done=7)
    page = told(client, sighted)
    assert re.search(r"Read from Moodle as a whole on \w+ \d+, \d{4}, .*; the next time within 24 hours\.", page)
    assert "Being read now" not in page
    assert "differences" not in page
    assert "not read from Moodle yet" not in part(read(client, "/"), "Bay Area Evidence", "Los Angeles Evidence")


def test_the_whole_site_is_as_fresh_as_its_oldest_community(
    client: FlaskClient, engine: Engine, sighted: Seeded
) -> None:
    for course, hours in ((BAY, 1), (LA, 3)):
        swept.sweep(engine, sighted, "done", course, hours_ago=hours)
    assert "Not every community has been read as a whole yet." in read(client, "/")
    swept.sweep(engine, sighted, "done", seed.MATH_LA, hours_ago=2)
    with Session(engine) as session:
        oldest = session.scalars(select(func.min(Sweep.finished_at))).one()
    assert oldest
    minutes = f":{oldest.minute:02}"
    assert re.search(rf"Every community was read as a whole on [^.]*{minutes} [^.]* or later\.", read(client, "/"))


def test_how_far_a_reading_is(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    swept.sweep(engine, sighted, "running", total=7, done=3)
    html = client.get(address(sighted)).text
    assert '<progress id="reading" max="7" value="3">' in html
    again = re.search(r'hx-get="([^"]+/moodle\?seen=[^"]+)" hx-trigger="refresh from:body"', html)
    assert again, "while something is being read it asks every two seconds"
    assert client.get(again[1]).status_code == 204
    with Session(engine) as session, session.begin():
        session.execute(update(Sweep).values(done=5))
    changed = client.get(again[1])
    assert "Being read now: 5 of 7 people" in changed.text
    assert "<html" not in changed.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "running"}, "Being read now: the course and who is in it"),
        ({"status": "due", "started_at": func.now(), "total": 4, "done": 2}, "Being read now: 2 of 4 people"),
        ({"status": "due"}, "Asked for: reading begins in a moment."),
    ],
    ids=["begun", "between two turns", "waiting"],
)
def test_a_reading_under_way(
    client: FlaskClient, engine: Engine, sighted: Seeded, values: dict[str, Any], words: str
) -> None:
    swept.sweep(engine, sighted, **values)
    assert words in told(client, sighted)


def test_nobody_left_to_be_seen_is_explained(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    swept.sweep(engine, sighted, "done", hours_ago=30)
    swept.sweep(engine, sighted, "failed", error="12 of 20 participants would be gone")
    page = told(client, sighted)
    assert "12 of the 20 participants can't be seen in Moodle any more." in page
    assert "nobody was taken out" in page
    assert "copbridge sweep --community COP-EBWIESL-BAY --gone" in page
    assert "Read from Moodle as a whole on" in page
    assert "Moodle couldn't be read" in part(read(client, "/"), "Bay Area Evidence", "Los Angeles Evidence")


def test_a_reading_that_is_tried_again_says_when(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    later = func.now() + timedelta(hours=1)
    error = "core_course_get_contents: unreachable"
    swept.sweep(engine, sighted, "due", error=error, started_at=func.now(), due_at=later, total=5, done=1)
    page = told(client, sighted)
    assert "Moodle couldn't be reached." in page
    assert "It is tried again by itself on" in page
    assert "copbridge doctor calpro" in page
    assert "Being read now" not in page


def test_drift_is_told_by_kind_and_stands_out_when_it_is_frequent(
    client: FlaskClient, engine: Engine, sighted: Seeded
) -> None:
    swept.drift(engine, sighted, Drift.MISSED_COMPLETION, 9, module=201)
    swept.drift(engine, sighted, Drift.CHANGED_ROLE, 1)
    swept.drift(engine, sighted, Drift.LOST_ENROLMENT, 50, days_ago=8)
    swept.drift(engine, sighted, Drift.LOST_ENROLMENT, 50, course=LA)
    page = told(client, sighted)
    assert "10 differences in 7 days that no event had told of" in page
    assert "Finished activities Somebody finished an activity, and no event told. The hours are right now. 9" in page
    assert "Participants who left" not in page
    assert "Often" not in page
    swept.drift(engine, sighted, Drift.MISSED_COMPLETION, 1, module=202, days_ago=2)
    page = told(client, sighted)
    assert "Finished activities : 10 times in 7 days. So many are no accident" in page
    assert "copbridge doctor calpro" in page
    assert "events often missing" in part(read(client, "/"), "Bay Area Evidence", "Los Angeles Evidence")


def test_new_activities_that_earn_nothing_are_counted(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    # The introduction earns, the label and the coffee corner don't.
    for place in (0, 8, 9):
        swept.drift(engine, sighted, Drift.NEW_ACTIVITY, 1, module=seed.modules_of(BAY)[place])
    html = client.get(address(sighted)).text
    assert "2 new activities earn nothing:" in html
    assert 'href="#h-activities"' in html


@pytest.mark.parametrize(("hours_ago", "marked"), [(47, False), (49, True)])
def test_the_board_marks_what_was_not_read_for_long(
    client: FlaskClient, engine: Engine, sighted: Seeded, hours_ago: int, marked: bool
) -> None:
    swept.sweep(engine, sighted, "done", hours_ago=hours_ago)
    assert (
        "last read from Moodle on" in part(read(client, "/"), "Bay Area Evidence", "Los Angeles Evidence")
    ) is marked


def test_a_course_that_is_gone_is_not_waited_for(client: FlaskClient, engine: Engine, sighted: Seeded) -> None:
    swept.sweep(engine, sighted, "done", hours_ago=100)
    with Session(engine) as session, session.begin():
        session.execute(update(MirrorCourse).where(MirrorCourse.course_id == BAY).values(present=False))
    page = told(client, sighted)
    assert "its course isn't in Moodle any more" in page
    assert "Read from Moodle now" not in page
    assert "last read from Moodle on" not in read(client, "/")


def sweeps(engine: Engine) -> list[tuple[int | None, str, str]]:
    with Session(engine) as session:
        rows = session.execute(select(Sweep.course_id, Sweep.reason, Sweep.status).order_by(Sweep.id))
        return [tuple(row) for row in rows]  # type: ignore[misc]


def audited(engine: Engine) -> list[tuple[str, Any]]:
    with Session(engine) as session:
        rows = session.execute(select(AuditEntry.subject, AuditEntry.after).where(AuditEntry.action == "sweep.asked"))
        return [tuple(row) for row in rows]  # type: ignore[misc]


def test_the_button_asks_once_and_the_page_says_so(
    client: FlaskClient, engine: Engine, redis: Redis, sighted: Seeded
) -> None:
    path = address(sighted)
    form = {"csrf_token": form_token(client.get(path).text)}
    for _ in range(2):
        answer = client.post(f"{path}/moodle", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}#h-moodle")
    assert sweeps(engine) == [(BAY, "asked", "due")]
    assert audited(engine) == [(str(sighted.communities[BAY]), {"courses": 1})]
    assert len(queue(redis, QueueName.SWEEP).jobs) == 1
    assert "Asked for: reading begins in a moment." in told(client, sighted)


def test_the_button_goes_before_what_is_due_anyway_and_does_not_wait_for_another_try(
    client: FlaskClient, engine: Engine, sighted: Seeded
) -> None:
    path = address(sighted)
    later = func.now() + timedelta(hours=1)
    swept.sweep(engine, sighted, "due", error="f: unreachable", started_at=func.now(), due_at=later)
    client.post(f"{path}/moodle", data={"csrf_token": form_token(client.get(path).text)})
    assert sweeps(engine) == [(BAY, "asked", "due")]
    with Session(engine) as session:
        assert session.scalar(select(Sweep.due_at <= func.clock_timestamp()))
    assert len(audited(engine)) == 1


def test_without_a_token_nothing_is_asked_for(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    form = {"csrf_token": form_token(client.get("/").text)}
    assert client.post(f"{address(seeded)}/moodle", data=form).status_code == 303
    assert (sweeps(engine), audited(engine)) == ([], [])


@pytest.mark.parametrize("role", [Role.FACILITATOR, Role.AUDITOR])
def test_who_may_not_ask_sees_no_button(app: Flask, engine: Engine, sighted: Seeded, role: Role) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(role)])
        assert "Read from Moodle now" not in told(client, sighted)
        form = {"csrf_token": form_token(client.get("/").text)}
        assert client.post(f"{address(sighted)}/moodle", data=form).status_code == 403
    assert sweeps(engine) == []


def test_the_button_reaches_no_further_than_its_grant(app: Flask, engine: Engine, sighted: Seeded) -> None:
    la = Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")
    with app.test_client() as client:
        seed.sign_in(client, engine, [la, Grant(Role.FACILITATOR)])
        assert "Read from Moodle now" not in told(client, sighted)
        assert "Read from Moodle now" in read(client, address(sighted, LA))
        form = {"csrf_token": form_token(client.get("/").text)}
        assert client.post(f"{address(sighted)}/moodle", data=form).status_code == 404
    assert sweeps(engine) == []


def test_it_staff_may_ask_and_come_back_to_the_board(app: Flask, engine: Engine, sighted: Seeded) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.IT)])
        form = {"csrf_token": form_token(client.get("/").text)}
        assert client.post(f"{address(sighted)}/moodle", data=form).headers["Location"] == "/"
    assert sweeps(engine) == [(BAY, "asked", "due")]


def test_frequent_drift_is_logged_once_a_day(engine: Engine, redis: Redis, seeded: Seeded) -> None:
    swept.drift(engine, seeded, Drift.MISSED_COMPLETION, 9, module=201)
    with capture_logs() as logs:
        assert drift_alerts.tell(engine, redis, 10) == 0
        swept.drift(engine, seeded, Drift.MISSED_COMPLETION, 1, module=202)
        assert [drift_alerts.tell(engine, redis, 10) for _ in range(2)] == [1, 0]
    community = str(seeded.communities[BAY])
    warning = {"event": "drift_alert", "log_level": "warning", "kind": "missed_completion", "count": 10}
    assert logs == [warning | {"community": community, "threshold": 10}]
