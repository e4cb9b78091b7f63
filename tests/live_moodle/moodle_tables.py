"""A course's state from Moodle itself: from its tables by SQL, or from its web services."""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from moodle_client import MoodleClient, User
from tests.live_moodle.tables import Rows, Tables, activity, completion_rows

# The names of tables are put in as {course} and so on.
COURSES = """
SELECT c.id, c.shortname, c.fullname, c.idnumber, c.category, coalesce(k.idnumber, ''), c.visible = 1,
       c.startdate, c.enddate
FROM {course} c JOIN {course_categories} k ON k.id = c.category WHERE c.id = %(course)s
"""
MODULES = """
SELECT cm.id, m.name, cm.instance, coalesce(cm.idnumber, ''), s.section, s.name, cm.visible = 1, cm.completion
FROM {course_modules} cm JOIN {modules} m ON m.id = cm.module JOIN {course_sections} s ON s.id = cm.section
WHERE cm.course = %(course)s AND cm.deletioninprogress = 0
"""
NAMES = "SELECT id, name FROM {instances} WHERE course = %(course)s"
ACCOUNTS = """
SELECT DISTINCT u.id, u.username, u.idnumber, u.email, u.firstname, u.lastname, u.suspended = 1
FROM {user} u JOIN {user_enrolments} ue ON ue.userid = u.id JOIN {enrol} e ON e.id = ue.enrolid
WHERE e.courseid = %(course)s AND u.deleted = 0
"""
# Moodle's own question, which rounds "now" to 100 seconds: get_enrolled_join in lib/enrollib.php.
ENROLMENTS = """
SELECT ue.userid, CASE WHEN ue.status = 0 AND e.status = 0 AND ue.timestart < t.now
                        AND (ue.timeend = 0 OR ue.timeend > t.now) THEN 0 ELSE 1 END
FROM {user_enrolments} ue JOIN {enrol} e ON e.id = ue.enrolid JOIN {user} u ON u.id = ue.userid,
     (SELECT round(extract(epoch FROM now()) / 100) * 100 AS now) t
WHERE e.courseid = %(course)s AND u.deleted = 0
"""
ROLES = """
SELECT ra.userid, ra.roleid FROM {role_assignments} ra JOIN {context} x ON x.id = ra.contextid
WHERE x.contextlevel = 50 AND x.instanceid = %(course)s
  AND EXISTS (SELECT 1 FROM {user_enrolments} ue JOIN {enrol} e ON e.id = ue.enrolid
              WHERE ue.userid = ra.userid AND e.courseid = %(course)s)
"""
MEMBERS = """
SELECT gm.userid, gm.groupid FROM {groups_members} gm JOIN {groups} g ON g.id = gm.groupid WHERE g.courseid = %(course)s
"""
GROUPS = """
SELECT g.id, g.name, g.idnumber, array(
    SELECT coalesce(nullif(gr.idnumber, ''), gr.name) FROM {groupings_groups} gg
    JOIN {groupings} gr ON gr.id = gg.groupingid WHERE gg.groupid = g.id)
FROM {groups} g WHERE g.courseid = %(course)s AND EXISTS (SELECT 1 FROM {groups_members} m WHERE m.groupid = g.id)
"""
COMPLETIONS = """
SELECT c.coursemoduleid, c.userid, c.completionstate, c.timemodified, c.overrideby
FROM {course_modules_completion} c JOIN {course_modules} cm ON cm.id = c.coursemoduleid
WHERE cm.course = %(course)s AND cm.completion > 0 AND cm.deletioninprogress = 0
"""


class Sql:
    """Moodle's own database, which is only read."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url, self._prefix = url, prefix

    def tables(self, course: int) -> Tables:
        """The course as Moodle's tables have it at this moment."""
        with psycopg.connect(self._url, options="-c default_transaction_read_only=on") as connection:
            read = Reader(connection, self._prefix, course)
            return Tables(
                courses={(row[0],): row[1:] for row in read(COURSES)},
                modules=read.modules(),
                accounts={(row[0],): row[1:] for row in read(ACCOUNTS)},
                enrolments=activity((row[0], row[1]) for row in read(ENROLMENTS)),
                roles=dict.fromkeys(read(ROLES), ()),
                groups={(row[0],): (row[1], row[2], tuple(sorted(row[3]))) for row in read(GROUPS)},
                members=dict.fromkeys(read(MEMBERS), ()),
                completions=completion_rows((r[0], r[1], r[2], r[3], r[4]) for r in read(COMPLETIONS)),
            )


