"""What a provisioned course costs, to the same courses by Moodle's own upload of courses from the same template.

`MOODLE_URL=… MOODLE_TOKEN=… MOODLE_PHP=… python -m benchmarks.provision --moodle-dir DIR --courses 24`: the token is
one of the companion plugin's service "CoP Bridge provisioning"; PHP runs as the web server's user. Makes the template
`calpro-regional` where the site hasn't got it, and leaves it; its courses stay hidden in a category of their own, and
are removed with it. Starts a PostgreSQL of its own in a temporary folder, and stops it. A site to try things on.
"""

import argparse
import csv
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from cryptography.fernet import Fernet

from benchmarks.plugin_site import BenchmarkFailed, Place, machine
from benchmarks.rebuild import database

COMMAND = (sys.executable, "-c", "from service.cli import main; main()")
TEMPLATE = "TEMPLATE-CALPRO-REGIONAL"
UPLOAD = "admin/tool/uploadcourse/cli/uploadcourse.php"
SECONDS = 7200
PROGRAM = """
program: measured
title: {{en: Courses that are measured}}
effective_from: 2000-01-01
timezone: UTC
commitment: {{min_hours: 16, max_hours: 20}}
components: [online, face_to_face, implementation]
topics: [{{code: ALL, title: {{en: All of it}}}}]
regions: [{regions}]
communities: [{{course_idnumber: '^{prefix}-(?P<topic>ALL)-(?P<region>R[0-9]+)$'}}]
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance: {{components: {{face_to_face: face_to_face}}}}
activities: [{{rule: any, minutes: 30, component: online}}]
"""
FILE = """
provision: measured
site: measured
program: measured
term: {{code: T1}}
template: {template}
naming:
  fullname: "{prefix}: {{region_title}}"
  shortname: "{prefix}-{{region}}"
  idnumber: "{prefix}-{{topic}}-{{region}}"
category: [{{name: {prefix}, idnumber: {prefix}}}]
starts: 2030-01-07
ends: 2030-05-31
visible: false
matrix: {{topics: all, regions: all}}
"""


@dataclass(frozen=True)
class Applied:
    """An application: seconds of the whole command, and the calls that it made."""

    seconds: float
    reads: int
    writes: int


class Command:
    """`copbridge` on a database of its own, as somebody gives it: a process each time."""

    def __init__(self, database_url: str) -> None:
        self._env = {key: value for key, value in os.environ.items() if not key.startswith("MOODLE_")} | {
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "SECRET_KEY": secrets.token_urlsafe(32),
            "ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "MOODLE_CALLS_PER_MINUTE": "1000000",
        }

    def __call__(self, *arguments: str, told: str = "") -> str:
        """What it says. Raises BenchmarkFailed where it fails."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=told,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env=self._env,
        )
        if done.returncode:
            raise BenchmarkFailed(f"copbridge {' '.join(arguments[:2])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout


def prepared(command: Command, place: Place, folder: Path, prefix: str, courses: int, template: str) -> Path:
    """The site, a program with a region for each course, and the provision file for it."""
    regions = ", ".join(f"{{code: R{number}, title: {{en: Region {number}}}}}" for number in range(courses))
    program, file = folder / "measured.yaml", folder / "provision.yaml"
    program.write_text(PROGRAM.format(regions=regions, prefix=prefix), encoding="utf-8")
    file.write_text(FILE.format(template=template, prefix=prefix), encoding="utf-8")
    command("program", "apply", str(program), "--reason", "A benchmark", "--yes")
    command("site", "add", "measured", "--wwwroot", place.url, "--name", "Measured")
    command("site", "secret", "add", "measured", "--purpose", "provisioning", "--from-stdin", told=place.token)
    return file


def applied(command: Command, file: Path, at_once: int) -> Applied:
    """An application of the file, from the command's start to its end."""
    began = perf_counter()
    told: dict[str, Any] = json.loads(
        command("provision", "apply", str(file), "--yes", "--json", "--at-once", str(at_once))
    )
    return Applied(perf_counter() - began, told["reads"], told["writes"])


def write_rows(file: Path, prefix: str, numbers: Sequence[int], category: int, template: str) -> None:
    """The courses as Moodle's upload takes them."""
    with file.open("w", encoding="utf-8", newline="") as target:
        rows = csv.writer(target)
        names = ("shortname", "fullname", "idnumber", "category", "startdate", "enddate", "visible", "templatecourse")
        rows.writerow(names)
        for number in numbers:
            name = f"{prefix}-UP-{number}"
            rows.writerow((name, name, name, category, "2030-01-07", "2030-05-31", 0, template))


