"""Plan, apply and drift on a simulated Moodle: what is made, in which order, and that a second application writes
nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.provision.differences import Kind
from records.models import Community, SessionRow
from records.settings import Settings
from tests.support.provisioning import FILE, TEMPLATE, WHOLE, Office, office

PEOPLE = """community,email,role,team
MATH/BAY,E0001@example.org,,TEAM-OAK
MATH/BAY,e0002@example.org,participant,TEAM-OAK
MATH/BAY,e0003@example.org,,
COP-MATH-BAY-26F,f0001@example.org,facilitator,
"""
WRITES = ("create", "update", "duplicate", "enrol_users", "add_", "set_", "send_")


@pytest.fixture
def it(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
    with office(engine, settings, tmp_path) as found:
        yield found
    # The command says where jobs log to, for its process.
    structlog.reset_defaults()


def test_a_plan_changes_nothing_and_an_application_makes_it(it: Office) -> None:
    answer = it("plan")
    assert answer.code == 4, answer.err + answer.out
    assert "6 to create, 0 to change" in answer.out
    assert not it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F'")
    first = it.apply()
    assert first["writes"]
    assert it("plan").code == 0
    before = it.site.gate.traffic().calls
    again = it.apply()
    assert again["writes"] == 0
    called = {name for name, times in it.site.gate.traffic().calls.items() if times > before.get(name, 0)}
    assert called
    assert not [name for name in called for word in WRITES if word in name]
    assert it.drift() == {}


def test_who_takes_part(it: Office, engine: Engine) -> None:
    it.write(WHOLE, people=PEOPLE)
    it.apply()
    course = it.course("COP-MATH-BAY-26F")
    roster = it.site.rows(
        "SELECT u.username, r.shortname FROM role_assignments a JOIN user u ON u.id = a.userid"
        " JOIN role r ON r.id = a.roleid WHERE a.course = ? ORDER BY u.username",
        course,
    )
    assert [(row["username"], row["shortname"]) for row in roster] == [
        ("e0001", "student"),
        ("e0002", "student"),
        ("e0003", "student"),
        ("f0001", "editingteacher"),
    ]
    team = it.site.rows(
        "SELECT m.userid FROM groups_members m JOIN groups g ON g.id = m.groupid"
        " WHERE g.course = ? AND g.idnumber = 'TEAM-OAK'",
        course,
    )
    assert len(team) == 2
    with Session(engine) as session:
        found = session.execute(
            select(Community.topic, SessionRow.code).join(SessionRow, SessionRow.community_id == Community.id)
        ).all()
    assert [tuple(row) for row in found] == [("MATH", "F2F-1")]
    sent = it.site.gate.traffic().calls["core_message_send_instant_messages"]
    again = it.apply()
    assert again["writes"] == 0
    assert it.site.gate.traffic().calls["core_message_send_instant_messages"] == sent, "nobody is welcomed twice"


def test_nobody_is_guessed(it: Office) -> None:
    it.write(
        WHOLE,
        people="community,email,idnumber\n"
        "MATH/BAY,nobody@example.org,\n"
        "MATH/BAY,e0001@example.org,E0002\n"
        "MATH/BAY,e0003@example.org,\n",
    )
    answer = it("plan")
    assert answer.code == 1
    assert "people.csv:2: nobody at the site has these keys" in answer.out
    assert "people.csv:3: its keys belong to different accounts (11, 12)" in answer.out
    assert it("apply", "--yes").code == 1
    assert not it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F'")


def test_what_is_in_the_way_is_said_before_anything_is_written(it: Office) -> None:
    template = it.course(TEMPLATE)
    for module in it.site.rows("SELECT id FROM course_modules WHERE course = ?", template):
        it.site.hands.set_rules(module["id"], "none")
    answer = it("plan")
    assert answer.code == 1
    assert f"The template “{TEMPLATE}” tracks no completion" in answer.out
    it.write(FILE.replace(TEMPLATE, "NO-SUCH-COURSE"))
    assert "No course has the ID number “NO-SUCH-COURSE”" in it("plan").out
    assert it("apply", "--yes").code == 1
    assert not it.site.rows("SELECT 1 FROM course_categories WHERE idnumber = 'CALPRO'")


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [
        ("checkbox", "yes", "0"),
        ("date", "2026-09-01", "1788246000"),
        ("number", "many", "2.5"),
        ("select", "West", "South & West"),
    ],
)
def test_a_value_that_a_course_field_cannot_have_is_said_before_anything_is_written(
    it: Office, kind: str, wrong: str, right: str
) -> None:
    it.site.hands.define_field("extra", kind, ["North", "South & West"] if kind == "select" else [])
    it.write(FILE + f'fields: {{extra: "{wrong}"}}\n')
    answer = it("plan")
    assert (answer.code, f"can't be “{wrong}”" in answer.out) == (1, True), answer.out
    it.write(FILE + f'fields: {{extra: "{right}"}}\n')
    assert it("plan").code == 4


def test_hand_changes_are_found_and_classed(it: Office) -> None:
    """Each kind of change that somebody may make in Moodle."""
    it.write(WHOLE, people=PEOPLE)
    it.apply()
    site, hands, course = it.site, it.site.hands, it.course("COP-MATH-BAY-26F")
    modules = {
        row["idnumber"]: row["id"]
        for row in site.rows("SELECT id, idnumber FROM course_modules WHERE course = ? AND idnumber <> ''", course)
    }
    groups = {row["name"]: row["id"] for row in site.rows("SELECT id, name FROM groups WHERE course = ?", course)}
    site.silent.change_course(
        course, told=True, fullname="Sums", shortname="SUMS", startdate=1_793_000_000, enddate=1_799_000_000
    )
    site.silent.change_course(course, told=True, visible=0)
    hands.move_course(course, hands.add_category("Elsewhere", "ELSEWHERE"))
    hands.change_section(course, 1, name="To begin with")
    hands.change_section(course, 2, summary="<p>New words</p>")
    hands.change_section(course, 3, visible=False)
    hands.add_section(course, 4, "More")
    site.silent.change_module(modules["ACT-01"], told=True, idnumber="ACT-99")
    site.silent.change_module(modules["ACT-02"], told=True, name="Another name")
    site.silent.change_module(modules["ACT-03"], told=True, visible=0)
    hands.move(modules["ACT-04"], 1)
    hands.set_rules(modules["ACT-06"], "manual")
    site.silent.declare_hours(modules["ACT-07"], 300, "online", told=True)
    site.silent.delete_module(modules["ACT-11"], told=True)
    site.silent.add_module(course, "page", "An extra page")
    hands.add_group(course, "Latecomers")
    hands.rename_group(groups["Oakland Adult School"], "OAK")
    hands.remove_group(groups["TEAM-OAK"])
    hands.switch_method(course, "self", on=True)
    student, teacher = (
        site.rows("SELECT id FROM role WHERE shortname = ?", n)[0]["id"] for n in ("student", "teacher")
    )
    hands.change_role(13, course, teacher, student)
    site.act.leave(12, course)
    site.act.enrol(20, course, "self")
    event = site.rows("SELECT id FROM event WHERE courseid = ?", course)[0]["id"]
    hands.delete_event(event)
    found = {kind: weight for kind, _, weight in it.drift()["MATH/BAY"]}
    expected = {
        *(Kind.FULLNAME, Kind.SHORTNAME, Kind.STARTS, Kind.ENDS, Kind.VISIBLE, Kind.CATEGORY),
        *(Kind.SECTION_NAME, Kind.SECTION_TEXT, Kind.SECTION_VISIBLE, Kind.SECTION_NEW),
        *(Kind.ACTIVITY_IDNUMBER, Kind.ACTIVITY_NAME, Kind.ACTIVITY_VISIBLE, Kind.ACTIVITY_SECTION),
        *(Kind.ACTIVITY_RULES, Kind.ACTIVITY_MINUTES, Kind.ACTIVITY_GONE, Kind.ACTIVITY_NEW),
        *(Kind.GROUP_NEW, Kind.GROUP, Kind.GROUP_NAME, Kind.METHOD_NEW),
        *(Kind.PERSON, Kind.PERSON_ROLE, Kind.PERSON_NEW, Kind.PERSON_GROUP, Kind.EVENT),
    }
    assert set(found) >= {str(kind) for kind in expected}, {str(kind) for kind in expected} - set(found)
    assert {kind: str(Kind(kind).weight) for kind in found} == found
    it.site.silent.change_course(course, told=True, shortname="MATH-BAY-26F")
    mended = it("apply", "--yes", "--many", "--json")
    left = {kind for kind, _, weight in it.drift()["MATH/BAY"] if weight == "mend"}
    assert left == {str(Kind.ACTIVITY_GONE)}, mended.out


def test_a_copy_whose_answer_was_lost_is_found_again(it: Office) -> None:
    it.site.faults.fail("core_course_duplicate_course", after=True)
    answer = it("apply", "--yes")
    assert answer.code == 1
    assert "3 courses ready" in answer.out, answer.out
    assert "Moodle gave no answer to core_course_duplicate_course" in answer.out
    it.apply()
    made = it.site.rows("SELECT shortname FROM course WHERE shortname LIKE '%26F%' ORDER BY shortname")
    assert [row["shortname"] for row in made] == ["MATH-BAY-26F", "MATH-LA-26F", "PST-BAY-26F", "PST-LA-26F"]
    assert it.apply()["writes"] == 0


def test_a_course_that_fails_stops_no_other_and_nobody_enters_it(it: Office) -> None:
    it.write(WHOLE.replace("topics: [MATH]", "topics: [MATH, PST]"), people=PEOPLE + "PST/BAY,e0005@example.org,,\n")
    it.site.faults.fail("core_course_update_courses", times=4)
    answer = it("apply", "--yes", "--at-once", "1")
    assert answer.code == 1
    assert "1 course ready" in answer.out, answer.out
    stopped = it.site.rows("SELECT id FROM course WHERE shortname = 'MATH-BAY-26F'")[0]["id"]
    assert not it.site.rows("SELECT 1 FROM user_enrolments e WHERE e.course = ?", stopped)
    it.apply()
    assert len(it.site.rows("SELECT 1 FROM user_enrolments e WHERE e.course = ?", stopped)) == 4


def test_copies_that_are_in_each_others_way_are_asked_for_again(it: Office) -> None:
    """Moodle puts the backups of one template away under one name: two at the same moment, and one is refused."""
    it.site.faults.refuse("core_course_duplicate_course", "storedfilenotcreated", times=2)
    it.apply("--at-once", "2")
    assert it.site.gate.traffic().calls["core_course_duplicate_course"] == 6
    assert len(it.site.rows("SELECT 1 FROM course WHERE idnumber LIKE 'COP-%-26F'")) == 4
    it.site.faults.refuse("core_course_duplicate_course", "nopermissions", times=9)
    it.write(FILE.replace("[MATH, PST]", "[MATH, PST, IET]"))
    answer = it("apply", "--yes")
    assert answer.code == 1
    assert it.site.gate.traffic().calls["core_course_duplicate_course"] == 8, "what Moodle forbids is asked once"


def test_a_course_is_read_no_more_often_than_it_has_to(it: Office) -> None:
    it.write(WHOLE, people=PEOPLE)
    it.apply()
    calls = it.site.gate.traffic().calls
    # The template; the copy, what was put right in it, and at the end all of it.
    assert calls["local_copbridge_get_course_setup"] == 1 + 3
    assert (calls["local_copbridge_get_roster"], calls["core_calendar_get_calendar_events"]) == (2, 2)


@pytest.mark.parametrize("change", [{"enddate": 1_799_000_000}, {"startdate": 1_780_000_000}])
def test_one_of_a_courses_days_alone_is_put_right(it: Office, change: dict[str, int]) -> None:
    """Moodle takes no last day without the first one."""
    it.write(FILE.replace("[MATH, PST], regions: [BAY, LA]", "[MATH], regions: [BAY]"))
    it.apply()
    it.site.silent.change_course(it.course("COP-MATH-BAY-26F"), told=True, **change)
    assert len(it.drift()["MATH/BAY"]) == 1
    it.apply()
    assert it.drift() == {}


def test_a_copy_that_has_its_number_and_was_not_kept_goes_on(it: Office) -> None:
    """By its ID number alone some sites hand a course over: it is given at once, and a kill may come right after."""
    it.site.faults.fail("core_course_update_courses", times=4, after=True)
    assert it("apply", "--yes", "--at-once", "1").code == 1
    assert it.site.rows("SELECT 1 FROM course WHERE idnumber = 'COP-MATH-BAY-26F'")
    it.apply()
    made = it.site.rows("SELECT shortname FROM course WHERE shortname LIKE '%26F%' ORDER BY shortname")
    assert [row["shortname"] for row in made] == ["MATH-BAY-26F", "MATH-LA-26F", "PST-BAY-26F", "PST-LA-26F"]
