"""The companion plugin of the site: its settings, what it is made to do, and the house that it posts to."""

import base64
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records.models import InboxItem, Sweep
from records.secrets import Purpose, keep_secret
from records.settings import Settings
from tests.live_moodle import exact
from tests.live_moodle.door import House
from tests.live_moodle.given import Given
from tests.live_moodle.summary import Summary
from tests.live_moodle.tables import Comparison, Tables
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import SLUG, World

NEEDS = "the companion plugin"
SECRET = "whsec_" + base64.b64encode(b"a secret for tests, no secret!!!").decode()
"""Published: the recordings are signed with it."""
TASK = r"\local_copbridge\task\send"
BUSY = 60
"""Seconds to wait for the site's own cron, if it is sending just now."""
OURS = ("endpoint", "secret", "secret2", "scope", "categories", "courses", "profilefields", "coursefields", "atonce")
STATE = ("epoch", "wwwroot", "retryat", "failures", "lastdelivery", "lasterror", "outboxfailures", "dropped")

Deed = dict[str, Any]


class Plugin:
    """What is done with the plugin by Moodle's own code, on its command line."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.former = self.read()
        if not self.former["installed"]:
            given.skip(NEEDS, "it is not installed on the site")
        if not given.database_url:
            given.skip(NEEDS, "what it hands over is compared with the tables, and MOODLE_DATABASE_URL is not given")
        if self.former["allowed"]:
            given.skip(NEEDS, f"the site may not post to loopback: {self.former['allowed']}")
        # What waits there is not ours to send: it is put aside, and brought back at the end. A run that was killed has
        # left it aside.
        self._run("back")
        self._run("aside")
        self.token = ""

    def read(self) -> Any:
        """The settings and the outbox as they are."""
        return json.loads(self.given.run_php(NEEDS, "plugin.php", do="read"))

    def write(self, **values: str | int | None) -> Any:
        """Set settings; None: unset."""
        return json.loads(self.given.run_php(NEEDS, "plugin.php", told=json.dumps(values), do="write"))

    def restore(self) -> None:
        """As it was before: settings, identity, and no row of ours."""
        settings = self.former["settings"]
        self.write(**{name: settings.get(name) for name in (*OURS, *STATE)})
        self._run("clear")
        self._run("back")

    def clear(self) -> None:
        """Empty the outbox."""
        self._run("clear")

    def _run(self, what: str) -> None:
        self.given.run_php(NEEDS, "plugin.php", do=what)

    def make_token(self, user: int) -> str:
        """A token of the plugin's service, for an account that has its role and nothing else."""
        if not self.token:
            made = json.loads(self.given.run_php(NEEDS, "plugin.php", do="token", user=user))
            assert made["ready"], "the plugin's own page says that a step is missing"
            self.token = made["token"]
        return self.token

    def assertion(self, user: int, state: str) -> str:
        made = json.loads(self.given.run_php(NEEDS, "plugin.php", do="assertion", user=user, state=state))
        return str(made["url"])

    def deeds(self, course: int, deeds: Sequence[Deed]) -> list[Any]:
        """Do these things, one after another. Returns what each came to; none may fail."""
        done = self.tried(course, deeds)
        failed = [
            (deed, answer["error"]) for deed, answer in zip(deeds, done, strict=True) if answer.get("error") is not None
        ]
        assert failed == [], failed
        return [answer["result"] for answer in done]

    def tried(self, course: int, deeds: Sequence[Deed]) -> list[Any]:
        """The same, where some may fail: `{"result": ...}` or `{"error": ...}` each."""
        told = self.given.run_php(NEEDS, "deeds.php", told=json.dumps(list(deeds)), course=course)
        lines = [line for line in told.splitlines() if line.startswith('{"')]
        return [json.loads(line) for line in lines]

    def task(self) -> str:
        """The scheduled task, once, as Moodle's cron would run it. Returns what it printed."""
        for _ in range(BUSY // 5):
            command = [*self.given.php, f"{self.given.folder}/admin/cli/scheduled_task.php", f"--execute={TASK}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode == 0 and "CoP Bridge: busy" not in done.stdout:
                break
            time.sleep(5)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def send(self, seconds: int = 50) -> Any:
        """The same by a script of ours, whatever went wrong before: outcome, rows settled, memory."""
        return json.loads(self.given.run_php(NEEDS, "send.php", seconds=seconds))

    def sending(self, seconds: int = 50) -> subprocess.Popen[bytes]:
        """The same as a process group of its own, which may be killed."""
        command = self.given.command(NEEDS, "send.php", seconds=seconds)
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def waiting(self) -> int:
        """How many rows wait in the outbox."""
        return len(self.uuids())

    def dead(self) -> int:
        """How many were given up."""
        return len(self.uuids(dead=1))

    def uuids(self, dead: int = 0) -> list[str]:
        """The ids of the events that wait, or that were given up."""
        table = sql.Identifier(f"{self.given.prefix}local_copbridge_outbox")
        query = sql.SQL("SELECT uuid FROM {} WHERE dead = %s ORDER BY id").format(table)
        with psycopg.connect(self.given.database_url) as connection:
            return [str(row[0]) for row in connection.execute(query, [dead])]


class PluginWorld(World):
    """A house that the plugin posts to, and that reads the site by the plugin's functions alone."""

    def __init__(
        self, engine: Engine, settings: Settings, given: Given, summary: Summary, plugin: Plugin, house: House
    ) -> None:
        super().__init__(engine, settings, given, summary)
        self.plugin, self.house = plugin, house
        self.calls: list[str] = []
        """The functions that were called in Moodle."""

    def hand_over(self, throwaway: Throwaway, role: str) -> None:
        """Connect site and plugin: the courses of this run, and nothing else, are handed over to this house."""
        token = self.plugin.make_token(throwaway.users[0])
        self.given = replace(self.given, token=token)
        self.connect(role)
        with Session(self.engine) as session, session.begin():
            keep_secret(session, self.site, Purpose.WIRE, SECRET, self.settings.encryption_key)
        self.plugin.clear()
        # The category may have been looked at before it was chosen.
        self.plugin.write(
            endpoint=self.house.address(SLUG),
            secret=SECRET,
            secret2="",
            scope="chosen",
            categories=throwaway.category,
            courses="",
            profilefields="",
            coursefields="",
            atonce=0,
            retryat=0,
            failures=0,
            lasterror="",
        )

    def first_look(self, course: int) -> None:
        """A first sweep by the plugin's functions: after it the mirror is Moodle."""
        self.sweep(None)
        self.sweep(course)
        found = self.compare(course).differences
        assert found == (), found

    def mirror(self, course: int) -> Tables:
        with Session(self.engine) as session:
            return exact.mirror(session, self.site, course)

    def by_sql(self, course: int) -> Tables:
        return exact.moodle(self.given.database_url, self.given.prefix, course)

    def deliver(self) -> str:
        """The task sends what waits, and the workers take it up."""
        printed = self.plugin.task()
        self.work()
        return printed

    def handed_over(self, change: str, course: int) -> Comparison:
        """After a change: the mirror is wrong, the task sends, and it is Moodle again, without any sweep."""
        before = self.compare(course)
        printed = self.deliver()
        assert self.plugin.waiting() == 0, printed
        after = self.compare(course)
        self.summary.add(change, "SQL", before, after, {})
        assert after.differences == (), (change, after.differences)
        return before

    def sweeps(self) -> list[Sweep]:
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.scalars(select(Sweep).order_by(Sweep.asked_at, Sweep.id)))

    def inbox(self) -> dict[str, int]:
        """How many items there are of each status."""
        with Session(self.engine) as session:
            rows = session.execute(select(InboxItem.status, func.count()).group_by(InboxItem.status))
            return {status: count for status, count in rows}  # noqa: C416 - dict() of rows has no type
