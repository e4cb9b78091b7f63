"""What the companion plugin really sent, as recorded on real sites, is the wire; the sandbox sends just that."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator
from requests.adapters import HTTPAdapter
from sqlalchemy.orm import Session

from jobs.kinds.events import INTERESTING
from records.secrets import Purpose, keep_secret
from sandbox.sender import Sender
from sandbox.site import Site
from sandbox.store import set_config
from service import assertions
from tests.support.house import EPOCH, SLUG, WWWROOT, House

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "fixtures" / "plugin"
SECRET = "whsec_YSBzZWNyZXQgZm9yIHRlc3RzLCBubyBzZWNyZXQhISE="
SCHEMA = json.loads((ROOT / "docs" / "wire" / "v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
BAY = "COP-EBWIESL-BAY"
ANY_CLIENT = {"host", "content-length", "connection"}
"""What every HTTP client sends by itself."""

REQUESTS = [path for path in sorted(RECORDED.glob("*/*.json")) if path.stem != "check_in"]
CHECK_INS = sorted(RECORDED.glob("*/check_in.json"))
Act = Callable[[Site], object]


def name_of(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def headers_of(path: Path) -> dict[str, str]:
    return {name.lower(): value for name, value in read(path)["headers"]}


def sent_at(path: Path) -> datetime:
    return datetime.fromtimestamp(int(headers_of(path)["webhook-timestamp"]), UTC)


@pytest.fixture
def receiver(house: House) -> House:
    """The house of a site whose secret is the published one."""
    with Session(house.engine) as session, session.begin():
        keep_secret(session, house.site_id, Purpose.WIRE, SECRET, house.settings.encryption_key)
    house.app.extensions["copbridge.intake"].sites.forget(SLUG)
    return house


def test_there_are_recordings_and_each_is_listed() -> None:
    index = (RECORDED / "INDEX.md").read_text(encoding="utf-8")
    assert len(REQUESTS) >= 15
    assert {path.parent.name for path in REQUESTS} >= {"4.5"}
    assert [name for name in {path.stem for path in [*REQUESTS, *CHECK_INS]} if f"`{name}`" not in index] == []


@pytest.mark.parametrize("path", REQUESTS, ids=name_of)
def test_a_request_is_of_the_wire(path: Path) -> None:
    found = read(path)
    batch = json.loads(found["body"])
    assert list(VALIDATOR.iter_errors(batch)) == []
    assert (batch["wwwroot"], batch["epoch"]) == (WWWROOT, str(EPOCH))
    for private in ("127.0.0.1", "copbridge-live", "/tmp/"):  # noqa: S108
        assert private not in found["body"]


@pytest.mark.parametrize("path", REQUESTS, ids=name_of)
def test_a_request_is_taken_as_it_is(path: Path, receiver: House) -> None:
    receiver.now = sent_at(path)
    found = read(path)
    response = receiver.client.post(
        f"/webhooks/{SLUG}/events", data=found["body"].encode(), headers=[tuple(row) for row in found["headers"]]
    )
    assert response.status_code == 200, response.get_data(as_text=True)
    results = response.get_json()["results"]
    batch = json.loads(found["body"])
    assert len(results) == len(batch["events"]) + len(batch["readings"])
    # Of what else happens, the readings say all that there is to know.
    names = [event["data"]["eventname"] for event in batch["events"]]
    expected = ["accepted" if name in INTERESTING else "ignored" for name in names]
    assert [row["result"] for row in results] == expected + ["accepted"] * len(batch["readings"])
    receiver.work()
    assert receiver.waiting() == []


@pytest.mark.parametrize("path", REQUESTS[:3], ids=name_of)
def test_a_byte_more_is_refused(path: Path, receiver: House) -> None:
    receiver.now = sent_at(path)
    found = read(path)
    body = found["body"].encode() + b" "
    headers = [tuple(row) for row in found["headers"]]
    assert receiver.client.post(f"/webhooks/{SLUG}/events", data=body, headers=headers).status_code == 401


@pytest.mark.parametrize("path", CHECK_INS, ids=name_of)
def test_the_check_in_assertion_says_who_it_is(path: Path) -> None:
    found = read(path)
    text, state = found["assertion"], found["state"]
    claims = json.loads(assertions.from_base64url(text.split(".")[0]))
    now = datetime.fromtimestamp(claims["iat"] + 5, UTC)
    known = {"site": claims["site"], "epoch": EPOCH, "state": state, "secrets": [SECRET], "now": now}
    assert assertions.read(text, **known) == found["user"] == claims["user"]
    for wrong in (
        {"site": "other"},
        {"state": state[::-1]},
        {"secrets": ["whsec_" + "A" * 32]},
        {"now": datetime.fromtimestamp(claims["exp"] + 3_600, UTC)},
    ):
        with pytest.raises(assertions.NotAsserted):
            assertions.read(text, **(known | wrong))


class Catching(HTTPAdapter):
    """Answers each post that everything was accepted, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.caught: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.caught.append(request)
        batch = json.loads(request.body or b"")
        response = requests.Response()
        response.status_code = 200
        items = [f"{part}/{number}" for part in ("events", "readings") for number in range(len(batch[part]))]
        content = {"results": [{"item": item, "id": None, "result": "accepted", "reason": None} for item in items]}
        response._content = json.dumps(content).encode()
        return response


