"""What the companion plugin can tell and core's web services can't, in the same form: rows by their own ids.

The enrolments of a person one by one with their method and dates, each assignment of a role, and the hours that are
declared in Moodle.
"""

from dataclasses import replace
from uuid import UUID

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.models import MirrorEnrolment, MirrorModule, MirrorRoleAssignment
from tests.live_moodle.moodle_tables import Reader, Sql
from tests.live_moodle.tables import Tables, by_mirror, unix

ENROLMENTS = """
SELECT ue.userid, ue.id, e.enrol, CASE WHEN ue.status = 0 AND e.status = 0 THEN 0 ELSE 1 END, ue.timestart, ue.timeend
FROM {user_enrolments} ue JOIN {enrol} e ON e.id = ue.enrolid WHERE e.courseid = %(course)s
"""
ROLES = """
SELECT ra.userid, ra.id, ra.roleid FROM {role_assignments} ra JOIN {context} x ON x.id = ra.contextid
WHERE x.contextlevel = 50 AND x.instanceid = %(course)s
"""
HOURS = """
SELECT cm.id, h.minutes, h.component FROM {course_modules} cm LEFT JOIN {local_copbridge_hours} h ON h.cmid = cm.id
WHERE cm.course = %(course)s AND cm.deletioninprogress = 0
"""


def mirror(session: Session, site: UUID, course: int) -> Tables:
    """What the mirror has of a course."""
    e, r, m = MirrorEnrolment, MirrorRoleAssignment, MirrorModule
    enrolments = session.scalars(select(e).where(e.site_id == site, e.course_id == course, e.present))
    roles = session.scalars(select(r).where(r.site_id == site, r.course_id == course, r.present))
    modules = session.scalars(select(m).where(m.site_id == site, m.course_id == course, m.present))
    found = by_mirror(session, site, course)
    hours = {row.module_id: (row.minutes, row.component) for row in modules}
    return replace(
        found,
        modules={key: (*row, *hours[key[0]]) for key, row in found.modules.items()},
        enrolments={
            (row.moodle_user_id, row.enrolment_id): (row.method, row.status, unix(row.timestart), unix(row.timeend))
            for row in enrolments
        },
        roles={(row.moodle_user_id, row.assignment_id): (row.role_id,) for row in roles},
    )


def moodle(url: str, prefix: str, course: int) -> Tables:
    """The same from Moodle's own tables."""
    found = Sql(url, prefix).tables(course)
    with psycopg.connect(url, options="-c default_transaction_read_only=on") as connection:
        read = Reader(connection, prefix, course)
        hours = {row[0]: (row[1], row[2] or "") for row in read(HOURS)}
        return replace(
            found,
            modules={key: (*row, *hours[key[0]]) for key, row in found.modules.items()},
            enrolments={(row[0], row[1]): row[2:] for row in read(ENROLMENTS)},
            roles={(row[0], row[1]): row[2:] for row in read(ROLES)},
        )