class Reader:
    """Asks about one course in one transaction."""

    def __init__(self, connection: psycopg.Connection[Any], prefix: str, course: int) -> None:
        self._connection, self._prefix, self._course = connection, prefix, course

    def __call__(self, query: LiteralString, **others: str) -> Sequence[tuple[Any, ...]]:
        names = {name: others.get(name, name) for name in _names(query)}
        tables = {name: sql.Identifier(self._prefix + table) for name, table in names.items()}
        statement = sql.SQL(query).format(**tables)
        return self._connection.execute(statement, {"course": self._course}).fetchall()

    def modules(self) -> Rows:
        rows = self(MODULES)
        names = {kind: dict(self._names_of(kind)) for kind in {row[1] for row in rows}}
        return {(cm,): (kind, names[kind].get(instance), *rest) for cm, kind, instance, *rest in rows}

    def _names_of(self, kind: str) -> list[tuple[int, str]]:
        return [(row[0], row[1]) for row in self(NAMES, instances=kind)]


def _names(query: str) -> set[str]:
    return {part.split("}")[0] for part in query.split("{")[1:]}


def _account(user: User) -> tuple[Any, ...]:
    return user.username, user.idnumber or "", user.email, user.firstname, user.lastname, user.suspended


class Told:
    """The same from the web services, for who can't look into the database."""

    def __init__(self, moodle: MoodleClient) -> None:
        self._moodle = moodle

    def tables(self, course: int, people: set[int]) -> Tables:
        """The course as a caller is told of it; completions of these people and of all who are enrolled."""
        moodle = self._moodle
        users = {user.id: user for page in moodle.enrolled_users(course) for user in page.data}
        active = {user.id for page in moodle.enrolled_users(course, only_active=True) for user in page.data}
        told = {user.id: user for user in moodle.users_by_field("id", sorted(users)).data}
        return Tables(
            courses=self._courses(course),
            modules=self._modules(course),
            accounts={
                (user.id,): (
                    user.username,
                    user.idnumber or "",
                    user.email,
                    user.firstname,
                    user.lastname,
                    user.suspended,
                )
                for user in told.values()
            },
            enrolments=activity((user, 0 if user in active else 1) for user in users),
            roles={(user.id, role.roleid): () for user in users.values() for role in user.roles},
            groups=self._groups(course, {group.id for user in users.values() for group in user.groups}),
            members={(user.id, group.id): () for user in users.values() for group in user.groups},
            completions=completion_rows(
                (row.cmid, user, row.state, row.timemodified, row.overrideby)
                for user in sorted(people | users.keys())
                for row in moodle.activity_completions(course, user).data
            ),
        )

    def _courses(self, course: int) -> Rows:
        idnumbers = {category.id: category.idnumber or "" for category in self._moodle.categories().data}
        return {
            (row.id,): (
                row.shortname,
                row.fullname,
                row.idnumber,
                row.categoryid,
                idnumbers.get(row.categoryid, ""),
                row.visible,
                row.startdate,
                row.enddate,
            )
            for row in self._moodle.courses("id", course).data
        }

    def _modules(self, course: int) -> Rows:
        return {
            (module.id,): (
                module.modname,
                module.name,
                self._moodle.course_module(module.id).data.idnumber,
                section.number,
                section.name,
                module.visible,
                module.completion,
            )
            for section in self._moodle.contents(course).data
            for module in section.modules
        }

    def _groups(self, course: int, wanted: set[int]) -> Rows:
        groupings = self._moodle.groupings(course).data
        return {
            (group.id,): (
                group.name,
                group.idnumber,
                tuple(sorted(one.idnumber or one.name for one in groupings if group.id in one.groups)),
            )
            for group in self._moodle.groups(course).data
            if group.id in wanted
        }
