"""What actions do to the tables, and what Moodle refuses."""

from pathlib import Path

import pytest

from sandbox.actions import ActionRefusedError
from sandbox.completion import Completion, completion_of
from sandbox.site import Site

BAY, LA = "COP-EBWIESL-BAY", "COP-EBWIESL-LA"


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: float = 1_795_300_000.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def held(site: Site, user: int, module: int) -> Completion:
    with site.store.read() as db:
        return completion_of(db, module, user)


def test_the_seed_is_one_topic_in_two_regions(site: Site) -> None:
    assert [row["idnumber"] for row in site.rows("SELECT idnumber FROM course")] == [BAY, LA]
    bay, la = (set(site.participants(site.course(course))) for course in (BAY, LA))
    assert (len(bay | la), len(bay & la), len(bay)) == (24, 1, 12)
    for course in (BAY, LA):
        rows = site.rows(
            "SELECT idnumber FROM course_modules WHERE course = ? AND completion > 0",
            site.course(course),
        )
        numbers = {f"ACT-{n:02}" for n in range(1, 13)} | {"F2F-1", "F2F-2", "ORIENT"}
        assert {row["idnumber"] for row in rows} == numbers
    assert site.rows("SELECT * FROM outbox") == []


def test_a_view_completes_once_at_the_whole_second(tmp_path: Path) -> None:
    clock = Clock()
    with Site(tmp_path / "s.db", clock=clock) as site:
        user, module = site.user("e0001"), site.module(BAY, "ACT-01")
        site.act.complete(user, module)
        assert held(site, user, module) == Completion(1, 1, True, None, 1_795_300_000)
        clock.now += 60
        assert len(site.act.complete(user, module).events) == 1
        assert held(site, user, module).timemodified == 1_795_300_000


def test_un_ticking_keeps_the_row_with_a_new_time(tmp_path: Path) -> None:
    clock = Clock()
    with Site(tmp_path / "s.db", clock=clock) as site:
        user, module = site.user("e0001"), site.module(BAY, "ACT-08")
        site.act.tick(user, module)
        assert site.act.tick(user, module).events == []
        clock.now += 7
        site.act.undo(user, module)
        assert held(site, user, module) == Completion(1, 0, False, None, 1_795_300_007)


def test_rows_and_completion_events_say_the_same_time(tmp_path: Path) -> None:
    with Site(tmp_path / "s.db", clock=Clock()) as site:
        user, module = site.user("e0001"), site.module(BAY, "ACT-06")
        for passes in (False, True):
            done = site.act.attempt_quiz(user, module, passes=passes)
            told = [e for e in done.events if "completion_updated" in e["eventname"]]
            row = held(site, user, module)
            assert told[-1]["timecreated"] == row.timemodified
            assert told[-1]["other"]["completionstate"] == row.state


def test_a_view_after_an_override_is_noticed_again(site: Site) -> None:
    user, module = site.user("e0001"), site.module(BAY, "ACT-01")
    site.act.complete(user, module)
    site.act.undo(user, module)
    row = held(site, user, module)
    assert (row.state, row.overrideby) == (0, site.user("f0001"))
    events = site.act.view(user, module).events
    states = [e["other"]["completionstate"] for e in events if e["other"]]
    assert states == ["0", 1]
    assert (held(site, user, module).state, held(site, user, module).overrideby) == (1, None)


def test_an_override_to_complete_holds_through_a_view(site: Site) -> None:
    user, module = site.user("e0001"), site.module(BAY, "ACT-01")
    site.act.override(user, module, complete=True)
    before = held(site, user, module)
    assert site.act.override(user, module, complete=True).events == []
    assert len(site.act.view(user, module).events) == 2
    after = held(site, user, module)
    assert (after.state, after.overrideby, after.timemodified) == (1, 5, before.timemodified)


