"""A course's copy with its users, as restoring a backup makes it, and single new modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.store import Db, Row, need, one

Ids = dict[int, int]

_COUNTING = frozenset({"user_enrolments", "role_assignments", "course_completions"})


def course(db: Db, old: Row, now: int, own: Mapping[str, Any] | None = None, *, users: bool = True) -> int:
    """Every row that hangs on the course, under new ids: the new course's id. `own`: what the copy is to be called, and
    where it is. Without its users nobody's rows are copied, and no enrolment method."""
    number = _copy_number(db, old["shortname"])
    named: dict[str, Any] = {"idnumber": "", "contextid": _context(db), "timecreated": now}
    named |= {"shortname": f"{old['shortname']}_{number}", "fullname": f"{old['fullname']} copy {number}"}
    made = _insert(db, "course", old, id=_next(db, "course"), **named | dict(own or {}))
    db.execute("INSERT INTO originals VALUES (?, ?)", (made, old["id"]))
    modules, groups = _content(db, old, made, now)
    if users:
        _people(db, old, made, modules, groups)
    return made


def _content(db: Db, old: Row, made: int, now: int) -> tuple[Ids, Ids]:
    """Sections, activities, groups and what is set of them: the new ids of activities and groups."""
    sections = _copied(db, "course_sections", old["id"], {"course": made})
    modules: Ids = {}
    for row in _of(db, "course_modules", old["id"]):
        modules[row["id"]] = _like(db, row, made, sections[row["section"]], now)
    groups = _copied(db, "groups", old["id"], {"course": made})
    groupings = _copied(db, "groupings", old["id"], {"course": made})
    _rows_of(db, "hours", "cmid", modules)
    _beside(db, "module_rules", "cmid", modules)
    _beside(db, "hidden_with_section", "cmid", modules)
    _beside(db, "section_settings", "section", sections)
    _beside(db, "course_settings", "course", {old["id"]: made})
    for row in db.execute("SELECT * FROM groupings_groups").fetchall():
        if row["groupingid"] in groupings:
            pair = (groupings[row["groupingid"]], groups[row["groupid"]])
            db.execute("INSERT INTO groupings_groups VALUES (?, ?)", pair)
    for row in _of(db, "course_completion_criteria", old["id"]):
        pair = (made, modules[row["moduleinstance"]])
        db.execute("INSERT INTO course_completion_criteria VALUES (?, ?)", pair)
    for row in _of(db, "customfield_data", old["id"]):
        _insert(db, "customfield_data", row, course=made)
    for row in db.execute("SELECT * FROM event WHERE courseid = ? AND groupid = 0", (old["id"],)).fetchall():
        _insert(db, "event", row, id=None, courseid=made)
    return modules, groups


def _people(db: Db, old: Row, made: int, modules: Ids, groups: Ids) -> None:
    methods = _copied(db, "enrol", old["id"], {"courseid": made}, by="courseid")
    _copied(db, "user_enrolments", old["id"], {"course": made}, enrolid=methods.__getitem__)
    _copied(db, "role_assignments", old["id"], {"course": made})
    _copied(db, "course_completions", old["id"], {"course": made})
    _beside(db, "enrol_settings", "enrolid", methods)
    _rows_of(db, "groups_members", "groupid", groups)
    _rows_of(db, "course_modules_completion", "coursemoduleid", modules)


def module(
    db: Db, course_id: int, modname: str, section: int, name: str, idnumber: str, tracking: int, now: int
) -> int:
    """A new course module, its instance and its context with it; the module's id."""
    need(db, "course", course_id)
    place = one(db, "SELECT id FROM course_sections WHERE course = ? AND section = ?", course_id, section)
    if place is None:
        raise LookupError(f"no section {section} in course {course_id}")
    new, instance = _next(db, "course_modules"), _instance(db, modname)
    made = db.execute(
        "INSERT INTO course_modules (id, course, modname, instance, section, name, idnumber,"
        " completion, added, contextid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (new, course_id, modname, instance, place["id"], name, idnumber, tracking, now, _context(db)),
    )
    return int(made.lastrowid or 0)


