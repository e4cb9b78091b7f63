"""The way in: size, signature, shape, in this order; what is stored, what is answered, what heals."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records import secrets, sites, stuck
from records.actor import CLI
from records.database import make_engine
from records.migrate import upgrade
from records.models import FactRow, IgnoredCount, LedgerEntry, Site, uuid7
from records.secrets import Purpose, retire_secret
from records.settings import Settings
from service.embedded.valkey import Valkey
from tests.support.intake import COURSE, EPOCH, MODULE, Gate, Intake, batch, event, one_gate, opened, readings
from tests.support.killable import Nursery
from tests.support.sender import WWWROOT, Client, Sender, load_program, make_site
from tests.support.servers import Servers
from tests.support.settings import make_settings
from tests.support.up import wait_for

RECORDED = Path(__file__).parents[1] / "fixtures" / "moodle" / "emitters" / "local_webhooks"


@pytest.fixture(scope="module")
def gate(servers: Servers, template: str) -> Iterator[Gate]:
    with one_gate(servers, template) as found:
        yield found


@pytest.fixture
def intake(gate: Gate, redis: Redis) -> Intake:
    assert redis.ping()
    return gate.intake()


def minutes(engine: Engine) -> int:
    with Session(engine) as session:
        return sum(session.scalars(select(LedgerEntry.minutes)))


# The order of the checks.


def test_size_comes_before_the_signature(engine: Engine, settings: Settings) -> None:
    with opened(engine, settings.model_copy(update={"intake_max_bytes": 2000})) as intake:
        large = intake.client.post(intake.sender.path, data=b"x" * 2001)
        assert (large.status_code, large.get_json()) == (413, {"error": "too_large"})
        assert intake.client.post(intake.sender.path, data=b"x" * 2000).status_code == 401


def test_signature_comes_before_the_shape(intake: Intake) -> None:
    for body in (b"", b"{", b"[]", b"\xff", b'{"version": 9}'):
        assert intake.client.post(intake.sender.path, data=body).status_code == 401
        assert intake.post(body).status_code == 400


GARBAGE = [
    {},
    {"webhook-id": "msg_1"},
    {"webhook-id": "msg_1", "webhook-timestamp": "now", "webhook-signature": "v1,eHg="},
    {"webhook-id": "msg_1", "webhook-timestamp": "9" * 400, "webhook-signature": "v1,eHg="},
    {"webhook-id": "msg_1", "webhook-timestamp": "-1", "webhook-signature": "v1,"},
    {"webhook-id": "msg_1", "webhook-timestamp": "1795300100", "webhook-signature": "v1,???? v2,eHg= v1 , ,"},
    {"webhook-id": "ÿ", "webhook-timestamp": "²", "webhook-signature": "ÿ"},
    {"webhook-id": "", "webhook-timestamp": "1795300100", "webhook-signature": "v1,eHg= " * 500},
]


@pytest.mark.parametrize("headers", GARBAGE)
def test_a_refusal_doesnt_tell_whether_the_site_exists(intake: Intake, headers: dict[str, str]) -> None:
    answers = [
        intake.client.post(path, data=batch(), headers=headers)
        for path in (
            intake.sender.path,
            "/webhooks/nobody/events",
            "/webhooks/%00/events",
            f"/webhooks/{'x' * 300}/events",
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert len({str(sorted(answer.headers)) for answer in answers}) == 1


def test_shape_names_the_places(intake: Intake) -> None:
    answer = intake.post(batch(version=2, epoch="mine", events=None, readings={}, sent_at=None))
    assert answer.status_code == 400
    errors = answer.get_json()["errors"]
    assert {error.split(":")[0] for error in errors} == {"version", "epoch", "readings", "sent_at"}
    assert intake.statuses() == []


# Secrets and time.


def test_any_active_secret_signs_and_a_retired_one_doesnt(intake: Intake) -> None:
    second = secrets.make_secret(Purpose.WIRE)
    with Session(intake.engine) as session, session.begin():
        first = secrets.listed(session, intake.sender.site_id)[0].id
        secrets.keep_secret(session, intake.sender.site_id, Purpose.WIRE, second, intake.settings.encryption_key)
    assert intake.post(batch()).status_code == 200
    assert intake.post(batch(), secret=second).status_code == 200
    with Session(intake.engine) as session, session.begin():
        retire_secret(session, intake.sender.site_id, first)
    intake.sites.forget(intake.sender.slug)
    assert intake.post(batch()).status_code == 401
    assert intake.post(batch(), secret=second).status_code == 200
    assert intake.post(batch(), secret=secrets.make_secret(Purpose.WIRE)).status_code == 401


def test_one_of_several_signatures_is_enough(intake: Intake) -> None:
    body = batch()
    signed = intake.sender.headers(body, intake.now)
    both = f"v1,{'A' * 44} {signed['webhook-signature']}"
    assert (
        intake.client.post(intake.sender.path, data=body, headers=signed | {"webhook-signature": both}).status_code
        == 200
    )


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (0, 200), (300, 200), (301, 401)])
def test_a_signature_holds_five_minutes(intake: Intake, seconds: int, status: int) -> None:
    body = batch()
    signed = intake.sender.headers(body, intake.now + timedelta(seconds=seconds))
    assert intake.client.post(intake.sender.path, data=body, headers=signed).status_code == status


def test_the_signature_covers_id_time_and_body(intake: Intake) -> None:
    body = batch()
    signed = intake.sender.headers(body, intake.now)
    for changed in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(signed["webhook-timestamp"]) + 1)}):
        assert intake.client.post(intake.sender.path, data=body, headers=signed | changed).status_code == 401
    assert intake.client.post(intake.sender.path, data=body + b" ", headers=signed).status_code == 401


# Duplicates, waiting, copies.


def test_an_id_counts_once_within_a_batch_and_across(intake: Intake) -> None:
    assert intake.send([event(1), event(2), event(1)], readings())[:3] == [
        ("accepted", None),
        ("accepted", None),
        ("duplicate", "known_id"),
    ]
    intake.work()
    assert intake.send([event(2), event(3)]) == [("duplicate", "known_id"), ("accepted", None)]


def test_a_duplicate_suppresses_no_reading(intake: Intake) -> None:
    load_program(intake.engine)
    intake.send([event(1)], readings())
    intake.work()
    assert minutes(intake.engine) == 15
    undone = {"kind": "completion", "read_at": intake.now.timestamp(), "module": MODULE, "course": COURSE, "user": 701}
    undone |= {"present": True, "state": 0, "timemodified": int(intake.now.timestamp()) - 1}
    assert intake.send([event(1)], [undone]) == [("duplicate", "known_id"), ("accepted", None)]
    intake.work()
    assert minutes(intake.engine) == 0


def test_what_isnt_ours_is_counted_and_not_stored(intake: Intake) -> None:
    strange = event(1, r"\core\event\user_loggedin", other={"secret": "words"})
    assert intake.send([strange, strange, event(2, r"\mod_new\event\thing_happened")]) == 3 * [
        ("ignored", "uninteresting_event")
    ]
    assert intake.statuses() == []
    with Session(intake.engine) as session:
        assert {row.name: row.count for row in session.scalars(select(IgnoredCount))} == {
            r"\core\event\user_loggedin": 2,
            r"\mod_new\event\thing_happened": 1,
        }
    assert "words" not in intake.everything()


def test_waiting_items_are_taken_up_once_their_course_and_module_are_known(intake: Intake) -> None:
    load_program(intake.engine)
    course, module, *people = readings()
    assert intake.send([event(1)], people) == [
        ("waiting", "unknown_course"),
        ("accepted", None),
        ("waiting", "unknown_course"),
    ]
    assert intake.send([event(2)], [course]) == [("waiting", "unknown_module"), ("accepted", None)]
    intake.work()
    assert ("waiting", "unknown_module") in intake.statuses()
    intake.send([], [module])
    intake.work()
    assert {status for status, _ in intake.statuses()} == {"done"}
    assert minutes(intake.engine) == 15


COPIES = [
    {"wwwroot": "https://staging.example.org"},
    {"epoch": "018f6c2e-0000-7000-8000-0000000000bb"},
    {"wwwroot": "https://staging.example.org", "epoch": "018f6c2e-0000-7000-8000-0000000000bb"},
]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_of_the_site_is_quarantined_until_it_is_confirmed(intake: Intake, copy: dict[str, str]) -> None:
    load_program(intake.engine)
    intake.send([], readings()[:1])
    assert set(intake.send([event(1)], readings()[1:], **copy)) == {("quarantined", "unconfirmed_copy")}
    intake.work()
    assert replay(intake) == (0, 4)
    intake.work()
    assert minutes(intake.engine) == 0
    with Session(intake.engine) as session, session.begin():
        site = sites.find_site(session, intake.sender.slug)
        assert (str(site.refused_epoch), site.refused_wwwroot) == (
            copy.get("epoch", EPOCH),
            copy.get("wwwroot", WWWROOT),
        )
        epoch = UUID(copy.get("epoch", EPOCH))
        sites.confirm_epoch(session, site, epoch, actor=CLI, wwwroot=copy.get("wwwroot"))
    assert replay(intake) == (4, 0)
    intake.work()
    assert minutes(intake.engine) == 15


def replay(intake: Intake) -> tuple[int, int]:
    with Session(intake.engine) as session, session.begin():
        return stuck.replay(session, CLI)


def test_an_address_may_differ_in_case_and_slash(intake: Intake) -> None:
    assert intake.send([], readings()[:1], wwwroot=WWWROOT.upper().replace("HTTPS", "https") + "/") == [
        ("accepted", None)
    ]


# local_webhooks.


@pytest.fixture
def plugin(gate: Gate, redis: Redis) -> Intake:
    assert redis.ping()
    return gate.intake(Purpose.LOCAL_WEBHOOKS)


def recorded() -> list[dict[str, Any]]:
    return [
        request["body_json"]
        for path in sorted(RECORDED.glob("*.json"))
        for request in json.loads(path.read_text())["requests"]
    ]


def post_event(plugin: Intake, sent: dict[str, Any] | bytes) -> Any:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return plugin.client.post(
        f"/webhooks/{plugin.sender.slug}/local_webhooks", data=body, content_type="application/json"
    )


def test_recorded_requests_are_taken_and_the_token_is_nowhere(
    plugin: Intake, capsys: pytest.CaptureFixture[str]
) -> None:
    results = set()
    for sent in recorded():
        answer = post_event(plugin, sent | {"token": plugin.sender.secret})
        assert answer.status_code == 200
        results |= {item["result"] for item in answer.get_json()["results"]}
    assert results == {"waiting", "ignored"}
    plugin.work()
    assert "course_module_completion" in plugin.everything()
    assert plugin.sender.secret not in plugin.everything()
    assert "lab-shared-secret" not in plugin.everything()
    captured = capsys.readouterr()
    assert plugin.sender.secret not in captured.out + captured.err


def test_the_same_event_again_is_a_duplicate_and_its_facts_are_provisional(plugin: Intake) -> None:
    load_program(plugin.engine)
    with Session(plugin.engine) as session, session.begin():
        wire = secrets.make_secret(Purpose.WIRE)
        secrets.keep_secret(session, plugin.sender.site_id, Purpose.WIRE, wire, plugin.settings.encryption_key)
    assert plugin.post(batch([], readings()), secret=wire).status_code == 200
    plugin.work()
    sent = event(1)["data"] | {"relateduserid": "701", "courseid": "7", "token": plugin.sender.secret, "host": "h"}
    found = [post_event(plugin, sent).get_json()["results"][0]["result"] for _ in range(2)]
    assert found == ["accepted", "duplicate"]
    plugin.work()
    assert minutes(plugin.engine) == 0
    complete = {
        "kind": "completion",
        "read_at": plugin.now.timestamp(),
        "module": MODULE,
        "course": COURSE,
        "user": 701,
    }
    complete |= {"present": True, "state": 1, "timemodified": int(plugin.now.timestamp()) - 60}
    assert plugin.post(batch([], [complete]), secret=wire).status_code == 200
    plugin.work()
    assert minutes(plugin.engine) == 15
    with Session(plugin.engine) as session:
        assert session.scalars(select(FactRow.provisional).order_by(FactRow.version)).all() == [True, False]


@pytest.mark.parametrize("token", [None, "", "wrong", 7, ["x"], {"a": 1}, "\ud800"])
def test_without_the_token_nothing_is_told(plugin: Intake, token: object) -> None:
    here, nowhere = event(1)["data"] | {"token": token}, b"{"
    unknown = plugin.client.post("/webhooks/nobody/local_webhooks", json={"token": plugin.sender.secret})
    answers = [post_event(plugin, here), post_event(plugin, nowhere), post_event(plugin, b"\xff\xfe"), unknown]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert plugin.statuses() == []


def test_a_site_without_a_token_takes_none(intake: Intake) -> None:
    for token in ("", "-"):
        assert post_event(intake, event(1)["data"] | {"token": token}).status_code == 401


# What is away.


def test_redis_down_is_200(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.start()
    valkey.stop()
    with opened(engine, settings.model_copy(update={"redis_url": f"unix://{tmp_path}/gone"})) as intake:
        assert intake.send([event(1)], readings())[0] == ("accepted", None)


def test_database_down_is_503_and_the_sender_comes_back() -> None:
    own = Servers()
    own.start()
    try:
        database = own.create("copbridge_away")
        settings = make_settings(database, own.redis_url)
        upgrade(settings)
        engine = make_engine(database.url)
        with opened(engine, settings) as intake:
            assert intake.send([], readings()[:1]) == [("accepted", None)]
            assert own.postgres
            own.postgres.stop()
            for slug in (intake.sender.slug, "nobody"):
                answer = intake.post(batch([event(1)]), path=f"/webhooks/{slug}/events")
                assert (answer.status_code, answer.get_json()) == (503, {"error": "unavailable"})
                assert int(answer.headers["Retry-After"]) > 0
                intake.sites.forget(slug)
            own.postgres.start()
            assert intake.send([event(1)], readings()[:2])[0] == ("accepted", None)
        engine.dispose()
    finally:
        own.stop()


def test_a_body_may_come_in_chunks_without_a_length(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    sender = make_site(engine, settings)
    body = batch([event(1)], readings())
    with Nursery(settings, tmp_path) as nursery:
        nursery.web(processes=1)
        wait_for(lambda: chunked(nursery.port, sender, [batch()])[0] == 200, "the web is up")
        assert chunked(nursery.port, sender, [body[:100], body[100:]])[0] == 200
        # Refused as soon as it is over the limit, by whatever length it claims to have.
        assert chunked(nursery.port, sender, [b"x" * 1_000_000] * 6)[0] in {0, 413}
        assert chunked(nursery.port, sender, [body])[1]["results"][0]["result"] == "duplicate"


def chunked(port: int, sender: Sender, parts: list[bytes]) -> tuple[int, Any]:
    headers = sender.headers(b"".join(parts)) | {"transfer-encoding": "chunked"}
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    client = Client(port, timeout=10)
    answer = client.post(sender.path, framed, headers)
    client.close()
    return answer


def test_what_was_received_last_is_known(intake: Intake) -> None:
    intake.send([], readings())
    intake.work()
    with Session(intake.engine) as session:
        assert session.scalar(select(Site.last_received_at)) is not None


def test_an_empty_batch_says_that_the_site_is_there(intake: Intake) -> None:
    assert intake.post(batch()).get_json() == {"results": [], "confirmed": True}
    last = select(Site.last_received_at)
    with Session(intake.engine) as session, session.begin():
        assert session.scalars(last).one() is not None
        session.execute(update(Site).values(last_received_at=None))
    copy = intake.post(batch(epoch=str(uuid7()))).get_json()
    assert copy == {"results": [], "confirmed": False}
    with Session(intake.engine) as session:
        assert session.scalars(last).one() is None
