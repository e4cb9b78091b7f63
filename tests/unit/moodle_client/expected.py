"""What the client must read from each recorded answer of a real Moodle: values taken from the recordings by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from moodle_client import ActivityCompletion, AttendanceSession, MoodleClient, Reply
from tests.unit.moodle_client.php import parsed, parsed_body

RECORDED = Path(__file__).parents[2] / "fixtures" / "moodle" / "ws"
STATUS = "core_completion_get_activities_completion_status"
OVERRIDE = "core_completion_override_activity_completion_status"
ENROLLED = "core_enrol_get_enrolled_users"
BY_FIELD = "core_user_get_users_by_field"
COURSE_2 = (
    2,
    "EBWI-BAY-2025",
    "COP-EBWI-BAY",
    2,
    True,
    1790109477,
    1805661477,
    True,
    {
        "cop_topic": "Evidence-Based Writing Instruction",
        "cop_region": "Bay Area",
        "cop_active": "1",
        "cop_start": "1795293477",
    },
)
NO_SITE = {"sitename": "California CoP Lab", "release": "5.0dev+ (Build: 20250304)", "version": "2025030400"}


class Played(NamedTuple):
    """What to call, what to look at in the reply, and what must be seen."""

    do: Callable[[MoodleClient], Reply[Any]]
    look: Callable[[Any], Any]
    want: Any
    same_request: bool = True
    """Whether the client sends what was recorded; else the answer alone is looked at."""


def rows(name: str, parameter: str) -> Any:
    return sent(recorded(name))[parameter]


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    # One file is a bare answer.
    return found if "response" in found else {"request": {}, "status": 200, "response": found}


def sent(record: dict[str, Any]) -> dict[str, Any]:
    """The recorded parameters, nested; the protocol's own are left out."""
    request = record["request"]
    form = parsed_body(request["body"]) if "body" in request else parsed(request.items())
    return {key: value for key, value in form.items() if not key.startswith(("wstoken", "wsfunction", "moodlews"))}


def function_of(record: dict[str, Any]) -> str:
    request = record["request"]
    form = parsed_body(request["body"]) if "body" in request else request
    return str(form.get("wsfunction", "core_webservice_get_site_info"))


def done(statuses: tuple[ActivityCompletion, ...]) -> dict[int, tuple[int, int]]:
    return {each.cmid: (each.state, each.timemodified) for each in statuses if each.exists}


def course(courses: Any) -> list[tuple[Any, ...]]:
    return [
        (
            c.id,
            c.shortname,
            c.idnumber,
            c.categoryid,
            c.visible,
            c.startdate,
            c.enddate,
            c.enablecompletion,
            c.customfields,
        )
        for c in courses
    ]


def sections(found: Any) -> list[tuple[int, int, int, str | None]]:
    return [(each.id, each.number, len(each.modules), each.component) for each in found]


def module(cmid: int) -> Callable[[Any], Any]:
    def look(found: Any) -> Any:
        each = next(m for section in found for m in section.modules if m.id == cmid)
        return each.name, each.modname, each.instance, each.visible, each.completion

    return look


def person(users: Any) -> list[tuple[Any, ...]]:
    return [(u.id, u.username, u.idnumber, u.email, u.firstname, u.lastname, u.customfields) for u in users]


def members(users: Any) -> tuple[int, Any, Any, Any]:
    return len(users), users[0].id, [r.shortname for r in users[0].roles], [g.name for g in users[0].groups]


def users_courses(found: Any) -> list[tuple[Any, ...]]:
    return [(c.id, c.shortname, c.idnumber, c.enrolledusercount) for c in found]


def attended(found: Any) -> list[tuple[Any, ...]]:
    return [
        (
            s.id,
            s.groupid,
            s.starts_at.isoformat(),
            s.duration,
            s.description,
            [(status.id, status.acronym, status.grade) for status in s.statuses],
            [(entry.studentid, entry.statusid) for entry in s.attendance_log],
        )
        for s in found
    ]


def page(**options: Any) -> Callable[[MoodleClient], Reply[Any]]:
    return lambda moodle: next(moodle.enrolled_users(2, **options))


def statuses(name: str, user: int, want: Any, look: Callable[[Any], Any] = done) -> tuple[str, Played]:
    return f"{STATUS}{name}", Played(lambda moodle: moodle.activity_completions(2, user), look, want)


