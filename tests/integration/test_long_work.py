"""Long work: claimed by one worker, carried on after a death, given up in the end, and seen by who may see it."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from jobs import long_work as turns
from jobs.work import Work
from records import audit, long_work, models
from records.actor import SYSTEM, Actor, Grant, Role, Scope
from records.long_work import CannotDo, Lost
from records.models import AuditEntry, LongJob, User
from records.settings import Settings
from service import work_words
from tests.support.seed import PROGRAM, sign_in
from tests.support.web import application

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PIECES = 6
DIES = """
import os, sys
from datetime import UTC, datetime
from jobs import long_work
from records.database import make_engine
from tests.integration.test_long_work import count_up

def dying(work):
    count_up(work, stop_after=3)
    print("here", flush=True)
    sys.stdin.read()

long_work.KINDS["count"] = dying
long_work.turn(make_engine(os.environ["DATABASE_URL"]), lambda: datetime.now(UTC))
"""


def count_up(work: Work, stop_after: int = PIECES) -> None:
    """Work of the tests: each piece leaves one line in the audit trail."""
    for number in range(work.claim.done, min(PIECES, stop_after)):
        with work.piece(number + 1, PIECES, latest=number) as session:
            audit.record(session, SYSTEM, "test.piece", str(number))
    if stop_after >= PIECES:
        with Session(work.engine) as session, session.begin():
            work.end(session, counted=PIECES)


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    before = dict(turns.KINDS)
    turns.KINDS["count"] = count_up
    yield
    turns.KINDS.clear()
    turns.KINDS.update(before)


def ask(
    engine: Engine,
    kind: str = "count",
    actor: Actor = SYSTEM,
    roles: Collection[Role] | None = None,
    **scope: str,
) -> UUID:
    with Session(engine) as session, session.begin():
        return long_work.ask(session, actor, "staff", kind, {"what": "numbers"}, scope, roles=roles)


def job(engine: Engine, job_id: UUID) -> LongJob:
    with Session(engine, expire_on_commit=False) as session:
        return session.get_one(LongJob, job_id)


def pieces(engine: Engine) -> list[str]:
    with Session(engine) as session:
        wanted = select(AuditEntry.subject).where(AuditEntry.action == "test.piece").order_by(AuditEntry.id)
        return list(session.scalars(wanted))


def turn(engine: Engine, seconds: float = 60.0) -> bool:
    return turns.turn(engine, lambda: NOW, seconds)


def silent(engine: Engine, job_id: UUID) -> None:
    """Its worker was last heard of long ago."""
    with Session(engine) as session, session.begin():
        long_ago = func.clock_timestamp() - text("interval '2 minutes'")
        session.execute(update(LongJob).where(LongJob.id == job_id).values(heartbeat_at=long_ago))


def test_a_killed_workers_job_is_carried_on(engine: Engine, settings: Settings) -> None:
    asked = ask(engine)
    worker = subprocess.Popen(
        [sys.executable, "-c", DIES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DATABASE_URL": settings.database_url},
    )
    with worker:
        assert worker.stdout
        assert worker.stdout.readline() == b"here\n"
        worker.send_signal(signal.SIGKILL)
    assert (job(engine, asked).status, job(engine, asked).done) == ("running", 3)
    assert not turn(engine), "it may be at work still"
    silent(engine, asked)
    with Session(engine) as session:
        assert long_work.anything_due(session)
    assert turn(engine)
    ended = job(engine, asked)
    assert (ended.status, ended.done, ended.total, ended.attempts) == ("done", PIECES, PIECES, 0)
    assert ended.result == {"latest": PIECES - 1, "counted": PIECES}
    assert pieces(engine) == [str(number) for number in range(PIECES)], "each piece once"


def test_one_that_lost_its_job_leaves_nothing_behind(engine: Engine) -> None:
    asked = ask(engine)
    with Session(engine) as session, session.begin():
        claim = long_work.claim(session)
    assert claim
    with Session(engine) as session, session.begin():
        assert long_work.claim(session) is None
    silent(engine, asked)
    assert turn(engine)
    late = Work(engine, lambda: NOW, claim, 0.0)
    with pytest.raises(Lost), late.piece(1) as session:
        audit.record(session, SYSTEM, "test.piece", "late")
    with Session(engine) as session, session.begin():
        long_work.fail(session, asked, "late", claim)
        with pytest.raises(Lost):
            long_work.finish(session, claim, {})
    assert job(engine, asked).status == "done"
    assert "late" not in pieces(engine)


def test_five_silent_deaths_end_it_and_progress_forgives_them(engine: Engine) -> None:
    asked = ask(engine)
    for deaths in range(1, 6):
        with Session(engine) as session, session.begin():
            claim = long_work.claim(session)
        assert claim
        assert job(engine, asked).attempts == deaths
        silent(engine, asked)
    behind = ask(engine)
    assert turn(engine), "the next job isn't kept waiting"
    assert job(engine, behind).status == "done"
    given_up = job(engine, asked)
    assert (given_up.status, given_up.error) == ("failed", long_work.GAVE_UP)


def test_turns_and_failures(engine: Engine) -> None:
    def by_turns(work: Work) -> None:
        count_up(work, stop_after=work.claim.done + 2)

    def cannot(_work: Work) -> None:
        raise CannotDo("moving")

    def breaks(_work: Work) -> None:
        raise ValueError("Amara's secret")

    turns.KINDS.update(by_turns=by_turns, cannot=cannot, breaks=breaks)
    slow, refused, broken = ask(engine, "by_turns"), ask(engine, "cannot"), ask(engine, "breaks")
    states = []
    while turn(engine):
        states.append(job(engine, slow).done)
    assert states == [2, 4, 6, 6, 6]
    assert (job(engine, refused).status, job(engine, refused).error) == ("failed", "moving")
    assert (job(engine, broken).status, job(engine, broken).error) == ("failed", turns.FAILED)


def test_who_loses_the_role_in_the_middle_ends_the_work_there(engine: Engine, client: FlaskClient) -> None:
    def by_turns(work: Work) -> None:
        count_up(work, stop_after=work.claim.done + 2)

    turns.KINDS["by_turns"] = by_turns
    with Session(engine) as session:
        user_id = session.scalars(select(User.id)).one()
    mine = Actor.user(user_id, (Grant(Role.STAFF, Scope.PROGRAM, PROGRAM), Grant(Role.STAFF, Scope.PROGRAM, "other")))
    asked, finishing = (ask(engine, "by_turns", mine, roles, program=PROGRAM) for roles in ({Role.STAFF}, None))
    assert turn(engine)
    with Session(engine) as session, session.begin():
        session.execute(update(models.Grant).values(role="auditor"))
    while turn(engine):
        pass
    assert (job(engine, asked).status, job(engine, asked).error, job(engine, asked).done) == (
        "failed",
        long_work.ASKER_LOST,
        2,
    )
    assert "What was done until then stays done." in client.get(f"/work/{asked}").get_data(as_text=True)
    assert job(engine, finishing).status == "done", "nothing of it depends on who asked"


def test_every_kind_has_words() -> None:
    assert set(turns.KINDS) - {"count"} == set(work_words.KINDS)


def asked_once(session: Session, of: str) -> UUID:
    return long_work.ask(session, SYSTEM, "staff", "count", {"of": of}, {}, roles=None, once=True)


def test_asking_twice_for_one_thing_is_one_job(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        once = [asked_once(session, "x") for _ in range(2)]
        other = asked_once(session, "y")
    assert len({*once, other}) == 2
    assert turn(engine)
    with Session(engine) as session, session.begin():
        assert asked_once(session, "x") not in once


@pytest.fixture
def client(settings: Settings, engine: Engine) -> Iterator[FlaskClient]:
    with application(settings) as app, app.test_client() as made:
        sign_in(made, engine, [Grant(Role.STAFF, Scope.PROGRAM, PROGRAM)])
        yield made


def test_the_page_of_a_job(engine: Engine, client: FlaskClient) -> None:
    with Session(engine) as session:
        me = Actor.user(session.scalars(select(User.id)).one(), ())
    asked = ask(engine, actor=me, program=PROGRAM)
    path = f"/work/{asked}"
    page = client.get(path).get_data(as_text=True)
    assert "Waiting its turn" in page
    assert "you asked for it" in page
    assert f"{path}/live" in page
    assert turn(engine)
    assert client.get(f"{path}/live").headers["HX-Refresh"] == "true"
    assert "<h2>Done</h2>" in client.get(path).get_data(as_text=True)
    with Session(engine) as session, session.begin():
        within = {"program": PROGRAM}
        failed = long_work.ask(session, me, "staff", "close_period", within, within, roles=None)
        session.execute(
            update(LongJob)
            .where(LongJob.id == failed)
            .values(asked={"program": PROGRAM, "first": "2026-01-01", "last": "2026-02-01", "label": "W"})
        )
        long_work.fail(session, failed, "moving")
    page = client.get(f"/work/{failed}").get_data(as_text=True)
    assert "Hours were still being computed." in page
    assert client.get(f"/work/{UUID(int=7)}").status_code == 404


def test_who_sees_a_job(engine: Engine, settings: Settings, client: FlaskClient) -> None:
    other = Actor.user(UUID(int=9), ())
    bay = ask(engine, actor=other, program=PROGRAM, region="BAY")
    # Staff see what they asked for themselves.
    assert client.get(f"/work/{bay}").status_code == 404
    assert client.get(f"/work/{bay}/live").status_code == 404
    for scope, expected in ((f"{PROGRAM}/BAY", 200), (f"{PROGRAM}/LA", 404)):
        with application(settings) as app, app.test_client() as made:
            sign_in(made, engine, [Grant(Role.PROGRAM_ADMIN, Scope.REGION, scope)], f"{scope[-2:]}@example.org")
            assert made.get(f"/work/{bay}").status_code == expected, scope
    within = [
        (Grant(Role.STAFF, Scope.ALL, ""), True),
        (Grant(Role.STAFF, Scope.PROGRAM, PROGRAM), True),
        (Grant(Role.STAFF, Scope.COMMUNITY, str(UUID(int=3))), False),
    ]
    with Session(engine) as session:
        for grant, sees in within:
            actor = Actor.user(UUID(int=1), (grant,))
            assert bool(long_work.shown(session, actor, bay)) is sees, grant
            assert [found.id for found in long_work.listed(session, actor, only_open=True)] == [bay] * sees
        assert [found.id for found in long_work.listed(session, other, asked={"what": "numbers"})] == [bay]
        assert long_work.listed(session, other, before=bay) == []