def _like(db: Db, row: Row, course_id: int, section: int, now: int) -> int:
    own = {"instance": _instance(db, row["modname"]), "contextid": _context(db), "added": now}
    new = _next(db, "course_modules")
    return _insert(db, "course_modules", row, id=new, course=course_id, section=section, **own)


def _copied(
    db: Db, table: str, course_id: int, own: Mapping[str, int], *, by: str = "course", **new: Callable[[int], int]
) -> Ids:
    ids: Ids = {}
    for row in _of(db, table, course_id, by):
        mapped = {key: change(row[key]) for key, change in new.items()}
        ids[row["id"]] = _insert(db, table, row, id=_next(db, table), **own, **mapped)
    return ids


def _rows_of(db: Db, table: str, key: str, ids: Ids) -> None:
    for old, new in ids.items():
        for row in db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (old,)).fetchall():  # noqa: S608 - ours
            _insert(db, table, row, id=None, **{key: new})


def _beside(db: Db, table: str, key: str, ids: Ids) -> None:
    """Rows of a table whose own id is that of what they are about."""
    for old, new in ids.items():
        for row in db.execute(f"SELECT * FROM {table} WHERE {key} = ?", (old,)).fetchall():  # noqa: S608 - ours
            _insert(db, table, row, **{key: new})


def new_context(db: Db) -> int:
    """The id of a new context."""
    return _context(db)


def _of(db: Db, table: str, course_id: int, by: str = "course") -> list[Row]:
    return db.execute(f"SELECT * FROM {table} WHERE {by} = ? ORDER BY rowid", (course_id,)).fetchall()  # noqa: S608


def _insert(db: Db, table: str, row: Row, **changes: Any) -> int:
    values = dict(row) | changes
    marks = ", ".join("?" * len(values))
    sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - tables of ours
    return int(db.execute(sql, tuple(values.values())).lastrowid or 0)


def _next(db: Db, table: str) -> int | None:
    """An id that was never used; the tables that count by themselves are left to it."""
    return None if table in _COUNTING else new_id(db, table)


def new_id(db: Db, table: str) -> int:
    """An id that was never used, of a table that doesn't count by itself."""
    last = one(db, f"SELECT coalesce(max(id), 0) AS id FROM {table}")  # noqa: S608 - tables of ours
    new = max(int(last["id"]) if last else 0, _used(db, table)) + 1
    retire(db, table, new)
    return new


def _used(db: Db, table: str) -> int:
    row = one(db, "SELECT id FROM numbers WHERE kind = ? AND key = 'last'", f"table {table}")
    return int(row["id"]) if row else 0


def retire(db: Db, table: str, row_id: int) -> None:
    """This id is never given again, even when its row is gone."""
    db.execute(
        "INSERT INTO numbers VALUES (?, 'last', ?) ON CONFLICT (kind, key) DO UPDATE SET id = excluded.id",
        (f"table {table}", max(row_id, _used(db, table))),
    )


def _instance(db: Db, modname: str) -> int:
    row = one(db, "SELECT max(instance) AS last FROM course_modules WHERE modname = ?", modname)
    return int((row["last"] if row else 0) or 0) + 1


def _context(db: Db) -> int:
    sql = (
        "SELECT max(contextid) AS last FROM"
        " (SELECT contextid FROM course UNION ALL SELECT contextid FROM course_modules)"
    )
    row = one(db, sql)
    return int((row["last"] if row else 0) or 0) + 1


def _copy_number(db: Db, shortname: str) -> int:
    taken = {row["shortname"] for row in db.execute("SELECT shortname FROM course").fetchall()}
    return next(number for number in range(1, len(taken) + 2) if f"{shortname}_{number}" not in taken)
