"""Recorded requests of other plugins, sent to the house as those plugins send them."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.models import InboxItem
from records.secrets import Purpose, active_secrets, keep_secret, make_secret
from tests.support.house import SLUG, WWWROOT, House

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "moodle"
PAGE = Path(__file__).parents[2] / "docs" / "emitters.md"
TAKEN = {"pending": "accepted"}


def requests(name: str) -> list[Any]:
    """The bodies of a recording, as JSON."""
    content = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return [request.get("body_json", json.loads(request["body"])) for request in content["requests"]]


def secret_of(house: House, purpose: Purpose) -> str:
    """The house's secret for a purpose; made when it is asked for first."""
    with Session(house.engine) as session, session.begin():
        kept = active_secrets(session, house.site_id, purpose, house.settings.encryption_key)
        if kept:
            return kept[0]
        made = make_secret(purpose)
        keep_secret(session, house.site_id, purpose, made, house.settings.encryption_key)
    house.app.extensions["copbridge.intake"].sites.forget(SLUG)
    return made


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def post_xapi(house: House, name: str) -> list[tuple[str, str | None]]:
    """Post what logstore_xapi posted. Returns (result, reason) of what was stored: an LRS answers ids alone."""
    headers = basic("id", secret_of(house, Purpose.XAPI))
    before = {id_ for id_, _, _ in _stored(house)}
    for statements in requests(name):
        response = house.client.post(f"/webhooks/{SLUG}/xapi/statements", json=statements, headers=headers)
        assert (response.status_code, len(response.get_json())) == (200, len(statements))
    return [(TAKEN.get(status, status), reason) for id_, status, reason in _stored(house) if id_ not in before]


def _stored(house: House) -> list[tuple[int, str, str | None]]:
    with Session(house.engine) as session:
        rows = session.execute(select(InboxItem.id, InboxItem.status, InboxItem.reason).order_by(InboxItem.id))
        return [(id_, status, reason) for id_, status, reason in rows]


def post_tool_trigger(house: House, name: str) -> list[tuple[str, str | None]]:
    """Post what a workflow with the published template would have posted for the recorded events."""
    headers = {"Authorization": f"Bearer {secret_of(house, Purpose.TOOL_TRIGGER)}"}
    found = []
    for sent in requests(name):
        body = filled(data_fields(event_of(sent)))
        response = house.client.post(f"/webhooks/{SLUG}/tool_trigger", json=body, headers=headers)
        assert response.status_code == 200, response.get_data(as_text=True)
        found += [(item["result"], item["reason"]) for item in response.get_json()["results"]]
    return found


def published(what: str) -> str:
    """A block to paste of docs/emitters.md."""
    found = re.findall(rf"^```tool_trigger-{what}\n(.*?)\n```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(found) == 1
    return str(found[0])


def data_fields(event: dict[str, Any]) -> dict[str, Any]:
    """What a workflow's placeholders stand for: get_data(), with `other` unfolded, and the site's address."""
    other = event.get("other") or {}
    fields = {name: value for name, value in event.items() if name != "other"} | {"wwwroot": WWWROOT}
    flat = {f"other_{name}": value for name, value in other.items() if not isinstance(value, dict | list)}
    return fields | flat


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The body that the plugin makes of the published template, with "JSON encode parameters" ticked."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in fields:
            return found[0]
        said = fields[found[1]]
        # PHP spells null and false as nothing, and true as 1.
        return "" if said is None or said is False else "1" if said is True else str(said)

    line = re.sub(r"\{([-_A-Za-z0-9]+)\}", value, published("parameters"))
    body: dict[str, Any] = {}
    for name, said in parse_qsl(line, keep_blank_values=True, strict_parsing=True):
        nested = re.fullmatch(r"(\w+)\[(\w+)\]", name)
        (body.setdefault(nested[1], {}) if nested else body)[nested[2] if nested else name] = said
    return body


def event_of(sent: dict[str, Any]) -> dict[str, Any]:
    """The event behind a recorded request of the lab's own template, as another listener recorded it at best."""
    told = {"eventname": sent["event"], "timecreated": sent["time"], "courseid": sent["courseid"]}
    told |= {"contextinstanceid": sent["cmid"], "relateduserid": sent["userid"]}
    for event in _recorded_events():
        state = (event.get("other") or {}).get("completionstate", "{other_completionstate}")
        if str(state) == sent["state"] and all(str(event.get(name)) == value for name, value in told.items()):
            return event
    assert sent["event"].endswith("completion_updated")
    return told | {"contextlevel": "70", "other": {"completionstate": sent["state"], "overrideby": None}}


def _recorded_events() -> list[dict[str, Any]]:
    found = []
    for path in sorted(RECORDINGS.glob("emitters/local_webhooks/*.json")):
        found += requests(f"emitters/local_webhooks/{path.stem}")
    for path in sorted(RECORDINGS.glob("sequences/emit_*.json")):
        order = json.loads(path.read_text(encoding="utf-8"))["order"]
        found += [{"eventname": entry["event"]} | entry for entry in order if entry["kind"] == "internal"]
    return found
