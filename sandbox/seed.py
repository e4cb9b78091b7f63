"""Fills a new state file with the demonstration's content."""

from __future__ import annotations

import secrets
import uuid
from collections import Counter
from collections.abc import Sequence

from sandbox import content
from sandbox.store import Db, set_config

DAY = 86_400


def term_start(now: float) -> int:
    """Two weeks before the first start, at midnight: the site is met in mid-term."""
    return int(now) // DAY * DAY - 14 * DAY


def seed(db: Db, now: float) -> None:
    """Content, people and enrolments as they stand at the first start. Writes no event."""
    set_config(db, "epoch", str(uuid.uuid4()))
    set_config(db, "sync_wanted", "1")
    roles = [(role_id, name, role_id) for role_id, name in content.ROLES]
    db.executemany("INSERT INTO role VALUES (?, ?, ?)", roles)
    _people(db)
    instances: Counter[str] = Counter()
    for region in content.REGIONS:
        _course(db, region, now)
        _activities(db, region, now, instances)
        _enrolments(db, region, term_start(now))


def new_token(db: Db, user: int) -> str:
    """The user's web-service token, made when first asked for."""
    row = db.execute("SELECT token FROM external_tokens WHERE userid = ?", (user,)).fetchone()
    if row is not None:
        return str(row["token"])
    token = secrets.token_hex(16)
    db.execute("INSERT INTO external_tokens VALUES (?, ?)", (token, user))
    return token


def second_account(db: Db) -> None:
    """The second service account, if it isn't there yet."""
    _service(db, content.SECOND_SERVICE, "svclimited", "Limited")


def provisioner(db: Db) -> None:
    """The service account that sets up courses, if it isn't there yet."""
    _service(db, content.PROVISIONER, "svcprovision", "Provisioning")


def _service(db: Db, user: int, name: str, last: str) -> None:
    db.execute(
        "INSERT OR IGNORE INTO user (id, username, idnumber, firstname, lastname, email, city, agency)"
        " VALUES (?, ?, '', 'Service', ?, ?, 'Sacramento', 'Program office')",
        (user, name, last, f"{name}@example.org"),
    )


def _people(db: Db) -> None:
    sql = (
        "INSERT INTO user (id, username, idnumber, firstname, lastname, email, city, agency)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    )
    for user, name, first, last, city in content.STAFF:
        idnumber = name.upper() if name.startswith("f0") else ""
        mail = f"{name}@example.org"
        db.execute(sql, (user, name, idnumber, first, last, mail, city, "Program office"))
    for place, person in enumerate(content.PEOPLE, start=1):
        user = content.FIRST_PARTICIPANT + place - 1
        name = f"e{place:04}"
        row = (user, name, name.upper(), person.first, person.last, f"{name}@example.org")
        db.execute(sql, (*row, person.city, person.agency))


def _course(db: Db, region: content.Region, now: float) -> None:
    start = term_start(now)
    db.execute(
        "INSERT INTO course (id, shortname, fullname, idnumber, category, categoryname, startdate,"
        " enddate, timecreated, contextid, summary) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            region.course,
            region.shortname,
            region.fullname,
            region.idnumber,
            region.course,
            f"{region.category} Communities of Practice",
            start,
            start + 17 * 7 * DAY,
            start - 7 * DAY,
            20 + region.course,
            "<p>A regional Community of Practice, 18 hours.</p>",
        ),
    )
    db.execute("INSERT INTO enrol (id, courseid, enrol) VALUES (?, ?, 'manual')", (region.course, region.course))
    db.execute("INSERT INTO course_categories VALUES (?, ?)", (region.course, region.category_idnumber))
    category = (region.course, f"{region.category} Communities of Practice")
    db.execute("INSERT INTO category_tree (id, name) VALUES (?, ?)", category)
    grouping = (region.course, region.course, content.GROUPING, content.GROUPING_IDNUMBER)
    db.execute("INSERT INTO groupings VALUES (?, ?, ?, ?)", grouping)
    for group, name in enumerate(content.GROUPS, start=1):
        row = (10 * region.course + group, region.course, f"{name}, {region.category}", "")
        db.execute("INSERT INTO groups VALUES (?, ?, ?, ?)", row)
        db.execute("INSERT INTO groupings_groups VALUES (?, ?)", (region.course, row[0]))


def _activities(db: Db, region: content.Region, now: float, instances: Counter[str]) -> None:
    for number, name in enumerate(content.SECTIONS):
        row = (10 * region.course + number, region.course, number, name)
        db.execute("INSERT INTO course_sections VALUES (?, ?, ?, ?)", row)
    for activity in content.ACTIVITIES:
        instances[activity.modname] += 1
        module = instances.total()
        db.execute(
            "INSERT INTO course_modules (id, course, modname, instance, section, name, idnumber,"
            " completion, added, contextid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                module,
                region.course,
                activity.modname,
                instances[activity.modname],
                10 * region.course + activity.section,
                activity.name,
                activity.idnumber,
                activity.tracking,
                term_start(now) - 7 * DAY,
                100 + module,
            ),
        )
        if activity.idnumber in content.COURSE_CRITERIA:
            pair = (region.course, module)
            db.execute("INSERT INTO course_completion_criteria VALUES (?, ?)", pair)


def _enrolments(db: Db, region: content.Region, start: int) -> None:
    _enrol(db, region.course, region.facilitator, (content.EDITING_TEACHER,), start)
    for place, person in enumerate(content.PEOPLE):
        if region.course not in person.courses:
            continue
        user = content.FIRST_PARTICIPANT + place
        _enrol(db, region.course, user, (content.STUDENT,), start)
        if place % 3:
            group = 10 * region.course + place % 3
            db.execute("INSERT INTO groups_members (groupid, userid) VALUES (?, ?)", (group, user))


def _enrol(db: Db, course: int, user: int, roles: Sequence[int], when: int) -> None:
    db.execute(
        "INSERT INTO user_enrolments (status, enrolid, course, userid, timestart, timeend,"
        " modifierid, timecreated, timemodified) VALUES (0, ?, ?, ?, ?, 0, ?, ?, ?)",
        (course, course, user, when, content.ADMIN, when, when),
    )
    for role in roles:
        db.execute(
            "INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)",
            (role, course, user),
        )
