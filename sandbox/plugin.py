"""The companion plugin's web services, as a site has them that installed it: the readings that it sends, in bulk."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from sandbox import parameters, readings, standings
from sandbox.capabilities import COURSE_VIEW, Caller, enter_course
from sandbox.parameters import MoodleError, Params, check, integer
from sandbox.site import Site
from sandbox.store import Db, Row, need, one

PREFIX = "local_copbridge_"
Answer = dict[str, Any]


def _not_chosen() -> MoodleError:
    text = "This course isn't among those that are handed over to CoP Bridge."
    return MoodleError("core\\exception\\moodle_exception", "notchosen", text)


def _course(site: Site, caller: Caller, name: str, params: Params) -> int:
    """The course that is asked about, once the caller may ask."""
    course = integer(params, "courseid")
    with site.store.read() as db:
        need(db, "course", course)
    if not caller.may(COURSE_VIEW):
        enter_course(site, caller, f"{PREFIX}{name}", course)
    _demand(caller, name)
    if course in site.unchosen():
        raise _not_chosen()
    return course


def _demand(caller: Caller, name: str) -> None:
    caller.demand(f"local/copbridge:{name.replace('_', '')}", name.replace("_", " ").capitalize())


def _users(params: Params) -> frozenset[int]:
    parts = {str(place): part for place, part in enumerate(filter(None, params.get("users", "").split(",")))}
    return frozenset(integer(parts, place) for place in parts)


def _told(site: Site, found: Iterable[readings.Reading], **more: Any) -> Answer:
    """Readings as JSON text, each with the moment of its reading."""
    at = round(site.clock(), 6)
    return {"readings": json.dumps([{"kind": each["kind"], "read_at": at} | each for each in found]), **more}


def _get_courses(site: Site, caller: Caller, params: Params) -> Answer:
    check(params, "after", "limit")
    _demand(caller, "get_courses")
    after, limit = integer(params, "after", 0), integer(params, "limit", 500)
    rows = site.rows("SELECT id FROM course WHERE id > ? ORDER BY id", after)
    ids = [row["id"] for row in rows if row["id"] not in site.unchosen()]
    with site.store.read() as db:
        found = [readings.course(db, course) for course in ids[:limit]]
    return _told(site, found, last=ids[:limit][-1] if ids else after, more=len(ids) > limit)


def _get_course_map(site: Site, caller: Caller, params: Params) -> Answer:
    check(params, "courseid")
    course = integer(params, "courseid")
    with site.store.read() as db:
        if one(db, "SELECT id FROM course WHERE id = ?", course) is None:
            return _told(site, [readings.course(db, course)])
        _course(site, caller, "get_course_map", params)
        rows = db.execute("SELECT id FROM course_modules WHERE course = ? ORDER BY id", (course,)).fetchall()
        found = [readings.course(db, course), *(readings.module(db, course, row["id"]) for row in rows)]
    return _told(site, found)


def _get_roster(site: Site, caller: Caller, params: Params) -> Answer:
    check(params, "courseid", "afteruser", "limit", "users")
    course = _course(site, caller, "get_roster", params)
    after, limit, users = integer(params, "afteruser", 0), integer(params, "limit", 1000), _users(params)
    there = {row["userid"] for row in site.rows(_TAKES_PART, course, course, course)}
    ids = sorted(user for user in users or there if user > after)
    found = []
    with site.store.read() as db:
        for user in ids[:limit]:
            account = readings.account(db, user)
            # Of whoever takes no part nothing is told but that the account is gone.
            found += [account] if user in there or not account["present"] else []
            found.append(readings.enrolment(db, course, user))
    return _told(site, found, last=ids[:limit][-1] if ids else after, more=len(ids) > limit)


_TAKES_PART = (
    "SELECT userid FROM user_enrolments WHERE course = ? UNION SELECT userid FROM role_assignments WHERE course = ?"
    " UNION SELECT m.userid FROM groups_members m JOIN groups g ON g.id = m.groupid WHERE g.course = ?"
)
_ROWS = (
    "SELECT c.* FROM course_modules_completion c JOIN course_modules m ON m.id = c.coursemoduleid"
    " WHERE m.course = ? ORDER BY c.coursemoduleid, c.userid"
)


def _rows(db: Db, course: int, users: frozenset[int]) -> list[Row]:
    found = db.execute(_ROWS, (course,)).fetchall()
    return [row for row in found if not users or row["userid"] in users]


def _get_completions(site: Site, caller: Caller, params: Params) -> Answer:
    check(params, "courseid", "modules", "aftermodule", "afteruser", "limit", "users")
    course = _course(site, caller, "get_completions", params)
    modules, limit = frozenset(parameters.integers(params, "modules")), integer(params, "limit", 5000)
    after = (integer(params, "aftermodule", 0), integer(params, "afteruser", 0))
    with site.store.read() as db:
        rows = [
            [row[name] for name in ("coursemoduleid", "userid", "completionstate", "timemodified", "overrideby")]
            for row in _rows(db, course, _users(params))
            if (row["coursemoduleid"], row["userid"]) > after and (not modules or row["coursemoduleid"] in modules)
        ]
    return {"readat": round(site.clock(), 6), "rows": json.dumps(rows[:limit]), "more": len(rows) > limit}


def _get_digest(site: Site, caller: Caller, params: Params) -> Answer:
    check(params, "courseid", "users")
    course = _course(site, caller, "get_digest", params)
    modules = site.rows("SELECT id, completion FROM course_modules WHERE course = ? ORDER BY id", course)
    held: dict[int, list[Row]] = {row["id"]: [] for row in modules}
    with site.store.read() as db:
        for row in _rows(db, course, _users(params)):
            held[row["coursemoduleid"]].append(row)
    found = [_digest(row["id"], held[row["id"]]) for row in modules if row["completion"] or held[row["id"]]]
    return {"readat": round(site.clock(), 6), "modules": found}


def _digest(module: int, rows: list[Row]) -> Answer:
    states = [row["completionstate"] for row in rows]
    return {
        "module": module,
        **{name: states.count(state) for state, name in enumerate(("incomplete", "complete", "passed", "failed"))},
        "latest": max((row["timemodified"] for row in rows), default=0),
        "highestid": max((row["id"] for row in rows), default=0),
        "users": sum(row["userid"] for row in rows),
        "times": sum(row["timemodified"] for row in rows),
        "overridden": sum(row["overrideby"] or 0 for row in rows),
    }


def _get_status(site: Site, caller: Caller, params: Params) -> Answer:
    check(params)
    _demand(caller, "get_status")
    waiting = site.rows("SELECT count(*) AS n, min(created) AS oldest FROM outbox")[0]
    courses = site.rows("SELECT count(*) AS n FROM course")[0]["n"]
    return {
        "release": "0.1.0",
        "version": 2026112203,
        "moodle": "5.0dev+ (Build: 20250304)",
        "epoch": site.epoch,
        "wwwroot": site.wwwroot,
        "confirmed": True,
        "time": round(site.clock(), 6),
        "lastcron": int(site.clock()),
        "pending": waiting["n"],
        "oldestpending": int(waiting["oldest"] or 0),
        **dict.fromkeys(("dead", "lastdelivery", "outboxfailures", "dropped"), 0),
        "lasterror": "",
        "courses": courses - len(site.unchosen()),
    }


def _set_standings(site: Site, caller: Caller, params: Params) -> Answer:
    _demand(caller, "set_standings")
    return standings.keep(site, params)


def _ping(site: Site, caller: Caller, params: Params) -> Answer:
    check(params)
    _demand(caller, "ping")
    if site.sender is None:
        return {"sent": False, "outcome": "unset", "httpstatus": 0}
    now = int(site.clock())
    with site.store.write() as db:
        db.execute(
            "INSERT INTO outbox (uuid, data, created) VALUES (?, ?, ?)",
            (str(uuid.uuid4()), json.dumps(_pinged(now)), now),
        )
    if site.sender.send_pending():
        return {"sent": True, "outcome": "delivered", "httpstatus": 200}
    return {"sent": False, "outcome": "http", "httpstatus": 0}


def _pinged(now: int) -> Answer:
    return {
        "eventname": "\\local_copbridge\\event\\bridge_pinged",
        "component": "local_copbridge",
        "action": "pinged",
        "target": "bridge",
        "objecttable": None,
        "objectid": None,
        "crud": "r",
        "edulevel": 0,
        "contextid": 1,
        "contextlevel": 10,
        "contextinstanceid": 0,
        "userid": 0,
        "courseid": 0,
        "relateduserid": None,
        "anonymous": 0,
        "other": None,
        "timecreated": now,
    }


FUNCTIONS: dict[str, Callable[[Site, Caller, parameters.Params], Any]] = {
    f"{PREFIX}get_courses": _get_courses,
    f"{PREFIX}get_course_map": _get_course_map,
    f"{PREFIX}get_roster": _get_roster,
    f"{PREFIX}get_completions": _get_completions,
    f"{PREFIX}get_digest": _get_digest,
    f"{PREFIX}get_status": _get_status,
    f"{PREFIX}ping": _ping,
    f"{PREFIX}set_standings": _set_standings,
}
