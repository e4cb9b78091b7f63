"""An explanation at the terminal and on the page: now, as it was known, and as it was true."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from mappings.facts import State
from mappings.periods import Span
from records.actor import CLI, Grant, Role, Scope
from records.database import make_engine
from records.decisions import Kind
from records.models import ClosedMember, Closing, Decision, MirrorEnrolment, ProgramRow, uuid7
from records.queries.look_back import LiesAhead, LookBack
from records.queries.person import InCommunity, person
from records.settings import Settings
from service.context import EXTENSION
from service.moments import NotADay, read_when
from tests.support import readings, seed
from tests.support.cli import Cli
from tests.support.explained import (
    ADA,
    BEN,
    ELSEWHERE,
    EVENING,
    IET,
    MATH,
    MORNING,
    QUIZ,
    START,
    Scene,
    make_scene,
    play,
)
from tests.support.servers import Database, Servers
from tests.support.web import application

LATER = datetime(2026, 1, 5, tzinfo=UTC)
"""After the community's last day."""


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture(scope="module")
def made(servers: Servers, template: str) -> Iterator[tuple[str, Scene]]:
    """Name of a database with the scene in it, and the ids of what it holds."""
    name = f"{template}_scene"
    engine = make_engine(servers.create(name, template).url)
    found = make_scene(engine)
    engine.dispose()
    yield name, found
    servers.drop(name)


@pytest.fixture
def database(made: tuple[str, Scene], servers: Servers) -> Iterator[Database]:
    name = f"{made[0]}_{secrets.token_hex(4)}"
    yield servers.create(name, made[0])
    servers.drop(name)


@pytest.fixture
def scene(made: tuple[str, Scene], engine: Engine) -> Scene:
    return replace(made[1], engine=engine)


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


def explain(cli: Cli, *more: str, user: int = ADA, of: str = "COP-MATH-BAY") -> Any:
    """What `explain --json` answers about one community."""
    answer = cli("explain", f"moodle:{user}", "--community", of, *more, "--json")
    assert answer.code == 0, answer.err
    (member,) = answer.data["memberships"]
    return member


def earned(member: Any) -> dict[str, int]:
    return {line["what"]: line["minutes"] for line in member["lines"]}


def seen(scene: Scene, now: datetime, user: int = ADA) -> InCommunity:
    with Session(scene.engine) as session:
        found = person(session, CLI, scene.persons[user], now, only=[scene.communities[MATH]])
    assert found
    return found.communities[0]


def test_lines_that_follow_from_others_are_lines_of_their_own(cli: Cli, scene: Scene) -> None:
    play(scene)
    member = explain(cli)
    assert earned(member) == {
        "What we tried": 50,
        "What came of it": 50,
        "Above the cap “forum a day” of 1 h": -40,
        "Check your knowledge": 70,
        "Rounded from 2 h 10 min to 2 h": -10,
        "The first gathering": 110,
        "The first gathering, online": 120,
        "The lesser of two ways to the same session": -110,
        "Adjustment: Helped a colleague": 20,
    }
    assert sum(earned(member).values()) == member["minutes"] == member["all_minutes"] == 260
    lesser = next(line for line in member["lines"] if line["kind"] == "best-of")
    assert (lesser["detail"], lesser["rule"]) == ("“The first gathering, online” counts instead.", "best-of")
    out = cli("explain", f"moodle:{ADA}", "--community", "COP-MATH-BAY").out
    assert "It holds for each day." in out
    assert re.search(r"Sum +4:20", out)


def test_the_page_says_the_same(client: FlaskClient, scene: Scene) -> None:
    play(scene)
    page = words(client.get(f"/people/{scene.persons[ADA]}").text)
    assert "Above the cap “forum a day” of 1 h It holds for each day. Mar 3, 2025" in page
    assert "The lesser of two ways to the same session “The first gathering, online” counts instead." in page
    assert "0.43 continuing education units" in page
    assert "Total 4 h 20 min" in page


