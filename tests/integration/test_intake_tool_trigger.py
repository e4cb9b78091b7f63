"""tool_trigger: the published template, who may, what is answered, and what its fields amount to."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import secrets, sites, stuck
from records.actor import CLI
from records.models import IgnoredCount, LedgerEntry, MirrorEnrolment, Reread
from records.secrets import Purpose
from records.settings import Settings
from tests.golden.emitters import data_fields, event_of, filled, published, requests
from tests.support.intake import COURSE, EPOCH, MODULE, USER, Intake, batch, event, opened, readings
from tests.support.sender import load_program, make_site

RECORDED = (
    "backlog_after_lab_fix",
    "receiver_500",
    "tt_course_completed_realtime.after_cron",
    "tt_enrolment_created.after_cron",
    "tt_uncomplete.after_cron",
)


@pytest.fixture
def plugin(engine: Engine, settings: Settings) -> Iterator[Intake]:
    with opened(engine, settings, make_site(engine, settings, purpose=Purpose.TOOL_TRIGGER)) as found:
        yield found


def post(plugin: Intake, body: Any, said: str | None = None, slug: str | None = None) -> Any:
    """Post with the headers to paste; `said` replaces the Authorization."""
    lines = published("headers").replace("TOKEN", plugin.sender.secret).splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    if said is not None:
        headers["Authorization"] = said
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return plugin.client.post(f"/webhooks/{slug or plugin.sender.slug}/tool_trigger", data=data, headers=headers)


def send(plugin: Intake, body: Any) -> tuple[str, str | None]:
    answer = post(plugin, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    (item,) = answer.get_json()["results"]
    return item["result"], item["reason"]


def templated(**data: Any) -> dict[str, Any]:
    """What the published template makes of a completion; `data` replaces fields of get_data()."""
    return filled(data_fields(event(1)["data"] | data))


def read(plugin: Intake, items: list[dict[str, Any]]) -> None:
    """Post readings over our own wire, and work."""
    with Session(plugin.engine) as session, session.begin():
        wire = secrets.make_secret(Purpose.WIRE)
        secrets.keep_secret(session, plugin.sender.site_id, Purpose.WIRE, wire, plugin.settings.encryption_key)
    plugin.sites.forget(plugin.sender.slug)
    assert plugin.post(batch([], items), secret=wire).status_code == 200
    plugin.work()


def known(plugin: Intake) -> None:
    load_program(plugin.engine)
    read(plugin, readings())


def minutes(plugin: Intake) -> int:
    with Session(plugin.engine) as session:
        return sum(session.scalars(select(LedgerEntry.minutes)))


def test_the_published_template_takes_recorded_values(plugin: Intake) -> None:
    found = []
    for name in RECORDED:
        for sent in requests(f"emitters/tool_trigger/{name}"):
            body = filled(data_fields(event_of(sent)))
            assert all(value == str(value) for value in body.values() if not isinstance(value, dict))
            found.append(send(plugin, body))
    # Nothing is known of the recorded site yet; one completion was recorded twice, before and after an outage.
    assert set(found) == {("waiting", "unknown_course")}
    assert plugin.sender.secret not in plugin.everything()


def test_it_is_on_its_way_until_a_reading_confirms_it(plugin: Intake) -> None:
    known(plugin)
    assert [send(plugin, templated()) for _ in range(2)] == [("accepted", None), ("duplicate", "known_id")]
    plugin.work()
    assert minutes(plugin) == 0
    with Session(plugin.engine) as session:
        assert session.scalars(select(Reread.reason)).all() == ["unconfirmed_sender"]
    at = plugin.now.timestamp()
    row = {"kind": "completion", "read_at": at, "module": MODULE, "course": COURSE, "user": USER, "present": True}
    read(plugin, [row | {"state": 1, "timemodified": int(at) - 60}])
    assert minutes(plugin) == 15


def test_what_a_workflow_may_send(plugin: Intake) -> None:
    known(plugin)
    before = len(plugin.statuses())
    enrolled = templated(
        eventname=r"\core\event\user_enrolment_created", contextlevel=50, objectid=99, other={"enrol": "self"}
    )
    assert send(plugin, enrolled) == ("accepted", None)
    restored = templated(
        eventname=r"\core\event\course_restored",
        relateduserid=None,
        other={"originalcourseid": 5, "samesite": True, "target": 1},
    )
    assert send(plugin, restored) == ("accepted", None)
    assert send(plugin, templated() | {"firstname": "Amara", "other2": {"email": "a@b.example"}}) == ("accepted", None)
    plugin.work()
    assert plugin.statuses()[before:] == [("done", None)] * 3
    with Session(plugin.engine) as session:
        row = session.scalars(select(MirrorEnrolment).where(MirrorEnrolment.enrolment_id == 99)).one()
        assert row.method == "self"
    assert "a@b.example" not in plugin.everything()


REFUSED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"other": "x"}, ("quarantined", "malformed")),
    ({"relateduserid": ""}, ("quarantined", "malformed")),
    ({"relateduserid": "{relateduserid}"}, ("quarantined", "malformed")),
    ({"timecreated": "soon"}, ("quarantined", "malformed")),
    ({"timecreated": "2000000000"}, ("quarantined", "future_time")),
    ({"eventname": "{eventname}"}, ("quarantined", "malformed")),
    ({"eventname": r"\core\event\user_loggedin"}, ("ignored", "uninteresting_event")),
    ({"wwwroot": ""}, ("quarantined", "malformed")),
    ({"wwwroot": None}, ("quarantined", "malformed")),
    ({"wwwroot": "{wwwroot}"}, ("quarantined", "malformed")),
    ({"wwwroot": ["x"]}, ("quarantined", "malformed")),
    ({"wwwroot": "https://staging.example.org"}, ("quarantined", "unconfirmed_copy")),
]


def test_whatever_it_is_the_answer_is_200(plugin: Intake) -> None:
    known(plugin)
    for number, (parts, fate) in enumerate(REFUSED):
        body = templated(timecreated=int(plugin.now.timestamp()) - 100 - number)
        assert send(plugin, body | parts) == fate, parts
    plugin.work()
    assert minutes(plugin) == 0
    with Session(plugin.engine) as session:
        assert session.scalars(select(IgnoredCount.count)).all() == [1]


def test_a_copy_of_the_site_can_be_confirmed(plugin: Intake) -> None:
    known(plugin)
    copy = "https://staging.example.org"
    assert send(plugin, templated() | {"wwwroot": copy}) == ("quarantined", "unconfirmed_copy")
    with Session(plugin.engine) as session, session.begin():
        assert stuck.replay(session, CLI) == (0, 1)
        site = sites.find_site(session, plugin.sender.slug)
        sites.confirm_epoch(session, site, UUID(EPOCH), actor=CLI, wwwroot=copy)
        assert stuck.replay(session, CLI) == (1, 0)


def test_size_then_token_then_shape(engine: Engine, settings: Settings) -> None:
    sender = make_site(engine, settings, purpose=Purpose.TOOL_TRIGGER)
    with opened(engine, settings.model_copy(update={"intake_max_bytes": 2000}), sender) as plugin:
        assert post(plugin, b"x" * 2001, said="").status_code == 413
        assert post(plugin, b"x" * 2000, said="").status_code == 401
        # As it comes where "JSON encode parameters" isn't ticked.
        for body in (b"", b"{", b"[]", b"\xff", b"wwwroot=x&eventname=y"):
            assert post(plugin, body).status_code == 400


def test_without_the_token_nothing_is_told(plugin: Intake) -> None:
    good = plugin.sender.secret
    answers = [
        *(post(plugin, b"{", said) for said in ("", "Bearer", "Bearer ", "Bearer -", "Bearer wrong", f"Basic {good}")),
        post(plugin, templated(), good),
        post(plugin, templated(), slug="nobody"),
    ]
    assert {(answer.status_code, answer.data) for answer in answers} == {(401, b'{"error": "unauthorized"}')}
    assert plugin.statuses() == []
