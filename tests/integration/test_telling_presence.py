"""A session's presence in Moodle: told once, taken back, never over what somebody else decided, and never earning."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import reconcile
from jobs.telling_presence import tell
from mappings.attending import Way
from mappings.facts import Nothing
from moodle_client import Function
from records import answers, presences, secrets
from records.actor import CLI, SYSTEM
from records.models import Account, SessionRow, Site, StandingRow, ToldPresence, uuid7
from records.presences import NewPresence
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from tests.support import readings
from tests.support.fake_moodle import CALLER, FakeMoodle
from tests.support.seed import BAY, PROGRAM_FILE, Seeded, membership, modules_of, take_in

LATER = readings.NOW + timedelta(days=1)
OFF = "write_back: {standings: true}"
MODULE = modules_of(BAY)[8]
"""A tracked activity that no rule matches: what it earns comes of the tie alone."""
TEACHER = 3
THERE = {11, 12, 13, 16}


@dataclass
class Table:
    """Moodle's completion rows of the activity: (state, who overrode it) by user; and how often each was written."""

    rows: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)

    def by_plugin(self, params: dict[str, str]) -> list[dict[str, Any]]:
        """As local_copbridge_set_presence does."""
        found: dict[str, dict[str, int]] = {}
        for name, value in params.items():
            if part := re.fullmatch(r"rows\[(\d+)\]\[(\w+)\]", name):
                found.setdefault(part[1], {})[part[2]] = int(value)
        return [row | {"outcome": self._set(row["userid"], row["present"])} for row in found.values()]

    def _set(self, user: int, present: int) -> str:
        state, by = self.rows.get(user, (0, None))
        if bool(state) == bool(present):
            return "unchanged"
        if by != CALLER and (user in self.rows or not present):
            return "changed_since"
        self.write(user, present, CALLER)
        return "written"

    def by_core(self, params: dict[str, str]) -> dict[str, Any]:
        """As core's override does: whatever is there is overwritten."""
        user, state = int(params["userid"]), int(params["newstate"])
        self.write(user, state, CALLER)
        return {"cmid": MODULE, "userid": user, "state": state, "timecompleted": 5, "overrideby": CALLER, "tracking": 2}

    def statuses(self, params: dict[str, str]) -> dict[str, Any]:
        state, by = self.rows.get(int(params["userid"]), (0, None))
        time = 5 if int(params["userid"]) in self.rows else 0
        one = {"cmid": MODULE, "modname": "label", "instance": 1, "state": state, "timecompleted": time}
        return {"statuses": [one | {"tracking": 2, "overrideby": by}], "warnings": []}

    def write(self, user: int, state: int, by: int | None) -> None:
        self.rows[user] = (state, by)
        self.written.append((user, state))


@dataclass
class Scene:
    """Session S1 of the Bay Area community, tied to an activity of its course, on a Moodle that listens."""

    engine: Engine
    settings: Settings
    seeded: Seeded
    table: Table
    moodle: FakeMoodle

    def told(self, at: datetime = LATER) -> int:
        return tell(self.engine, self.settings, at)

    def outcomes(self) -> dict[int, tuple[bool, str]]:
        with Session(self.engine) as session:
            rows = session.execute(
                select(Account.moodle_user_id, ToldPresence.present, ToldPresence.outcome).join(
                    Account, Account.id == ToldPresence.account_id
                )
            )
            return {user: (present, outcome) for user, present, outcome in rows}

    def attend(self, user: int, minutes: int) -> None:
        with Session(self.engine) as session, session.begin():
            meeting = session.scalars(select(SessionRow.id).where(SessionRow.code == "S1")).one()
            account = session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()
            presences.add(session, [NewPresence(meeting, account, Way.FILE, minutes)], by=CLI, correlation_id=uuid7())
            presences.fold(session, presences.due(session))
        self.settle()

    def settle(self) -> None:
        reconcile.reconcile_dirty(self.engine, lambda: readings.NOW)

    def minutes(self) -> dict[UUID, int]:
        with Session(self.engine) as session:
            return dict(session.execute(select(StandingRow.membership_id, StandingRow.minutes)).all())

    def echo(self) -> None:
        """Moodle tells of what we wrote, as it tells of everything."""
        at = readings.READ_AT + timedelta(days=3)
        found = [
            readings.completion(user, MODULE, BAY, at=at) | {"state": state, "overrideby": by}
            for user, (state, by) in self.table.rows.items()
        ]
        take_in(self.engine, self.seeded.site, found)


@pytest.fixture
def scene(engine: Engine, seeded: Seeded, settings: Settings) -> Iterator[Scene]:
    moodle, table = FakeMoodle(), Table()
    with Session(engine) as session, session.begin():
        secrets.keep_secret(session, seeded.site, Purpose.WEB_SERVICES, "a" * 32, settings.encryption_key)
        tie = {"module_site_id": seeded.site, "module_id": MODULE}
        session.execute(update(SessionRow).where(SessionRow.code == "S1").values(**tie))
    with moodle.serving():
        yield Scene(engine, settings, seeded, table, moodle)


