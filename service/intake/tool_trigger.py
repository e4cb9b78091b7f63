"""The existing plugin tool_trigger: one event a request, in the fields that a workflow's author chose.

docs/emitters.md has the workflow step to paste; its field names are Moodle's own. All values are strings, an empty
one is null, and a placeholder that the event has no value for stays as it is. A bearer token stands in the
headers. The plugin wants exactly 200, and tries again an hour later otherwise. A workflow that runs in real time
posts from within Moodle's transaction, also what is rolled back afterwards, and a request doesn't tell whether it
does: so its facts are provisional until a reading confirms them (jobs.process.UNTRUSTED).
Source: recorded requests of version 2024031401.
"""

import re
from typing import Any

from flask import Response, request

from records.inbox import copy_mark
from records.secrets import Purpose
from service.intake.blueprint import Refused, answer, body, desk, intake, parse_json
from service.intake.sites import is_this_site, shows_secret
from service.intake.wire import Sorted, deliver, hold_back, sort_out

FIELDS = (
    "eventname",
    "timecreated",
    "objectid",
    "contextlevel",
    "contextinstanceid",
    "courseid",
    "userid",
    "relateduserid",
)
OTHER = ("relateduserid", "overrideby", "completionstate", "enrol", "id", "originalcourseid", "samesite", "target")
"""What is kept of an event and its `other`, as the template sends it; whatever else an author adds is not stored."""
_PLACEHOLDER = re.compile(r"\{[-_A-Za-z0-9]+\}")
_WWWROOT = re.compile(r"https?://[!-~]{1,247}")


@intake.post("/webhooks/<slug>/tool_trigger")
def take_trigger(slug: str) -> Response:
    """Size, token, shape, store, wake, answer: in this order."""
    here = desk()
    data = body()
    site = here.sites.get(here.context, slug)
    given = request.authorization
    token = given.token if given and given.type == "bearer" else None
    if not shows_secret(site, Purpose.TOOL_TRIGGER, token or "") or site is None:
        raise Refused(401)
    sent = parse_json(data)
    items = [_item(sent)]
    sort_out(items, here.context.clock())
    root = sent["wwwroot"] if isinstance(sent.get("wwwroot"), str) else ""
    for item in items:
        if item.result == "accepted" and not _WWWROOT.fullmatch(root):
            # Without it a copy of the site couldn't be told from the site.
            item.result, item.reason = "quarantined", "malformed"
        elif item.result == "accepted" and not is_this_site(here.context.engine, site, root, site.epoch):
            item.result, item.reason = "quarantined", "unconfirmed_copy"
            item.waits_for = copy_mark(site.epoch, root)
    hold_back(here.context.engine, site, items)
    deliver(here, site, "tool_trigger", items)
    return answer([{"item": i.name, "id": i.item_id, "result": i.result, "reason": i.reason} for i in items])


def _item(sent: dict[str, Any]) -> Sorted:
    return Sorted.unnamed("events/0", _told(sent, FIELDS) | {"other": _told(sent.get("other"), OTHER)})


def _told(part: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of these names that have a value; null is one."""
    if not isinstance(part, dict):
        return {}
    told = {name: part[name] for name in names if name in part and not _is_placeholder(part[name])}
    return {name: None if value == "" else value for name, value in told.items()}


def _is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None
