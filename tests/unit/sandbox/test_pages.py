"""The sandbox's pages: acting as a participant, and who may not."""

import json
import re
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term

BAY = "COP-EBWIESL-BAY"


@pytest.fixture
def term(site: Site) -> Iterator[Term]:
    """A term that takes no time."""
    made = Term(site, seconds=0)
    yield made
    made.close()


@pytest.fixture
def client(site: Site, term: Term) -> Iterator[FlaskClient]:
    """A browserless client of the pages."""
    app = create_app(site, term, "for tests")
    app.testing = True
    with app.test_client() as made:
        yield made


def base(site: Site) -> str:
    return f"/course/{site.course(BAY)}/as/{site.user('e0001')}"


def activity(site: Site, idnumber: str, action: str) -> str:
    return f"{base(site)}/activity/{site.module(BAY, idnumber)}/{action}"


def outbox(site: Site) -> list[str]:
    rows = site.rows("SELECT data FROM outbox ORDER BY id")
    return [json.loads(row["data"])["eventname"].rpartition("\\")[2] for row in rows]


def test_home_lists_courses_and_people(client: FlaskClient) -> None:
    text = client.get("/").text
    assert BAY in text
    assert "Amara Okafor" in text
    assert "Marisol" not in text
    assert text.count("0 of 15 complete") == 25


def test_completing_and_undoing_on_the_page(client: FlaskClient, site: Site) -> None:
    page = client.post(activity(site, "ACT-08", "complete"), follow_redirects=True)
    assert "Moodle wrote 1 event" in page.text
    assert "1 of 15 activities complete" in page.text
    assert "1 event waiting to be sent." in page.text
    client.post(activity(site, "ACT-08", "undo"))
    client.post(activity(site, "ACT-06", "fail"))
    client.post(activity(site, "F2F-1", "override"))
    assert outbox(site).count("course_module_completion_updated") == 4
    assert "Failed" in client.get(base(site)).text


def test_leaving_and_coming_back_on_the_page(client: FlaskClient, site: Site) -> None:
    for action, words in [
        ("suspend", "The enrolment is suspended."),
        ("resume", "Leave the course"),
        ("leave", "Not enrolled in this course."),
        ("enrol", "Leave the course"),
    ]:
        assert words in client.post(f"{base(site)}/{action}", follow_redirects=True).text


def test_a_refusal_is_a_sentence(client: FlaskClient, site: Site) -> None:
    page = client.post(f"{base(site)}/enrol", follow_redirects=True)
    assert "is enrolled in the course already" in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "elsewhere.example"},
    ],
)
def test_another_page_changes_nothing(headers: dict[str, str], client: FlaskClient, site: Site) -> None:
    assert client.post(activity(site, "ACT-01", "complete"), headers=headers).status_code == 403
    assert outbox(site) == []


def test_the_page_itself_may(client: FlaskClient, site: Site) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post(activity(site, "ACT-01", "complete"), headers=headers).status_code == 303


def test_changes_are_posts(client: FlaskClient, site: Site) -> None:
    for path in (activity(site, "ACT-01", "complete"), f"{base(site)}/leave", "/term", "/sync"):
        assert client.get(path).status_code == 405


@pytest.mark.parametrize("path", ["/course/99/as/11", "/course/2/as/99", "/nothing"])
def test_what_there_is_not(path: str, client: FlaskClient) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert "All courses and people" in response.text


def test_unknown_activities_and_actions_are_not_found(client: FlaskClient, site: Site) -> None:
    assert client.post(f"{base(site)}/activity/999/complete").status_code == 404
    assert client.post(f"{base(site)}/activity/2/dance").status_code == 404
    assert client.post(f"{base(site)}/dance").status_code == 404


def test_no_page_holds_inline_script_or_style(client: FlaskClient, site: Site) -> None:
    for path in ("/", base(site)):
        response = client.get(path)
        assert "'unsafe" not in response.headers["Content-Security-Policy"]
        assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)", response.text)
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", response.text)


def test_run_the_term(client: FlaskClient, site: Site, term: Term) -> None:
    assert "The term is being played" in client.post("/term", follow_redirects=True).text
    deadline = time.monotonic() + 60
    while term.progress.running and time.monotonic() < deadline:
        time.sleep(0.05)
    state = client.get("/state.json").json
    assert state is not None
    assert (state["running"], state["played"]) == (False, state["total"])
    names = set(outbox(site))
    assert names >= {"user_enrolment_deleted", "user_enrolment_created", "course_module_completion_updated"}
    assert site.rows("SELECT 1 FROM course_completions")


def test_the_term_is_varied_and_the_same_for_a_seed(site: Site, term: Term) -> None:
    assert len(term.plan()) == len(Term(site, seconds=0).plan())
    term.play(term.plan())
    rows = site.rows(
        "SELECT userid, count(*) AS n FROM course_modules_completion WHERE completionstate IN (1, 2) GROUP BY userid"
    )
    done = [row["n"] for row in rows]
    assert sum(n >= 14 for n in done) >= 10
    assert sum(n < 10 for n in done) >= 4
    assert site.rows("SELECT 1 FROM course_modules_completion WHERE completionstate = 0")
    assert site.rows("SELECT 1 FROM course_modules_completion WHERE overrideby IS NOT NULL")
    told = [json.loads(row["data"])["other"] or {} for row in site.rows("SELECT data FROM outbox")]
    assert {other.get("completionstate") for other in told} >= {0, 1, 2, 3}


def test_health(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok", "waiting": 0}
