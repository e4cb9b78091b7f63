"""The sandbox hands over the events that the companion plugin observes, with the readings that it reads for them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import readings
from sandbox.observer import OBSERVED
from sandbox.site import Site

PLUGIN = Path(__file__).parents[2] / "moodle_plugin" / "local_copbridge"
BAY, LOS_ANGELES = "COP-EBWIESL-BAY", "COP-EBWIESL-LA"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site that sends nothing."""
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


def named(php: str) -> set[str]:
    """The events that a list of names in PHP has: `component/name`, or a name of core's."""
    found = re.findall(r"'(?:([a-z_]+)/)?([a-z_]+)'", php)
    return {f"\\{component or 'core'}\\event\\{name}" for component, name in found}


def kept(site: Site) -> list[dict[str, Any]]:
    rows = site.rows("SELECT data FROM outbox ORDER BY id")
    return [json.loads(row["data"]) for row in rows]


def names(site: Site) -> list[str]:
    return [event["eventname"].rpartition("\\")[2] for event in kept(site)]


def read_for(site: Site) -> list[tuple[str, int | None]]:
    """Of what waits the readings, each by its kind and its activity."""
    return [(reading["kind"], reading.get("module")) for reading in site.pending_batch()["readings"]]


def test_the_events_are_those_of_the_plugin() -> None:
    text = (PLUGIN / "db" / "events.php").read_text(encoding="utf-8")
    start = text.index("    [\n        'core/course_module_completion_updated'")
    assert named(text[start : text.index("    ]\n);", start)]) == OBSERVED


def test_whole_courses_are_read_after_the_events_after_which_the_plugin_does() -> None:
    text = (PLUGIN / "classes" / "local" / "needs.php").read_text(encoding="utf-8")
    start = text.index("WHOLE_COURSE = [")
    assert named(text[start : text.index("];", start)]) == readings._WHOLE_COURSE


def test_what_the_plugin_does_not_observe_is_not_kept(site: Site) -> None:
    user = site.user("e0001")
    done = site.act.attempt_quiz(user, site.module(BAY, "ACT-06"), passes=True)
    assert len(done.events) > 1
    for idnumber in ("F2F-1", "F2F-2", "ACT-10", "ACT-12"):
        site.act.complete(user, site.module(BAY, idnumber))
    assert site.rows("SELECT 1 FROM course_completions")
    assert set(names(site)) == {"course_module_completion_updated"}


def test_a_course_that_is_not_handed_over_tells_nothing(site: Site) -> None:
    bay, only_here, both = site.course(BAY), site.user("e0001"), site.user("e0005")
    site.hands_over(all_but=[bay])
    page = site.module(BAY, "ACT-01")
    site.act.complete(only_here, page)
    site.act.leave(both, bay)
    site.silent.change_course(bay, told=True, fullname="Renamed")
    site.silent.declare_hours(page, 90, told=True)
    site.silent.change_account(only_here, told=True, lastname="Renamed")
    assert names(site) == []
    site.silent.change_account(both, told=True, lastname="Renamed")
    site.act.complete(both, site.module(LOS_ANGELES, "ACT-08"))
    assert names(site) == ["user_updated", "course_module_completion_updated"]


def test_an_account_outside_all_courses_tells_nothing(site: Site) -> None:
    site.silent.change_account(site.user("svcbridge"), told=True, lastname="Renamed")
    assert names(site) == []


def test_who_acts_is_not_read(site: Site) -> None:
    user, page = site.user("e0001"), site.module(BAY, "ACT-08")
    site.act.override(user, page, complete=True)
    found = [reading["user"] for reading in site.pending_batch()["readings"] if "user" in reading]
    assert found == [user] * 3


def test_a_whole_course_is_read_once_its_own_row_changed(site: Site) -> None:
    bay = site.course(BAY)
    site.silent.change_course(bay, told=True, fullname="Renamed")
    modules = [row["module"] for row in site.world().modules if row["course"] == bay]
    assert read_for(site) == [("course", None), *(("module", module) for module in modules)]


def test_an_enrolment_by_a_method_that_is_off_is_told_as_suspended(site: Site) -> None:
    user, bay = site.user("e0001"), site.course(BAY)
    site.act.enrol(user, bay, "self")
    with site.store.write() as db:
        db.execute("UPDATE enrol SET status = 1 WHERE courseid = ? AND enrol = 'manual'", (bay,))
        told = readings.enrolment(db, bay, user)["enrolments"]
    assert [(row["method"], row["status"]) for row in told] == [("manual", 1), ("self", 0)]


def test_declared_hours_are_told_until_they_are_taken_back(site: Site) -> None:
    bay, page = site.course(BAY), site.module(BAY, "ACT-01")

    def told() -> tuple[int | None, str]:
        with site.store.read() as db:
            reading = readings.module(db, bay, page)
        return reading["minutes"], reading["component"]

    assert told() == (None, "")
    site.silent.declare_hours(page, 90, "online")
    assert (told(), kept(site)) == ((90, "online"), [])
    site.silent.declare_hours(page, 90, "online", told=True)
    assert kept(site) == []
    copy, _ = site.silent.duplicate(bay)
    assert [tuple(row) for row in site.rows("SELECT minutes, component FROM hours")] == [(90, "online")] * 2
    assert copy != bay
    with site.store.write() as db:
        db.execute("DELETE FROM outbox")
    site.silent.declare_hours(page, None, told=True)
    assert told() == (None, "")
    (event,) = kept(site)
    before = {"minutesbefore": 90, "componentbefore": "online"}
    assert event["other"] == {"minutes": None, "component": ""} | before
    assert read_for(site) == [("course", None), ("module", page)]
    site.silent.declare_hours(page, 30)
    site.silent.delete_module(page)
    assert len(site.rows("SELECT 1 FROM hours")) == 1


def test_who_was_at_a_session_is_told_by_the_session_alone(site: Site) -> None:
    """As recorded: events of mod_attendance name nobody, and a web service has none; who joins is the actor."""
    bay = site.course(BAY)
    module, room = (site.silent.add_module(bay, kind, "A meeting") for kind in ("attendance", "bigbluebuttonbn"))
    user = site.user("e0001")
    session = site.attendance.add_session(module, 1_795_294_585, description="Session 1")
    site.attendance.take(session, {user: "P"})
    site.attendance.mark(session, user, "A")
    site.attendance.join(user, room)
    site.attendance.remove_session(session)
    events = kept(site)
    assert names(site) == ["session_added", "attendance_taken", "meeting_joined", "session_deleted"]
    recorded = Path(__file__).parents[1] / "fixtures" / "moodle" / "events"
    for event in events:
        _, component, _, name = event["eventname"].split("\\")
        theirs = json.loads((recorded / f"{component}.{name}.json").read_text())["samples"][0]["get_data"]
        assert {key: type(value) for key, value in event.items()} == {k: type(v) for k, v in theirs.items()}
        assert (event["contextinstanceid"], event["relateduserid"]) in [(str(module), None), (str(room), None)]
    assert events[1]["other"] == {"sessionid": session, "grouptype": 0}
    assert events[2]["userid"] == str(user)
    assert {kind for kind, _ in read_for(site)} == {"course", "module"}
