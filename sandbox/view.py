"""What the pages show, gathered from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sandbox import standings
from sandbox.actions import Done
from sandbox.completion import COMPLETE, FAILED, PASSED
from sandbox.sender import Status
from sandbox.site import Site
from sandbox.store import Row, one
from sandbox.term import Progress

_VERBS = {
    "page": "View it",
    "url": "Open the link",
    "resource": "Open the file",
    "forum": "Post to the forum",
    "quiz": "Take the quiz and pass",
    "assign": "Submit the assignment",
    "feedback": "Submit the feedback",
    "lesson": "Finish the lesson",
    "glossary": "Add an entry",
    "choice": "Make the choice",
}


@dataclass(frozen=True)
class ActivityLine:
    """One activity as its participant sees it."""

    module: Row
    state: int
    words: str
    by_override: bool
    verb: str
    undo: str

    @property
    def done(self) -> bool:
        """Complete, and not by a failing grade."""
        return self.state in (COMPLETE, PASSED)

    @property
    def can_fail(self) -> bool:
        """A first attempt at a quiz may fail."""
        return self.module["modname"] == "quiz" and self.state == 0


@dataclass(frozen=True)
class CoursePage:
    """A course as one participant sees it."""

    course: Row
    user: Row
    enrolment: Row | None
    sections: list[tuple[str, list[ActivityLine]]]
    done: int
    tracked: int
    hours: str
    """How the participant stands, as the service told it; empty where it didn't."""

    @property
    def active(self) -> bool:
        """Whether the participant may act."""
        return self.enrolment is not None and self.enrolment["status"] == 0


def sending(site: Site) -> Status:
    """The state of sending; a site without a target only keeps its events."""
    if site.sender is not None:
        return site.sender.status()
    waiting = int(site.rows("SELECT count(*) AS n FROM outbox")[0]["n"])
    return Status(waiting=waiting, answer="This sandbox sends nothing: it has no target.")


def waiting_words(status: Status) -> str:
    """How much is on its way, in words."""
    if status.sync_wanted:
        return "The whole site is waiting to be sent."
    if not status.waiting:
        return "Everything has been sent."
    return f"{status.waiting} event{'' if status.waiting == 1 else 's'} waiting to be sent."


def term_words(progress: Progress) -> str:
    """How far the term is, in words."""
    if progress.running:
        return f"The term is being played: {progress.played} of {progress.total} steps."
    if not progress.total:
        return ""
    return f"The term was played: {progress.played} of {progress.total} steps."


def live(site: Site, progress: Progress) -> dict[str, Any]:
    """What the page's script refreshes."""
    status = sending(site)
    return {
        "waiting": waiting_words(status),
        "answer": status.answer,
        "error": status.error,
        "term": term_words(progress),
        "running": progress.running,
        "played": progress.played,
        "total": progress.total,
    }


def told(result: Done) -> str:
    """What an action did, in words."""
    if not result.events:
        return "Moodle wrote no event: nothing changed."
    names = [event["eventname"].rpartition("\\")[2] for event in result.events]
    count = f"{len(names)} event{'' if len(names) == 1 else 's'}"
    return f"Done. Moodle wrote {count}: {', '.join(names)}."


def courses(site: Site) -> list[Row]:
    """The courses, with the number of their participants."""
    return site.rows(
        "SELECT c.*, (SELECT count(DISTINCT e.userid) FROM user_enrolments e JOIN role_assignments a"
        " ON a.course = e.course AND a.userid = e.userid AND a.roleid = 5"
        " WHERE e.course = c.id) AS participants FROM course c ORDER BY c.id"
    )


def people(site: Site) -> dict[int, list[Row]]:
    """Everyone who takes or took part, by course, with how much is complete."""
    rows = site.rows(
        "SELECT u.id, u.firstname, u.lastname, u.idnumber, p.course, p.status,"
        " (SELECT count(*) FROM course_modules_completion c JOIN course_modules m"
        "  ON m.id = c.coursemoduleid WHERE m.course = p.course AND c.userid = u.id"
        "  AND c.completionstate IN (1, 2)) AS done,"
        " (SELECT count(*) FROM course_modules m WHERE m.course = p.course AND m.completion > 0)"
        "  AS tracked FROM user u JOIN"
        " (SELECT e.course, e.userid, min(e.status) AS status FROM user_enrolments e WHERE NOT EXISTS"
        "   (SELECT 1 FROM role_assignments a WHERE a.course = e.course AND a.userid = e.userid"
        "    AND a.roleid <> 5) GROUP BY e.course, e.userid"
        "  UNION SELECT m.course, c.userid, 2 FROM course_modules_completion c"
        "   JOIN course_modules m ON m.id = c.coursemoduleid WHERE NOT EXISTS"
        "   (SELECT 1 FROM user_enrolments e WHERE e.course = m.course AND e.userid = c.userid)"
        " ) p ON p.userid = u.id ORDER BY p.course, u.lastname, u.firstname"
    )
    grouped = groupby(rows, key=lambda row: int(row["course"]))
    return {course: list(lines) for course, lines in grouped}


def course_page(site: Site, course: int, user: int) -> CoursePage | None:
    """The course's activities by section, with this person's states."""
    with site.store.read() as db:
        course_row = one(db, "SELECT * FROM course WHERE id = ?", course)
        user_row = one(db, "SELECT * FROM user WHERE id = ? AND deleted = 0", user)
        sql = "SELECT * FROM user_enrolments WHERE course = ? AND userid = ? ORDER BY status, id"
        enrolment = one(db, sql, course, user)
    if course_row is None or user_row is None:
        return None
    rows = site.rows(
        "SELECT m.*, s.name AS section_name, s.section AS number,"
        " coalesce(c.completionstate, 0) AS state, c.overrideby FROM course_modules m"
        " JOIN course_sections s ON s.id = m.section LEFT JOIN course_modules_completion c"
        " ON c.coursemoduleid = m.id AND c.userid = ? WHERE m.course = ? ORDER BY s.section, m.id",
        user,
        course,
    )
    grouped = groupby(rows, key=lambda row: str(row["section_name"]))
    sections = [(name, [_line(row) for row in lines]) for name, lines in grouped]
    tracked = [row for row in rows if row["completion"]]
    done = sum(row["state"] in (COMPLETE, PASSED) for row in tracked)
    hours = standings.words(site, course, user)
    return CoursePage(course_row, user_row, enrolment, sections, done, len(tracked), hours)


def _line(row: Row) -> ActivityLine:
    overridden = row["overrideby"] is not None
    manual = row["completion"] == 1
    if manual:
        verb, undo = "Mark as done", "Undo"
    elif row["modname"] == "assign" and not overridden:
        verb, undo = _VERBS["assign"], "Undo: remove the submission"
    else:
        verb, undo = _VERBS[row["modname"]], "Undo, as the facilitator"
    return ActivityLine(row, row["state"], _words(row), overridden, verb, undo)


def _words(row: Row) -> str:
    if not row["completion"]:
        return "Not tracked"
    words = {COMPLETE: "Complete", PASSED: "Passed", FAILED: "Failed"}.get(row["state"], "To do")
    return f"{words}, set by the facilitator" if row["overrideby"] is not None else words