def sandbox_sends(site: Site, act: Act) -> requests.PreparedRequest:
    """The request that the sandbox's sender makes after an action."""
    sender, catching = Sender(site.store, "http://127.0.0.1/webhooks/lab/events", SECRET, site.clock), Catching()
    sender._session.mount("http://", catching)
    with site.store.write() as db:
        set_config(db, "sync_wanted", "0")
        db.execute("DELETE FROM outbox")
    act(site)
    assert sender.send_pending(), sender.status().error
    sender.close()
    (request,) = catching.caught
    return request


def _user(site: Site) -> int:
    return site.user("e0001")


def _ticked(site: Site) -> int:
    site.act.tick(_user(site), site.module(BAY, "ACT-08"))
    with site.store.write() as db:
        db.execute("DELETE FROM outbox")
    return site.module(BAY, "ACT-08")


def _enrolled(site: Site) -> object:
    site.unseen.leave(_user(site), site.course(BAY))
    return site.act.enrol(_user(site), site.course(BAY))


ACTIONS: dict[str, Act] = {
    "first_view": lambda site: site.act.view(_user(site), site.module(BAY, "ACT-01")),
    "manual_tick": lambda site: site.act.tick(_user(site), site.module(BAY, "ACT-08")),
    "undo": lambda site: site.act.untick(_user(site), _ticked(site)),
    "override": lambda site: site.act.override(_user(site), site.module(BAY, "ACT-08"), complete=True),
    "quiz_fail": lambda site: site.act.attempt_quiz(_user(site), site.module(BAY, "ACT-06"), passes=False),
    "quiz_pass": lambda site: site.act.attempt_quiz(_user(site), site.module(BAY, "ACT-06"), passes=True),
    "enrolment": _enrolled,
    "suspension": lambda site: site.act.suspend(_user(site), site.course(BAY)),
    "unenrolment": lambda site: site.act.leave(_user(site), site.course(BAY)),
    "user_update": lambda site: site.silent.change_account(_user(site), told=True, lastname="Renamed"),
    "course_update": lambda site: site.silent.change_course(site.course(BAY), told=True, fullname="Renamed"),
    "module_update": lambda site: site.silent.change_module(site.module(BAY, "ACT-01"), told=True, name="Renamed"),
    "module_hours": lambda site: site.silent.declare_hours(site.module(BAY, "ACT-01"), 90, "online", told=True),
    "module_deletion": lambda site: site.silent.delete_module(site.module(BAY, "ACT-01"), told=True),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site.db", clock=lambda: 1_795_300_049.5) as fresh:
        yield fresh


def shape(value: Any) -> Any:
    """The keys of everything with the JSON types of the values; lists by the shape of their first row."""
    if isinstance(value, dict):
        # Which fields a site has is its own affair.
        return {key: "map" if key in ("profile", "fields") else shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differing(plugin: Any, sandbox: Any, at: str) -> list[str]:
    """Where two shapes differ; null, and an empty list, agree with everything."""
    if isinstance(plugin, dict) and isinstance(sandbox, dict):
        found = [f"{at}.{key}: only the plugin sends it" for key in plugin.keys() - sandbox.keys()]
        found += [f"{at}.{key}: only the sandbox sends it" for key in sandbox.keys() - plugin.keys()]
        for key in plugin.keys() & sandbox.keys():
            found += differing(plugin[key], sandbox[key], f"{at}.{key}")
        return sorted(found)
    if isinstance(plugin, list) and isinstance(sandbox, list):
        return differing(plugin[0], sandbox[0], f"{at}[]") if plugin and sandbox else []
    # Moodle's own events have ids as numbers or as text, as it comes.
    either = ".data." in at and {plugin, sandbox} == {"int", "str"}
    if either or "NoneType" in (plugin, sandbox) or plugin == sandbox:
        return []
    return [f"{at}: the plugin sends {plugin}, the sandbox {sandbox}"]


def by_name(batch: Any) -> dict[str, Any]:
    """The shapes in a batch: each kind of event and each kind of reading, once; `readings` that are gone for
    themselves."""
    found = {"batch": shape({key: value for key, value in batch.items() if not isinstance(value, list)})}
    for event in batch["events"]:
        found.setdefault(event["data"]["eventname"], shape(event))
    for reading in batch["readings"]:
        found.setdefault(f"{reading['kind']}{'' if reading.get('present', True) else ' (gone)'}", shape(reading))
    return found


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_sandbox_sends_just_that(name: str, site: Site) -> None:
    path = next(path for path in REQUESTS if path.stem == name)
    request = sandbox_sends(site, ACTIONS[name])
    ours = {key.lower(): value for key, value in request.headers.items() if key.lower() not in ANY_CLIENT}
    theirs = {key: value for key, value in headers_of(path).items() if key not in ANY_CLIENT}
    found = differing(dict.fromkeys(theirs, ""), dict.fromkeys(ours, ""), "headers")
    assert (ours["content-type"], ours["webhook-signature"][:3]) == (theirs["content-type"], "v1,")
    plugin, sandbox = by_name(json.loads(read(path)["body"])), by_name(json.loads(request.body or b""))
    found += differing(plugin, sandbox, name)
    assert found == [], found
