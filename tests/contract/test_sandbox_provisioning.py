"""The sandbox's functions for setting up courses: answered as the recorded ones, and as their own words say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moodle_client import CourseSetup, MoodleClient, MoodleError, PartialFailure, Reason
from moodle_client.encoding import encode
from sandbox import provisioning, webservice
from sandbox.serving import serving
from sandbox.site import Site
from tests.contract.test_sandbox_webservice import FIXTURES, assert_shaped, shapes

BAY = "COP-EBWIESL-BAY"
START = 1_800_000_000
AUTOMATIC = {"tracking": "automatic", "view": True}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site.db") as fresh:
        fresh.installs_plugin(alone=True)
        yield fresh


@pytest.fixture
def moodle(site: Site) -> Iterator[MoodleClient]:
    """A client with the token of who sets up courses."""
    with serving(site) as address, MoodleClient(address, site.provisioning_token(), tries=1) as client:
        yield client


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def ask(site: Site, function: str, **params: Any) -> Any:
    form = {"wstoken": site.provisioning_token(), "wsfunction": function} | dict(encode(params))
    return webservice.call(site, form)


def copied(site: Site, moodle: MoodleClient, shortname: str = "COPY") -> int:
    """A hidden copy of the Bay Area's course, without its people."""
    made = moodle.duplicate_course(site.course(BAY), fullname="A copy", shortname=shortname, category=2, visible=False)
    return made.data.id


def names(site: Site) -> list[str]:
    """The events that wait to be sent."""
    rows = site.rows("SELECT data FROM outbox ORDER BY id")
    return [json.loads(row["data"])["eventname"].rpartition("\\")[2] for row in rows]


def content(setup: CourseSetup) -> Any:
    """What a copy has as its template has it."""
    activities = [each.model_dump(exclude={"cmid"}) for each in setup.activities]
    groups = [(group.idnumber, group.name) for group in setup.groups]
    return activities, setup.sections, groups, setup.criteria, [grouping.name for grouping in setup.groupings]


def test_a_sites_setup_has_the_recorded_shape(site: Site) -> None:
    site.hands.define_field("cop_region", "select", ["North", "South"])
    site.hands.add_cohort("Everybody", "ALL", members=[site.user("e0001")])
    row = {"idnumber": "COP-X", "shortname": "X", "category": "2"}
    answer = ask(site, "local_copbridge_get_site_setup", courses=[row])
    theirs = recorded("local_copbridge_get_site_setup")["response"]
    assert_shaped(answer, theirs)
    assert shapes(answer).keys() == shapes(theirs).keys()


def test_a_courses_setup_has_the_recorded_shape(site: Site) -> None:
    answer = json.loads(ask(site, "local_copbridge_get_course_setup", courseid=site.course(BAY))["setup"])
    theirs = json.loads(recorded("local_copbridge_get_course_setup")["response"]["setup"])
    # The recorded course is no copy, has no groupings, and declares hours; here a field comes with a test.
    known = shapes(theirs) | {f".groupings[]{key}": {"str", "int", "list"} for key in ("", ".id", ".idnumber", ".name")}
    found = {path: types for path, types in shapes(answer).items() if not path.startswith(".groupings[]")}
    assert {path for path in found if path not in known} == set()
    assert all(types <= known[path] for path, types in found.items())
    assert {path for path in known if path not in found} <= {
        path for path in known if path.startswith((".course.fields.", ".groupings[]"))
    }


@pytest.mark.parametrize(
    ("name", "varies"),
    [
        ("core_course_create_categories", {"parent"}),
        ("core_course_create_courses", {"categoryid"}),
        ("core_course_duplicate_course.provisioning", {"courseid", "categoryid"}),
        ("core_course_update_courses.provisioning", {"id", "categoryid"}),
        ("core_course_update_courses.warn_nonexistent", set()),
        ("core_group_create_groups", {"courseid"}),
        ("core_calendar_create_calendar_events", {"courseid"}),
        ("core_calendar_get_calendar_events", {"courseids"}),
    ],
)
def test_a_recorded_call_is_answered_in_the_recorded_shape(name: str, varies: set[str], site: Site) -> None:
    record = recorded(name)
    ours = {"parent": "0", "categoryid": "2", "courseid": str(site.course(BAY)), "id": str(site.course(BAY))}
    form = {key: value for key, value in record["request"].items() if not key.startswith("moodlews")}
    for key in form:
        last = key.rpartition("[")[2].rstrip("]") if not key.endswith("[0]") else key.split("[")[-2].rstrip("]")
        if last in varies:
            form[key] = ours.get(last, ours["courseid"])
    form["wstoken"] = site.provisioning_token()
    if name.startswith("core_calendar_get"):
        webservice.call(site, _event_form(site))
    answer = webservice.call(site, form)
    assert_shaped(answer, record["response"])
    assert shapes(answer).keys() == shapes(record["response"]).keys()


