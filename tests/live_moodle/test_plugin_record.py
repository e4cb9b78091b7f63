"""Writes the plugin's real requests into tests/fixtures/plugin: only where MOODLE_RECORD=1 is given.

What is in the fixtures can be published: the site's address and the names of this run are replaced, the site's identity
is that of the tests, and the secret is theirs, too; so each request is signed again after that.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from records.models import Site
from tests.live_moodle.door import Post
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import SECRET, Deed, PluginWorld
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import LiveCourse
from tests.support import house

FOLDER = Path(__file__).parents[1] / "fixtures" / "plugin"
WHAT = "recording the plugin's requests"
STATE = "c3RhdGUtb2YtYS1icm93c2VyLWZvci10ZXN0cw"
SENT_BY_ANY_CLIENT = ("Host", "Content-Length", "Connection")


def deeds(course: LiveCourse, comes: int, role: int) -> dict[str, list[Deed]]:
    """What is recorded: each action, and what it takes."""
    user, other = course.people[6], course.people[7]
    page = next(cm for cm in course.automatic if course.kinds[cm] == "page")
    quiz = next(cm for cm, kind in course.graded if kind == "quiz")
    assign = next(cm for cm, kind in course.graded if kind == "assign")
    manual, group = course.manual[0], f"{course.name}-R"
    return {
        "enrolment": [{"do": "enrol", "user": comes, "role": role}],
        "first_view": [{"do": "view", "user": user, "cm": page}],
        "manual_tick": [{"do": "tick", "user": user, "cm": manual, "state": 1}],
        "undo": [{"do": "tick", "user": user, "cm": manual, "state": 0}],
        "override": [{"do": "override", "user": other, "cm": manual, "state": 1}],
        "quiz_fail": [{"do": "quiz", "user": user, "cm": quiz, "right": False}],
        "quiz_pass": [{"do": "quiz", "user": other, "cm": quiz, "right": True}],
        "assign_graded": [{"do": "grade", "user": user, "cm": assign, "grade": 80}],
        "suspension": [{"do": "change_enrolment", "user": comes, "status": 1}],
        "unenrolment": [{"do": "unenrol", "user": comes}],
        "group_join": [{"do": "make_group", "group": group}, {"do": "join", "user": user, "group": group}],
        "group_update": [{"do": "rename_group", "group": group, "name": "Renamed"}],
        "group_leave": [{"do": "leave", "user": user, "group": group}],
        "module_update": [{"do": "change_module", "cm": page, "name": "Renamed", "cmidnumber": "M-1"}],
        "module_hours": [{"do": "hours", "cm": page, "minutes": 90, "component": "online"}],
        "module_deletion": [{"do": "delete_module", "cm": page}],
        "user_update": [{"do": "change_user", "user": other, "values": {"lastname": "Renamed"}}],
        "course_update": [{"do": "change_course", "values": {"fullname": "Renamed & co."}}],
        "re_enrolment": [{"do": "enrol", "user": comes, "role": role}],
        "user_deletion": [{"do": "delete_user", "user": comes}],
    }


def test_record(handed: PluginWorld, course: LiveCourse, throwaway: Throwaway, given: Given) -> None:
    if not os.environ.get("MOODLE_RECORD"):
        given.skip(WHAT, "MOODLE_RECORD=1 is not given")
    plugin = handed.plugin
    release = re.match(r"\d+\.\d+", plugin.former["moodle"])
    assert release
    write = _Writer(FOLDER / release[0], plugin.former, given.url, throwaway)
    handed.deliver()
    plugin.write(epoch=str(house.EPOCH), profilefields="agency")
    (comes,) = throwaway.people(1)
    throwaway.users.append(comes)
    handed.work()
    _accept_epoch(handed)
    posts = handed.house.door.posts
    for name, what in deeds(course, comes, given.student_role).items():
        plugin.deeds(course.id, what)
        before = len(posts)
        handed.deliver()
        (post,) = posts[before:]
        assert post.status == 200
        write(name, post)
    throwaway.users.remove(comes)
    plugin.write(lastdelivery=0)
    handed.deliver()
    write("heartbeat", posts[-1])
    throwaway.maker.call("core_course_delete_courses", courseids=[course.id])
    before = len(posts)
    handed.deliver()
    write("course_deletion", posts[before])
    write.assertion(plugin.assertion(course.people[6], STATE), course.people[6])


def _accept_epoch(world: PluginWorld) -> None:
    """The house has learned another one from the first post; the tests' own is what the recordings are to have."""
    with Session(world.engine) as session, session.begin():
        session.execute(update(Site).values(epoch=house.EPOCH, refused_epoch=None))
    world.house.door.app.extensions["copbridge.intake"].sites.forget("live")  # type: ignore[attr-defined]


class _Writer:
    """One file a request."""

    def __init__(self, folder: Path, site: Any, url: str, throwaway: Throwaway) -> None:
        self.folder, self.site, self.url, self.name = folder, site, url, throwaway.name
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, post: Post) -> None:
        Webhook(SECRET).verify(post.body, {key.lower(): value for key, value in post.headers})
        body = self._public(post.body.decode())
        headers = [[key, value] for key, value in post.headers if key not in SENT_BY_ANY_CLIENT]
        told = {key.lower(): value for key, value in post.headers}
        when = datetime.fromtimestamp(int(told["webhook-timestamp"]), UTC)
        signature = Webhook(SECRET).sign(told["webhook-id"], when, body)
        signed = [[key, signature if key.lower() == "webhook-signature" else value] for key, value in headers]
        self._write(name, {"headers": signed, "body": body})

    def assertion(self, url: str, user: int) -> None:
        self._write("check_in", {"assertion": url.split("assertion=")[1], "user": user, "state": STATE})

    def _public(self, text: str) -> str:
        return text.replace(self.url, house.WWWROOT).replace(self.name, "live")

    def _write(self, name: str, content: dict[str, Any]) -> None:
        head = {"moodle": self.site["moodle"], "plugin": self.site["settings"]["version"], "action": name}
        text = json.dumps(head | content, indent=1, ensure_ascii=False)
        (self.folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
