"""The existing plugin logstore_xapi: arrays of xAPI statements with Basic auth, as to a Learning Record Store.

It reads Moodle's log, which is written after the commit, and sends from cron, so that its statements are
trusted like our own wire. They have no ids: the key is a hash of what is kept. They name people by e-mail or
account, don't tell whether a completion was overridden, and of enrolments and groups say only that something
changed: both are asked for again. Of a statement nothing but these keys and ids is stored.
Source: recorded requests of version 5.0.1; versions before 5.0 say "completed" for an un-completion, too.
"""

import json
import re
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from flask import Response, request

from jobs.kinds.events import ENROLMENT_UPDATED
from records.inbox import copy_mark
from records.secrets import Purpose
from service.intake.blueprint import Desk, Refused, body, desk, intake, load_json
from service.intake.sites import KnownSite, is_this_site, shows_secret
from service.intake.wire import Sorted, deliver, hold_back, sort_out

VERSION = "1.0.3"
ACCOUNT_IS = ("id", "username", "idnumber")
"""The user names that are taken: each says what an actor's account is named by. Moodle's settings decide that, and
a statement doesn't tell: the digits 12 may be an id or somebody's username."""
MOST_STATEMENTS = 5_000
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
UNCOMPLETED = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted"
INFO = "http://lrs.learninglocker.net/define/extensions/info"
"""The extension in which the plugin names Moodle's event."""
COMPLETION = r"\core\event\course_module_completion_updated"
IN_A_COURSE = {
    rf"\core\event\{name}"
    for name in (
        "user_enrolment_created",
        "user_enrolment_deleted",
        "user_enrolment_updated",
        "group_member_added",
        "group_member_removed",
    )
}
"""Told without the id of the row that changed: taken as a hint to read the user's part in the course."""
OF_A_COURSE = {r"\core\event\course_module_created", r"\core\event\course_updated"}
NOT_OURS = r"\logstore_xapi\statement"
"""What a statement is counted as that names no event of Moodle."""
CONTEXT_MODULE = 70
_EVENT = re.compile(r"(\\[a-z0-9_]+){2,}")
_PLACE = re.compile(r"(https?://[!-~]{1,250}?)/(course|mod/[a-z0-9_]{1,40})/view\.php\?id=([1-9][0-9]{0,18})")


@intake.post("/webhooks/<slug>/xapi/statements")
def take_statements(slug: str) -> Response:
    """Size, password, shape, store, wake; the answer is what a Learning Record Store gives: an id for each."""
    here = desk()
    data = body()
    site, name = _authorized(here, slug)
    statements = _statements(data)
    told = [_told(statement, name) for statement in statements]
    items = [Sorted.unnamed(f"statements/{number}", content) for number, (content, _) in enumerate(told)]
    sort_out(items, here.context.clock())
    _keep_copies_out(here, site, items, [root for _, root in told])
    hold_back(here.context.engine, site, items)
    if items:
        deliver(here, site, "xapi", items)
    return _answer([str(_id(site, statement)) for statement in statements])


@intake.get("/webhooks/<slug>/xapi/about")
def about(slug: str) -> Response:
    """What version is spoken; the plugin doesn't ask, but people do, to see whether key and secret are right."""
    _authorized(desk(), slug)
    return _answer({"version": [VERSION]})


def _authorized(here: Desk, slug: str) -> tuple[KnownSite, str]:
    """The site, and what accounts are named by. Raises Refused(401), whichever part is wrong."""
    site = here.sites.get(here.context, slug)
    given = request.authorization
    name, password = (given.username, given.password) if given and given.type == "basic" else (None, None)
    if not shows_secret(site, Purpose.XAPI, password or "") or site is None or name not in ACCOUNT_IS:
        raise Refused(401)
    return site, name


def _answer(content: Any) -> Response:
    return Response(json.dumps(content), mimetype="application/json", headers={"X-Experience-API-Version": VERSION})


def _statements(data: bytes) -> list[dict[str, Any]]:
    found = load_json(data)
    # The specification lets a single one come without the array.
    statements = found if isinstance(found, list) else [found]
    if not all(isinstance(statement, dict) for statement in statements):
        raise Refused(400, ["the body is neither a statement nor an array of statements"])
    if len(statements) > MOST_STATEMENTS:
        raise Refused(413)
    return statements


