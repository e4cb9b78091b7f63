"""`copbridge sweep` against a sandbox over HTTP: what it says, how it ends, and how it takes being killed."""

import math
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from jobs.sweep.by_core import CHUNK
from records import secrets, sites, sweeps
from records.actor import SYSTEM
from records.models import MirrorCompletion, SiteSecret, Sweep
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from sandbox.serving import serving
from sandbox.site import Site
from tests.support import happenings
from tests.support.cli import Cli
from tests.support.killable import Nursery
from tests.support.sender import PROGRAM
from tests.support.sweeping import BAY, lessen
from tests.support.up import wait_for

STATUSES = "core_completion_get_activities_completion_status"
PEOPLE = 70


@pytest.fixture
def moodle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose clock is a minute slow: what is read now is later than all that happened."""
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "1000000")
    with Site(tmp_path / "site.db", clock=lambda: time.time() - 60) as site:
        lessen(site)
        with serving(site):
            yield site


@pytest.fixture
def cli(engine: Engine, settings: Settings, moodle: Site) -> Cli:
    connect(engine, settings, moodle, moodle.token)
    return Cli(settings)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The command says where jobs log to, for its process."""
    yield
    structlog.reset_defaults()


def connect(engine: Engine, settings: Settings, moodle: Site, token: str) -> None:
    with Session(engine) as session, session.begin():
        site = sites.add_site(session, "demo", "Demo", moodle.wwwroot, actor=SYSTEM)
        load_version(session, PROGRAM.read_text(), str(PROGRAM), actor=SYSTEM, reason="A test")
        if token:
            secrets.keep_secret(session, site.id, Purpose.WEB_SERVICES, token, settings.encryption_key)


def another_second() -> None:
    """Wait until what is read now is told apart from what was read before: Moodle's clock tells whole seconds."""
    until = math.floor(time.time()) + 2
    while time.time() < until:
        time.sleep(0.05)


def test_it_says_what_it_read_and_what_no_event_had_told(cli: Cli, moodle: Site) -> None:
    first = cli("sweep", "--json")
    assert first.code == 0, first.err
    assert [(row["course"], row["status"]) for row in first.data["sweeps"]] == [
        (None, "done"),
        (2, "done"),
        (3, "done"),
    ]
    assert all(row["calls"] and row["way"] == "core" for row in first.data["sweeps"][1:])
    assert first.data["drift"] == [], "a first sweep finds what nobody could have told"
    user, module = moodle.user("e0001"), moodle.module(BAY, "ACT-01")
    # Long enough ago for its event to have come.
    moodle.unseen.complete(user, module)
    with moodle.store.write() as db:
        db.execute("UPDATE course_modules_completion SET timemodified = timemodified - 3600")
    another_second()
    found = cli("sweep", "--json", "--community", BAY)
    assert found.code == 0, found.err
    assert [row["course"] for row in found.data["sweeps"]] == [2]
    assert found.data["drift"] == [{"course": 2, "kind": "missed_completion", "count": 1}]
    said = cli("sweep", "--site", "demo")
    assert said.code == 0, said.err
    assert "Nothing was found that no event had told" in said.out


def test_many_who_are_gone_need_a_word(cli: Cli, moodle: Site) -> None:
    assert cli("sweep", "--json").code == 0
    people = [happenings.person(moodle, f"n{number}") for number in range(8)]
    for user in people:
        moodle.unseen.enrol(user, 2, timestart=0)
    another_second()
    assert cli("sweep", "--community", BAY).code == 0
    for user in people:
        moodle.unseen.leave(user, 2)
    refused = cli("sweep", "--json", "--community", BAY)
    assert refused.code == 1
    assert [row["status"] for row in refused.data["sweeps"]] == ["failed"]
    assert "would be gone" in refused.data["sweeps"][0]["error"]
    another_second()
    told = cli("sweep", "--json", "--community", BAY, "--gone")
    assert told.code == 0
    assert told.data["drift"] == [{"course": 2, "kind": "lost_enrolment", "count": 8}]


def test_what_it_cannot_do_is_a_sentence(cli: Cli, engine: Engine) -> None:
    nowhere = cli("sweep", "--site", "nowhere")
    assert (nowhere.code, nowhere.out) == (1, "")
    assert "nowhere" in nowhere.err
    with Session(engine) as session, session.begin():
        session.execute(update(SiteSecret).values(retired_at=func.now()))
    unable = cli("sweep")
    assert unable.code == 1
    assert "No web-services token is known" in unable.err


def test_a_wrong_token_ends_it_with_an_error(engine: Engine, settings: Settings, moodle: Site) -> None:
    connect(engine, settings, moodle, "not-the-token")
    answer = Cli(settings)("sweep")
    assert answer.code == 1
    assert "1 sweep ended with an error" in answer.out
    assert "invalid_token" in answer.out
    assert "not-the-token" not in answer.out + answer.err


@pytest.mark.slow
def test_killed_again_and_again_it_goes_on_where_it_stopped(
    cli: Cli, moodle: Site, engine: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL after the people are known, and after chunks: no chunk that was stored is read again."""
    assert cli("sweep").code == 0
    for number in range(PEOPLE):
        moodle.unseen.enrol(happenings.person(moodle, f"x{number:03}"), 2, timestart=0)
    everybody = len({row["user"] for row in moodle.world().enrolments if row["course"] == 2})
    module = moodle.module(BAY, "ACT-01")
    for user in moodle.participants(2):
        moodle.unseen.complete(user, module)
    monkeypatch.setenv("MOODLE_CALLS_AT_ONCE", "1")
    moodle.gate.forget()
    kills = 0
    with Nursery(settings, tmp_path) as nursery:
        for least in (0, 12, 40):
            pid = nursery.spawn(("sweep", "--community", BAY))
            wait_for(partial(has_read, engine, least), f"{least} people are read")
            os.killpg(pid, signal.SIGKILL)
            kills += 1
            dead(engine)
    monkeypatch.delenv("MOODLE_CALLS_AT_ONCE")
    last = cli("sweep", "--community", BAY, "--json")
    assert last.code == 0, last.err
    assert [row["people"] for row in last.data["sweeps"]] == [everybody]
    calls = moodle.gate.traffic().calls
    assert calls[STATUSES] <= everybody + kills * CHUNK
    assert calls["core_course_get_contents"] == 1
    with Session(engine) as session:
        rows = select(func.count()).select_from(MirrorCompletion)
        done = rows.where(MirrorCompletion.module_id == module, MirrorCompletion.present)
        assert session.scalar(done) == len(moodle.participants(2))
        assert session.scalar(select(func.count()).select_from(Sweep).where(Sweep.status != "done")) == 0


def has_read(engine: Engine, least: int) -> bool:
    """Whether the sweep that runs knows whom to read, and has stored the completions of so many."""
    with Session(engine) as session:
        row = session.scalars(select(Sweep).where(Sweep.status == "running")).one_or_none()
        return row is not None and row.pending is not None and row.done >= least


def dead(engine: Engine) -> None:
    """As if its lease were over."""
    with engine.begin() as connection:
        old = func.clock_timestamp() - sweeps.LEASE
        connection.execute(update(Sweep).where(Sweep.status == "running").values(heartbeat_at=old))