def _event_form(site: Site) -> dict[str, str]:
    row = {"name": "Session 1", "courseid": site.course(BAY), "eventtype": "course", "timestart": 1_799_000_000}
    form = {"wstoken": site.provisioning_token(), "wsfunction": "core_calendar_create_calendar_events"}
    return form | dict(encode({"events": [row]}))


def test_the_second_service_alone_holds_what_sets_up_courses(site: Site, moodle: MoodleClient) -> None:
    held = {function.name for function in moodle.site_info().data.functions}
    assert held == {*provisioning.OWN, *provisioning.CORE, *provisioning.ALSO}
    everyday = set(webservice.offers(site, 3))
    assert not everyday & {*provisioning.OWN, *provisioning.CORE}
    with MoodleClient(site.wwwroot, site.token, tries=1) as other, pytest.raises(MoodleError) as err:
        other.get_course_setup(site.course(BAY))
    assert err.value.reason is Reason.NO_ACCESS


def test_a_copy_is_the_template_without_its_people(site: Site, moodle: MoodleClient) -> None:
    bay = site.course(BAY)
    site.hands.set_rules(site.module(BAY, "ACT-03"), "automatic", posts=2, expected=START)
    site.hands.change_section(bay, 2, summary="<p>In between</p>", visible=False)
    site.silent.declare_hours(site.module(BAY, "ACT-01"), 45, "online")
    site.silent.set_field(bay, "cop_region", "North")
    before = names(site)
    copy = moodle.get_course_setup(copied(site, moodle)).data
    template = moodle.get_course_setup(bay).data
    assert content(copy) == content(template)
    assert (copy.course.idnumber, copy.course.visible, copy.course.copy_of) == ("", False, bay)
    assert (copy.course.fields, copy.participants) == ({"cop_region": "North"}, 0)
    assert [(each.method, each.enabled) for each in copy.enrolments] == [
        ("manual", True),
        ("guest", False),
        ("self", False),
    ]
    assert names(site)[len(before) :] == ["course_restored"]
    with pytest.raises(MoodleError) as err:
        copied(site, moodle)
    assert (err.value.reason, err.value.errorcode) == (Reason.CONFLICT, "shortnametaken")
    with pytest.raises(MoodleError) as err:
        moodle.duplicate_course(bay, fullname="B", shortname="B", category=2, options={"users": False})
    assert err.value.errorcode == "setting_locked_by_permission"


def test_courses_are_changed_each_by_itself(site: Site, moodle: MoodleClient) -> None:
    bay, category = site.course(BAY), moodle.create_categories([{"name": "North", "parent": 2}]).data[0].id
    made = moodle.create_courses([{"fullname": "New", "shortname": "NEW", "categoryid": category}]).data[0].id
    with pytest.raises(PartialFailure) as err:
        moodle.update_courses(
            [
                {"id": made, "shortname": "EBWIESL-BAY"},
                {"id": bay, "idnumber": "COP-NEW", "startdate": START, "visible": 0},
                {"id": bay, "startdate": START, "enddate": START - 1},
                {"id": bay, "enddate": START + 1},
            ]
        )
    assert [(warned.itemid, warned.warningcode) for warned in err.value.warnings] == [
        (str(made), "shortnametaken"),
        (str(bay), "enddatebeforestartdate"),
        (str(bay), "nostartdatenoenddate"),
    ]
    course = moodle.courses("idnumber", "COP-NEW").data[0]
    assert (course.id, course.startdate, course.visible) == (bay, START, False)
    tree = {each.id: each.path for each in moodle.categories().data}
    assert tree[category] == f"/2/{category}"
    with pytest.raises(MoodleError) as failed:
        moodle.create_courses(
            [
                {"fullname": "A", "shortname": "A", "categoryid": 2},
                {"fullname": "B", "shortname": "NEW", "categoryid": 2},
            ]
        )
    assert failed.value.errorcode == "shortnametaken"
    assert moodle.courses("shortname", "A").data == ()
    assert names(site) == ["course_created", *["course_section_created"] * 5, "course_updated"]