def uploaded(place: Place, file: Path) -> float:
    """Seconds that Moodle's own command takes for a file's courses. Raises BenchmarkFailed where it fails."""
    command = [*place.php, str(Path(place.folder) / UPLOAD), "--mode=createnew", f"--file={file}"]
    began = perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=place.folder)
    seconds = perf_counter() - began
    if done.returncode:
        raise BenchmarkFailed(f"{UPLOAD}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


@contextmanager
def _category(place: Place, prefix: str, template: str) -> Iterator[tuple[int, str]]:
    """A hidden category, and the template's short name; the category goes with all that is in it."""
    made = place.run("provision_category.php", category=prefix, template=template)
    try:
        yield made["category"], made["template"]
    finally:
        place.run("provision_remove.php", category=prefix)


def measure(place: Place, courses: int, at_once: int, template: str) -> str:
    """The report of a run: half of the upload, the application, the other half. Raises BenchmarkFailed where either
    made other courses than it should."""
    prefix = f"COPBRIDGE-BENCH-{secrets.token_hex(4)}"
    with database() as running, tempfile.TemporaryDirectory(prefix="copbridge-bench-") as name:
        folder = Path(name)
        # The web server's user reads the files there.
        folder.chmod(0o755)
        command = Command(running.url)
        file = prepared(command, place, folder, prefix, courses, template)
        if template == TEMPLATE:
            command("provision", "template", "calpro-regional", "--site", "measured")
        with _category(place, prefix, template) as (category, shortname):
            halves = list(range(0, courses, 2)), list(range(1, courses, 2))
            files = [folder / f"{half}.csv" for half in range(2)]
            for target, numbers in zip(files, halves, strict=True):
                write_rows(target, prefix, numbers, category, shortname)
            upload = uploaded(place, files[0])
            first = applied(command, file, at_once)
            upload += uploaded(place, files[1])
            again = applied(command, file, at_once)
            if again.writes:
                raise BenchmarkFailed(f"a second application wrote {again.writes} times")
            for like in ("R", "UP-"):
                found = place.run("provision_count.php", category=prefix, template=template, like=f"{prefix}-{like}")
                if found != courses:
                    raise BenchmarkFailed(f"{found} courses of {courses} are as the template is ({prefix}-{like})")
    return report(courses, at_once, first, again, upload)


def report(courses: int, at_once: int, first: Applied, again: Applied, upload: float) -> str:
    def row(name: str, seconds: float, calls: Applied | None) -> str:
        told = f"{calls.reads:>8}{calls.writes:>8}" if calls else ""
        return f"{name:36}{seconds:>9.1f}{seconds / courses:>12.2f}{told}"

    lines = [
        machine(),
        f"{courses} courses, {at_once} at once",
        "",
        f"{'':36}{'seconds':>9}{'a course':>12}{'reads':>8}{'writes':>8}",
        row("copbridge provision apply", first.seconds, first),
        row("uploadcourse.php", upload, None),
        row("apply once more", again.seconds, again),
        "",
        f"apply, with all that it checks, to uploadcourse.php: {first.seconds / upload:.2f}",
    ]
    return "\n".join(lines) + "\n"


def main(env: Mapping[str, str] = os.environ) -> None:
    options = argparse.ArgumentParser(prog="benchmarks.provision", description=__doc__)
    options.add_argument("--moodle-dir", default=env.get("MOODLE_DIR", ""), help="the folder of Moodle's code")
    options.add_argument("--courses", type=int, default=24, help="by each of the two ways")
    options.add_argument("--at-once", type=int, default=2, help="courses that are made side by side")
    options.add_argument("--template", default=TEMPLATE, help="the ID number of the course to copy")
    given = options.parse_args()
    try:
        place = replace(Place.given(env), folder=given.moodle_dir)
        if not (place.token and place.folder):
            raise BenchmarkFailed("MOODLE_TOKEN and MOODLE_DIR have to be set, too")
        sys.stdout.write(measure(place, given.courses, given.at_once, given.template))
    except BenchmarkFailed as err:
        sys.exit(f"benchmarks.provision: {err}")


if __name__ == "__main__":
    main()