def switch_on(scene: Scene, rules: str = "") -> None:
    source = PROGRAM_FILE.read_text().replace(OFF, "write_back: {presence: true}")
    if rules:
        source = source.replace("activities:\n  #", f"activities:\n{rules}  #", 1)
    with Session(scene.engine) as session, session.begin():
        load_version(session, source, "with presence", actor=SYSTEM, reason="Moodle shows who was there")
    take_in(scene.engine, scene.seeded.site, [readings.account(99)])


def plugin(scene: Scene) -> None:
    scene.moodle.functions[str(Function.SET_PRESENCE)] = "2026112200"
    scene.moodle.answers[str(Function.SET_PRESENCE)] = scene.table.by_plugin


def core(scene: Scene) -> None:
    for function, answer in (
        (Function.ACTIVITY_COMPLETIONS, scene.table.statuses),
        (Function.OVERRIDE_COMPLETION, scene.table.by_core),
    ):
        scene.moodle.functions[str(function)] = "2024100700"
        scene.moodle.answers[str(function)] = answer


WAYS: list[Callable[[Scene], None]] = [plugin, core]


@pytest.mark.parametrize("way", WAYS)
def test_ten_rounds_write_nothing_new_and_nothing_of_it_earns(scene: Scene, way: Callable[[Scene], None]) -> None:
    way(scene)
    before = scene.minutes()
    assert scene.told() == 0
    assert scene.table.written == [], "a program that doesn't say so writes nothing"
    switch_on(scene, "  - {rule: told, idnumber: '', kind: [label], minutes: 900, component: online}\n")
    for _ in range(10):
        scene.told()
        scene.echo()
        scene.settle()
    assert sorted(scene.table.written) == [(user, 1) for user in sorted(THERE)]
    assert {user for user, (present, _) in scene.outcomes().items() if present} == THERE
    assert scene.minutes() == before, "an activity of 900 minutes that we completed ourselves adds none"
    with Session(scene.engine) as session:
        [item] = answers.inputs_of(session, [membership(scene.engine, scene.seeded, 13)])
        reasons = [line.nothing for line in answers.lines_of(item)]
    assert reasons.count(Nothing.WRITTEN_BY_US) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_attendance_is_taken_back_and_a_later_human_change_stands(
    scene: Scene, way: Callable[[Scene], None]
) -> None:
    way(scene)
    switch_on(scene)
    scene.table.rows[14] = (0, TEACHER)
    scene.told()
    scene.attend(13, 0)
    scene.attend(14, 300)
    scene.table.write(12, 0, TEACHER)
    scene.attend(12, 290)
    scene.table.write(16, 1, TEACHER)
    scene.attend(16, 0)
    scene.table.written.clear()
    for _ in range(3):
        scene.told(LATER + timedelta(minutes=1))
    assert scene.table.written == [(13, 0)]
    assert scene.table.rows == {11: (1, CALLER), 12: (0, TEACHER), 13: (0, CALLER), 14: (0, TEACHER), 16: (1, TEACHER)}
    assert {user: outcome for user, (_, outcome) in scene.outcomes().items() if outcome == "changed_since"} == {
        12: "changed_since",
        14: "changed_since",
        16: "changed_since",
    }
    scene.attend(13, 300)
    scene.attend(14, 310)
    scene.told(LATER + timedelta(minutes=2))
    assert scene.table.written == [(13, 0), (13, 1)]


def test_a_refusal_is_tried_again_another_day(scene: Scene) -> None:
    plugin(scene)
    switch_on(scene)
    refused = {"outcome": "not_tracked"}
    real = scene.table.by_plugin
    scene.moodle.answers[str(Function.SET_PRESENCE)] = lambda params: [
        row | refused for row in Table().by_plugin(params)
    ]
    assert scene.told() == len(THERE)
    scene.moodle.answers[str(Function.SET_PRESENCE)] = real
    assert scene.told(LATER + timedelta(hours=1)) == 0
    assert scene.told(LATER + timedelta(hours=25)) == len(THERE)
    assert sorted(scene.table.written) == [(user, 1) for user in sorted(THERE)]


def test_a_token_that_can_write_nothing_writes_nothing(scene: Scene) -> None:
    scene.moodle.functions.pop(str(Function.OVERRIDE_COMPLETION), None)
    switch_on(scene)
    assert scene.told() == 0
    assert scene.outcomes() == dict.fromkeys(scene.outcomes(), (False, "nothing_to_tell"))
    with Session(scene.engine) as session:
        assert session.scalars(select(Site.own_users)).one() == []