def test_leaving_keeps_completion_rows_and_coming_back_is_silent_about_them(site: Site) -> None:
    user, module, course = site.user("e0002"), site.module(BAY, "ACT-03"), site.course(BAY)
    site.act.complete(user, module)
    site.act.leave(user, course)
    assert held(site, user, module).state == 1
    assert user not in site.participants(course)
    assert site.rows("SELECT * FROM groups_members WHERE userid = ?", user) == []
    with pytest.raises(ActionRefusedError):
        site.act.complete(user, site.module(BAY, "ACT-05"))
    names = [e["eventname"] for e in site.act.enrol(user, course).events]
    assert not any("completion" in name for name in names)
    assert user in site.participants(course)


def test_suspending_and_resuming_are_told_by_the_same_event(site: Site) -> None:
    user, course = site.user("e0001"), site.course(BAY)
    first = site.act.suspend(user, course).events
    with pytest.raises(ActionRefusedError):
        site.act.view(user, site.module(BAY, "ACT-01"))
    second = site.act.resume(user, course).events
    assert [e["eventname"] for e in first] == [e["eventname"] for e in second]
    assert first[0]["other"] == second[0]["other"] == {"enrol": "manual"}


def test_a_course_is_completed_once_and_before_its_last_activity(site: Site) -> None:
    user = site.user("e0001")
    for idnumber in ("ACT-12", "ACT-10", "F2F-1"):
        site.act.complete(user, site.module(BAY, idnumber))
    last = site.module(BAY, "F2F-2")
    events = site.act.override(user, last, complete=True).events
    names = [e["eventname"].rpartition("\\")[2] for e in events]
    assert names == ["course_completed", "notification_sent", "course_module_completion_updated"]
    assert {int(e["userid"]) for e in events} == {0, site.user("f0001")}
    site.act.untick(user, last)
    assert len(site.act.tick(user, last).events) == 1
    assert len(site.rows("SELECT * FROM course_completions")) == 1


def test_someone_who_is_not_enrolled_can_be_overridden(site: Site) -> None:
    user, module = site.user("e0020"), site.module(BAY, "ACT-01")
    assert len(site.act.override(user, module, complete=True).events) == 1
    assert held(site, user, module).state == 1


@pytest.mark.parametrize(
    ("action", "idnumber"),
    [("tick", "ACT-01"), ("view", "ACT-03"), ("fulfil", "ACT-06"), ("remove_submission", "ACT-10")],
)
def test_what_moodle_would_not_do_is_refused_and_writes_nothing(action: str, idnumber: str, site: Site) -> None:
    with pytest.raises(ActionRefusedError):
        getattr(site.act, action)(site.user("e0001"), site.module(BAY, idnumber))
    assert site.rows("SELECT * FROM outbox") == []


def test_completing_twice_is_refused(site: Site) -> None:
    user = site.user("e0001")
    for idnumber in ("ACT-03", "ACT-06"):
        site.act.complete(user, site.module(BAY, idnumber))
        with pytest.raises(ActionRefusedError):
            site.act.complete(user, site.module(BAY, idnumber))


def test_unknown_ids_are_lookup_errors(site: Site) -> None:
    with pytest.raises(LookupError):
        site.act.complete(site.user("e0001"), 9_999)
    with pytest.raises(LookupError):
        site.act.leave(9_999, site.course(BAY))


def test_a_failure_leaves_neither_rows_nor_events(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("sandbox.work.Work.write", fail)
    with pytest.raises(RuntimeError):
        site.act.complete(site.user("e0001"), site.module(BAY, "ACT-01"))
    assert site.rows("SELECT * FROM outbox") == []
    assert site.rows("SELECT * FROM course_modules_completion") == []


def test_the_state_survives_a_restart(tmp_path: Path) -> None:
    with Site(tmp_path / "s.db") as site:
        user, module = site.user("e0001"), site.module(BAY, "ACT-01")
        site.act.complete(user, module)
        epoch, token = site.epoch, site.token
    with Site(tmp_path / "s.db", "http://127.0.0.1:9/") as again:
        assert (again.epoch, again.token) == (epoch, token)
        assert again.wwwroot == "http://127.0.0.1:9"
        assert held(again, user, module).state == 1
        assert len(again.pending_batch()["events"]) == 2
