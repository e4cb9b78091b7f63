"""Pages of what is achieved together: record, correct, take back; who sees and records what, as far as scopes reach."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from jobs.queues import QueueName, queue
from records import deciding, milestones, together
from records.actor import CLI, Actor, Grant, Role, Scope
from records.deciding import By
from records.milestones import NotTheirs
from records.models import AuditEntry, Membership, MilestoneRow, User, uuid7
from records.queries.milestone_reach import anything_asked, may_record
from records.settings import Settings
from tests.support import seed
from tests.support.core_districts import BAY, PROGRAM, SOUTH, Schools, make_schools
from tests.support.forms import token
from tests.support.seed import Seeded
from tests.support.web import application

ZONE = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def schools(settings: Settings, engine: Engine, redis: Redis) -> Schools:
    return make_schools(settings, engine, redis)


@pytest.fixture
def client(settings: Settings, schools: Schools) -> Iterator[FlaskClient]:
    with application(settings) as app, app.test_client() as made:
        seed.sign_in(made, schools.house.engine, [Grant(Role.STAFF)])
        yield made


def words(answer: TestResponse) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def send(client: FlaskClient, path: str, **form: str) -> TestResponse:
    # Not the board's token: that page costs more than all that is tested here.
    return client.post(path, data={"csrf_token": token(client, "/account"), **form})


def today() -> str:
    return datetime.now(UTC).astimezone(ZONE).date().isoformat()


def school(schools: Schools, code: str = "OAK", act: str = "") -> str:
    return f"/milestones/organisation/{schools.organisations[code]}{act}?program={PROGRAM}"


def record(client: FlaskClient, schools: Schools, milestone: str, code: str = "OAK", **form: str) -> TestResponse:
    return send(client, school(schools, code, "/record"), milestone=milestone, **{"day": today()} | form)


def stands(schools: Schools, requirement: str, code: str = "OAK") -> str:
    """How a school's requirement stands, as the engine has it."""
    with Session(schools.house.engine) as session:
        found = together.of_organisations(session, schools.program, [schools.organisations[code]], datetime.now(UTC))
    return next(str(o.status) for o in found[0].together.outcomes if o.requirement == requirement)


def rows(schools: Schools) -> list[MilestoneRow]:
    with Session(schools.house.engine) as session:
        return list(session.scalars(select(MilestoneRow).order_by(MilestoneRow.recorded_at, MilestoneRow.version)))


def test_record_take_back_and_have_it_stand_again(client: FlaskClient, schools: Schools, redis: Redis) -> None:
    assert "A School Site Council exists" in words(client.get("/milestones"))
    assert "Record a milestone" in words(client.get(school(schools)))
    assert "Reached on" in words(client.get(school(schools) + "&milestone=site-council"))
    assert stands(schools, "site-council") == "open"
    redis.flushdb()

    answer = record(client, schools, "site-council", note="Elected in fall")
    assert answer.status_code == 303
    seen = words(client.get(answer.location))
    assert "Recorded: School Site Council." in seen
    assert re.search(r"A School Site Council exists .*?✓ Met 1 of 1", seen)
    (row,) = rows(schools)
    with Session(schools.house.engine) as session:
        user = str(session.scalars(select(User.id)).one())
    assert (row.code, row.subject_id, row.recorded_by) == ("site-council", schools.organisations["OAK"], user)
    assert row.evidence == [{"kind": "note", "value": "Elected in fall"}]
    assert stands(schools, "site-council") == "met"
    assert stands(schools, "site-council", "ASH") == "open"
    assert queue(redis, QueueName.RECONCILE).count == 1

    back = send(client, school(schools, act="/withdraw"), milestone=str(row.id))
    assert "Taken back: School Site Council." in words(client.get(back.location))
    assert stands(schools, "site-council") == "open"
    stale = send(client, school(schools, act="/withdraw"), milestone=str(row.id))
    assert stale.status_code == 400
    assert "Somebody changed it meanwhile" in words(stale)
    again = send(client, school(schools, act="/restore"), milestone=str(rows(schools)[-1].id))
    assert "It stands again: School Site Council." in words(client.get(again.location))
    assert stands(schools, "site-council") == "met"
    assert [(one.version, one.ended) for one in rows(schools)] == [(1, None), (2, "withdrawn"), (3, None)]
    with Session(schools.house.engine) as session:
        wanted = select(AuditEntry.action).where(AuditEntry.action.like("milestone.%"), AuditEntry.actor == user)
        done = list(session.scalars(wanted.order_by(AuditEntry.id)))
    assert done == ["milestone.recorded", "milestone.withdrawn", "milestone.restored"]
    assert schools.house.differences() == []


