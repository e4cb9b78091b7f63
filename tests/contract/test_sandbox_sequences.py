"""For each action the sandbox emits what a real site was recorded to emit: the same events in the
same order with the same values, once ids, people and times are replaced."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.actions import Done
from sandbox.recording import FOLDER
from sandbox.site import Site

FIXTURES = Path(__file__).parents[1] / "fixtures" / "moodle"
BAY = "COP-EBWIESL-BAY"

KEYS = [
    "eventname",
    "component",
    "action",
    "target",
    "objecttable",
    "objectid",
    "crud",
    "edulevel",
    "contextid",
    "contextlevel",
    "contextinstanceid",
    "userid",
    "courseid",
    "relateduserid",
    "anonymous",
    "other",
    "timecreated",
]

# The lab acted by web services; these come of the call and of an installed plugin, not of the act.
OF_THE_CALL = {
    "\\core\\event\\webservice_function_called",
    "\\core\\event\\webservice_token_created",
    "\\core\\event\\webservice_token_sent",
    "\\local_webhooks\\event\\response_answer",
}

IDS = {
    "objectid",
    "contextid",
    "contextinstanceid",
    "userid",
    "courseid",
    "relateduserid",
    "overrideby",
    "submitterid",
    "cmid",
    "instanceid",
    "forumid",
    "quizid",
    "choiceid",
    "optionid",
    "discussionid",
    "discussion",
    "submissionid",
    "itemid",
    "id",
    "enrolid",
    "modifierid",
}
TIMES = {"timecreated", "timemodified", "timestart", "timeend"}
SPECIAL = {"0", "-1"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site that sends nothing."""
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