def test_what_is_missing_is_told_in_words(cli: Cli, client: FlaskClient, scene: Scene) -> None:
    play(scene)
    member = explain(cli)
    asked = {each["title"]: each for each in member["requirements"]}
    assert {title: each["status"] for title, each in asked.items()} == {
        "Two hours face to face": "met",
        "Every gathering": "overdue",
        "An action plan": "open",
    }
    gatherings = asked["Every gathering"]
    assert (gatherings["have"], gatherings["need"], gatherings["unit"]) == (1, 2, "count")
    assert gatherings["words"] == "the session “The second gathering” of Sep 28, 2025"
    assert gatherings["counted"] == ["The first gathering, Mar 12, 2025"]
    assert gatherings["passed_over"] == [["The second gathering, Sep 28, 2025", "absent"]]
    assert member["to_do"][0] == "1 h 40 min to go"
    page = words(client.get(f"/people/{scene.persons[ADA]}").text)
    assert "Still to do 1 h 40 min to go Every gathering: the session “The second gathering”" in page
    assert "Overdue 1 of 2 Nov 30, 2025" in page


def test_a_fact_that_was_recorded_late(cli: Cli, scene: Scene) -> None:
    before = scene.clock()
    scene.done(ADA, QUIZ, 0)
    known = explain(cli, "--known-on", before.isoformat())
    assert (known["minutes"], known["lines"], known["ledger"]["written"]) == (0, [], 0)
    # It was true in March, whenever it became known.
    assert explain(cli, "--true-on", "2025-03-03")["minutes"] == 60
    assert explain(cli, "--true-on", "2025-03-02")["minutes"] == 0
    both = explain(cli, "--known-on", before.isoformat(), "--true-on", "2025-03-03")
    assert both["minutes"] == 0
    # The 3rd of March ends in the community's time zone.
    assert both["true_on"] == "2025-03-03 23:59:59.999999-08:00"


def test_an_undone_fact(cli: Cli, scene: Scene) -> None:
    scene.done(ADA, QUIZ, 0)
    before = scene.clock()
    scene.done(ADA, QUIZ, 5, state=State.INCOMPLETE)
    then = explain(cli, "--known-on", before.isoformat())
    assert (then["minutes"], then["ledger"]) == (60, {"written": 60, "computed": 60, "differing": {}})
    now = explain(cli)
    assert (now["minutes"], now["ledger"]) == (0, None)
    assert [(line["nothing"], line["minutes"]) for line in now["lines"]] == [("undone", 0)]


def test_a_correction(cli: Cli, scene: Scene) -> None:
    scene.attend(BEN, 0, 60)
    before = scene.clock()
    scene.attend(BEN, 0, 90)
    assert explain(cli, "--known-on", before.isoformat(), user=BEN)["minutes"] == 60
    assert explain(cli, user=BEN)["minutes"] == 90
    # What is true is told by what is known now.
    assert explain(cli, "--true-on", "2025-03-31", user=BEN)["minutes"] == 90


def test_decisions_are_known_and_true_since_they_were_made(cli: Cli, scene: Scene) -> None:
    before = scene.clock()
    scene.decide(ADA, Kind.ADJUSTMENT, {"minutes": 30, "component": "own"}, reason="A talk")
    assert explain(cli, "--known-on", before.isoformat())["minutes"] == 0
    assert explain(cli, "--true-on", before.isoformat())["minutes"] == 0
    assert explain(cli)["minutes"] == 30


def test_where_the_ledger_said_otherwise_it_is_told_and_why(cli: Cli, client: FlaskClient, scene: Scene) -> None:
    scene.done(BEN, QUIZ, 0)
    then = scene.clock()
    assert "The ledger held the same then: 1:00." in cli("explain", f"moodle:{BEN}", "--known-on", then.isoformat()).out
    # Ben leads from now on, and of roles no history is kept.
    scene.read(readings.enrolment(BEN, MATH, readings.EDITING_TEACHER, at=START + timedelta(days=30)))
    member = explain(cli, "--known-on", then.isoformat(), user=BEN)
    assert (member["ledger"]["written"], member["ledger"]["computed"]) == (60, 0)
    out = cli("explain", f"moodle:{BEN}", "--known-on", then.isoformat()).out
    assert "The ledger itself held 1 h then; computed today it is 0 h." in out
    assert "who has which role, is looked at as it is today" in out
    page = words(client.get(f"/people/{scene.persons[BEN]}", query_string={"known_on": then.isoformat()}).text)
    assert "The ledger itself held 1 h then" in page
    assert "Check your knowledge, Mar 3, 2025: 1 h 10 min then, 0 h today" in page


