"""Sections of a course, by their numbers."""

from __future__ import annotations

from sandbox import setups
from sandbox.copying import new_id
from sandbox.problems import ProblemError
from sandbox.store import Row, need, one
from sandbox.telling import changed, of_course
from sandbox.work import Work


def unnamed(number: int) -> str:
    """What the course's format calls a section that nobody named."""
    return f"Topic {number}" if number else "General"


def _id(work: Work, course: int, number: int) -> int:
    row = find(work, course, number)
    return int(row["id"]) if row else 0


def find(work: Work, course: int, number: int) -> Row | None:
    """The section, if it is there."""
    return one(work.db, "SELECT * FROM course_sections WHERE course = ? AND section = ?", course, number)


def regular(work: Work, course: int, number: int, actor: int) -> Row:
    """The section, made where it is missing with those before it. Raises ProblemError."""
    if not 0 <= number <= setups.MAX_SECTIONS:
        raise ProblemError("section", f"There is room for sections up to {setups.MAX_SECTIONS}.")
    for each in range(number + 1):
        if find(work, course, each) is None:
            make(work, course, each, actor)
    return need(work.db, "course_sections", _id(work, course, number))


def make(work: Work, course: int, number: int, actor: int) -> None:
    """A new section without a name."""
    made = new_id(work.db, "course_sections")
    row = (made, course, number, unnamed(number))
    work.db.execute("INSERT INTO course_sections VALUES (?, ?, ?, ?)", row)
    work.db.execute("INSERT INTO section_settings VALUES (?, 0, 1, '')", (made,))
    where = need(work.db, "course", course)
    work.write([of_course(work, "course_section_created", where, made, actor, sectionnum=number)])


def change(
    work: Work,
    course: int,
    number: int,
    actor: int,
    name: str | None = None,
    summary: str | None = None,
    visible: bool | None = None,
) -> bool:
    """Set what is given, and say whether anything was another. An empty name is the format's."""
    row = regular(work, course, number, actor)
    now = setups.section(work.db, row)
    new = dict(now)
    if name is not None:
        new |= {"name": name or unnamed(number), "named": bool(name)}
    new |= {key: value for key, value in (("summary", summary), ("visible", visible)) if value is not None}
    if number == 0 and not new["visible"]:
        raise ProblemError("sectionzero", "The section at the top of a course cannot be hidden.")
    if new == now:
        return False
    work.db.execute("UPDATE course_sections SET name = ? WHERE id = ?", (new["name"], row["id"]))
    kept = (row["id"], new["named"], new["visible"], new["summary"])
    work.db.execute("REPLACE INTO section_settings VALUES (?, ?, ?, ?)", kept)
    if new["visible"] != now["visible"]:
        _show_activities(work, row["id"], shown=new["visible"])
    event = of_course(work, "course_section_updated", need(work.db, "course", course), row["id"], actor)
    work.write([event | {"other": {"sectionnum": str(number)}}])
    return True


def delete(work: Work, course: int, number: int, actor: int) -> None:
    """Delete an empty section."""
    row = find(work, course, number)
    if row is None:
        raise LookupError(f"no section {number} in course {course}")
    event = of_course(work, "course_section_updated", need(work.db, "course", course), row["id"], actor)
    work.db.execute("DELETE FROM course_sections WHERE id = ?", (row["id"],))
    work.db.execute("DELETE FROM section_settings WHERE section = ?", (row["id"],))
    work.write([changed(event, "deleted", "d") | {"other": {"sectionnum": str(number)}}])


def _show_activities(work: Work, section: int, *, shown: bool) -> None:
    """What is in a hidden section is hidden with it, and comes back with it."""
    if shown:
        work.db.execute(
            "UPDATE course_modules SET visible = 1 WHERE section = ? AND id IN (SELECT cmid FROM hidden_with_section)",
            (section,),
        )
        work.db.execute(
            "DELETE FROM hidden_with_section WHERE cmid IN (SELECT id FROM course_modules WHERE section = ?)",
            (section,),
        )
        return
    work.db.execute(
        "INSERT OR IGNORE INTO hidden_with_section SELECT id FROM course_modules WHERE section = ? AND visible = 1",
        (section,),
    )
    work.db.execute("UPDATE course_modules SET visible = 0 WHERE section = ?", (section,))
