"""A golden case: recordings and hand-made readings played through intake and jobs, and what has to follow."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid5

import yaml
from sqlalchemy.orm import Session

from jobs import reconcile
from tests.golden import emitters
from tests.support import books
from tests.support.house import House
from tests.support.kept import Beginnings
from tests.support.lab import NAMESPACE

HERE = Path(__file__).parent
RECORDINGS = HERE.parent / "fixtures" / "moodle"
BEFORE = 1_795_290_000.5
"""When the given state was read: before everything that was recorded."""
SUFFIX = ".expected.yaml"
COMPLETION = {"overrideby": None}
FACT = {"kind": "completion", "ended": None, "overrideby": None, "provisional": False}


@cache
def load(path: Path) -> Any:
    """What a file says; nobody may change it."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


def twin_name(recording: str) -> str:
    return recording.replace("/", ".")


def recorded(name: str) -> list[dict[str, Any]]:
    """The get_data() of every event of a recording, in the order in which an internal observer got them."""
    content = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    if "requests" in content:
        return [_without_secrets(request) for request in content["requests"]]
    if "samples" in content:
        return [sample["get_data"] for sample in content["samples"]]
    # An observer is told the event once; the lab listened with an external one beside the internal one.
    order = [entry for entry in content["order"] if entry["kind"] == "internal"]
    return [
        {"eventname": e["event"]} | {k: v for k, v in e.items() if k not in {"event", "kind", "intx", "t"}}
        for e in order
    ]


def _without_secrets(request: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in json.loads(request["body"]).items() if k not in {"host", "token", "extra"}}


def numbers(text: object) -> list[int]:
    """`6-8,10` as 6, 7, 8, 10."""
    found: list[int] = []
    for part in str(text).split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def spread(content: Any) -> Any:
    """Keys such as `4/{6-45}` become one key each; `{100+}` within their values counts along."""
    if isinstance(content, list):
        return [line for item in content for line in _lines(item)]
    if not isinstance(content, dict):
        return content
    found = {}
    for key, value in content.items():
        many = re.fullmatch(r"(.*)\{([\d,-]+)\}(.*)", str(key))
        if not many:
            found[key] = value
            continue
        for turn, number in enumerate(numbers(many[2])):
            found[f"{many[1]}{number}{many[3]}"] = _counted(value, turn)
    return found


def _lines(item: Any) -> list[Any]:
    many = re.fullmatch(r"(.*)\{([\d,-]+)\}(.*)", str(item))
    return [f"{many[1]}{number}{many[3]}" for number in numbers(many[2])] if many else [item]


def _counted(value: Any, turn: int) -> Any:
    if isinstance(value, dict):
        return {_counted(k, turn): _counted(v, turn) for k, v in value.items()}
    counting = re.fullmatch(r"\{(\d+)\+\}", str(value))
    return int(counting[1]) + turn if counting else value


def results(lines: list[Any]) -> list[tuple[str, str | None]]:
    """`[ignored x2, accepted, waiting unknown_course x2]` as one (result, reason) for each item."""
    found: list[tuple[str, str | None]] = []
    for line in lines:
        if isinstance(line, dict):
            found += results(line["of"]) * line["times"]
            continue
        parts = re.fullmatch(r"(\w+)(?: (?!x\d)(\w+))?(?: x(\d+))?", line)
        assert parts, f"'{line}' is no result"
        reason = parts[2] or ("uninteresting_event" if parts[1] == "ignored" else None)
        found += [(parts[1], reason)] * int(parts[3] or 1)
    return found


def given(house: House, case: dict[str, Any]) -> None:
    """Tell the mirror of the site, and of the people that the case begins with."""
    house.post(readings=given_readings(case))
    house.work()


def began(beginnings: Beginnings, case: dict[str, Any]) -> House:
    """A house as `given` leaves it: that hears of the site's courses once, and of the case's people now."""
    site = {key: case[key] for key in ("courses",) if key in case}
    house = beginnings.house(repr(site), lambda house: given(house, site))
    if people := given_people(case):
        house.post(readings=people)
        house.work()
    return house