class World:
    """Puts a name for every id: the n-th new one of its sort. So sameness is compared, and the
    type, and not the number."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str], str] = {}

    def plain(self, data: dict[str, Any], sort: str = "", first: int = 0) -> dict[str, Any]:
        """The data with names for ids and differences for times."""
        out: dict[str, Any] = {}
        for key, value in data.items():
            if isinstance(value, dict):
                out[key] = self.plain(value, data.get("objecttable") or "", first)
            elif key in TIMES:
                out[key] = type(value).__name__
            elif key in IDS and value is not None and str(value) not in SPECIAL:
                out[key] = f"{type(value).__name__} {self._name(self._sort(key, data, sort), value)}"
            else:
                out[key] = value
        return out

    def _name(self, sort: str, value: Any) -> str:
        place = (sort, str(value))
        if place not in self.names:
            count = sum(1 for known, _ in self.names if known == sort)
            self.names[place] = f"{sort} {count + 1}"
        return self.names[place]

    @staticmethod
    def _sort(key: str, data: dict[str, Any], outer: str) -> str:
        if key in {"userid", "relateduserid", "overrideby", "submitterid", "modifierid"}:
            return "person"
        if key == "objectid":
            return str(data["objecttable"])
        if key == "contextinstanceid":
            return {50: "course", 70: "module"}.get(data["contextlevel"], "context")
        same = {"courseid": "course", "cmid": "module", "discussionid": "forum_discussions"}
        same |= {"discussion": "forum_discussions", "submissionid": "assign_submission"}
        return same.get(key, f"{outer} {key}")


def of_recording(name: str) -> list[dict[str, Any]]:
    """What internal observers got for this action on the real site."""
    text = (FIXTURES / "sequences" / f"{name}.json").read_text(encoding="utf-8")
    order = json.loads(text)["order"]
    return [e for e in order if e["kind"] == "internal" and e["event"] not in OF_THE_CALL]


def as_recorded(event: dict[str, Any]) -> dict[str, Any]:
    """An emitted event with the keys that the recorded sequences have."""
    keys = [k for k in KEYS if k not in {"component", "action", "target", "crud", "edulevel"}]
    return {k: event[k] for k in keys if k not in {"contextid", "anonymous"}}


def assert_as_recorded(name: str, emitted: list[dict[str, Any]]) -> None:
    """Order, values, types and sameness of ids are those of the recording."""
    expected = [
        {"eventname": e["event"]} | {k: e[k] for k in as_recorded(emitted[0]) if k != "eventname"}
        for e in of_recording(name)
    ]
    theirs, ours = World(), World()
    assert [ours.plain(as_recorded(e)) for e in emitted] == [theirs.plain(e) for e in expected]
    span = expected[-1]["timecreated"] - expected[0]["timecreated"]
    assert emitted[-1]["timecreated"] - emitted[0]["timecreated"] == span


def first(site: Site) -> int:
    """A participant who is in no group, as those were whose leaving was recorded."""
    return site.user("e0001")


def completed(idnumber: str) -> Callable[[Site], Done]:
    return lambda site: site.act.complete(first(site), site.module(BAY, idnumber))


def undone(idnumber: str) -> Callable[[Site], Done]:
    def act(site: Site) -> Done:
        completed(idnumber)(site)
        return site.act.undo(first(site), site.module(BAY, idnumber))

    return act


def again(idnumber: str) -> Callable[[Site], Done]:
    def act(site: Site) -> Done:
        undone(idnumber)(site)
        return completed(idnumber)(site)

    return act


def viewed_twice(site: Site) -> Done:
    completed("ACT-01")(site)
    return completed("ACT-01")(site)


def failed(site: Site) -> Done:
    return site.act.attempt_quiz(first(site), site.module(BAY, "ACT-06"), passes=False)


def failed_then_passed(site: Site) -> Done:
    failed(site)
    return completed("ACT-06")(site)


def overridden(site: Site) -> Done:
    return site.act.override(first(site), site.module(BAY, "ACT-01"), complete=True)


def overridden_back(site: Site) -> Done:
    overridden(site)
    return site.act.override(first(site), site.module(BAY, "ACT-01"), complete=False)


def viewed_after_override(site: Site) -> Done:
    overridden(site)
    return site.act.view(first(site), site.module(BAY, "ACT-01"))


def left(site: Site) -> Done:
    return site.act.leave(first(site), site.course(BAY))


def came_back(site: Site) -> Done:
    left(site)
    return site.act.enrol(first(site), site.course(BAY))


def suspended(site: Site) -> Done:
    return site.act.suspend(first(site), site.course(BAY))


def completed_course(site: Site) -> Done:
    for idnumber in ("F2F-1", "F2F-2", "ACT-10"):
        completed(idnumber)(site)
    return completed("ACT-12")(site)


def graded_in_bulk(site: Site) -> Done:
    return site.silent.grade_in_bulk(site.module(BAY, "ACT-10"), {first(site): 77})


def reset(site: Site) -> Done:
    return site.silent.reset(site.course(BAY))


ACTIONS: dict[str, Callable[[Site], Done]] = {
    "complete_by_view_page": completed("ACT-01"),
    "complete_by_view_url": completed("ACT-02"),
    "complete_by_view_resource": completed("ACT-04"),
    "second_view_page": viewed_twice,
    "view_after_override": viewed_after_override,
    "complete_manual": completed("ACT-08"),
    "manual_uncomplete_p3": undone("ACT-08"),
    "recomplete": again("ACT-08"),
    "quiz_pass": completed("ACT-06"),
    "quiz_fail": failed,
    "quiz_fail_then_pass": failed_then_passed,
    "assign_submit_completes": completed("ACT-10"),
    "remove_submission": undone("ACT-10"),
    "forum_post_completes": completed("ACT-03"),
    "feedback_completes": completed("ACT-11"),
    "glossary_completes": completed("ACT-07"),
    "lesson_completes": completed("ACT-05"),
    "choice_completes_and_course_completes": completed_course,
    "override_complete": overridden,
    "override_incomplete": overridden_back,
    "re_enrol": came_back,
    "emit_enrolment_deleted": left,
    "enrol_again_same_user": suspended,
    "core_grades_update_grades": graded_in_bulk,
    "course_reset_completion": reset,
}

NO_SEQUENCES = {"attendance", "group_member_removed", "ws", "functions", "administration"}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_emits_its_recorded_sequence(name: str, site: Site) -> None:
    assert_as_recorded(name, ACTIONS[name](site).events)


@pytest.mark.parametrize("name", ACTIONS)
def test_an_event_is_a_complete_get_data(name: str, site: Site) -> None:
    for event in ACTIONS[name](site).events:
        assert list(event) == KEYS
        sample = _sample(event["eventname"])
        fixed = ("component", "action", "target", "objecttable", "crud", "edulevel", "anonymous")
        assert {k: event[k] for k in fixed} == {k: sample[k] for k in fixed}
        assert type(event["contextid"]) is type(sample["contextid"])


def test_every_recording_that_is_kept_is_played_and_compared() -> None:
    kept = {path.stem for path in FOLDER.glob("*.json")} - NO_SEQUENCES
    assert kept == set(ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_the_sandbox_own_data_is_the_recording(name: str) -> None:
    own = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["events"]
    theirs = of_recording(name)
    assert [e["eventname"] for e in own] == [e["event"] for e in theirs]
    for ours, real in zip(own, theirs, strict=True):
        assert {k: v for k, v in ours.items() if k in real} == {k: real[k] for k in ours if k in real}


def test_a_group_is_left_between_the_role_and_the_enrolment(site: Site) -> None:
    """Composed, not recorded in one piece: those who were recorded leaving were in no group."""
    user = site.user("e0002")
    events = site.act.leave(user, site.course(BAY)).events
    names = [event["eventname"].rpartition("\\")[2] for event in events]
    assert names == ["role_unassigned", "group_member_removed", "user_enrolment_deleted"]
    sample = _sample("\\core\\event\\group_member_removed")
    assert World().plain(events[1]) == World().plain(sample)


def administered(site: Site) -> list[dict[str, Any]]:
    """One event of each change by an administrator or a teacher."""
    change, course, page = site.silent, site.course(BAY), site.module(BAY, "ACT-01")
    change.add_module(course, told=True)
    change.change_module(page, name="Another name", told=True)
    change.delete_module(page, told=True)
    change.change_course(course, fullname="Another name", told=True)
    change.duplicate(course)
    rows = site.rows("SELECT data FROM outbox ORDER BY id")
    return [json.loads(row["data"]) for row in rows]


def test_what_administrators_change_is_told_in_the_recorded_shape(site: Site) -> None:
    events = administered(site)
    names = ["course_module_created", "course_module_updated", "course_module_deleted"]
    names += ["course_updated", "course_restored"]
    assert [event["eventname"].rpartition("\\")[2] for event in events] == names
    for event in events:
        sample = _sample(event["eventname"])
        assert list(event) == KEYS
        assert {k: type(v) for k, v in event.items()} == {k: type(v) for k, v in sample.items()}
        assert {k: type(v) for k, v in event["other"].items()} == {k: type(v) for k, v in sample["other"].items()}


def test_a_choice_that_does_not_complete_the_course_says_nothing_of_it(site: Site) -> None:
    names = [e["eventname"] for e in completed("ACT-12")(site).events]
    recorded = [e["event"] for e in of_recording("choice_completes_and_course_completes")]
    assert names == recorded[2:]


def _sample(eventname: str) -> dict[str, Any]:
    for path in sorted((FIXTURES / "events").glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["eventname"] == eventname:
            data: dict[str, Any] = found["samples"][0]["get_data"]
            return data
    raise LookupError(eventname)