def test_activities_are_made_and_changed_row_by_row(site: Site, moodle: MoodleClient) -> None:
    course = copied(site, moodle)
    page = {
        "modname": "page",
        "idnumber": "NEW-1",
        "name": "A page",
        "section": 5,
        "minutes": 30,
        "completion": AUTOMATIC,
    }
    wrong = {"modname": "label", "idnumber": "NEW-2", "name": "A label", "completion": AUTOMATIC}
    quiz = {"modname": "quiz", "idnumber": "NEW-3", "name": "A quiz", "settings": {"gradepass": 7.5}}
    quiz |= {"completion": {"tracking": "automatic", "passgrade": True}}
    made = moodle.create_activities(course, [page, wrong, quiz]).data
    assert [(each.outcome, each.code) for each in made] == [("created", ""), ("failed", "norule"), ("created", "")]
    assert [each.outcome for each in moodle.create_activities(course, [page]).data] == ["there"]
    user = site.user("e0001")
    moodle.enrol_users([{"roleid": 5, "userid": user, "courseid": course}])
    site.act.complete(user, made[0].cmid)
    manual = {"cmid": made[0].cmid, "completion": {"tracking": "manual"}}
    assert [(each.outcome, each.code) for each in moodle.set_activities(course, [manual]).data] == [
        ("locked", "locked")
    ]
    same = {"cmid": made[0].cmid, "name": "A page", "minutes": 30, "completion": AUTOMATIC, "visible": True}
    other = {"cmid": made[2].cmid, "minutes": 15, "idnumber": "NEW-1"}
    gone = {"cmid": 9999}
    outcomes = [(each.outcome, each.code) for each in moodle.set_activities(course, [same, other, gone]).data]
    assert outcomes == [("unchanged", ""), ("failed", "idnumbertaken"), ("failed", "noactivity")]
    unlocked = moodle.set_activities(course, [manual | {"unlock": True, "minutes": -1}]).data
    assert [each.outcome for each in unlocked] == ["changed"]
    setup = moodle.get_course_setup(course).data
    found = setup.activity("NEW-1")
    assert found is not None
    assert (found.section, found.minutes, found.completion.tracking) == (5, None, "manual")
    third = setup.activity("NEW-3")
    assert third is not None
    assert (third.minutes, third.completion.passgrade) == (None, True)


def test_sections_and_fields_are_set_all_or_none(site: Site, moodle: MoodleClient) -> None:
    course = copied(site, moodle)
    site.hands.define_field("cop_region", "select", ["North", "South"])
    rows = [{"number": 1, "name": "Start"}, {"number": 5, "name": "", "summary": "<p>.</p>"}]
    assert [each.outcome for each in moodle.set_sections(course, rows).data] == ["changed", "created"]
    assert [each.outcome for each in moodle.set_sections(course, rows).data] == ["unchanged", "unchanged"]
    with pytest.raises(MoodleError) as err:
        moodle.set_sections(course, [{"number": 1, "name": "Never"}, {"number": 0, "name": "", "visible": False}])
    assert err.value.errorcode == "provision_sectionzero"
    sections = {each.number: each for each in moodle.get_course_setup(course).data.sections}
    assert (sections[1].name, sections[5].named, len(sections[5].summary)) == ("Start", False, 64)
    assert [each.outcome for each in moodle.set_course_fields(course, {"cop_region": "North"}).data] == ["changed"]
    assert [each.outcome for each in moodle.set_course_fields(course, {"cop_region": "North"}).data] == ["unchanged"]
    for fields, code in (({"cop_region": "East"}, "provision_badvalue"), ({"cop_none": "1"}, "provision_nofield")):
        with pytest.raises(MoodleError) as err:
            moodle.set_course_fields(course, fields)
        assert err.value.errorcode == code