def test_reports_cycles_and_what_is_due(client: FlaskClient, schools: Schools) -> None:
    assert "The first gathering" in words(client.get(school(schools) + "&milestone=council-report"))
    early = (datetime.now(UTC).astimezone(ZONE).date() - timedelta(days=3)).isoformat()
    fault = record(client, schools, "council-report", session=str(schools.gathering), day=early)
    assert "That day is before the session that it follows." in words(fault)
    record(client, schools, "council-report", session=str(schools.gathering))
    assert stands(schools, "council-reports") == "met"
    for phase in ("plan", "do"):
        assert record(client, schools, phase, cycle="2026-1").status_code == 303
    seen = words(client.get(school(schools)))
    assert "Report to the School Site Council, after The first gathering" in seen
    assert re.search(
        r"PDSA cycle of a school 2026-1 .*Plan \w+ \d+, \d+ Do \w+ \d+, \d+ Study not yet Act not yet", seen
    )
    with Session(schools.house.engine) as session, session.begin():
        oak = schools.organisations["OAK"]
        by = By(CLI, "staff", "A council of the district", datetime.now(UTC))
        draft = deciding.waive(session, ("organisation", oak), schools.program, "site-council", now=by.now)
        deciding.write(session, draft, by)
    overview = words(client.get("/milestones"))
    assert re.search(r"Waived “A council of the district” \(The command line, \w+ \d+, \d+\)", overview)
    assert re.search(r"Due next Jun 30, \d+ Three full PDSA cycles in the year", overview)
    assert overview.index("Ash School") > 0
    kept = words(client.get("/milestones?of=community"))
    assert "Three PDSA cycles of the CoP in the school year" in kept
    assert re.search(r"Deviates Two to four school teams 1 team; recommended: 2 to 4 Record a rationale", kept)


def test_faults_are_said_beside_the_field(client: FlaskClient, schools: Schools) -> None:
    tomorrow = (datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)).isoformat()
    wrong: list[tuple[str, dict[str, str], str]] = [
        ("site-council", {"day": "soon"}, "Give the day on which it was reached"),
        ("site-council", {"day": tomorrow}, "That day has yet to come"),
        ("plan", {}, "Give the label of the cycle"),
        ("plan", {"cycle": "x" * 41}, "Give the label of the cycle"),
        ("council-report", {}, "Choose the session that it follows"),
        ("council-report", {"session": str(uuid7())}, "Choose the session that it follows"),
        ("site-council", {"evidence": "javascript:alert(1)"}, "a link that begins with https://"),
        ("site-council", {"evidence": "http://example.org"}, "a link that begins with https://"),
        ("site-council", {"note": "x" * 1334}, "A note is one line of text"),
        ("game-plan", {}, "The program has no such milestone here"),
    ]
    for milestone, form, said in wrong:
        answer = record(client, schools, milestone, **form)
        assert (answer.status_code, said in words(answer)) == (400, True), (milestone, form)
        assert all(html.escape(text) in answer.text for text in form.values() if len(text) < 40 and "-" not in text)
    assert rows(schools) == []
    for act in ("/withdraw", "/restore"):
        for which in ("no-id", str(uuid7())):
            assert send(client, school(schools, act=act), milestone=which).status_code == 404


