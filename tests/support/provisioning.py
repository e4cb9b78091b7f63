"""A sandbox with the companion plugin, a template in it, and a provision file for it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import secrets, sites
from records.actor import SYSTEM
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from sandbox.serving import serving
from sandbox.site import Site
from tests.support.cli import Answer, Cli
from tests.support.sender import PROGRAM
from tests.support.sweeping import BAY

TEMPLATE = "TEMPLATE-CALPRO"
FILE = """
provision: fall
site: demo
program: calpro-regional
term: {code: 26F, title: Fall 2026}
template: TEMPLATE-CALPRO
naming:
  fullname: "{topic_title}: {region_title}"
  shortname: "{topic}-{region}-{term}"
  idnumber: "COP-{topic}-{region}-{term}"
category:
  - {name: CALPRO, idnumber: CALPRO}
  - {name: "{term_title}", idnumber: "CALPRO-{term}"}
starts: 2026-09-01
ends: 2026-12-18
matrix: {topics: [MATH, PST], regions: [BAY, LA]}
"""

WHOLE = (
    FILE.replace("matrix: {topics: [MATH, PST], regions: [BAY, LA]}", "matrix: {topics: [MATH], regions: [BAY]}")
    + """
people: {files: [people.csv]}
groups:
  - {idnumber: TEAM-OAKLAND, name: Oakland Adult School}
sessions:
  - {code: F2F-1, title: "Session 1: {topic_title}", on: 2026-09-12, start: "09:00", end: "13:00", mode: face_to_face}
welcome: Welcome to {topic_title}.
"""
)
"""One community, with people, teams, a session and a welcome."""


@dataclass(frozen=True)
class Office:
    """An IT office: a file on disk, and the command."""

    site: Site
    cli: Cli
    file: Path

    def write(self, text: str = FILE, **people: str) -> None:
        """The provision file, and files of people beside it, by name without `.csv`."""
        self.file.write_text(text, encoding="utf-8")
        for name, content in people.items():
            (self.file.parent / f"{name}.csv").write_text(content, encoding="utf-8")

    def __call__(self, command: str, *options: str) -> Answer:
        return self.cli("provision", command, str(self.file), *options)

    def apply(self, *options: str) -> dict[str, Any]:
        """Apply the file, with success."""
        answer = self("apply", "--yes", "--json", *options)
        assert answer.code == 0, answer.err + answer.out
        found: dict[str, Any] = json.loads(answer.out)
        return found

    def drift(self) -> dict[str, list[tuple[str, str, str]]]:
        """What was changed by hand: (kind, about, weight) by course."""
        found = json.loads(self("drift", "--json").out)
        return {
            course["key"]: [(one["kind"], one["about"], one["weight"]) for one in course["differences"]]
            for course in found["courses"]
            if course["differences"]
        }

    def course(self, idnumber: str) -> int:
        """Moodle's id of a course."""
        rows = self.site.rows("SELECT id FROM course WHERE idnumber = ?", idnumber)
        return int(rows[0]["id"])


@contextmanager
def office(engine: Engine, settings: Settings, folder: Path) -> Iterator[Office]:
    """The sandbox's course BAY as a template, without people."""
    with Site(folder / "site.db") as site:
        site.installs_plugin()
        token = site.provisioning_token()
        course = int(site.rows("SELECT id FROM course WHERE idnumber = ?", BAY)[0]["id"])
        site.silent.change_course(course, told=False, idnumber=TEMPLATE)
        with serving(site):
            with Session(engine) as session, session.begin():
                row = sites.add_site(session, "demo", "Demo", site.wwwroot, actor=SYSTEM)
                load_version(session, PROGRAM.read_text(), str(PROGRAM), actor=SYSTEM, reason="A test")
                secrets.keep_secret(session, row.id, Purpose.PROVISIONING, token, settings.encryption_key)
            found = Office(site, Cli(settings), folder / "fall.yaml")
            found.write()
            yield found
