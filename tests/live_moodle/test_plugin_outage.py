"""The service is away, or something dies: whatever happened arrives once it is back, and nothing counts twice."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from moodle_client import MoodleClient, MoodleError
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import Deed, PluginWorld
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import LiveCourse

MEGABYTE = 1_000_000
MOST_MEMORY = 64 * MEGABYTE
"""More than that above what a booted Moodle takes: whatever waits, a batch at a time is held."""
SEEN = 120
"""Seconds in which a hanging service has to have been noticed."""


def many(course: LiveCourse, count: int) -> list[Deed]:
    """So many events, of several people, each activity ending as it may: odd numbers complete it."""
    share, rest = divmod(count, 6)
    people = course.people[6:12]
    manual = course.manual[0]
    return [
        {"do": "ticks", "user": user, "cm": manual, "times": share + (place < rest)}
        for place, user in enumerate(people)
        if share + (place < rest)
    ]


def ids(world: PluginWorld) -> list[str]:
    """The ids of the events in all posts that were taken, in their order."""
    posts = [json.loads(post.body) for post in world.house.door.posts if post.status == 200]
    return [event["id"] for batch in posts for event in batch["events"]]


def waiting_ids(world: PluginWorld) -> list[str]:
    """The ids of the events that wait."""
    return world.plugin.uuids()


def arrived(world: PluginWorld, course: LiveCourse, wanted: list[str]) -> None:
    """Everything is there, and its effect once."""
    world.work()
    assert world.plugin.waiting() == 0
    assert world.plugin.dead() == 0
    assert set(wanted) <= set(ids(world))
    found = world.compare(course.id)
    assert found.differences == (), found.differences
    assert set(world.inbox()) <= {"done"}, world.inbox()
    assert world.sweep(course.id) == {}, "a sweep finds nothing that was lost"


@pytest.mark.parametrize("mode", ["down", "hanging", "nonsense", "error", "redirect", "deaf"])
def test_the_service_is_away(handed: PluginWorld, course: LiveCourse, given: Given, mode: str) -> None:
    plugin = handed.plugin
    with handed.house.shut(mode):
        plugin.deeds(course.id, many(course, given.events))
        wanted = waiting_ids(handed)
        assert len(wanted) == given.events
        began = time.monotonic()
        printed = plugin.task()
        assert time.monotonic() - began < SEEN
        assert plugin.waiting() == given.events, printed
        failed = plugin.read()["settings"]
        assert int(failed["failures"]) == 1
        assert failed["lasterror"], printed
        assert 0 < int(failed["retryat"]) - time.time() <= 600
        assert "CoP Bridge: backing_off" in plugin.task(), "it waits before it tries again"
    plugin.write(retryat=0)
    ended = plugin.send(300)
    assert (ended["outcome"], ended["settled"]) == ("delivered", given.events), ended
    assert ended["peak"] - ended["before"] < MOST_MEMORY, ended
    handed.work()
    taken = f"{(ended['peak'] - ended['before']) / MEGABYTE:.1f} MB"
    what = f"{given.events} events while it was {mode}; {taken}"
    handed.summary.add(what, "SQL", None, handed.compare(course.id), {})
    arrived(handed, course, wanted)
    assert int(plugin.read()["settings"]["failures"]) == 0


def test_what_is_rolled_back_is_never_sent(
    handed: PluginWorld, course: LiveCourse, maker: MoodleClient, throwaway: Throwaway, given: Given
) -> None:
    (user,) = throwaway.people(1)
    throwaway.users.append(user)
    manual, student = course.manual[0], {"roleid": given.student_role, "courseid": course.id}
    assert handed.plugin.waiting() == 0
    with pytest.raises(MoodleError):
        maker.enrol_users([student | {"userid": user}, student | {"userid": 2**31 - 1}])
    row = {"username": f"{throwaway.name}-x", "password": "Aa1!aaaaaaaa", "firstname": "X", "lastname": "Y"}
    with pytest.raises(MoodleError):
        maker.create_users([row | {"email": f"{throwaway.name}-x@example.org"}, row | {"email": "not an address"}])
    inside = [{"do": "tick", "user": course.people[9], "cm": manual, "state": 1}]
    inside += [{"do": "enrol", "user": user, "role": given.student_role}]
    handed.plugin.deeds(course.id, [{"do": "rolled_back", "deeds": inside}])
    assert handed.plugin.waiting() == 0
    before = len(handed.house.door.posts)
    handed.deliver()
    assert [post for post in handed.house.door.posts[before:] if json.loads(post.body)["events"]] == []
    found = handed.compare(course.id)
    assert found.differences == (), found.differences


def test_php_is_killed(handed: PluginWorld, course: LiveCourse, given: Given) -> None:
    """As a post arrives, once it is stored, and at any moment: the next run sends what is left."""
    plugin, door = handed.plugin, handed.house.door
    plugin.deeds(course.id, many(course, given.events))
    wanted = waiting_ids(handed)
    chance = random.Random(given.events)
    moments: list[Callable[[Callable[[], None]], None]] = [
        lambda kill: setattr(door, "arriving", kill),
        lambda kill: setattr(door, "leaving", kill),
    ]
    for number in range(6):
        process = plugin.sending()
        if number < len(moments):
            moments[number](lambda process=process: _kill(process, given))  # type: ignore[misc]
            process.wait(120)
        else:
            time.sleep(chance.uniform(0.2, 3.0))
            _kill(process, given)
        process.communicate()
        door.arriving = door.leaving = lambda: None
        assert set(wanted) <= set(ids(handed)) | set(waiting_ids(handed)), "lost"
        plugin.deeds(course.id, many(course, 6))
        wanted += [one for one in waiting_ids(handed) if one not in wanted]
    ended = plugin.send(300)
    assert ended["outcome"] in ("delivered", "idle"), ended
    arrived(handed, course, wanted)


def _kill(process: "subprocess.Popen[bytes]", given: Given) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        given.skip("killing PHP", "it runs as somebody whose processes may not be killed")


def test_a_copy_of_the_site_sends_nothing(handed: PluginWorld, course: LiveCourse, given: Given) -> None:
    """The stored address is another one than the site's: what a restored copy looks like."""
    plugin, posts = handed.plugin, handed.house.door.posts
    plugin.deeds(course.id, many(course, 6))
    before = len(posts)
    plugin.write(wwwroot="https://production.example.org")
    try:
        assert "CoP Bridge: copy" in plugin.task()
        assert plugin.send()["outcome"] == "copy"
        assert len(posts) == before
        assert plugin.waiting() == 6
    finally:
        plugin.write(wwwroot=given.url)
    handed.deliver()
    arrived(handed, course, [])


def test_a_copy_that_posts_all_the_same_is_quarantined(handed: PluginWorld, course: LiveCourse) -> None:
    """Another epoch with the same secret: the service takes nothing of it, and Moodle keeps it."""
    plugin = handed.plugin
    handed.deliver()
    plugin.deeds(course.id, many(course, 6))
    handed.deliver()
    epoch = plugin.read()["settings"]["epoch"]
    plugin.deeds(course.id, many(course, 6))
    plugin.write(epoch="00000000-0000-4000-8000-00000000c0b1")
    try:
        printed = plugin.task()
        assert "CoP Bridge: unconfirmed" in printed
        assert plugin.waiting() == 6
        handed.work()
    finally:
        plugin.write(epoch=epoch, retryat=0, failures=0)
    handed.deliver()
    assert plugin.waiting() == 0
    found = handed.compare(course.id)
    assert found.differences == (), found.differences
