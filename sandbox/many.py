"""Fills a site with large courses, for benchmarks of whoever reads all of it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from sandbox.content import EDITING_TEACHER, REGIONS, STUDENT
from sandbox.seed import DAY
from sandbox.site import Site
from sandbox.store import Db

_KINDS = ("page", "url", "quiz", "assign", "page", "forum")
_FIRST_USER = 100_000


@dataclass(frozen=True)
class Many:
    """So many courses, each with all of these people and so many tracked activities; `done` is the
    share of completion rows that there are, and a tenth of them says incomplete."""

    courses: int = 1
    users: int = 1_000
    modules: int = 30
    done: float = 0.5
    seed: int = 1


def fill(site: Site, many: Many) -> list[int]:
    """Add the courses and their people without an event: the new courses' ids. A site takes this
    once; another time it says what is there."""
    with site.store.write() as db:
        there = db.execute("SELECT id FROM course WHERE shortname LIKE 'MANY-%' ORDER BY id").fetchall()
        if there:
            return [int(row["id"]) for row in there]
        now = int(site.clock())
        users = _people(db, many)
        last = int(db.execute("SELECT max(id) FROM course").fetchone()[0])
        found = [last + 1 + place for place in range(many.courses)]
        for place, course in enumerate(found):
            _course(db, many, course, place, now)
            _enrolments(db, course, users, now)
            _completions(db, many, course, users, now)
        return found


def _people(db: Db, many: Many) -> list[int]:
    users = [_FIRST_USER + number for number in range(1, many.users + 1)]
    sql = (
        "INSERT INTO user (id, username, idnumber, firstname, lastname, email, city, agency)"
        " VALUES (?, ?, ?, 'Many', ?, ?, 'Sacramento', 'Program office')"
    )
    names = [(user, f"m{user}") for user in users]
    db.executemany(sql, [(u, name, name.upper(), f"Person {u}", f"{name}@example.org") for u, name in names])
    return users


def _course(db: Db, many: Many, course: int, place: int, now: int) -> None:
    context = 1_000_000 * (place + 1)
    db.execute(
        "INSERT INTO course (id, shortname, fullname, idnumber, category, categoryname, startdate, enddate,"
        " timecreated, contextid) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (
            *(course, f"MANY-{place + 1}", f"A large community {place + 1}", f"COP-MANY-{place + 1}"),
            *(REGIONS[0].course, f"{REGIONS[0].category} Communities of Practice", now - 30 * DAY, now, context),
        ),
    )
    db.execute("INSERT INTO enrol (courseid, enrol) VALUES (?, 'manual')", (course,))
    section = db.execute(
        "INSERT INTO course_sections (course, section, name) VALUES (?, 1, 'All of it')", (course,)
    ).lastrowid
    first = int(db.execute("SELECT max(id) FROM course_modules").fetchone()[0]) + 1
    instance = int(db.execute("SELECT max(instance) FROM course_modules").fetchone()[0]) + 1
    rows = [
        (
            *(first + n, course, _KINDS[n % len(_KINDS)], instance + n, section, f"Activity {n + 1}"),
            *(f"ACT-{n + 1:02}", 1 + (n % len(_KINDS) > 0), now - 30 * DAY, context + n + 1),
        )
        for n in range(many.modules)
    ]
    db.executemany(
        "INSERT INTO course_modules (id, course, modname, instance, section, name, idnumber, completion, added,"
        " contextid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _enrolments(db: Db, course: int, users: list[int], now: int) -> None:
    method = db.execute("SELECT id FROM enrol WHERE courseid = ?", (course,)).fetchone()["id"]
    start, teacher = now - 20 * DAY, REGIONS[0].facilitator
    db.executemany(
        "INSERT INTO user_enrolments (status, enrolid, course, userid, timestart, timeend, modifierid,"
        " timecreated, timemodified) VALUES (0, ?, ?, ?, ?, 0, 2, ?, ?)",
        [(method, course, user, start, start, start) for user in [teacher, *users]],
    )
    roles = [(EDITING_TEACHER, course, teacher), *((STUDENT, course, user) for user in users)]
    db.executemany("INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)", roles)


def _completions(db: Db, many: Many, course: int, users: list[int], now: int) -> None:
    lots = random.Random(f"{many.seed} {course}")
    modules = db.execute("SELECT id, modname FROM course_modules WHERE course = ? ORDER BY id", (course,)).fetchall()
    rows = []
    for user in users:
        for module in modules:
            if lots.random() < many.done:
                complete = 2 if module["modname"] == "quiz" else 1
                state = 0 if lots.random() < 0.1 else complete
                rows.append((module["id"], user, state, now - lots.randrange(1, 20 * DAY)))
    db.executemany(
        "INSERT INTO course_modules_completion (coursemoduleid, userid, completionstate, timemodified)"
        " VALUES (?, ?, ?, ?)",
        rows,
    )