def test_correcting_and_what_others_did_meanwhile(client: FlaskClient, schools: Schools) -> None:
    record(client, schools, "two-year-plan", evidence="https://example.org/plan.pdf")
    (first,) = rows(schools)
    form = client.get(f"{school(schools)}&correct={first.id}").text
    assert "https://example.org/plan.pdf</textarea>" in form
    bare = record(client, schools, "two-year-plan", correct=str(first.id))
    assert "It lacks the evidence" in words(client.get(bare.location))
    assert [one.evidence for one in rows(schools)] == [[{"kind": "link", "value": "https://example.org/plan.pdf"}], []]
    stale = record(client, schools, "two-year-plan", correct=str(first.id), note="Late")
    assert (stale.status_code, "Somebody changed it meanwhile" in words(stale)) == (400, True)
    assert len(rows(schools)) == 2
    # What is new leaves the evidence that there is.
    record(client, schools, "two-year-plan", note="On paper")
    assert rows(schools)[-1].evidence == [{"kind": "note", "value": "On paper"}]
    # Only links of the web are links.
    again = str(rows(schools)[-1].id)
    record(client, schools, "two-year-plan", evidence="https://example.org/plan.pdf", note="<b>bold</b>", correct=again)
    with Session(schools.house.engine) as session, session.begin():
        row = session.scalars(select(MilestoneRow).where(MilestoneRow.superseded_at.is_(None))).one()
        row.evidence = [*row.evidence, {"kind": "link", "value": "javascript:alert(1)"}]
    page = client.get(school(schools)).text
    assert '<a href="https://example.org/plan.pdf" rel="noopener noreferrer">' in page
    assert "<bdi>javascript:alert(1)</bdi>" in page
    assert 'href="javascript' not in page
    assert "&lt;b&gt;bold" in page


def test_who_belongs_where(client: FlaskClient, schools: Schools) -> None:
    team = words(client.get(f"/milestones/team/{schools.teams['TEAM-OAK']}"))
    assert re.search(r"Amara Last 11 Teacher who implements the strategy Oak School", team)
    assert re.search(r"Nora Last 13 Custodian “ELMWOOD”, which no organisation has as its code", team)
    assert "Oak School Kind school Level ES Designation focus since Aug 1, 2025" in team
    there = words(client.get(school(schools)))
    assert "Belongs to Elm District" in there
    assert re.search(r"Who works there .*Amara Last 11 .*Hao Last 12 Observer", there)
    assert "Nora" not in there
    community = words(client.get(f"/milestones/community/{schools.communities[BAY]}"))
    assert re.search(r"to look at .*Nora Last 13 .*“ELMWOOD”", community)
    assert "Ben" not in community.split("Affiliations")[1]
    told = words(client.get(f"/milestones/program/{schools.program}"))
    assert "One inter-district CoP in each region" in told
    assert "The schools' feedback reported" in words(client.get(school(schools, "ELM")))
    part = client.get(f"/communities/{schools.communities[BAY]}/together").text
    assert f'href="/milestones/team/{schools.teams["TEAM-OAK"]}"' in part
    # Part of the communities answers for a school as all of them do.
    now = datetime.now(UTC)
    with Session(schools.house.engine) as session:
        every = {f.subject: f for f in together.of_program(session, schools.program, now)}
        ids = list(schools.organisations.values())
        each = [f for key in ids for f in together.of_organisations(session, schools.program, [key], now)]
    assert {f.subject[1] for f in each} == set(ids)
    assert all(every[f.subject] == f for f in each)


def test_more_schools_take_no_more_statements_and_who_has_the_place(client: FlaskClient, schools: Schools) -> None:
    found: dict[str, int] = {}
    engine: Engine = client.application.extensions["copbridge"].engine
    for path in ("/milestones?organisation=oak", "/milestones", "/milestones?of=community"):
        client.get(path)
        counted: list[str] = []
        event.listen(engine, "before_cursor_execute", lambda *args, into=counted: into.append(args[2]))
        assert client.get(path).status_code == 200
        found[path] = len(counted)
    assert found["/milestones"] <= found["/milestones?organisation=oak"] + 2, found
    assert max(found.values()) < 80, found
    assert 'href="/milestones"' in client.get("/").text
    nobody = seed.signed_in_cookie(schools.house.engine, "n@example.org", [Grant(Role.IT)])
    client.set_cookie("copbridge", nobody)
    assert 'href="/milestones"' not in client.get("/").text


