"""Changes that no event of theirs tells, several enrolments, and state files of before."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.actions import ActionRefusedError
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term

BAY = "COP-EBWIESL-BAY"


def outbox(site: Site) -> list[dict[str, Any]]:
    return [json.loads(row["data"]) for row in site.rows("SELECT data FROM outbox ORDER BY id")]


def names(site: Site) -> list[str]:
    return [event["eventname"].rpartition("\\")[2] for event in outbox(site)]


def empty(site: Site) -> None:
    with site.store.write() as db:
        db.execute("DELETE FROM outbox")


def busy(site: Site) -> int:
    """Three people have done something in the course; nothing of it waits."""
    for username in ("e0001", "e0002", "e0003"):
        for idnumber in ("ACT-01", "ACT-08", "ACT-10"):
            site.act.complete(site.user(username), site.module(BAY, idnumber))
    empty(site)
    return site.course(BAY)


def test_grades_in_bulk_tell_grades_alone_and_the_plugin_hands_over_none(site: Site) -> None:
    quiz, users = site.module(BAY, "ACT-06"), [site.user("e0001"), site.user("e0002")]
    done = site.silent.grade_in_bulk(quiz, dict(zip(users, (8.0, 3.0), strict=True)))
    assert [(row["user"], row["state"]) for row in site.world().completions] == [(users[0], 2), (users[1], 3)]
    assert [event["eventname"] for event in done.events] == ["\\core\\event\\user_graded"] * 4
    assert names(site) == []


def test_unlocking_deletes_an_activity_s_rows(site: Site) -> None:
    busy(site)
    page = site.module(BAY, "ACT-01")
    site.silent.unlock(page)
    assert {row["module"] for row in site.world().completions} == {
        site.module(BAY, "ACT-08"),
        site.module(BAY, "ACT-10"),
    }
    assert names(site) == ["course_module_updated"]
    assert int(outbox(site)[0]["contextinstanceid"]) == page


def test_a_reset_deletes_a_course_s_rows(site: Site) -> None:
    course = busy(site)
    done = site.silent.reset(course)
    assert site.world().completions == []
    told = [event["eventname"].rpartition("\\")[2] for event in done.events]
    assert told == ["course_reset_started", "course_reset_ended"]
    assert {int(event["courseid"]) for event in done.events} == {course}
    assert names(site) == told[1:]


def test_a_copy_has_all_under_new_ids(site: Site) -> None:
    old = busy(site)
    before = site.world()
    new, done = site.silent.duplicate(old)
    after = site.world()
    course = next(row for row in after.courses if row["course"] == new)
    assert (course["shortname"], course["idnumber"]) == ("EBWIESL-BAY_1", "")
    assert course["fullname"].endswith(": Bay Area copy 1")
    assert names(site) == ["course_restored"]
    assert done.events[0]["other"]["originalcourseid"] == str(old)
    assert int(done.events[0]["courseid"]) == new

    def told(kind: str, course: int, *, gone: tuple[str, ...]) -> list[str]:
        idnumbers = {row["module"]: row["idnumber"] or row["name"] for row in after.modules}
        found = []
        for row in getattr(after, kind):
            if row["course"] == course:
                kept = {key: value for key, value in row.items() if key not in ("course", *gone)}
                found.append(str(kept | ({"module": idnumbers[row["module"]]} if "module" in row else {})))
        return sorted(found)

    for kind in ("modules", "enrolments", "roles", "groups", "completions"):
        gone = ("id", "instance", "group")
        assert told(kind, new, gone=gone) == told(kind, old, gone=gone) != []
        assert [row for row in getattr(after, kind) if row["course"] != new] == getattr(before, kind)
    groups = [{row["group"] for row in after.groups if row["course"] == course} for course in (old, new)]
    assert not groups[0] & groups[1]
    again, _ = site.silent.duplicate(old)
    assert [row["shortname"] for row in site.world().courses if row["course"] == again] == ["EBWIESL-BAY_2"]


def test_a_copy_can_be_worked_in(site: Site) -> None:
    new, _ = site.silent.duplicate(busy(site))
    user = site.user("e0004")
    module = next(r["module"] for r in site.world().modules if r["course"] == new and r["idnumber"] == "ACT-06")
    assert site.act.complete(user, module).events
    site.act.leave(user, new)
    assert [row["course"] for row in site.world().enrolments if row["user"] == user] == [site.course(BAY)]


@pytest.mark.parametrize("told", [False, True])
def test_modules_accounts_and_courses_change_with_and_without_events(told: bool, site: Site) -> None:
    course, module, user = busy(site), site.module(BAY, "ACT-08"), site.user("e0001")
    made = site.silent.add_module(course, "url", "New", "ACT-99", told=told)
    site.silent.change_module(module, name="Renamed", idnumber="ACT-88", told=told)
    site.silent.delete_module(site.module(BAY, "ACT-01"), told=told)
    site.silent.change_account(user, username="renamed", told=told)
    site.silent.change_course(course, fullname="Renamed", told=told)
    expected = ["course_module_created", "course_module_updated", "course_module_deleted"]
    expected += ["user_updated", "course_updated"]
    assert names(site) == (expected if told else [])
    world = site.world()
    found = {row["module"]: (row["name"], row["idnumber"]) for row in world.modules}
    assert (found[made], found[module]) == (("New", "ACT-99"), ("Renamed", "ACT-88"))
    assert "ACT-01" not in [row["idnumber"] for row in world.modules if row["course"] == course]
    assert {row["module"] for row in world.completions} == {module, site.module(BAY, "ACT-10")}
    assert (site.user("renamed"), world.courses[0]["fullname"]) == (user, "Renamed")
    if told:
        kinds = {reading["kind"] for reading in site.pending_batch()["readings"]}
        assert {"course", "module", "account"} <= kinds


def test_ids_are_never_used_again(site: Site) -> None:
    course = site.course(BAY)
    last = max(row["module"] for row in site.world().modules)
    site.silent.delete_module(last)
    assert site.silent.add_module(course) == last + 1
    site.silent.delete_module(last + 1)
    assert site.silent.add_module(course) == last + 2


def test_what_there_is_not_cannot_be_changed(site: Site) -> None:
    with pytest.raises(TypeError):
        site.silent.change_module(1, colour="red")
    with pytest.raises(LookupError):
        site.silent.unlock(9_999)
    with pytest.raises(LookupError):
        site.silent.add_module(site.course(BAY), section=77)
    with pytest.raises(ActionRefusedError):
        site.silent.expire(site.user("e0020"), site.course(BAY))


def test_unseen_acts_leave_no_event(site: Site) -> None:
    user, course = site.user("e0002"), site.course(BAY)
    assert site.unseen.complete(user, site.module(BAY, "ACT-01")).events
    site.unseen.leave(user, course)
    site.unseen.enrol(user, course)
    assert outbox(site) == []
    assert len(site.world().completions) == 1


def test_an_expired_enrolment_is_told_by_nothing(site: Site) -> None:
    user, course = site.user("e0001"), site.course(BAY)
    site.silent.expire(user, course)
    assert outbox(site) == []
    with pytest.raises(ActionRefusedError):
        site.act.view(user, site.module(BAY, "ACT-01"))


def test_two_enrolments_are_left_one_by_one(site: Site) -> None:
    user, course = site.user("e0001"), site.course(BAY)
    assert "role_assigned" not in [e["eventname"] for e in site.act.enrol(user, course, "self").events]
    with pytest.raises(ActionRefusedError):
        site.act.enrol(user, course, "self")
    methods = [r["method"] for r in site.world().enrolments if (r["course"], r["user"]) == (course, user)]
    assert methods == ["manual", "self"]
    assert site.participants(course).count(user) == 1
    first = site.act.leave(user, course, "manual").events
    assert [event["other"]["enrol"] for event in first] == ["manual"]
    assert first[0]["other"]["userenrolment"]["lastenrol"] is False
    last = site.act.leave(user, course).events
    assert [event["eventname"].rpartition("\\")[2] for event in last] == ["role_unassigned", "user_enrolment_deleted"]
    assert (last[1]["other"]["enrol"], last[1]["other"]["userenrolment"]["lastenrol"]) == ("self", True)
    assert user not in site.participants(course)


def test_a_state_file_of_before_starts_and_keeps_its_enrolments(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with Site(path) as old:
        before = old.world()
        with old.store.write() as db:
            for table in ("enrol", "customfield_data", "user_lastaccess", "lacking", "hours"):
                db.execute(f"DROP TABLE {table}")
    with Site(path) as site:
        assert site.world() == before
        site.act.leave(site.user("e0001"), site.course(BAY))
        site.act.enrol(site.user("e0001"), site.course(BAY))


def test_the_page_changes_things_without_events(site: Site) -> None:
    app = create_app(site, Term(site), "for tests")
    app.testing = True
    course = busy(site)
    client: FlaskClient = app.test_client()
    assert "Change things without events" in client.get("/").text
    for action in ("grade", "unlock", "copy", "reset"):
        page = client.post(f"/course/{course}/untold/{action}", follow_redirects=True)
        assert "Moodle wrote" in page.text, action
    assert "completion_updated" not in str(names(site))
    assert client.post(f"/course/{course}/untold/dance").status_code == 404
    assert client.post("/course/99/untold/reset").status_code == 404
    assert client.post("/course/99/untold/grade", follow_redirects=True).status_code == 200