MARIA = (6, "p001", "CCC-10000", "p001@agency1.example.org", "Maria", "García", {"agency": "Agency 1 Adult School"})
JAMES = (7, "p002", "CCC-10001", "p002@agency2.example.org", "James", "Hernández", {"agency": "Agency 2 Adult School"})
TWO = [(2, "EBWI-BAY-2025", "COP-EBWI-BAY", 40), (3, "IDL-LA-2025", "COP-IDL-LA", 30)]
HIS_OWN = {"agency": "Agency 1 Adult School"}
P001 = {
    **dict.fromkeys((7, 24, 25), (1, 1795293676)),
    **dict.fromkeys((4, 11, 12, 21, 22, 27), (1, 1795293677)),
    **dict.fromkeys((18, 19, 20, 23), (1, 1795293692)),
    10: (1, 1795293676),
    3: (1, 1795293675),
    6: (1, 1795293907),
    13: (2, 1795293678),
    14: (1, 1795293679),
    15: (0, 1795293852),
    16: (1, 1795293852),
    17: (1, 1795293680),
}
SITE = Played(
    lambda moodle: moodle.site_info(),
    lambda s: (s.sitename, s.release, s.version, s.userid, s.username, s.has(STATUS), s.has("core_nope")),
    (*NO_SITE.values(), 3, "svcadmin", True, False),
)
PLAIN = SITE._replace(want=(*NO_SITE.values(), 5, "svcplain", True, False))

