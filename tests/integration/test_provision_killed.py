"""An application that is killed while Moodle works on a call: the next one goes on from there, and nothing is twice."""

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine

from records.settings import Settings
from tests.support.killable import Nursery
from tests.support.provisioning import WHOLE, Office, office

PEOPLE = """community,email,role,team
MATH/BAY,e0001@example.org,,TEAM-OAK
MATH/BAY,e0002@example.org,,
MATH/BAY,f0001@example.org,facilitator,
"""
CALLS = ("core_course_duplicate_course", "enrol_manual_enrol_users", "core_calendar_create_calendar_events")


@pytest.fixture
def it(engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
    with office(engine, settings, tmp_path) as found:
        found.write(WHOLE, people=PEOPLE)
        yield found
    # The command says where jobs log to, for its process.
    structlog.reset_defaults()


def kill(pid: int) -> None:
    """SIGKILL, and wait until it is gone: its lock goes with it."""
    process = os.pidfd_open(pid)
    try:
        os.killpg(pid, signal.SIGKILL)
        assert select.select([process], [], [], 30)[0]
    finally:
        os.close(process)


def test_what_was_killed_is_gone_on_with(it: Office, settings: Settings, tmp_path: Path) -> None:
    with Nursery(settings, tmp_path) as nursery:
        for hanging, call in enumerate(CALLS, 1):
            it.site.faults.hang(call, after=True)
            pid = nursery.spawn(("provision", "apply", str(it.file), "--yes"))
            assert it.site.faults.until_hanging(hanging), (tmp_path / "processes.log").read_text()
            kill(pid)
    it.site.faults.release()
    it.apply()
    assert it.apply()["writes"] == 0
    for sql in (
        "SELECT shortname FROM course GROUP BY shortname HAVING count(*) > 1",
        "SELECT userid FROM user_enrolments GROUP BY enrolid, userid HAVING count(*) > 1",
        "SELECT name FROM event GROUP BY courseid, name HAVING count(*) > 1",
        "SELECT name FROM groups GROUP BY course, name HAVING count(*) > 1",
        "SELECT useridto FROM messages GROUP BY useridto HAVING count(*) > 1",
    ):
        assert it.site.rows(sql) == [], sql
    assert len(it.site.rows("SELECT 1 FROM messages")) == 3