def _id(site: KnownSite, statement: dict[str, Any]) -> UUID:
    """The statement's own id, or always the same one for the same statement."""
    try:
        return UUID(statement["id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return uuid5(NAMESPACE_URL, f"copbridge:{site.id}:{json.dumps(statement, sort_keys=True)}")


def _keep_copies_out(here: Desk, site: KnownSite, items: list[Sorted], roots: list[str | None]) -> None:
    """Put aside what another Moodle says, that was given this site's password: a copy, until IT confirms it."""
    taken = [(item, root) for item, root in zip(items, roots, strict=True) if root and item.result == "accepted"]
    strange = {
        root for root in {root for _, root in taken} if not is_this_site(here.context.engine, site, root, site.epoch)
    }
    for item, root in taken:
        if root in strange:
            item.result, item.reason = "quarantined", "unconfirmed_copy"
            item.waits_for = copy_mark(site.epoch, root)


def _told(statement: dict[str, Any], account_is: str) -> tuple[dict[str, Any], str | None]:
    """A statement as Moodle's get_data() as far as it tells it, and the address of the Moodle that it is about."""
    name = _at(statement, "context", "extensions", INFO, "event_name")
    if not isinstance(name, str) or not _EVENT.fullmatch(name) or len(name) > 255:
        name = NOT_OURS
    if name != COMPLETION and name not in IN_A_COURSE | OF_A_COURSE:
        return {"eventname": name, "timecreated": 0}, None
    object_ = _place(statement.get("object"))
    parents = [_place(parent) for parent in _list(_at(statement, "context", "contextActivities", "parent"))]
    places = [place for place in [object_, *parents] if place]
    courses = [(root, number) for root, kind, number in places if kind == "course"]
    root, course = courses[0] if courses else (None, None)
    content = {"eventname": name, "timecreated": _second(statement.get("timestamp")), "courseid": course}
    if name in OF_A_COURSE:
        return content, root
    content |= _whom(statement.get("actor"), account_is, root)
    if name in IN_A_COURSE:
        return content | {"eventname": ENROLMENT_UPDATED}, root
    # Both have to be of one Moodle.
    module = object_[2] if object_ and object_[0] == root and object_[1] != "course" else None
    content |= {"contextlevel": CONTEXT_MODULE, "contextinstanceid": module}
    return content | {"other": {"completionstate": _state(statement)}}, root


def _at(part: Any, *names: str) -> Any:
    for name in names:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _place(activity: Any) -> tuple[str, str, int] | None:
    """The (address of Moodle, `course` or `mod/<kind>`, id) of an activity that is a page of Moodle's."""
    said = _at(activity, "id")
    found = _PLACE.fullmatch(said) if isinstance(said, str) else None
    return (found[1], found[2], int(found[3])) if found else None


def _second(timestamp: Any) -> int | None:
    """A statement's time in whole seconds, as its event has it; None for what says no instant."""
    try:
        at = datetime.fromisoformat(timestamp)
        return int(at.timestamp()) if at.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _whom(actor: Any, account_is: str, root: str | None) -> dict[str, Any]:
    """Whom a statement is about; nothing where that can't be told. An actor's name says nothing."""
    mbox = _at(actor, "mbox")
    if isinstance(mbox, str) and mbox.lower().startswith("mailto:"):
        return {"relatedkey": {"field": "email", "value": mbox[len("mailto:") :]}}
    value, home = _at(actor, "account", "name"), _at(actor, "account", "homePage")
    if not isinstance(value, str) or not isinstance(home, str) or home.rstrip("/") != root:
        return {}
    if account_is != "id":
        return {"relatedkey": {"field": account_is, "value": value}}
    return {"relateduserid": int(value)} if re.fullmatch("[1-9][0-9]{0,18}", value) else {}


def _state(statement: dict[str, Any]) -> int | None:
    """Moodle's completion state. None where it isn't clear: versions before 5.0 tell no `result`."""
    verb, result = _at(statement, "verb", "id"), statement.get("result")
    if verb == UNCOMPLETED:
        return 0
    if verb != COMPLETED or _at(result, "completion") is not True:
        return None
    success = _at(result, "success")
    return {None: 1, True: 2, False: 3}.get(success) if success is None or isinstance(success, bool) else None