def given_readings(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The site's courses, activities and roles, the case's students, and e-mails for senders that name people so."""
    site = load(HERE / "site.yaml")
    courses = {course: site["courses"][course] for course in case.get("courses", (2, 3))}
    readings: list[dict[str, Any]] = [{"kind": "role", "role": r, "shortname": s} for r, s in site["roles"].items()]
    for course, idnumber in courses.items():
        readings.append({"kind": "course", "course": course, "present": True, "idnumber": idnumber})
        readings += [_module(course, module, *form) for module, form in site["modules"].get(course, {}).items()]
    return [*({"read_at": BEFORE} | reading for reading in readings), *given_people(case)]


def given_people(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The case's students, and e-mails for senders that name people so."""
    readings: list[dict[str, Any]] = []
    for course, people in (case.get("students") or {}).items():
        rows = people if isinstance(people, dict) else {u: [20_000 + u, 30_000 + u] for u in numbers(people)}
        readings += [enrolled(course, user, *ids) for user, ids in rows.items()]
    for user, email in (case.get("emails") or {}).items():
        readings.append({"kind": "account", "user": user, "present": True, "email": email})
    return [{"read_at": BEFORE} | reading for reading in readings]


def _module(course: int, module: int, modname: str, name: str, idnumber: str = "") -> dict[str, Any]:
    form = {"modname": modname, "name": name, "idnumber": idnumber, "section_name": "New section"}
    return {"kind": "module", "module": module, "course": course, "present": True} | form


def enrolled(course: int, user: int, enrolment: int, assignment: int) -> dict[str, Any]:
    row = {"id": enrolment, "method": "manual", "status": 0, "timestart": 0, "timeend": 0}
    role = {"id": assignment, "role": 5, "shortname": "student"}
    return {"kind": "enrolment", "course": course, "user": user, "enrolments": [row], "roles": [role], "groups": []}


def play(house: House, step: dict[str, Any], turn: int) -> list[tuple[str, str | None]]:
    """Send what a step says, and have it worked off. Returns the result of each item."""
    found: list[tuple[str, str | None]]
    if "clock" in step:
        house.now = datetime.fromtimestamp(step["clock"], UTC)
        reconcile.mark_due(house.engine, house.clock)
        found = []
    elif "read" in step:
        found = house.post(readings=step["read"])
    elif step["play"].startswith("emitters/local_webhooks/"):
        found = [house.post_local_webhooks(event) for event in recorded(step["play"])]
    elif step["play"].startswith("emitters/logstore_xapi/"):
        found = emitters.post_xapi(house, step["play"])
    elif step["play"].startswith("emitters/tool_trigger/"):
        found = emitters.post_tool_trigger(house, step["play"])
    else:
        events = [
            {"id": str(uuid5(NAMESPACE, f"{step['play']}/{n}/{turn}")), "sequence": n, "data": data}
            for n, data in enumerate(recorded(step["play"]))
        ]
        found = house.post(events) if events else []
    house.work()
    return found


def observed(house: House) -> dict[str, Any]:
    """The books in the words of a twin."""
    held = house.books()
    net = {key: value for of_member in held["net"].values() for key, value in of_member.items()}
    with Session(house.engine) as session:
        asks = books.asks(session)
    rows = {
        key: row and {"state": row["state"], "overrideby": row["overrideby"]}
        for key, row in held["completions"].items()
    }
    return {
        "completions": rows,
        "facts": held["facts"],
        "credits": {key: f"{value['minutes']} {value['component']}" for key, value in net.items()},
        "asks": asks,
        "enrolments": held["enrolments"],
        "roles": held["roles"],
        "groups": held["group_members"],
        "put_aside": dict(Counter(f"{status} {reason}" for status, reason in house.waiting())),
        "gone": sorted(
            [f"course {key}" for key, value in held["courses"].items() if value is None]
            + [f"module {key}" for key, value in held["modules"].items() if value is None]
            + [f"account {key}" for key, value in held["accounts"].items() if not value]
        ),
        "standings": held["standings"],
    }


def expected(wanted: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """A twin's expectation with what it needn't say: what it leaves out is empty, or as it was before the case."""
    rows = spread(wanted.get("completions") or {})
    facts = spread(wanted.get("facts") or {})
    return {
        "completions": {key: row and COMPLETION | row for key, row in rows.items()},
        "facts": {key: FACT | fact for key, fact in facts.items()},
        "credits": spread(wanted.get("credits") or {}),
        "asks": sorted(spread(wanted.get("asks") or [])),
        "enrolments": before["enrolments"] | _statuses(spread(wanted.get("enrolments") or {})),
        "roles": before["roles"] | spread(wanted.get("roles") or {}),
        "groups": before["groups"] | spread(wanted.get("groups") or {}),
        "put_aside": wanted.get("put_aside") or {},
        "gone": sorted(wanted.get("gone") or []),
    }


def _statuses(rows: dict[str, Any]) -> dict[str, Any]:
    """`{1115: 0}` in a twin means that row 1115 has status 0; `{1171: [0, 1795295893]}` adds its end."""
    found = {}
    for pair, held in rows.items():
        found[pair] = {
            row: {"status": value} if isinstance(value, int) else {"status": value[0], "timeend": value[1]}
            for row, value in held.items()
        }
    return found