def test_looking_back_has_an_address_and_a_banner(client: FlaskClient, scene: Scene) -> None:
    scene.done(ADA, MORNING, 0)
    scene.done(ADA, EVENING, 40)
    path = f"/people/{scene.persons[ADA]}"
    html = client.get(f"{path}?known_on=&true_on=2025-03-20").text
    page = words(html)
    assert "As true on Mar 20, 2025 You are looking back." in page
    assert 'value="2025-03-20"' in html
    assert "What we tried" in page
    assert "What came of it" not in page
    again = re.search(r'hx-get="([^"]+/live[^"]*)"', html)
    assert again
    assert "true_on=2025-03-20" in again[1]
    assert client.get(again[1].replace("&amp;", "&")).status_code == 204
    assert "As known on" in words(client.get(path).text)
    assert "You are looking back" not in words(client.get(path).text)


@pytest.mark.parametrize(
    ("asked", "says"),
    [("known_on=2999-01-01", "One can look back only"), ("true_on=yesterday", "That is no day")],
)
def test_a_day_that_nobody_can_look_back_on(client: FlaskClient, scene: Scene, asked: str, says: str) -> None:
    path = f"/people/{scene.persons[ADA]}"
    answer = client.get(f"{path}?{asked}")
    assert (answer.status_code, says in words(answer.text)) == (400, True)
    assert client.get(f"{path}/live?{asked}").status_code == 400


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--known-on", "2999-01-01"), "2999-01-01 lies ahead"),
        (("--true-on", "spring"), "--true-on: 'spring' is neither a day such as 2026-05-01 nor an ISO moment"),
    ],
)
def test_a_wrong_day_is_one_sentence(cli: Cli, scene: Scene, arguments: tuple[str, ...], says: str) -> None:
    answer = cli("explain", str(scene.persons[ADA]), *arguments)
    assert (answer.code, says in answer.err, answer.err.count("\n")) == (2, True, 1)


def test_one_community_of_several(cli: Cli, scene: Scene) -> None:
    person_id = str(scene.persons[ADA])
    assert len(cli("explain", person_id, "--json").data["memberships"]) == 2
    assert explain(cli, of=str(scene.communities[IET]))["topic"] == "IET"
    assert cli("explain", person_id, "--community", "COP-NONE-BAY").code == 1
    assert "in no community of that name" in cli("explain", f"moodle:{BEN}", "--community", "COP-IET-BAY").out


def test_before_the_program_was_known_nothing_can_be_told(cli: Cli, client: FlaskClient, scene: Scene) -> None:
    assert "wasn't known yet then" in cli("explain", f"moodle:{BEN}", "--known-on", "2025-01-01").out
    page = words(client.get(f"/people/{scene.persons[BEN]}?known_on=2025-01-01").text)
    assert "The program of 1 community wasn't known yet at that time." in page


def test_what_a_transfer_brings_along(cli: Cli, client: FlaskClient, scene: Scene) -> None:
    scene.done(ADA, ELSEWHERE, 0)
    scene.decide(ADA, Kind.TRANSFER, {"from": str(scene.membership(ADA, IET))})
    member = explain(cli)
    assert (member["brought"], member["minutes"], member["lines"]) == ({"online": 60}, 60, [])
    assert "Brought along by a transfer" in cli("explain", f"moodle:{ADA}", "--community", "COP-MATH-BAY").out
    assert "Brought along by a transfer online 1 h" in words(client.get(f"/people/{scene.persons[ADA]}").text)


def test_reports_and_evidence(cli: Cli, scene: Scene) -> None:
    data = {"minutes": 45, "component": "own", "happened_at": START.isoformat(), "evidence": ""}
    scene.decide(ADA, Kind.SELF_REPORT, data, reason="Read a book")
    (line,) = explain(cli)["lines"]
    assert (line["what"], line["nothing"], line["minutes"]) == ("Reported: Read a book", "not_approved", 0)
    assert line["why"] == "It was reported by the participant, and waits for approval."


def close(scene: Scene) -> None:
    """March is closed with nothing in it."""
    with Session(scene.engine) as session, session.begin():
        program = session.query(ProgramRow.id).scalar()
        decision = Decision(id=uuid7(), kind=str(Kind.CLOSING), program_id=program, actor="cli", actor_role="staff")
        decision.reason, decision.data, decision.decided_at, decision.correlation_id = "", {}, scene.clock(), uuid7()
        session.add(decision)
        session.flush()
        zone = ZoneInfo("America/Los_Angeles")
        span = Span(datetime(2025, 3, 1, tzinfo=zone), datetime(2025, 4, 1, tzinfo=zone))
        made = uuid7()
        session.add(
            Closing(
                id=made, program_id=program, label="March", starts_at=span.start, ends_at=span.end, sha256="0" * 64,
                decision_id=decision.id, closed_at=scene.clock(),
            )
        )  # fmt: skip
        session.flush()
        member = scene.membership(ADA)
        session.add(ClosedMember(closing_id=made, membership_id=member, minutes=0, status="not_started", credits=[]))


