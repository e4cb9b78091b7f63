"""A Moodle site of one course behind `responses`, small enough to break in every way that a check looks for."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import responses
from requests import PreparedRequest

from jobs.doctor.needs import (
    CATEGORIES,
    COMPLETIONS,
    CONTENTS,
    COURSE_GROUPINGS,
    COURSE_GROUPS,
    COURSE_MODULE,
    COURSES,
    ENROLLED_USERS,
    FUNCTIONS,
    PLUGIN_FUNCTIONS,
    PROFILES,
    SITE_INFO,
    USERS_BY_FIELD,
    USERS_COURSES,
)
from moodle_client import Function

WWWROOT = "https://moodle.example.org"
SERVER = f"{WWWROOT}/webservice/rest/server.php"
COURSE = 2
CALLER = 4
Answer = Any


class Refused(Exception):
    """Moodle answers with an error."""

    def __init__(self, errorcode: str) -> None:
        super().__init__(errorcode)
        self.errorcode = errorcode


class FakeMoodle:
    """`answers` by function: data, or what makes it out of the parameters. `functions`: what the service offers."""

    def __init__(self) -> None:
        self.functions = dict.fromkeys(FUNCTIONS, "2024100700")
        self.info: dict[str, Any] = {
            "sitename": "A Moodle",
            "siteurl": WWWROOT,
            "userid": CALLER,
            "release": "4.5.1 (Build: 20241202)",
            "version": "2024100701",
            "userissiteadmin": False,
            "advancedfeatures": [{"name": "enablecompletion", "value": 1}],
        }
        self.course: dict[str, Any] = {"id": COURSE, "shortname": "BAY", "fullname": "Bay", "categoryid": 1}
        self.course |= {"visible": 1, "enablecompletion": 1, "groupmode": 0, "timecreated": 1_700_000_000}
        self.modules = [_module(31, "assign"), _module(32, "page"), _module(33, "quiz")]
        self.sections: list[dict[str, Any]] = [_section(0, self.modules)]
        self.users = [_user(5), _user(11), _user(12)]
        self.count = 3
        self.progress = 100 / 3
        self.status: int = 200
        self.body: str | None = None
        self.headers: dict[str, str] = {}
        self.ahead = timedelta(0)
        self.answers: dict[str, Answer | Callable[[dict[str, str]], Answer]] = {
            SITE_INFO: lambda _: self.info | {"functions": self._listed()},
            COURSES: lambda _: {"courses": [self.course] if self.course else [], "warnings": []},
            CATEGORIES: [{"id": 1, "name": "A category", "coursecount": 1}],
            CONTENTS: lambda _: self.sections,
            COURSE_MODULE: self._course_module,
            ENROLLED_USERS: self._enrolled,
            USERS_COURSES: lambda _: [{"id": COURSE, "enrolledusercount": self.count, "progress": self.progress}],
            PROFILES: lambda _: self.users[:1],
            USERS_BY_FIELD: lambda _: [_user(2)],
            COURSE_GROUPS: [],
            COURSE_GROUPINGS: [],
            COMPLETIONS: lambda _: {"statuses": [_status(one, one["id"] == 31) for one in self.modules]},
        }
        self.chosen = True
        """Whether the plugin hands the course over."""
        self.plugin: dict[str, Any] = {"release": "0.1.0", "confirmed": True, "courses": 1}
        """What the plugin tells of itself; its clock and Moodle's cron are right where nothing else is said."""

    def install_plugin(self) -> None:
        """The plugin is there, and the token is its service's."""
        self.functions = dict.fromkeys((SITE_INFO, *map(str, PLUGIN_FUNCTIONS)), "2026112200")
        self.answers |= {
            Function.GET_COURSES: lambda _: {"readings": json.dumps([self._told()] if self.chosen else [])},
            Function.GET_COURSE_MAP: self._of_chosen(lambda: {"readings": json.dumps([self._told()])}),
            Function.GET_ROSTER: self._of_chosen(lambda: {"readings": "[]", "last": 0, "more": False}),
            Function.GET_COMPLETIONS: self._of_chosen(lambda: {"readat": self._time(), "rows": "[]", "more": False}),
            Function.GET_DIGEST: self._of_chosen(lambda: {"readat": self._time(), "modules": []}),
            Function.GET_STATUS: lambda _: {"time": self._time(), "lastcron": int(self._time())} | self.plugin,
            Function.PING: {"sent": True, "outcome": "delivered", "httpstatus": 200},
            Function.SET_STANDINGS: {"kept": 0, "refused": []},
        }

    def _time(self) -> float:
        return (datetime.now(UTC) + self.ahead).timestamp()

    def _told(self) -> dict[str, Any]:
        reading = {"kind": "course", "read_at": self._time(), "course": COURSE, "present": bool(self.course)}
        if not self.course:
            return reading
        return reading | {"shortname": "BAY", "fullname": "Bay", "visible": bool(self.course["visible"])}

    def _of_chosen(self, answer: Callable[[], Answer]) -> Callable[[dict[str, str]], Answer]:
        def told(_: dict[str, str]) -> Answer:
            if self.course and not self.chosen:
                raise Refused("notchosen")
            return answer()

        return told

    def refuse(self, function: str, errorcode: str = "nopermissions") -> None:
        """From now on this function fails."""

        def fail(_: dict[str, str]) -> Answer:
            raise Refused(errorcode)

        self.answers[function] = fail

    def _listed(self) -> list[dict[str, str]]:
        return [{"name": name, "version": version} for name, version in self.functions.items()]

    def _course_module(self, params: dict[str, str]) -> Answer:
        found = [one for one in self.modules if one["id"] == int(params["cmid"])]
        if not found:
            raise Refused("invalidrecordunknown")
        form = {"course": COURSE, "idnumber": "", "visible": 1}
        return {"cm": found[0] | form, "warnings": []}

    def _enrolled(self, params: dict[str, str]) -> Answer:
        suspended = "onlysuspended" in params.values()
        return [] if suspended else self.users

    def _called(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        moment = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        headers = {"Date": moment} | self.headers
        if self.body is not None or self.status != 200:
            return self.status, headers, self.body or ""
        params = dict(parse_qsl(str(request.body), keep_blank_values=True))
        function = params["wsfunction"]
        try:
            if function not in self.functions:
                raise Refused("accessexception")
            answer = self.answers[function]
            told = answer(params) if callable(answer) else answer
        except Refused as err:
            told = {"exception": "moodle_exception", "errorcode": err.errorcode, "message": "A message"}
        return 200, headers, json.dumps(told)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The site answers; everything else is refused a connection."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.add_callback(responses.POST, SERVER, callback=self._called, content_type="application/json")
            yield


def _module(number: int, kind: str) -> dict[str, Any]:
    told = {"id": number, "name": f"a {kind}", "modname": kind, "instance": number, "visible": 1}
    return told | {"uservisible": True, "completion": 1}


def _section(number: int, modules: list[dict[str, Any]]) -> dict[str, Any]:
    told = {"id": number + 1, "name": f"Section {number}", "section": number, "visible": 1, "uservisible": True}
    return told | {"modules": modules}


def _user(number: int) -> dict[str, Any]:
    names = {"username": f"u{number}", "firstname": "First", "lastname": "Last", "fullname": "First Last"}
    return {"id": number, "email": f"u{number}@example.org", "idnumber": f"E{number}"} | names


def _status(module: dict[str, Any], done: bool) -> dict[str, Any]:
    told = {"cmid": module["id"], "modname": module["modname"], "instance": module["instance"], "tracking": 1}
    return told | {"state": int(done), "timecompleted": 1_700_000_000 if done else 0, "overrideby": None}