def test_cohorts_are_enrolled_once(site: Site, moodle: MoodleClient) -> None:
    course, users = copied(site, moodle), [site.user("e0001"), site.user("e0002")]
    cohort = site.hands.add_cohort("Northerners", "COH-N", members=users)
    group = moodle.create_groups([{"courseid": course, "name": "North", "idnumber": "G-N"}]).data[0].id
    made = moodle.add_cohort_enrolment(course, cohort, 5, group).data
    assert (made.outcome, made.members, made.synced) == ("created", 2, True)
    assert moodle.add_cohort_enrolment(course, cohort, 5, group).data.outcome == "there"
    with pytest.raises(MoodleError) as err:
        moodle.add_cohort_enrolment(course, cohort, 5)
    assert err.value.reason is Reason.CONFLICT
    setup = moodle.get_course_setup(course).data
    method = setup.enrolments[-1]
    assert (method.method, method.cohort, method.cohortid, method.role, method.group) == (
        *("cohort", "COH-N", cohort, "student", group),
    )
    assert (setup.participants, setup.groups[-1].members) == (2, 2)
    assert names(site)[1:] == ["user_enrolment_created", "role_assigned", "group_member_added"] * 2
    elsewhere = site.hands.add_cohort("Elsewhere", category=3)
    with pytest.raises(MoodleError) as err:
        moodle.add_cohort_enrolment(course, elsewhere, 5)
    assert err.value.errorcode == "provision_nocohort"


def test_people_are_made_enrolled_and_grouped(site: Site, moodle: MoodleClient) -> None:
    course = copied(site, moodle)
    row = {"username": "new1", "firstname": "New", "lastname": "One", "email": "new1@example.org", "createpassword": 1}
    with pytest.raises(MoodleError) as err:
        moodle.create_users([row, row | {"username": "new2"}])
    assert err.value.reason is Reason.INVALID_PARAMETER
    assert moodle.users_by_field("username", ["new1"]).data == ()
    user = moodle.create_users([row | {"auth": "oauth2", "idnumber": "N-1"}]).data[0].id
    assert [each.id for each in moodle.users_by_field("email", ["new1@example.org"]).data] == [user]
    moodle.enrol_users([{"roleid": 5, "userid": user, "courseid": course}])
    moodle.enrol_users([{"roleid": 5, "userid": user, "courseid": course}])
    assert names(site)[1:] == ["user_enrolment_created", "role_assigned"]
    moodle.enrol_users([{"roleid": 4, "userid": user, "courseid": course, "suspend": 1}])
    assert names(site)[3:] == ["user_enrolment_updated", "role_assigned"]
    group = moodle.create_groups([{"courseid": course, "name": "Team", "idnumber": "T-1"}]).data[0].id
    moodle.add_group_members([{"groupid": group, "userid": user}] * 2)
    with pytest.raises(MoodleError) as err:
        moodle.add_group_members([{"groupid": group, "userid": site.user("e0001")}])
    assert err.value.reason is Reason.INVALID_PARAMETER
    moodle.delete_group_members([{"groupid": group, "userid": user}] * 2)
    moodle.unenrol_users([{"userid": user, "courseid": course}] * 2)
    assert names(site)[5:] == [
        *("group_member_added", "group_member_removed", "role_unassigned", "role_unassigned"),
        "user_enrolment_deleted",
    ]
    with pytest.raises(MoodleError) as err:
        moodle.enrol_users([{"roleid": 5, "userid": 99_999, "courseid": course}])
    assert (err.value.reason, err.value.errorcode) == (Reason.BROKEN, "TypeError")
    with pytest.raises(MoodleError) as err:
        moodle.enrol_users([{"roleid": 1, "userid": user, "courseid": course}])
    assert err.value.errorcode == "wsusercannotassign"


