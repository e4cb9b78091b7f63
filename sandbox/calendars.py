"""Moodle's calendar: events that somebody put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.capabilities import COURSE_VIEW, Caller
from sandbox.parameters import Params
from sandbox.site import Site
from sandbox.specs import flag, parsed, text, whole
from sandbox.store import Row, need, one
from sandbox.telling import of_course

Answer = dict[str, Any]

MANAGE = "moodle/calendar:manageentries"
_NEW = {
    **{"name": text, "description": (text, ""), "format": (whole, 1), "courseid": (whole, 0), "groupid": (whole, 0)},
    **{"repeats": (whole, 0), "eventtype": (text, "user"), "timestart?": whole, "timeduration": (whole, 0)},
    **{"visible": (whole, 1), "sequence": (whole, 1)},
}
_IDS = ("eventids", "courseids", "groupids", "categoryids")
_OPTIONS = {
    **{"userevents": (flag, True), "siteevents": (flag, True), "timestart": (whole, 0), "timeend": (whole, 0)},
    "ignorehidden": (flag, True),
}
_ASKED: dict[str, Any] = {
    "events": (dict.fromkeys(_IDS, ([whole], [])), dict.fromkeys(_IDS, ())),
    "options": (_OPTIONS, {name: default for name, (_, default) in _OPTIONS.items()}),
}
_COLUMNS = ("name", "description", "format", "courseid", "groupid", "eventtype", "timeduration", "visible", "sequence")


def create(site: Site, caller: Caller, params: Params) -> Answer:
    """core_calendar_create_calendar_events: what the caller may not create is a warning and no error."""
    events: list[Answer] = []
    warnings: list[Answer] = []
    with site.working() as work:
        for each in parsed(params, {"events": [_NEW]})["events"]:
            if not caller.may(MANAGE) and each["eventtype"] != "user":
                text_ = "Sorry, you do not have permission to create this event"
                warnings.append({"item": each["name"], "warningcode": "nopermissions", "message": text_})
                continue
            row = {name: each[name] for name in _COLUMNS} | {"timestart": each.get("timestart", work.now)}
            row |= {"userid": caller.user, "timemodified": work.now}
            course = need(work.db, "course", each["courseid"]) if each["courseid"] else None
            marks = ", ".join("?" * len(row))
            made = work.db.execute(
                f"INSERT INTO event ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 - columns of ours
                tuple(row.values()),
            )
            kept = need(work.db, "event", int(made.lastrowid or 0))
            if course is not None:
                other = {"repeatid": 0, "timestart": kept["timestart"], "name": kept["name"]}
                work.write([of_course(work, "calendar_event_created", course, kept["id"], caller.user, **other)])
            events.append(_told(kept) | {"modulename": "", "instance": 0, "uuid": ""})
    return {"events": events, "warnings": warnings}


def get(site: Site, caller: Caller, params: Params) -> Answer:
    """core_calendar_get_calendar_events: of a course that the caller can't enter there is a warning alone."""
    wanted = parsed(params, _ASKED)
    asked, options = wanted["events"], wanted["options"]
    seen, warnings = [], []
    with site.store.read() as db:
        for course in asked["courseids"]:
            there = one(db, "SELECT 1 FROM course WHERE id = ?", course) is not None
            if there and (caller.may(MANAGE) or caller.may(COURSE_VIEW)):
                seen.append(course)
            else:
                warnings.append(_unseen(course))
        rows = db.execute("SELECT * FROM event ORDER BY timestart, id").fetchall()
    found = [row for row in rows if _of(row, seen, asked, options, caller) and _when(row, options)]
    empty = {"categoryid": None, "repeatid": None, "modulename": None, "instance": None}
    return {"events": [_told(row) | empty | {"groupid": row["groupid"] or None} for row in found], "warnings": warnings}


def _of(row: Row, seen: list[int], asked: Answer, options: Answer, caller: Caller) -> bool:
    if row["groupid"]:
        return row["groupid"] in asked["groupids"]
    if row["courseid"]:
        return row["courseid"] in seen
    mine = row["eventtype"] == "user" and row["userid"] == caller.user
    return bool(mine and options["userevents"]) or (row["eventtype"] == "site" and options["siteevents"])


def _when(row: Row, options: Answer) -> bool:
    over = row["timestart"] + row["timeduration"] <= options["timestart"] and row["timestart"] < options["timestart"]
    late = options["timeend"] and row["timestart"] > options["timeend"]
    return not over and not late and bool(row["visible"] or not options["ignorehidden"])


def _told(row: Row) -> Answer:
    names = (*_COLUMNS, "id", "userid", "timestart", "timemodified")
    return {name: row[name] for name in names} | {"subscriptionid": None}


def _unseen(course: int) -> Answer:
    text_ = "You do not have access to this course or it doesn't exist"
    return {"item": "course", "itemid": course, "warningcode": "nopermissions", "message": text_}


FUNCTIONS: dict[str, Callable[[Site, Caller, Params], Any]] = {
    "core_calendar_create_calendar_events": create,
    "core_calendar_get_calendar_events": get,
}