def _recorded_by_who_reaches_all(client: FlaskClient, schools: Schools) -> None:
    """One of Ash School works in the Bay Area, too, and one of the district: whose facilitator sees both."""
    engine, held = schools.house.engine, rows(schools)[0]
    ids, m = schools.organisations, Membership
    with Session(engine) as session, session.begin():
        mine = select(m.id).where(m.community_id == schools.communities[BAY], m.role == "participant").order_by(m.id)
        first, second = session.scalars(mine.limit(2))
        for one, code in ((first, "ASH"), (second, "ELM")):
            session.execute(update(m).where(m.id == one).values(organisation_id=ids[code]))
    for code in ("ASH", "ELM"):
        seen = words(client.get(school(schools, code)))
        assert ("You see it, and don't record here" in seen, "Record a milestone" in seen) == (True, False)
        assert record(client, schools, "site-council", code).status_code == 404, code
    both = tuple(Grant(Role.FACILITATOR, Scope.COMMUNITY, str(key)) for key in schools.communities.values())
    with Session(engine) as session:
        for grants, organisation, may in (
            (both[:1], "ASH", False),
            (both, "ASH", True),
            (both, "ELM", False),
            ((Grant(Role.STAFF, Scope.PROGRAM, PROGRAM),), "ELM", True),
        ):
            actor = Actor.user(uuid7(), grants)
            subject = ("organisation", ids[organisation])
            assert may_record(session, actor, schools.program, *subject) is may, (grants, organisation)
        # The records hold it, whichever way one comes.
        with pytest.raises(NotTheirs):
            milestones.withdraw(session, held.id, actor=Actor.user(uuid7(), both[1:]))


def test_scopes(client: FlaskClient, schools: Schools) -> None:
    bay, south = (schools.communities[place] for place in (BAY, SOUTH))
    seed.sign_in(client, schools.house.engine, [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(bay))], "f@example.org")
    assert record(client, schools, "site-council").status_code == 303
    assert stands(schools, "site-council") == "met"
    seen = words(client.get("/milestones"))
    assert ("Oak School" in seen, "Ash School" in seen, "Elm District" in seen) == (True, False, False)
    assert "Waive a requirement" not in words(client.get(school(schools)))
    out = [school(schools, "ASH"), school(schools, "ELM"), f"/milestones/program/{schools.program}"]
    out += [f"/milestones/community/{south}", f"/milestones/team/{schools.teams['TEAM-ASH']}"]
    out += [f"/milestones/organisation/{schools.organisations['OAK']}", f"/milestones/person/{bay}"]
    assert {path: client.get(path).status_code for path in out} == dict.fromkeys(out, 404)
    held = rows(schools)
    assert record(client, schools, "site-council", "ASH").status_code == 404
    path = f"/milestones/team/{schools.teams['TEAM-ASH']}/withdraw"
    assert send(client, path, milestone=str(held[0].id)).status_code == 404
    # A milestone of another subject isn't this page's to take back.
    mine = f"/milestones/community/{bay}/withdraw"
    assert send(client, mine, milestone=str(held[0].id)).status_code == 404
    assert len(rows(schools)) == 1
    _recorded_by_who_reaches_all(client, schools)

    seed.sign_in(client, schools.house.engine, [Grant(Role.AUDITOR)], "a@example.org")
    page = words(client.get(school(schools)))
    assert ("School Site Council" in page, "Record a milestone" in page, "Take back" in page) == (True, False, False)
    assert record(client, schools, "self-review").status_code == 403
    region = Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/SOUTH")
    seed.sign_in(client, schools.house.engine, [region], "s@example.org")
    assert client.get(school(schools)).status_code == 404
    assert "Ash School" in words(client.get("/milestones?region=SOUTH&organisation=ash"))
    assert client.get(f"/milestones?after={schools.organisations['OAK']}").status_code == 404


def test_a_program_that_asks_nothing_together(engine: Engine, seeded: Seeded) -> None:
    assert seeded.communities
    with Session(engine) as session:
        assert anything_asked(session, CLI) is False
