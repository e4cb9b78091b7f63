"""Events of administrators, teachers and services: a recorded sample of each, with other ids and names."""

from __future__ import annotations

from typing import Any

from sandbox.content import ADMIN
from sandbox.recording import Event, administered, like
from sandbox.store import Row, need
from sandbox.work import Work


def of_module(work: Work, name: str, module: Row, actor: int = ADMIN) -> Event:
    """What happened to an activity."""
    event = administered(name)
    event |= in_course(event, need(work.db, "course", module["course"]), work.now, actor)
    event |= {key: like(event[key], module["id"]) for key in ("objectid", "contextinstanceid")}
    event["contextid"] = like(event["contextid"], module["contextid"])
    other = {"modulename": module["modname"], "instanceid": like(event["other"]["instanceid"], module["instance"])}
    event["other"] = other | ({"name": module["name"]} if "name" in event["other"] else {})
    return event


def of_course(
    work: Work, told: str, course: Row, thing: int, actor: int = ADMIN, user: int | None = None, **other: Any
) -> Event:
    """What happened to a course, or to a thing in it; of `user`, where it happened to somebody."""
    event = administered(told)
    event |= in_course(event, course, work.now, actor)
    event["objectid"] = like(event["objectid"], thing)
    if user is not None:
        event["relateduserid"] = like(event["relateduserid"], user)
    if other:
        event["other"] = other
    return event


def changed(event: Event, action: str, crud: str) -> Event:
    """The event of another change to the same thing, which was not recorded: named as Moodle names them."""
    name = event["eventname"].rpartition("_")[0]
    return event | {"eventname": f"{name}_{action}", "action": action, "crud": crud}


def of_account(work: Work, name: str, user: int, actor: int = ADMIN) -> Event:
    """What happened to an account."""
    event = administered(name)
    event |= {key: like(event[key], user) for key in ("objectid", "contextinstanceid", "relateduserid")}
    return event | {"userid": like(event["userid"], actor), "timecreated": work.now}


def of_category(work: Work, name: str, category: int, actor: int = ADMIN) -> Event:
    """What happened to a category."""
    event = administered(name)
    event |= {key: like(event[key], category) for key in ("objectid", "contextinstanceid")}
    return event | {"userid": like(event["userid"], actor), "timecreated": work.now}


def in_course(event: Event, course: Row, when: int, actor: int = ADMIN) -> Event:
    """The part of an event that names its course, its time and who acted."""
    return {
        "contextid": like(event["contextid"], course["contextid"]),
        "contextinstanceid": like(event["contextinstanceid"], course["id"]),
        "courseid": like(event["courseid"], course["id"]),
        "userid": like(event["userid"], actor),
        "timecreated": when,
    }
