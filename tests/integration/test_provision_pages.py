"""Provisioning in the console: a file kept, people uploaded, planned, applied by a worker, watched, cloned, closed."""

import html
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from jobs import long_work, provisioning, runtime, tasks
from jobs.runtime import Runtime
from records import provisioning as files
from records.actor import CLI, Grant, Role
from records.models import AuditEntry, LongJob, ProvisionPeople, ProvisionRun, Site
from records.models import Grant as GrantRow
from records.settings import Settings
from tests.support.forms import send, token
from tests.support.provisioning import FILE, Office, office
from tests.support.seed import sign_in
from tests.support.web import application

PEOPLE = "community,user,firstname\nMATH/BAY,{user},Amara\n"
WITH_PEOPLE = FILE + "people: {files: [people.csv]}\n"


@pytest.fixture
def it(
    engine: Engine, settings: Settings, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    quick = settings.model_copy(update={"moodle_calls_per_minute": 1_000_000})
    monkeypatch.setattr(runtime, "_current", Runtime(quick, engine, redis))
    with office(engine, settings, tmp_path) as found:
        yield found


@pytest.fixture
def client(settings: Settings, engine: Engine, it: Office) -> Iterator[FlaskClient]:
    assert it.site, "the site is there before anybody asks"
    with application(settings) as app, app.test_client() as made:
        sign_in(made, engine, [Grant(Role.IT)])
        yield made


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def said(answer: TestResponse) -> str:
    return html.unescape(answer.get_data(as_text=True))


def keep(client: FlaskClient, text: str = FILE, number: int = 0) -> None:
    answer = send(client, "/provisioning/save", text=text, number=number)
    assert answer.status_code == 303, said(answer)


def work(engine: Engine, seconds: float = 10.0) -> None:
    while long_work.turn(engine, lambda: datetime.now(UTC), seconds):
        pass


def ask(client: FlaskClient, engine: Engine, what: str, **form: Any) -> str:
    """Have a worker do something about the file `fall`; the page of what came of it."""
    answer = send(client, f"/provisioning/fall/{what}", **form)
    assert answer.status_code == 303, said(answer)
    work(engine)
    return page(client, answer.headers["Location"])


def newest(engine: Engine) -> str:
    with Session(engine) as session:
        saved = files.newest(session, "fall")
    assert saved
    return str(saved.id)


def apply(client: FlaskClient, engine: Engine) -> str:
    return ask(client, engine, "apply", file=newest(engine))


def made(it: Office) -> int:
    return len(it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F'"))


def test_a_term_from_the_first_page_to_its_end(client: FlaskClient, it: Office, engine: Engine) -> None:
    assert "There is no provision file yet." in page(client, "/provisioning")
    look = said(send(client, "/provisioning/look", text=FILE.replace("\n", "\r\n")))
    assert "It is a new file" in look
    assert "COP-MATH-BAY-26F" in look
    with Session(engine) as session:
        assert files.newest(session, "fall") is None, "looking keeps nothing"
    keep(client)
    assert "4 communities" in page(client, "/provisioning/fall?done=saved")
    planned = ask(client, engine, "plan")
    assert "6</strong> to create" in planned
    assert made(it) == 0
    assert '#apply"' in client.get("/provisioning/fall").get_data(as_text=True)
    applied = apply(client, engine)
    assert "4 courses are ready." in applied
    assert made(it) == 4
    listed = page(client, "/provisioning")
    assert "4 ready" in listed
    with Session(engine) as session:
        run = session.scalars(select(ProvisionRun)).one()
        assert run.ended_at
        assert (run.result["failed"], bool(run.writes)) == (0, True)
        done = session.scalars(select(AuditEntry).where(AuditEntry.action == "provision.applied")).one()
        asker = session.scalars(select(LongJob.actor).limit(1)).one()
        assert done.actor == asker, "whoever asked for it did it"
    assert "4 courses are as the file has them." in ask(client, engine, "plan", show="drift")
    again = apply(client, engine)
    assert "0 wrote." in again
    course = it.course("COP-MATH-BAY-26F")
    it.site.silent.change_course(course, told=False, fullname="Renamed")
    drifted = ask(client, engine, "plan", show="drift")
    assert "To be adopted into the file, or undone in Moodle" in drifted
    assert "now it is “Renamed”" in drifted
    refused = send(client, "/provisioning/fall/close", courses=3)
    assert refused.status_code == 400
    closed = ask(client, engine, "close", courses=4)
    assert "4 courses are closed. 4 were visible, and are hidden now." in closed
    assert not it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F' AND visible = 1")
    assert "4 closed" in page(client, "/provisioning")


def test_what_is_wrong_stands_beside_its_line(client: FlaskClient) -> None:
    wrong = FILE.replace("MATH, PST", "MATH, POETRY").replace("site: demo", "site: nowhere")
    answer = send(client, "/provisioning/look", text=wrong)
    assert answer.status_code == 400
    shown = said(answer)
    assert "2 things are wrong" in shown
    assert 'id="line-2"' in shown
    assert "there is no site “nowhere”" in shown
    assert "'POETRY' is no topic of the program calpro-regional" in shown
    assert send(client, "/provisioning/save", text=wrong).status_code == 400
    assert "UTF-8" in said(upload(client, "/provisioning/look", b"\xff\xfe\x00"))


def upload(client: FlaskClient, path: str, content: bytes, **form: Any) -> TestResponse:
    data = {"csrf_token": token(client), "file": (io.BytesIO(content), "some.file"), **form}
    return client.post(path, data=data, content_type="multipart/form-data")


def test_a_change_is_shown_before_it_is_kept(client: FlaskClient, engine: Engine) -> None:
    keep(client)
    assert "Fall 2026}" in page(client, "/provisioning/fall/edit")
    changed = FILE.replace("2026-12-18", "2026-12-11")
    shown = said(send(client, "/provisioning/look", text=changed, code="fall"))
    assert "−</span><code>ends: 2026-12-18</code></del>" in shown
    assert "+</span><code>ends: 2026-12-11</code></ins>" in shown
    keep(client, changed, 1)
    late = send(client, "/provisioning/save", text=FILE, number=1, code="fall")
    assert late.status_code == 409
    assert "Somebody kept another version meanwhile" in said(late)
    assert "2026-12-18" in page(client, "/provisioning/fall/versions/1")
    assert client.get("/provisioning/fall/versions/9").status_code == 404
    other = said(send(client, "/provisioning/look", text=FILE.replace("provision: fall", "provision: x"), code="fall"))
    assert "this is the file “fall”, for good" in other
    stale = send(client, "/provisioning/fall/apply", file="of the version before")
    assert "done=changed" in stale.headers["Location"]
    with Session(engine) as session:
        saved = files.newest(session, "fall")
        assert saved
        assert saved.number == 2
        assert session.scalars(select(LongJob)).all() == []


def test_people_are_sealed_looked_at_first_and_gone_after_their_time(
    client: FlaskClient, it: Office, engine: Engine
) -> None:
    keep(client, WITH_PEOPLE)
    assert "A file of people is missing" in page(client, "/provisioning/fall")
    assert "that the provision file names isn't there: upload it" in ask(client, engine, "plan")
    wrong = upload(client, "/provisioning/fall/people", b"community,user\nART/BAY,3\n", name="people.csv")
    assert wrong.status_code == 400
    assert "'ART/BAY' is no community of the provision file" in said(wrong)
    user = int(it.site.rows("SELECT id FROM user WHERE id IN (SELECT userid FROM user_enrolments) LIMIT 1")[0]["id"])
    content = PEOPLE.format(user=user).encode()
    assert upload(client, "/provisioning/fall/people", content, name="other.csv").status_code == 400
    assert upload(client, "/provisioning/fall/people", content, name="people.csv").status_code == 303
    with Session(engine) as session:
        assert b"Amara" not in session.scalars(select(ProvisionPeople.content)).one()
    assert "uploaded" in page(client, "/provisioning/fall")
    planned = ask(client, engine, "plan")
    assert "person to enrol people.csv:2" in planned
    assert "Amara" not in planned
    apply(client, engine)
    course = it.course("COP-MATH-BAY-26F")
    assert it.site.rows("SELECT 1 FROM user_enrolments WHERE userid = ? AND course = ?", user, course)
    with Session(engine) as session:
        kept = str([[job.asked, job.result] for job in session.scalars(select(LongJob))])
    assert "Amara" not in kept
    with Session(engine) as session, session.begin():
        assert files.prune_people(session, datetime.now(UTC) + timedelta(days=400), 30) == 1


def test_a_killed_worker_is_gone_on_behind(
    client: FlaskClient, it: Office, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(client)
    monkeypatch.setattr(provisioning, "MADE", 1)
    address = send(client, "/provisioning/fall/apply", file=newest(engine)).headers["Location"]
    assert long_work.turn(engine, lambda: datetime.now(UTC), 0.0)
    assert "Courses done" in page(client, address)
    assert made(it) == 1
    with monkeypatch.context() as dying:
        # Dies when the second course is made, and before anybody knows it.
        dying.setattr(provisioning, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            long_work.turn(engine, lambda: datetime.now(UTC), 0.0)
    assert made(it) == 2
    assert not long_work.turn(engine, lambda: datetime.now(UTC)), "it may be at work still"
    with Session(engine) as session, session.begin():
        job = session.scalars(select(LongJob)).one()
        job.heartbeat_at = datetime.now(UTC) - timedelta(minutes=5)
    work(engine, 0.0)
    assert "4 courses are ready." in page(client, address)
    assert made(it) == 4
    with Session(engine) as session:
        assert session.scalars(select(ProvisionRun)).one().result["failed"] == 0


def killed(*_args: object, **_more: object) -> None:
    raise KeyboardInterrupt


def test_two_at_once_and_what_is_in_the_way_are_told(client: FlaskClient, it: Office, engine: Engine) -> None:
    keep(client)
    with Session(engine) as session:
        site = session.scalars(select(Site.id)).one()
    with files.alone(engine, site):
        assert "Somebody is provisioning this site right now" in apply(client, engine)
    assert made(it) == 0
    it.site.silent.change_course(it.course("TEMPLATE-CALPRO"), told=False, idnumber="GONE")
    planned = ask(client, engine, "plan")
    assert "In the way of everything" in planned
    assert "No course has the ID number “TEMPLATE-CALPRO”" in planned
    assert "No course has the ID number" in apply(client, engine)
    with Session(engine) as session:
        job = session.scalars(select(LongJob).order_by(LongJob.id.desc()).limit(1)).one()
    assert client.get(f"/provisioning/other/work/{job.id}").status_code == 404


def test_next_terms_file(client: FlaskClient) -> None:
    keep(client)
    page(client, "/provisioning/fall/clone")
    typed = {"code": "spring", "term": "27S", "title": "Spring 2027", "starts": "2027-01-11"}
    shown = said(send(client, "/provisioning/fall/clone", **typed))
    assert "It is a new file" in shown
    assert "COP-MATH-BAY-27S" in shown
    assert send(client, "/provisioning/fall/clone", **(typed | {"starts": "soon"})).status_code == 400
    assert send(client, "/provisioning/fall/clone", **(typed | {"code": "fall"})).status_code == 400


WIZARD = {
    **{"program": "calpro-regional", "site": "demo", "code": "winter", "term": "27W", "title": "Winter: 2027"},
    **{"starts": "2027-01-11", "ends": "2027-03-26", "template": "TEMPLATE-CALPRO", "topics_which": "some"},
    **{"regions_which": "all", "fullname": "{topic_title}: {region_title}", "shortname": "{topic}-{region}-{term}"},
    **{"idnumber": "COP-{topic}-{region}-{term}", "category": "CALPRO", "category_id": "CALPRO", "category2": ""},
    **{"people": "people.csv\r\n", "welcome": "Hello:\r\n# welcome"},
}


def test_the_form_writes_the_same_file(client: FlaskClient, engine: Engine) -> None:
    assert "{topic}-{region}-{term}" in page(client, "/provisioning/wizard")
    example = said(send(client, "/provisioning/wizard", **WIZARD, topics=["MATH"], do="example"))
    assert "courses, such as:" in example
    assert "COP-MATH-BAY-27W" in example
    shown = said(send(client, "/provisioning/wizard", **WIZARD, topics=["MATH"], do="write"))
    assert "It is a new file" in shown
    assert 'title: "Winter: 2027"' in shown
    wrong = send(client, "/provisioning/wizard", **(WIZARD | {"ends": "2026-01-01"}), topics=["MATH"], do="write")
    assert wrong.status_code == 400
    assert "before it starts" in said(wrong)
    nothing = send(client, "/provisioning/wizard", **WIZARD, do="write")
    assert "Topics: " in said(nothing)
    assert client.get("/provisioning/wizard?program=none").status_code == 404
    with Session(engine) as session:
        assert files.files(session) == []


def test_who_lost_the_role_has_the_work_ended(client: FlaskClient, it: Office, engine: Engine) -> None:
    keep(client)
    answer = send(client, "/provisioning/fall/apply", file=newest(engine))
    with Session(engine) as session, session.begin():
        session.execute(delete(GrantRow))
    work(engine)
    assert client.get(answer.headers["Location"]).status_code == 403
    assert made(it) == 0
    with Session(engine) as session:
        assert session.scalars(select(LongJob.error)).one() == "asker_lost"


def test_the_daily_pruning_takes_old_files_of_people(client: FlaskClient, engine: Engine, settings: Settings) -> None:
    keep(client, WITH_PEOPLE)
    with Session(engine) as session, session.begin():
        files.keep_people(session, "fall", "people.csv", b"community\n", CLI, settings.encryption_key)
        kept = session.scalars(select(ProvisionPeople)).one()
        kept.uploaded_at -= timedelta(days=settings.payload_retention_days + 1)
    tasks.prune_inbox()
    with Session(engine) as session:
        assert session.scalars(select(ProvisionPeople)).all() == []