def test_what_came_after_its_period_was_closed_is_marked(cli: Cli, client: FlaskClient, scene: Scene) -> None:
    close(scene)
    scene.done(ADA, QUIZ, 0)
    (line,) = explain(cli)["lines"]
    assert (line["nothing"], line["why"]) == ("late", "It came after its period was closed: staff decide about it.")
    assert "closed period" in words(client.get(f"/people/{scene.persons[ADA]}").text)


def test_pace_and_status_are_those_of_the_moment(scene: Scene) -> None:
    scene.done(ADA, QUIZ, 0)
    assert seen(scene, datetime(2025, 3, 10, tzinfo=UTC)).standing.status == "on_pace"
    summer = seen(scene, datetime(2025, 9, 1, tzinfo=UTC))
    assert summer.standing.status == "behind"
    assert summer.forecast
    assert summer.forecast.minutes == 90
    # No more than all that is offered, however fast it begins; and nothing from the first days.
    scene.done(ADA, MORNING, 1)
    early = seen(scene, datetime(2025, 3, 17, tzinfo=UTC))
    assert early.forecast
    assert early.standing.minutes == 120
    assert early.forecast.minutes < 420 < 120 * 365 / 75
    assert seen(scene, datetime(2025, 3, 4, tzinfo=UTC)).forecast is None
    over = seen(scene, LATER)
    assert (over.standing.status, over.forecast) == ("cannot_reach", None)


def test_the_page_tells_the_pace(
    app: Flask, client: FlaskClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.done(ADA, QUIZ, 0)
    summer = replace(app.extensions[EXTENSION], clock=lambda: datetime(2025, 9, 1, tzinfo=UTC))
    monkeypatch.setattr("service.pages.person.context", lambda: summer)
    page = words(client.get(f"/people/{scene.persons[ADA]}").text)
    assert "1 h of 6–8 h · Behind" in page
    assert "At this pace 1 h 30 min by Dec 31, 2025." in page
    # What would earn the hours that are missing, and not what is finished.
    still = page.split("5 h to go", 1)[1].split("At this pace")[0]
    assert "What would earn hours here: " in still
    assert "What came of it" in still
    assert "Check your knowledge" not in still
    assert "Adjust, report or waive" in page
    # Of who left nothing is asked any more, and nothing is foretold.
    with Session(scene.engine) as session, session.begin():
        session.execute(update(MirrorEnrolment).where(MirrorEnrolment.moodle_user_id == ADA).values(present=False))
    gone = words(client.get(f"/people/{scene.persons[ADA]}").text)
    assert not [one for one in ("Behind", "to go", "At this pace", "Still to do") if one in gone]
    assert "left" in gone


def test_a_day_ends_where_the_community_is() -> None:
    noon = datetime(2026, 5, 1, 19, tzinfo=UTC)
    zone = "America/Los_Angeles"
    look = LookBack(known_on=read_when("2026-04-30"), true_on=read_when("2026-04-30T10:00"))
    as_of = look.as_of(zone, noon)
    assert as_of.known_on == datetime(2026, 5, 1, 7, tzinfo=UTC) - timedelta(microseconds=1)
    assert as_of.true_on == datetime(2026, 4, 30, 17, tzinfo=UTC)
    # Today isn't over: it means now.
    assert LookBack(known_on=noon.date()).as_of(zone, noon).known_on == noon
    for ahead in ("2026-05-02", "2026-05-01T19:00:01Z"):
        with pytest.raises(LiesAhead):
            LookBack(true_on=read_when(ahead)).as_of(zone, noon)
    for wrong in ("", "May", "2026-13-01", "0001-01-01"):
        with pytest.raises(NotADay):
            read_when(wrong)


def test_nobody_else_is_told(app: Flask, engine: Engine, scene: Scene) -> None:
    with app.test_client() as stranger:
        seed.sign_in(stranger, engine, [Grant(Role.STAFF, Scope.PROGRAM, "another")], email="sam@example.org")
        assert stranger.get(f"/people/{scene.persons[ADA]}?true_on=2025-03-20").status_code == 404
        assert stranger.get(f"/communities/{scene.communities[MATH]}/together").status_code == 404