READS: dict[str, Played] = dict(
    [
        statuses("", 6, P001),
        statuses(".as_teacher", 6, P001),
        statuses(".as_self", 6, (25, 21), lambda found: (len(found), len(done(found)))),
        statuses(".no_progress", 45, (26, {}), lambda found: (len(found), done(found))),
        statuses(".not_enrolled_user", 4, (26, {}), lambda found: (len(found), done(found))),
        statuses(".p002", 7, {13: (2, 1795293757)}),
        statuses(
            ".p004_overridden",
            9,
            [(3, 0, 44, "2026-11-21T20:44:10+00:00", None)],
            lambda found: [
                (c.cmid, c.state, c.overrideby, c.changed_at.isoformat(), c.completed_at) for c in found if c.exists
            ],
        ),
        statuses(
            ".state3_failed_quiz",
            14,
            [(13, False, "2026-11-21T20:44:14+00:00")],
            lambda found: [(c.cmid, c.isoverallcomplete, c.completed_at.isoformat()) for c in found if c.state == 3],
        ),
    ]
) | {
    f"{STATUS}.BIG-1000_one_user": Played(
        lambda moodle: moodle.activity_completions(7, 100),
        lambda found: (len(found), done(found)),
        (30, {83: (1, 1789335866), 101: (1, 1789376659)}),
        False,
    ),
    f"{STATUS}.site_course": Played(lambda moodle: moodle.activity_completions(1, 6), tuple, ()),
    "core_course_get_categories": Played(
        lambda moodle: moodle.categories(),
        lambda found: [(c.id, c.name, c.idnumber, c.parent, c.path) for c in found[:2]],
        [(1, "Category 1", None, 0, "/1"), (2, "Bay Area Regional Communities", "REG-BAY-AREA", 0, "/2")],
    ),
    "core_course_get_categories.idnumber": Played(
        lambda moodle: moodle.categories(), lambda found: [(c.id, c.depth) for c in found], [(2, 1)], False
    ),
    "core_course_get_contents": Played(
        lambda moodle: moodle.contents(2),
        lambda found: (sections(found), module(13)(found)),
        (
            [(1, 0, 1, None), (2, 1, 8, None), (3, 2, 6, None), (4, 3, 6, None), (5, 4, 7, None)],
            ("Check your knowledge", "quiz", 1, True, 2),
        ),
        False,
    ),
    "core_course_get_contents.as_student": Played(
        lambda moodle: moodle.contents(2),
        lambda found: (sections(found)[4], found[1].modules[0].completiondata.timemodified),
        ((5, 4, 6, None), 1795293675),
        False,
    ),
    "core_course_get_contents.attendance": Played(
        lambda moodle: moodle.contents(2), module(109), ("CoP meeting attendance", "attendance", 1, True, 0), False
    ),
    "core_course_get_contents.one_cm": Played(
        lambda moodle: moodle.contents(2), module(13), ("Check your knowledge", "quiz", 1, True, 2), False
    ),
    "core_course_get_contents.options": Played(lambda moodle: moodle.contents(2), sections, [(2, 1, 8, None)], False),
    "core_course_get_course_module": Played(
        lambda moodle: moodle.course_module(13),
        lambda m: (m.id, m.course, m.idnumber, m.name, m.modname, m.sectionnum, m.completion, m.completionpassgrade),
        (13, 2, "", "Check your knowledge", "quiz", 2, 2, True),
    ),
    "core_course_get_courses_by_field": Played(
        lambda moodle: moodle.courses("idnumber", "COP-EBWI-BAY"), course, [COURSE_2]
    ),
    "core_course_get_courses_by_field.id": Played(lambda moodle: moodle.courses("id", 2), course, [COURSE_2]),
    "core_course_get_courses_by_field.sectionid": Played(
        lambda moodle: moodle.courses("sectionid", 1), course, [COURSE_2]
    ),
    "core_course_get_courses_by_field.shortname": Played(
        lambda moodle: moodle.courses("shortname", "EBWI-BAY-2025"), course, [COURSE_2]
    ),
    "core_course_get_courses_by_field.notfound": Played(lambda moodle: moodle.courses("idnumber", "NOPE"), tuple, ()),
    "errors/restsettingraw": Played(lambda moodle: moodle.courses("id", 2), course, [COURSE_2], False),
    ENROLLED: Played(page(), lambda u: (members(u), person(u)[0]), ((40, 6, ["student"], ["East Bay"]), MARIA), False),
    f"{ENROLLED}.bogus_option_ignored": Played(page(), members, (40, 6, ["student"], ["East Bay"]), False),
    f"{ENROLLED}.paged": Played(
        page(page=5), lambda u: ([x.id for x in u], u[0].groups[0].id), ([11, 12, 13, 14, 15], 2), False
    ),
    f"{ENROLLED}.userfields": Played(
        page(fields=("id", "email", "idnumber", "lastcourseaccess", "roles", "customfields")),
        lambda u: (person(u)[0], u[0].lastcourseaccess, "username" in u[0].missing_fields),
        ((6, None, "CCC-10000", "p001@agency1.example.org", None, None, HIS_OWN), 1795293675, True),
        False,
    ),
    "core_group_get_course_groups": Played(
        lambda moodle: moodle.groups(2),
        lambda found: [(g.id, g.courseid, g.name, g.idnumber) for g in found],
        [(1, 2, "East Bay", "G-EB"), (2, 2, "South Bay", "G-SB")],
    ),
    "mod_attendance_get_sessions": Played(
        lambda moodle: moodle.attendance_sessions(1),
        attended,
        [
            (
                1,
                0,
                "2026-11-21T20:56:25+00:00",
                3600,
                "Session 1",
                [(5, "P", 2.0), (7, "L", 1.0), (8, "E", 1.0), (6, "A", 0.0)],
                [],
            )
        ],
    ),
    # The answer for one session: what a list of them holds.
    "mod_attendance_get_session.after_taken_form": Played(
        lambda moodle: moodle.call("mod_attendance_get_session", reads=True, sessionid=1),
        lambda found: attended([AttendanceSession.model_validate(found)])[0][-1],
        [(7, 5), (6, 5), (8, 5), (9, 6), (10, 5), (11, 5), (12, 5), (13, 6), (14, 5), (15, 5), (16, 5), (17, 6)],
    ),
    "core_user_get_users": Played(
        lambda moodle: moodle.find_users({"email": "p001@agency1.example.org"}), person, [MARIA]
    ),
    BY_FIELD: Played(lambda moodle: moodle.users_by_field("id", [6, 7]), person, [MARIA, JAMES]),
    f"{BY_FIELD}.as_self": Played(
        lambda moodle: moodle.users_by_field("id", [6]), person, [(*MARIA[:4], None, None, HIS_OWN)]
    ),
    f"{BY_FIELD}.idnumber": Played(lambda moodle: moodle.users_by_field("idnumber", ["CCC-10000"]), person, [MARIA]),
    f"{BY_FIELD}.username": Played(lambda moodle: moodle.users_by_field("username", ["p001"]), person, [MARIA]),
    f"{BY_FIELD}.email": Played(lambda m: m.users_by_field("email", ["P001@agency1.example.org"]), tuple, ()),
    f"{BY_FIELD}.plain_filtered": Played(lambda moodle: moodle.users_by_field("id", [7]), tuple, ()),
    f"{BY_FIELD}.after_failed_batch": Played(lambda moodle: moodle.users_by_field("username", ["okfirst"]), tuple, ()),
    "errors/array_over_max_input_vars_tail_lost": Played(
        # 5,501 values were recorded; the last, the only real one, was lost. In parts it can't be.
        lambda moodle: moodle.users_by_field("id", [6]),
        tuple,
        (),
        False,
    ),
    "errors/array_under_max_input_vars_tail_kept": Played(
        lambda moodle: moodle.users_by_field("id", [6]), person, [MARIA], False
    ),
    "core_enrol_get_users_courses": Played(
        lambda m: m.user_courses(6), users_courses, [(6, "COPY-A", "", 40), *TWO], False
    ),
    "core_enrol_get_users_courses.as_self": Played(
        lambda m: m.user_courses(6), users_courses, [(6, "COPY-A", "", 40), *TWO], False
    ),
    "core_enrol_get_users_courses.nocount": Played(
        lambda m: m.user_courses(6), lambda found: users_courses(found)[0], (6, "COPY-A", "", None)
    ),
    "core_user_get_course_user_profiles": Played(
        lambda m: m.course_profiles([(6, 2)]),
        lambda users: (members(users), person(users)),
        ((1, 6, ["student"], ["East Bay"]), [MARIA]),
    ),
    "core_webservice_get_site_info": SITE,
    "core_webservice_get_site_info.plain": PLAIN,
    "errors/DELETE_method_query": SITE,
    "errors/PUT_method_query": SITE,
    "errors/maintenance_ui_flag_admin_token": SITE,
    "errors/back_to_normal": SITE._replace(look=lambda s: (s.userid, len(s.functions)), want=(4, 2)),
}

