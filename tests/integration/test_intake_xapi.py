"""logstore_xapi: who may, what is answered, what it amounts to, and what is none of ours."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import sites, stuck
from records.actor import CLI
from records.database import make_engine
from records.migrate import upgrade
from records.models import IgnoredCount, Reread
from records.secrets import Purpose
from records.settings import Settings
from tests.golden.emitters import basic, requests
from tests.support.intake import COURSE, EPOCH, MODULE, USER, Intake, opened
from tests.support.lrs import UNDONE, known, mailed, minutes, named, of_event, post, send, statement, states
from tests.support.sender import WWWROOT, make_site
from tests.support.servers import Servers
from tests.support.settings import make_settings


@pytest.fixture
def lrs(engine: Engine, settings: Settings) -> Iterator[Intake]:
    with opened(engine, settings, make_site(engine, settings, purpose=Purpose.XAPI)) as found:
        yield found


# The request.


def test_size_then_password_then_shape(engine: Engine, settings: Settings) -> None:
    sender = make_site(engine, settings, purpose=Purpose.XAPI)
    with opened(engine, settings.model_copy(update={"intake_max_bytes": 2000}), sender) as lrs:
        assert post(lrs, b"x" * 2001, secret="").status_code == 413
        assert post(lrs, b"x" * 2000, secret="").status_code == 401
        for body in (b"", b"[", b"\xff", b"7", b'"x"', b"null", b"[7]", b"[[]]", b'[{"a": NaN}]'):
            assert post(lrs, body).status_code == 400, body
    with opened(engine, settings, sender) as lrs:
        assert post(lrs, b"[" + b",".join([b"{}"] * 5001) + b"]").status_code == 413


def test_nobody_is_told_which_part_is_wrong(lrs: Intake) -> None:
    """Nor whether the site exists. The user name says what accounts are named by: a word of its own is no help."""
    good = lrs.sender.secret
    answers = [
        post(lrs, [], secret="wrong"),
        post(lrs, [], secret=""),
        post(lrs, [], secret="-"),
        post(lrs, [], user="lrsuser"),
        post(lrs, [], user=""),
        post(lrs, [], slug="nobody"),
        post(lrs, b"{", secret="wrong"),
        *(
            lrs.client.post(f"/webhooks/{lrs.sender.slug}/xapi/statements", data=b"[]", headers={"Authorization": said})
            for said in (f"Bearer {good}", "Basic", "Basic ????", "Basic " + base64.b64encode(b"\xff:\xff").decode())
        ),
        lrs.client.post(f"/webhooks/{lrs.sender.slug}/xapi/statements", data=b"[]"),
    ]
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, b'{"error": "unauthorized"}')}


def test_a_site_without_a_secret_for_it_takes_nothing(engine: Engine, settings: Settings) -> None:
    with opened(engine, settings) as intake:
        for secret in ("", "-", intake.sender.secret):
            assert post(intake, [], secret=secret).status_code == 401


def test_the_answer_is_that_of_an_lrs(lrs: Intake) -> None:
    empty = post(lrs, [])
    assert (empty.status_code, empty.get_json()) == (200, [])
    assert empty.headers["X-Experience-API-Version"] == "1.0.3"
    own = "7f0c1c52-0000-4000-8000-000000000001"
    batch_ = [statement(named()), statement(named(), UNDONE), {"id": own}, {}]
    first, again = (post(lrs, batch_).get_json() for _ in range(2))
    assert first == again
    assert len({UUID(said) for said in first}) == 4
    assert first[2] == own
    assert post(lrs, statement(named())).get_json() == first[:1]
    where = f"/webhooks/{lrs.sender.slug}/xapi/about"
    about = lrs.client.get(where, headers=basic("id", lrs.sender.secret))
    assert (about.status_code, about.get_json()) == (200, {"version": ["1.0.3"]})
    assert lrs.client.get(where).status_code == 401


def test_the_database_down_is_503_and_the_sender_keeps_it() -> None:
    own = Servers()
    own.start()
    try:
        settings = make_settings(own.create("copbridge_away"), own.redis_url)
        upgrade(settings)
        engine = make_engine(settings.database_url)
        with opened(engine, settings, make_site(engine, settings, purpose=Purpose.XAPI)) as lrs:
            assert post(lrs, [statement(named())]).status_code == 200
            assert own.postgres
            own.postgres.stop()
            answer = post(lrs, [statement(named(), UNDONE)])
            assert (answer.status_code, answer.get_json()) == (503, {"error": "unavailable"})
            assert int(answer.headers["Retry-After"]) > 0
        engine.dispose()
    finally:
        own.stop()


# What it amounts to.


def test_a_completion_earns_and_a_resent_one_changes_nothing(lrs: Intake) -> None:
    known(lrs)
    for _ in range(2):
        send(lrs, statement(named()))
        assert minutes(lrs) == 15
    send(lrs, statement(named(), UNDONE, timestamp="2026-11-21T22:28:20.000Z"))
    assert (minutes(lrs), states(lrs)) == (0, {USER: 0})
    with Session(lrs.engine) as session:
        assert set(session.scalars(select(Reread.reason))) == {"override_untold"}


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({"completion": True}, 1),
        ({"completion": True, "success": True}, 2),
        ({"completion": True, "success": False}, 3),
    ],
)
def test_the_state_is_told_by_the_result(lrs: Intake, result: dict[str, Any], state: int) -> None:
    known(lrs)
    send(lrs, statement(named(), result=result))
    assert states(lrs) == {USER: state}


UNCLEAR: list[dict[str, Any]] = [
    {"result": None},
    {"result": {}},
    {"result": {"completion": False}},
    {"result": {"completion": True, "success": []}},
    {"verb": {"id": "http://adlnet.gov/expapi/verbs/passed"}},
    {"verb": None},
    {"timestamp": None},
    {"timestamp": "yesterday"},
    {"timestamp": "2026-11-21T22:27:20"},
    {"object": None},
    {"object": {"id": f"{WWWROOT}/mod/choice/view.php?id=0"}},
    {"object": {"id": f"{WWWROOT}/course/view.php?id={COURSE}"}},
    {"object": {"id": f"https://elsewhere.example.org/mod/choice/view.php?id={MODULE}"}},
    {"object": {"id": f"{WWWROOT}/mod/choice/view.php?id={'9' * 19}"}},
    {"actor": None},
    {"actor": {"name": "Amara Diallo"}},
    {"actor": {"mbox": "mailto:"}},
    {"actor": {"mbox_sha1sum": "0" * 40}},
    {"actor": named("amara")},
    {"actor": named("0701")},
    {"actor": named(USER)},
    {"actor": named(home="https://elsewhere.example.org")},
]


def test_what_is_unclear_is_put_aside_without_names(lrs: Intake) -> None:
    known(lrs)
    before = len(lrs.statuses())
    sent = [
        statement(named(), timestamp=f"2026-11-21T22:{number:02}:20Z") | parts for number, parts in enumerate(UNCLEAR)
    ]
    found = send(lrs, *sent, statement(mailed()))[before:]
    # Those without an instant have nothing that tells them apart.
    assert found.count(("quarantined", "malformed")) == len(UNCLEAR) - 2
    assert sorted(set(found), key=str) == [("done", None), ("quarantined", "malformed")]
    assert states(lrs) == {USER: 1}
    assert "Diallo" not in lrs.everything()


def test_what_is_none_of_ours_is_counted_and_not_kept(lrs: Intake) -> None:
    known(lrs)
    before = len(lrs.statuses())
    sent = [statement_ for name in ("quiz_pass", "user_created", "assign_submitted") for statement_ in first_of(name)]
    assert len(sent) == 8
    odd = [{}, {"context": 7}, of_event("x" * 300), of_event(7), of_event(r"\core\event\role_assigned")]
    found = send(lrs, *sent, *odd)
    # The quiz and the assignment of the recording are in a course that isn't known here.
    assert found[before:] == [("waiting", "unknown_course")] * 2
    with Session(lrs.engine) as session:
        counted = {row.name: row.count for row in session.scalars(select(IgnoredCount))}
    assert counted.pop(r"\logstore_xapi\statement") == 4
    assert counted.pop(r"\mod_quiz\event\attempt_submitted") == 3
    assert sum(counted.values()) == 4
    assert "García" not in lrs.everything()


def first_of(name: str) -> list[Any]:
    found: list[Any] = requests(f"emitters/logstore_xapi/{name}.after_cron")[0]
    return found


def test_changes_that_name_no_row_are_asked_for(lrs: Intake) -> None:
    known(lrs)
    for name in ("user_enrolment_deleted", "group_member_added", "course_updated", "course_module_created"):
        send(lrs, of_event(rf"\core\event\{name}"))
    with Session(lrs.engine) as session:
        asked = {
            (row.course_id, row.moodle_user_id, row.module_id, row.reason) for row in session.scalars(select(Reread))
        }
    assert asked == {
        (COURSE, USER, None, "user_enrolment_updated"),
        (COURSE, None, None, "course_updated"),
        (COURSE, None, None, "course_module_created"),
    }


def test_a_copy_of_the_site_is_quarantined_until_it_is_confirmed(lrs: Intake) -> None:
    known(lrs)
    copy_ = "https://staging.example.org"
    sent = [statement(named(home=copy_), root=copy_), statement(named(), UNDONE)]
    assert send(lrs, *sent)[-2:] == [("quarantined", "unconfirmed_copy"), ("done", None)]
    with Session(lrs.engine) as session, session.begin():
        assert stuck.replay(session, CLI) == (0, 1)
        site = sites.find_site(session, lrs.sender.slug)
        assert site.refused_wwwroot == copy_
        sites.confirm_epoch(session, site, UUID(EPOCH), actor=CLI, wwwroot=copy_)
        assert stuck.replay(session, CLI) == (1, 0)
    lrs.work()
    assert states(lrs) == {USER: 1}
