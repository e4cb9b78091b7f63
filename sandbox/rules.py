"""Completion rules of activities, in the words of the companion plugin's functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.problems import ProblemError
from sandbox.shapes import rules as recorded_rules
from sandbox.store import Db, Row, one

Rules = dict[str, Any]

TRACKING = ("none", "manual", "automatic")
_OWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("assign", "choice", "feedback", "lesson", "quiz", "survey"), ("submit",)),
    **dict.fromkeys(("data", "glossary"), ("entries",)),
    "forum": ("posts", "discussions", "replies"),
}
_NOT_VIEWED = ("label",)
_UNKNOWN = ("scorm", "bigbluebuttonbn")
GRADED = ("assign", "quiz")
PASS_GRADE = 6.0
OFF: Rules = {
    "view": False,
    "submit": False,
    "posts": 0,
    "discussions": 0,
    "replies": 0,
    "entries": 0,
    "grade": False,
    "passgrade": False,
    "expected": 0,
}
_RECORDED: dict[str, Rules] = {
    "completionview": {"view": True},
    "completionsubmit": {"submit": True},
    "completionendreached": {"submit": True},
    "completionposts": {"posts": 1},
    "completionentries": {"entries": 1},
    "completionusegrade": {"grade": True},
    "completionpassgrade": {"grade": False, "passgrade": True},
}


def of_module(db: Db, module: Row) -> Rules:
    """The whole set of an activity's rules: as they were set, else as its kind was recorded."""
    tracking = module["completion"]
    kept = _kept(db, module["id"])
    found = OFF | {"expected": kept.get("expected", 0)}
    if tracking == 2 and kept.get("tracking") == 2:
        found |= {name: kept[name] for name in OFF}
    elif tracking == 2:
        for rule in recorded_rules(module["modname"], tracking):
            found |= _RECORDED.get(rule["rulename"], {})
    return {"tracking": TRACKING[tracking]} | found


def pass_grade(db: Db, module: Row) -> float:
    """The grade to pass; 0 where the activity has none."""
    kept = _kept(db, module["id"])
    if "gradepass" in kept:
        return float(kept["gradepass"])
    return PASS_GRADE if module["modname"] == "quiz" else 0.0


def write(db: Db, module: Row, rules: Rules, gradepass: float) -> None:
    """Set the whole set."""
    tracking = TRACKING.index(rules["tracking"])
    kept = OFF | rules | {"tracking": tracking, "gradepass": gradepass}
    db.execute("REPLACE INTO module_rules VALUES (?, ?)", (module["id"], json.dumps(kept)))
    db.execute("UPDATE course_modules SET completion = ? WHERE id = ?", (tracking, module["id"]))


def checked(modname: str, wanted: Mapping[str, Any], *, graded: bool, has_pass: bool) -> Rules:
    """The whole set that a description asks for. Raises ProblemError."""
    if wanted["tracking"] not in TRACKING:
        raise ProblemError("badtracking", f'Completion tracking "{wanted["tracking"]}" is not known.')
    on = [name for name in OFF if name != "expected" and wanted.get(name)]
    automatic = wanted["tracking"] == "automatic"
    if on and not automatic:
        raise ProblemError("ruleswithoutautomatic", f"These rules need automatic tracking: {', '.join(on)}.")
    _check_kind(modname, on, wanted, automatic)
    if {"grade", "passgrade"} & set(on) and not graded:
        raise ProblemError("nograde", f'Activities of the kind "{modname}" have no grade here.')
    if wanted.get("passgrade") and not has_pass:
        raise ProblemError("nopassgrade", "Completion asks for a passing grade, but none is set.")
    if "view" in on and modname in _NOT_VIEWED:
        raise ProblemError("norule", f'Activities of the kind "{modname}" have no completion rule "view".')
    if automatic and not on:
        raise ProblemError("norules", "Automatic completion needs at least one rule.")
    found = OFF | {name: value for name, value in wanted.items() if name in OFF}
    # To pass is to be graded.
    found["grade"] = found["grade"] and not found["passgrade"]
    return {"tracking": wanted["tracking"]} | found


def _check_kind(modname: str, on: list[str], wanted: Mapping[str, Any], automatic: bool) -> None:
    own = _OWN.get(modname, ())
    for name in on:
        if name in ("view", "grade", "passgrade"):
            continue
        if name not in own or wanted[name] < 0:
            raise ProblemError("norule", f'Activities of the kind "{modname}" have no completion rule "{name}".')
    if modname in _UNKNOWN and automatic:
        raise ProblemError("unknownrules", f'Automatic completion of the kind "{modname}" has rules not known here.')


def at_stake(db: Db, module: int) -> int:
    """How often somebody's completion, or a teacher's decision, would be lost."""
    row = one(
        db,
        "SELECT count(*) AS n FROM course_modules_completion WHERE coursemoduleid = ?"
        " AND (completionstate <> 0 OR overrideby IS NOT NULL)",
        module,
    )
    return int(row["n"]) if row else 0


def _kept(db: Db, module: int) -> Rules:
    row = one(db, "SELECT rules FROM module_rules WHERE cmid = ?", module)
    found: Rules = json.loads(row["rules"]) if row else {}
    return found
