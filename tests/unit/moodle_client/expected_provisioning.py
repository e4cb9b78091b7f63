"""What the recorded answers about setting up courses hold."""

from typing import Any

from tests.unit.moodle_client.expected import Played, rows

CREATE_EVENTS, GET_EVENTS = "core_calendar_create_calendar_events", "core_calendar_get_calendar_events"
SITE, COURSE = "local_copbridge_get_site_setup", "local_copbridge_get_course_setup"
UPDATE, DUPLICATE = "core_course_update_courses.provisioning", "core_course_duplicate_course.provisioning"


def _site(found: Any) -> Any:
    return (
        [role.shortname for role in found.roles if role.assignable],
        [(field.shortname, field.type, field.options) for field in found.fields if field.options],
        [(cohort.id, cohort.idnumber, cohort.category, cohort.members) for cohort in found.cohorts],
        (found.auths, found.enrolments, found.completion, found.maxsections, found.cohortsync),
        (found.passwordpolicy, found.copiespeople, found.handedover),
    )


def _course(found: Any) -> Any:
    quiz, page = found.activity("EBWI-M5"), found.activity("EBWI-M1")
    return (
        (found.course.idnumber, found.course.category, found.course.copy_of, found.course.fields["cop_region"]),
        [(section.number, section.named) for section in found.sections][:2],
        (quiz.completion.tracking, quiz.completion.passgrade, quiz.completion.grade, quiz.minutes),
        (page.section, page.minutes, page.component, page.completion.view),
        [each.idnumber for each in found.activities if not each.visible],
        [(group.idnumber, group.members) for group in found.groups],
        [(each.method, each.enabled, each.role, each.cohortid) for each in found.enrolments],
        (found.participants, len(found.criteria), found.activity("")),
    )


PROVISIONING: dict[str, Played] = {
    SITE: Played(
        lambda moodle: moodle.get_site_setup(rows(SITE, "courses")),
        _site,
        (
            ["editingteacher", "teacher", "student"],
            [("cop_region", "select", ("North", "South & West"))],
            [(1, "SITE-C", 0, 3), (2, "", 5, 0)],
            (("manual", "nologin", "email"), ("manual", "guest", "self", "cohort"), True, 52, True),
            (True, False, (True,)),
        ),
    ),
    COURSE: Played(
        lambda moodle: moodle.get_course_setup(2),
        _course,
        (
            ("COP-EBWI-BAY", 2, None, "South & West"),
            [(0, False), (1, True)],
            ("automatic", True, False, None),
            (1, 45, "online", True),
            ["EBWI-M11"],
            [("G-EB", 20), ("G-SB", 20)],
            [("manual", True, "student", 0), ("guest", False, "", 0), ("self", True, "student", 0)],
            (38, 64, None),
        ),
    ),
    UPDATE: Played(lambda moodle: moodle.update_courses(rows(UPDATE, "courses")), lambda found: found, None),
    DUPLICATE: Played(
        lambda moodle: moodle.duplicate_course(
            2, fullname="Evidence-Based Writing: copy 371984", shortname="COPY-371984", category=8, visible=False
        ),
        lambda made: (made.id, made.shortname),
        (13, "COPY-371984"),
    ),
    CREATE_EVENTS: Played(
        lambda moodle: moodle.create_calendar_events(rows(CREATE_EVENTS, "events")),
        lambda found: [(each.id, each.name, each.courseid, each.timestart, each.timeduration) for each in found],
        [(3, "Session 1", 13, 1_799_000_000, 3600)],
    ),
    GET_EVENTS: Played(
        lambda moodle: moodle.calendar_events(13, since=1_798_000_000, until=1_800_000_000),
        lambda found: [(each.id, each.groupid, each.modulename, each.visible) for each in found],
        [(3, 0, "", True)],
        # It asks for hidden events, too.
        same_request=False,
    ),
}