def test_calendar_events_without_leave_are_an_error(site: Site, moodle: MoodleClient) -> None:
    bay = site.course(BAY)
    row = {"name": "Session", "courseid": bay, "eventtype": "course", "timestart": START, "timeduration": 3600}
    moodle.create_calendar_events([row, row | {"timestart": START + 90_000, "visible": False}])
    for since, until, count in ((0, 0, 2), (START, START + 1, 1), (START + 3599, 0, 2), (START + 3601, 0, 1)):
        assert len(moodle.calendar_events(bay, since, until).data) == count
    assert moodle.calendar_events(site.course("COP-EBWIESL-LA")).data == ()
    with pytest.raises(PartialFailure):
        moodle.calendar_events(9999)
    site.provisioning_token("moodle/calendar:manageentries")
    with pytest.raises(PartialFailure) as err:
        moodle.create_calendar_events([row])
    assert [warned.warningcode for warned in err.value.warnings] == ["nopermissions"]
    assert len(moodle.calendar_events(bay).data) == 2


@pytest.mark.parametrize("function", sorted({**provisioning.OWN, **provisioning.CORE}))
def test_an_unknown_parameter_fails_the_call(function: str, site: Site) -> None:
    with pytest.raises(webservice.MoodleError) as err:
        ask(site, function, courseid=2, bogus=1)
    assert err.value.payload["errorcode"] == "invalidparameter"


@pytest.mark.parametrize("function", sorted(provisioning.OWN))
def test_each_function_of_the_plugin_has_its_capability(function: str, site: Site) -> None:
    params: dict[str, Any] = {"courseid": site.course(BAY)} if "site" not in function else {}
    params |= {"activities": [{"cmid": 1}]} if function.endswith("set_activities") else {}
    new = {"modname": "page", "idnumber": "N", "name": "N"}
    params |= {"activities": [new]} if function.endswith("create_activities") else {}
    params |= {"sections": [{"number": 1, "name": "N"}]} if function.endswith("sections") else {}
    params |= {"fields": [{"shortname": "N", "value": "N"}]} if function.endswith("fields") else {}
    params |= {"cohortid": 1, "roleid": 5} if "cohort" in function else {}
    token = site.provisioning_token(f"local/copbridge:{function.removeprefix(provisioning.PREFIX).replace('_', '')}")
    form = {"wstoken": token, "wsfunction": function} | dict(encode(params))

    def refused() -> str:
        with pytest.raises(webservice.MoodleError) as err:
            webservice.call(site, form)
        return str(err.value.payload["errorcode"])

    assert refused() == "nopermissions"
    site.provisioning_token()
    site.hands_over(all_but=[site.course(BAY)])
    if "courseid" in params:
        assert refused() == "notchosen"
        form |= {"courseid": "9999"}
        assert refused() == "provision_nocourse"


def test_what_would_not_be_handed_over(site: Site, moodle: MoodleClient) -> None:
    site.hands_over(all_but=[site.course(BAY)], but_categories=[3])
    rows = [{"idnumber": BAY, "category": 2}, {"idnumber": "NEW", "category": 2}, {"idnumber": "NEW", "category": 3}]
    assert moodle.get_site_setup(rows).data.handedover == (False, True, False)


def test_calls_that_fail_before_or_after_their_work(site: Site, moodle: MoodleClient) -> None:
    function = "core_course_duplicate_course"
    site.faults.fail(function)
    site.faults.fail(function, after=True)
    for there in (0, 1):
        with pytest.raises(MoodleError) as err:
            copied(site, moodle)
        assert (err.value.reason, err.value.outcome_unknown) == (Reason.SERVER_FAILED, True)
        assert len(moodle.courses("shortname", "COPY").data) == there
    with pytest.raises(MoodleError) as err:
        copied(site, moodle)
    assert err.value.reason is Reason.CONFLICT


def test_a_call_that_hangs(site: Site) -> None:
    with serving(site) as address, MoodleClient(address, site.provisioning_token(), tries=1, timeout=0.2) as moodle:
        site.faults.skip("core_course_update_courses", times=1)
        site.faults.hang("core_course_update_courses", after=True)
        bay = site.course(BAY)
        moodle.update_courses([{"id": bay, "fullname": "First"}])
        with pytest.raises(MoodleError) as err:
            moodle.update_courses([{"id": bay, "fullname": "Second"}])
        assert err.value.reason is Reason.UNREACHABLE
        assert site.faults.until_hanging()
        site.faults.release()
        assert moodle.courses("id", bay).data[0].fullname == "Second"