WRITES: dict[str, Played] = {
    "core_course_create_categories": Played(
        lambda moodle: moodle.create_categories(rows("core_course_create_categories", "categories")),
        lambda found: [(c.id, c.name) for c in found][:2],
        [(2, "Bay Area Regional Communities"), (3, "Central Valley Regional Communities")],
    ),
    "core_course_create_courses": Played(
        lambda moodle: moodle.create_courses(rows("core_course_create_courses", "courses")),
        lambda found: [(c.id, c.shortname) for c in found],
        [(2, "EBWI-BAY-2025"), (3, "IDL-LA-2025")],
    ),
    "core_course_duplicate_course": Played(
        lambda moodle: moodle.duplicate_course(
            3,
            fullname="Digital Literacy — Inland Empire",
            shortname="IDL-IE-2025",
            category=5,
            options={"users": False},
        ),
        lambda c: (c.id, c.shortname),
        (4, "IDL-IE-2025"),
    ),
    "core_course_duplicate_course.with_users": Played(
        lambda moodle: moodle.duplicate_course(
            2,
            fullname="Copy of A with users",
            shortname="COPY-A",
            category=3,
            options={"users": True, "grade_histories": True},
        ),
        lambda c: (c.id, c.shortname),
        (6, "COPY-A"),
    ),
    "core_user_create_users": Played(
        lambda moodle: moodle.create_users(rows("core_user_create_users", "users")),
        lambda found: (len(found), found[0].id, found[-1].id, found[39].username),
        (40, 6, 45, "p040"),
    ),
    "core_user_create_users.minimal": Played(
        lambda moodle: moodle.create_users(rows("core_user_create_users.minimal", "users")),
        lambda found: [(u.id, u.username) for u in found],
        [(46, "todelete")],
    ),
    "core_group_create_groups": Played(
        lambda moodle: moodle.create_groups(rows("core_group_create_groups", "groups")),
        lambda found: [(g.id, g.courseid, g.name, g.idnumber) for g in found],
        [(1, 2, "East Bay", "G-EB"), (2, 2, "South Bay", "G-SB")],
    ),
    "core_grades_update_grades": Played(
        lambda moodle: moodle.update_grades(
            2, "mod_assign", 16, [{"studentid": 11, "grade": 77, "str_feedback": "ok"}], source="companion"
        ),
        lambda found: found,
        None,
    ),
}
for _name, _user, _state, _cmid, _want in (
    ("", 9, 1, 3, (1, 1795293849, 44, 2)),
    (".incomplete", 9, 0, 3, (0, 1795293850, 44, 2)),
    (".manual_activity", 10, 1, 4, (1, 1795293754, 3, 1)),
    (".nonediting_teacher", 10, 1, 3, (1, 1795293850, 43, 2)),
):
    WRITES[f"{OVERRIDE}{_name}"] = Played(
        lambda moodle, user=_user, cmid=_cmid, state=_state: moodle.override_completion(user, cmid, state),  # type: ignore[misc]
        lambda o: (o.state, o.timemodified, o.overrideby, o.tracking),
        _want,
    )
for _name, _method, _parameter in (
    ("enrol_manual_enrol_users", MoodleClient.enrol_users, "enrolments"),
    ("enrol_manual_enrol_users.again_nochange", MoodleClient.enrol_users, "enrolments"),
    ("enrol_manual_enrol_users.suspend", MoodleClient.enrol_users, "enrolments"),
    ("enrol_manual_unenrol_users", MoodleClient.unenrol_users, "enrolments"),
    ("enrol_manual_unenrol_users.not_enrolled", MoodleClient.unenrol_users, "enrolments"),
    ("core_group_add_group_members", MoodleClient.add_group_members, "members"),
    ("core_group_add_group_members.again", MoodleClient.add_group_members, "members"),
    ("core_group_delete_group_members", MoodleClient.delete_group_members, "members"),
):
    WRITES[_name] = Played(
        lambda moodle, name=_name, method=_method, parameter=_parameter: method(moodle, rows(name, parameter)),  # type: ignore[misc]
        lambda found: found,
        None,
    )
