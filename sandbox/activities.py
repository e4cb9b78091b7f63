"""The companion plugin's functions that make and change activities, each wholly or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox import copying, rules, sections, setups
from sandbox.problems import ProblemError
from sandbox.silent import declare
from sandbox.specs import flag, number, text, trimmed, whole
from sandbox.store import Db, Row, need, one
from sandbox.telling import of_module
from sandbox.work import Work

if TYPE_CHECKING:
    from sandbox.site import Site

Answer = dict[str, Any]

MAX_MINUTES = 100_000
COMPLETION = {
    **{"tracking": text, "view": (flag, False), "submit": (flag, False), "grade": (flag, False)},
    **{"passgrade": (flag, False), "expected?": whole},
    **dict.fromkeys(("posts", "discussions", "replies", "entries"), (whole, 0)),
}
_SETTINGS = {
    **{"content?": text, "externalurl?": trimmed, "type?": text, "options?": [text], "questions?": [text]},
    **{"submissiontypes?": [text], "duedate?": whole, "grade?": whole, "gradepass?": number},
}
NEW = {
    **{"modname": text, "idnumber": trimmed, "name": trimmed, "intro": (text, ""), "section": (whole, 0)},
    **{"visible": (flag, True), "minutes?": whole, "component?": text, "completion?": COMPLETION},
    "settings?": _SETTINGS,
}
CHANGED = {
    **{"cmid": whole, "idnumber?": trimmed, "name?": trimmed, "section?": whole, "visible?": flag},
    **{"minutes?": whole, "component?": text, "completion?": COMPLETION, "unlock": (flag, False)},
}
_KINDS: dict[str, tuple[str, ...]] = {
    "assign": ("submissiontypes", "duedate", "grade", "gradepass"),
    "book": ("content",),
    "choice": ("options",),
    "feedback": ("questions",),
    "folder": (),
    "forum": ("type",),
    "glossary": (),
    "label": (),
    "page": ("content",),
    "quiz": ("grade", "gradepass"),
    "url": ("externalurl",),
}
"""What can be made, and the settings that each takes."""
_FORUMS = ("general", "eachuser", "qanda", "blog")


def row_by_row(site: Site, answers: list[Answer], do: Callable[[Work, Answer, Answer], None]) -> list[Answer]:
    """Each row in a transaction of its own: what was refused is told in its answer."""
    for answer in answers:
        wanted = answer.pop("wanted")
        answer |= {"code": "", "reason": ""}
        try:
            with site.working() as work:
                do(work, wanted, answer)
        except ProblemError as err:
            answer["outcome"] = "locked" if err.code == "locked" else "failed"
            answer |= {"code": err.code, "reason": err.reason}
    return answers


def make(work: Work, course: int, wanted: Answer, answer: Answer, actor: int) -> None:
    """Make an activity, unless its idnumber is there."""
    settings = wanted.get("settings", {})
    _check(wanted, settings)
    there = _by_idnumber(work.db, course, wanted["idnumber"])
    if there is not None:
        answer["cmid"] = there["id"]
        return
    described = wanted.get("completion", {"tracking": "none"})
    _check_tracking(work.db, course, described)
    gradepass = settings.get("gradepass", 0.0)
    modname = wanted["modname"]
    found = rules.checked(modname, described, graded=modname in rules.GRADED, has_pass=gradepass > 0)
    minutes = wanted.get("minutes")
    if minutes is not None:
        _check_hours(minutes, wanted.get("component", ""))
    place = sections.regular(work, course, wanted["section"], actor)
    made = copying.module(
        *(work.db, course, modname, wanted["section"], wanted["name"], wanted["idnumber"], 0, work.now)
    )
    row = work.module(made)
    rules.write(work.db, row, found, gradepass)
    section_shown = setups.section(work.db, place)["visible"]
    if not (wanted["visible"] and section_shown):
        work.db.execute("UPDATE course_modules SET visible = 0 WHERE id = ?", (made,))
    if wanted["visible"] and not section_shown:
        work.db.execute("INSERT INTO hidden_with_section VALUES (?)", (made,))
    work.write([of_module(work, "course_module_created", row, actor)])
    if minutes is not None:
        declare(work, row, minutes, wanted.get("component", ""), actor)
    answer |= {"cmid": made, "outcome": "created"}


def change(work: Work, course: int, wanted: Answer, answer: Answer, actor: int) -> None:
    """Set what is named of an activity, where it is another."""
    row = one(work.db, "SELECT * FROM course_modules WHERE id = ? AND course = ?", wanted["cmid"], course)
    if row is None:
        raise ProblemError("noactivity", f"There is no activity {wanted['cmid']} in this course.")
    changed = [
        _set_idnumber(work.db, row, wanted.get("idnumber")),
        _move(work, row, wanted.get("section"), actor),
        _show(work, row, wanted.get("visible")),
        _set_rules(work.db, row, wanted.get("completion"), unlock=wanted["unlock"]),
    ]
    if any(changed):
        work.write([of_module(work, "course_module_updated", work.module(row["id"]), actor)])
    changed.append(_rename(work, row, wanted.get("name"), actor))
    changed.append(_set_hours(work, row, wanted.get("minutes"), wanted.get("component"), actor))
    answer["outcome"] = "changed" if any(changed) else "unchanged"


def _set_idnumber(db: Db, row: Row, idnumber: str | None) -> bool:
    if idnumber is None or idnumber == row["idnumber"]:
        return False
    _check_idnumber(idnumber)
    if idnumber and _by_idnumber(db, row["course"], idnumber) is not None:
        raise ProblemError("idnumbertaken", "The ID number belongs to another activity of this course.")
    db.execute("UPDATE course_modules SET idnumber = ? WHERE id = ?", (idnumber, row["id"]))
    return True


def _move(work: Work, row: Row, section: int | None, actor: int) -> bool:
    if section is None:
        return False
    place = sections.regular(work, row["course"], section, actor)
    if place["id"] == row["section"]:
        return False
    work.db.execute("UPDATE course_modules SET section = ? WHERE id = ?", (place["id"], row["id"]))
    return True


def _show(work: Work, row: Row, visible: bool | None) -> bool:
    if visible is None or visible == setups.shown(work.db, row):
        return False
    place = need(work.db, "course_sections", work.module(row["id"])["section"])
    if setups.section(work.db, place)["visible"]:
        work.db.execute("UPDATE course_modules SET visible = ? WHERE id = ?", (visible, row["id"]))
    elif visible:
        work.db.execute("INSERT INTO hidden_with_section VALUES (?)", (row["id"],))
    else:
        work.db.execute("DELETE FROM hidden_with_section WHERE cmid = ?", (row["id"],))
    return True


def _set_rules(db: Db, row: Row, wanted: Mapping[str, Any] | None, *, unlock: bool) -> bool:
    if wanted is None:
        return False
    gradepass = rules.pass_grade(db, row)
    found = rules.checked(row["modname"], wanted, graded=row["modname"] in rules.GRADED, has_pass=gradepass > 0)
    now = rules.of_module(db, row)
    if "expected" not in wanted:
        found["expected"] = now["expected"]
    if found == now:
        return False
    _check_tracking(db, row["course"], {"tracking": "automatic"})
    anew = found | {"expected": 0} != now | {"expected": 0}
    lost = rules.at_stake(db, row["id"]) if anew else 0
    if lost and not unlock:
        raise ProblemError("locked", f"Not changed: Moodle would forget {lost} completions or decisions of teachers.")
    rules.write(db, row, found, gradepass)
    if anew:
        db.execute("DELETE FROM course_modules_completion WHERE coursemoduleid = ?", (row["id"],))
    return True


def _rename(work: Work, row: Row, name: str | None, actor: int) -> bool:
    if name is None or name == row["name"]:
        return False
    _check_name(name)
    work.db.execute("UPDATE course_modules SET name = ? WHERE id = ?", (name, row["id"]))
    work.write([of_module(work, "course_module_updated", work.module(row["id"]), actor)])
    return True


def _set_hours(work: Work, row: Row, minutes: int | None, component: str | None, actor: int) -> bool:
    if minutes is None and component is None:
        return False
    now = one(work.db, "SELECT minutes, component FROM hours WHERE cmid = ?", row["id"])
    if minutes is None and now is None:
        raise ProblemError("componentwithoutminutes", "The activity has no participation minutes.")
    minutes = now["minutes"] if minutes is None and now else minutes
    component = component if component is not None else now["component"] if now else ""
    if minutes == -1:
        return bool(declare(work, row, None, "", actor))
    _check_hours(minutes, component)
    return bool(declare(work, row, minutes, component, actor))


def _by_idnumber(db: Db, course: int, idnumber: str) -> Row | None:
    return one(db, "SELECT * FROM course_modules WHERE course = ? AND idnumber = ? ORDER BY id", course, idnumber)


def _check_tracking(db: Db, course: int, described: Mapping[str, Any]) -> None:
    if described["tracking"] != "none" and not setups.settings(db, course)["enablecompletion"]:
        raise ProblemError("completionoff", "Completion tracking is off. Turn it on in the course's settings.")


def _check_hours(minutes: int | None, component: str) -> None:
    fits = minutes is not None and 0 <= minutes <= MAX_MINUTES and re.fullmatch(r"[\w-]{0,40}", component, re.ASCII)
    if not fits:
        raise ProblemError("minutes", f"Participation minutes must be between 0 and {MAX_MINUTES}.")


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 255:
        raise ProblemError("name", "The name is empty or longer than 255 characters.")


def _check_idnumber(idnumber: str) -> None:
    if len(idnumber) > 100:
        raise ProblemError("idnumber", "The ID number has more than 100 characters.")


def _check(wanted: Answer, settings: Answer) -> None:
    modname = wanted["modname"]
    if modname not in _KINDS:
        raise ProblemError("kind", f'Activities of the kind "{modname}" cannot be made from a description.')
    _check_name(wanted["name"])
    _check_idnumber(wanted["idnumber"])
    if not wanted["idnumber"]:
        raise ProblemError("noidnumber", "Give the activity an ID number.")
    foreign = sorted(set(settings) - set(_KINDS[modname]))
    if foreign:
        raise ProblemError("setting", f"Activities of this kind do not take these settings: {', '.join(foreign)}.")
    _check_settings(modname, settings, submit=wanted.get("completion", {}).get("submit", False))
    highest = settings.get("grade", 10 if modname == "quiz" else 100)
    if highest <= 0 or not 0 <= settings.get("gradepass", 0) <= highest:
        raise ProblemError("gradepass", f"The grade to pass must be between 0 and {highest}.")


def _check_settings(modname: str, settings: Answer, *, submit: bool) -> None:
    if modname == "url" and not re.match(r"https?://[^\s/]+", settings.get("externalurl", ""), re.IGNORECASE):
        raise ProblemError("externalurl", "Give the address in settings.externalurl.")
    if modname == "choice" and not any(option.strip() for option in settings.get("options", ())):
        raise ProblemError("options", "A choice needs options.")
    if modname == "forum" and settings.get("type", "general") not in _FORUMS:
        raise ProblemError("forumtype", f"Give one of: {', '.join(_FORUMS)}.")
    if modname == "feedback" and submit and not any(each.strip() for each in settings.get("questions", ())):
        raise ProblemError("questions", "Nobody can hand in a feedback without questions.")
    if modname == "assign" and "submissiontypes" in settings:
        types = settings["submissiontypes"]
        if not set(types) <= {"file", "onlinetext"} or (submit and not types):
            raise ProblemError("submissiontypes", "Give file, onlinetext or both.")


def course_of(db: Db, course: int) -> Row:
    """The course. Raises ProblemError where there is none."""
    try:
        return need(db, "course", course)
    except LookupError as err:
        raise ProblemError("nocourse", f"There is no course {course}. Read the list of courses again.") from err
