"""The simulated site as one object: its tables, its actions, its sender."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from sandbox import observer, wire
from sandbox.actions import Act
from sandbox.attendance import Attendance
from sandbox.content import ADMIN, PROVISIONER, SECOND_SERVICE, SERVICE
from sandbox.disorder import ORDER, Disorder
from sandbox.faults import Faults
from sandbox.hands import Hands
from sandbox.pace import Gate, Pace
from sandbox.seed import new_token, provisioner, second_account, seed
from sandbox.sender import Sender
from sandbox.silent import Silent
from sandbox.store import Row, Store, config, set_config
from sandbox.work import Work, working
from sandbox.world import World, world

COPYING_PEOPLE = ("moodle/backup:userinfo", "moodle/restore:userinfo")
DEFAULT_WWWROOT = "https://moodle.example.org"


class Site:
    """A Moodle site in one file. Without a target it keeps its events and sends nothing.

    >>> with Site(path, "https://moodle.example.org") as site:  # doctest: +SKIP
    ...     site.act.complete(site.user("e0001"), site.module("COP-EBWIESL-BAY", "ACT-01"))

    `act` is what people do, `unseen` the same without a single event, `silent` what Moodle doesn't
    tell or may not tell, `attendance` sessions and who was at them, `hands` what people change in
    courses that were set up, `gate` the web services' pace and how many calls there were, `faults`
    which calls fail.
    """

    def __init__(
        self,
        path: Path | str,
        wwwroot: str = DEFAULT_WWWROOT,
        *,
        target: str = "",
        secret: str = "",
        clock: Callable[[], float] = time.time,
        pace: Pace = Pace(),  # noqa: B008 - frozen
        disorder: Disorder = ORDER,
    ) -> None:
        self.clock = clock
        self.gate = Gate(pace)
        self._disorder = disorder
        self.store = Store(Path(path))
        try:
            with self.store.write() as db:
                if not config(db, "epoch"):
                    seed(db, clock())
                set_config(db, "wwwroot", wwwroot.rstrip("/"))
            self.sender = Sender(self.store, target, secret, clock, disorder) if target else None
        except BaseException:
            self.store.close()
            raise
        self.act = Act(self.store, clock, self._woken)
        self.unseen = Act(self.store, clock, self._woken, told=False)
        self.silent = Silent(self.store, clock, self._woken)
        self.attendance = Attendance(self.store, clock, self._woken)
        self.hands = Hands(self.working)
        self.faults = Faults()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def wwwroot(self) -> str:
        """The site's address, as the wire names it."""
        return self.setting("wwwroot")

    @property
    def epoch(self) -> str:
        """Made with the state file; a copy of the file keeps it."""
        return self.setting("epoch")

    @property
    def token(self) -> str:
        """The service account's web-service token."""
        return self.token_of(SERVICE)

    def setting(self, name: str) -> str:
        """What the site keeps about itself under this name."""
        with self.store.read() as db:
            return config(db, name)

    def token_of(self, user: int) -> str:
        """A person's own web-service token, made when first asked for."""
        with self.store.write() as db:
            return new_token(db, user)

    def lacks(self, *capabilities: str, user: int = SERVICE) -> None:
        """From now on this account lacks these capabilities and has all others."""
        with self.store.write() as db:
            db.execute("DELETE FROM lacking WHERE userid = ?", (user,))
            db.executemany("INSERT INTO lacking VALUES (?, ?)", [(user, name) for name in set(capabilities)])

    def set_messaging(self, *, on: bool) -> None:
        """Whether users of the site can be written to at all."""
        with self.store.write() as db:
            set_config(db, "messaging", "" if on else "off")

    def block(self, user: int, sender: int) -> None:
        """From now on a user takes no messages of another."""
        with self.store.write() as db:
            db.execute("INSERT OR IGNORE INTO message_users_blocked VALUES (?, ?)", (user, sender))

    def limited_token(self, *capabilities: str) -> str:
        """The token of a second service account, which lacks these capabilities."""
        with self.store.write() as db:
            second_account(db)
        self.lacks(*capabilities, user=SECOND_SERVICE)
        return self.token_of(SECOND_SERVICE)

    def provisioning_token(self, *without: str, copies_people: bool = False) -> str:
        """The token of the account that sets up courses, which holds the plugin's second service; the account is made
        when it is first asked for. From now on it lacks these capabilities, and those to copy people with a course."""
        with self.store.write() as db:
            provisioner(db)
        self.lacks(*without, *(() if copies_people else COPYING_PEOPLE), user=PROVISIONER)
        return self.token_of(PROVISIONER)

    def installs_plugin(self, *, alone: bool = False) -> None:
        """From now on the site has the companion plugin, and the tokens' service its functions, too; `alone`: its
        functions and no others, but for the site's own."""
        with self.store.write() as db:
            set_config(db, "plugin", "alone" if alone else "beside")

    def uninstalls_plugin(self) -> None:
        """The site is without it again."""
        with self.store.write() as db:
            set_config(db, "plugin", "")

    def hands_over(self, *, all_but: Iterable[int] = (), but_categories: Iterable[int] = ()) -> None:
        """Which courses the plugin hands over: all of them, or all but some, or but those of some categories."""
        with self.store.write() as db:
            set_config(db, "unchosen", ",".join(str(course) for course in sorted(all_but)))
            set_config(db, "unchosen_categories", ",".join(str(each) for each in sorted(but_categories)))

    def unchosen(self) -> frozenset[int]:
        """The courses that the plugin doesn't hand over."""
        with self.store.read() as db:
            return observer.unchosen(db)

    def world(self) -> World:
        """The site's true tables, as a mirror should hold them at this moment."""
        with self.store.read() as db:
            return world(db, self.clock())

    def user(self, username: str) -> int:
        """The user id of this username."""
        return int(self.rows("SELECT id FROM user WHERE username = ?", username)[0]["id"])

    def course(self, idnumber: str) -> int:
        """The course id of this idnumber."""
        return int(self.rows("SELECT id FROM course WHERE idnumber = ?", idnumber)[0]["id"])

    def module(self, course_idnumber: str, idnumber: str) -> int:
        """The course module id of an activity by its course's and its own idnumber."""
        sql = "SELECT id FROM course_modules WHERE course = ? AND idnumber = ?"
        return int(self.rows(sql, self.course(course_idnumber), idnumber)[0]["id"])

    def participants(self, course: int) -> list[int]:
        """The user ids of everyone with an enrolment as a student."""
        sql = (
            "SELECT DISTINCT e.userid AS id FROM user_enrolments e JOIN role_assignments a"
            " ON a.course = e.course AND a.userid = e.userid JOIN role r ON r.id = a.roleid"
            " WHERE e.course = ? AND r.shortname = 'student' ORDER BY e.userid"
        )
        return [int(row["id"]) for row in self.rows(sql, course)]

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Rows of the site's own tables, for pages and tests."""
        with self.store.read() as db:
            return db.execute(sql, values).fetchall()

    def pending_batch(self) -> wire.Batch:
        """What would be sent now, without sending it."""
        with self.store.read() as db:
            rows = db.execute("SELECT * FROM outbox ORDER BY id LIMIT ?", (wire.EVENTS_PER_BATCH,)).fetchall()
            rows, _ = self._disorder.mixed(rows, len(rows))
            return self._disorder.bared(wire.of_events(db, rows, self.clock()))

    def full_batches(self) -> list[wire.Batch]:
        """Readings of the whole site, as 'sync everything' sends them."""
        with self.store.read() as db:
            return wire.of_everything(db, self.clock())

    def close(self) -> None:
        """Stop sending and close the file."""
        self.faults.release()
        if self.sender is not None:
            self.sender.close()
        self.store.close()

    def working(self, *, told: bool = True) -> AbstractContextManager[Work]:
        """A transaction to act in; what isn't told leaves no event."""
        return working(self.store, self.clock(), self._woken, told)

    def _woken(self) -> None:
        if self.sender is not None:
            self.sender.wake()


__all__ = ["ADMIN", "Site"]
