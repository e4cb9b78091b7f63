"""Provisioning on a real site, with a token of the plugin's service for it: a template, courses, drift, the next term.

The token can remove nothing: the courses of a run stay, hidden, in a category of their own.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.provision.differences import Kind
from jobs.provision.reading import check_service
from moodle_client import MoodleClient
from records import sites
from records.actor import SYSTEM
from records.program_loading import load_version
from records.secrets import Purpose, keep_secret
from records.settings import Settings
from tests.live_moodle.given import Given
from tests.support.cli import Answer, Cli

WHAT = "provisioning"
TEMPLATE = "TEMPLATE-CALPRO-REGIONAL"
KEPT = "copbridge-kept-"
PROGRAM = """
program: live
title: {{en: The live tests}}
effective_from: 2000-01-01
timezone: America/Los_Angeles
commitment: {{min_hours: 16, max_hours: 20}}
components: [online, face_to_face, implementation]
topics: [{{code: MATH, title: {{en: Sums}}}}]
regions: [{{code: BAY, title: {{en: The Bay}}}}, {{code: LA, title: {{en: The south}}}}]
communities: [{{course_idnumber: '^{name}-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)-[0-9A-Z]+$'}}]
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance: {{components: {{face_to_face: face_to_face}}}}
activities: [{{rule: any, minutes: 30, component: online}}]
"""
FILE = """
provision: first
site: live
program: live
term: {{code: 26F, title: Fall}}
template: {template}
naming:
  fullname: "{name}: {{region_title}} ({{term_title}})"
  shortname: "{name}-{{region}}-{{term}}"
  idnumber: "{name}-{{topic}}-{{region}}-{{term}}"
category: [{{name: CoP Bridge live tests of provisioning, idnumber: {name}}}]
starts: 2026-09-01
ends: 2026-12-18
visible: false
matrix: {{topics: all, regions: all}}
groups: [{{idnumber: TEAM-OAK, name: Oakland Adult School}}]
sessions:
  - {{code: F2F-1, title: First session, on: 2026-09-12, start: "09:00", end: "13:00", mode: face_to_face}}
"""


@dataclass(frozen=True)
class Office:
    """A provision file on disk, the command, and the site by the same token."""

    moodle: MoodleClient
    cli: Cli
    file: Path
    name: str

    def __call__(self, command: str, *options: str, code: int = 0) -> Answer:
        answer = self.cli("provision", command, str(self.file), *options)
        assert answer.code == code, answer.err + answer.out
        return answer

    def apply(self) -> dict[str, Any]:
        """An application, with success."""
        found: dict[str, Any] = json.loads(self("apply", "--yes", "--json").out)
        return found

    def drift(self) -> dict[str, str]:
        """The weight of what was changed, by kind."""
        answer = self.cli("provision", "drift", str(self.file), "--json")
        courses = json.loads(answer.out)["courses"]
        return {one["kind"]: one["weight"] for course in courses for one in course["differences"]}

    def course(self, key: str) -> int:
        """Moodle's id of a course, by region and term."""
        return self.moodle.courses("shortname", f"{self.name}-{key}").data[0].id


@pytest.fixture
def office(
    engine: Engine, settings: Settings, given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    with MoodleClient(given.url, given.token, timeout=600) as moodle:
        if lacking := check_service(moodle):
            said = ", ".join(str(one.params.get("functions", one.problem)) for one in lacking)
            given.skip(WHAT, f"MOODLE_TOKEN is none of the plugin's service for provisioning: it lacks {said}")
        monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
        name = KEPT + secrets.token_hex(4)
        with Session(engine) as session, session.begin():
            site = sites.add_site(session, "live", "Live", given.url, actor=SYSTEM)
            load_version(session, PROGRAM.format(name=name), "live.yaml", actor=SYSTEM, reason="A test")
            keep_secret(session, site.id, Purpose.PROVISIONING, given.token, settings.encryption_key)
        found = Office(moodle, Cli(settings), tmp_path / "first.yaml", name)
        found.file.write_text(FILE.format(template=TEMPLATE, name=name), encoding="utf-8")
        yield found
    # The command says where jobs log to, for its process.
    structlog.reset_defaults()


def test_a_term_from_the_template_to_the_next_one(office: Office, tmp_path: Path) -> None:
    built = office.cli("provision", "template", "calpro-regional", "--site", "live", "--json")
    assert built.code == 0, built.err + built.out
    template = office.moodle.get_course_setup(json.loads(built.out)["course"]).data
    office("plan", code=4)
    assert office.moodle.courses("shortname", f"{office.name}-BAY-26F").data == ()
    assert len(office.apply()["applied"]) == 2
    setup = office.moodle.get_course_setup(office.course("BAY-26F")).data
    assert [(one.idnumber, one.minutes) for one in setup.activities] == [
        (one.idnumber, one.minutes) for one in template.activities
    ]
    assert (setup.course.visible, setup.participants) == (False, 0)
    again = office.apply()
    assert (again["writes"], office.drift()) == (0, {})

    _change_by_hand(office)
    expected = {Kind.FULLNAME, Kind.ENDS, Kind.SECTION_NAME, Kind.ACTIVITY_MINUTES, Kind.ACTIVITY_IDNUMBER}
    assert office.drift() == {str(kind): str(kind.weight) for kind in (*expected, Kind.GROUP_NEW)}
    office.apply()
    assert set(office.drift()) == {Kind.FULLNAME, Kind.GROUP_NEW}, "what may be meant is left"

    new = tmp_path / "second.yaml"
    days = ("--code", "second", "--term", "27S", "--title", "Spring", "--starts", "2027-01-12")
    office("clone", *days, "--output", str(new))
    _close(office)
    next_term = Office(office.moodle, office.cli, new, office.name)
    assert next_term.apply()["writes"]
    assert next_term.apply()["writes"] == 0
    assert next_term.course("LA-27S") != office.course("LA-26F")


def _change_by_hand(office: Office) -> None:
    """What somebody might do in Moodle."""
    moodle, course = office.moodle, office.course("BAY-26F")
    setup = moodle.get_course_setup(course).data
    declared = next(one for one in setup.activities if one.minutes)
    other = next(one for one in setup.activities if one.idnumber and one.cmid != declared.cmid)
    days = {"startdate": setup.course.startdate, "enddate": setup.course.enddate + 60}
    moodle.update_courses([{"id": course, "fullname": f"{office.name}: renamed"} | days])
    moodle.set_sections(course, [{"number": 1, "name": "To begin with"}])
    rows: list[dict[str, Any]] = [
        {"cmid": declared.cmid, "minutes": 7},
        {"cmid": other.cmid, "idnumber": "SOMETHING-ELSE"},
    ]
    assert {one.outcome for one in moodle.set_activities(course, rows).data} == {"changed"}
    moodle.create_groups([{"courseid": course, "name": "Latecomers"}])


def _close(office: Office) -> None:
    """One is shown first: the command says how many it would hide, and hides them once that number is given."""
    course = office.course("LA-26F")
    office.moodle.update_courses([{"id": course, "visible": True}])
    office("close", "--yes", code=1)
    assert office.moodle.get_course_setup(course).data.course.visible
    office("close", "--hide", "1", "--yes")
    assert not office.moodle.get_course_setup(course).data.course.visible
