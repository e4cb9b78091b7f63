"""Long work that somebody asked for in the console: claimed by one worker at a time, seen by its progress.

A worker holds a job as long as its heartbeat is the one that it left. What a piece does and how far the job is then
are one transaction: a worker that is killed in the middle leaves whole pieces behind.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, true, update
from sqlalchemy.orm import Session

from records.actor import Actor, Grant, Role, Scope
from records.granting import covers
from records.models import LongJob, User, uuid7
from records.sign_ins import grants_of

LOST_SECONDS = 60
"""Whoever was silent for so long isn't at work any more."""
TRIES = 5
"""So often a worker may die of one job without having got any further."""
MAX_ERROR = 400
GAVE_UP = "gave_up"
"""Why a job failed whose workers ended again and again."""
ASKER_OFF = "asker_off"
"""Why a job ended whose asker's account was switched off."""
ASKER_LOST = "asker_lost"
"""Why a job ended whose asker may not ask for it any more."""
FORGOTTEN = "reason"
"""Of its arguments: what somebody typed. It is in the decisions; the job forgets it when it is over."""
OPEN = ("due", "running")


class Lost(Exception):
    """Somebody else carries the job on: what was begun is rolled back."""


class CannotDo(Exception):
    """A job can't be done as it was asked for: the message is a code, which pages have words for."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours as long as its heartbeat is the one that we left. Counts are of whatever its kind counts."""

    job_id: UUID
    kind: str
    asked: Mapping[str, Any]
    actor: Actor
    """Who asked: its name as the audit trail has it, without grants. Asking checked what it reaches."""
    role: str
    scope: Mapping[str, str]
    beat: datetime
    done: int
    total: int
    result: Mapping[str, Any]
    """What was kept so far."""


def ask(
    session: Session,
    actor: Actor,
    role: str,
    kind: str,
    asked: Mapping[str, Any],
    scope: Mapping[str, str],
    total: int = 0,
    *,
    roles: Collection[Role] | None,
    once: bool = False,
) -> UUID:
    """Have a worker do something. Wake QueueName.LONG_WORK after the commit. Returns the job's id.

    `asked`: ids and codes that the kind wants, no names; a `reason` is forgotten when it is over. `scope`: `program`,
    `region` and `community`, as much of it as all that is done lies in: whoever is over that sees it, too. `roles`:
    those that let a user ask for it. With what the actor's grants reach of the scope they are kept as `roles` and
    `reach` of `asked`: who doesn't have it all any more has the job ended (`grounds_lost`). None: it finishes what is
    done already, and goes on whatever becomes of who asked. `once`: the same thing asked twice is one job, as long as
    that isn't over.
    """
    if roles is not None and actor.user_id is not None:
        asked = {**asked, "reach": _reach(session, actor, scope), "roles": sorted(map(str, roles))}
    if once:
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"long_jobs:{kind}"))))
        same = (LongJob.kind == kind, LongJob.asked == dict(asked), LongJob.status.in_(OPEN))
        there = session.scalars(select(LongJob.id).where(*same).limit(1)).first()
        if there:
            return there
    job = LongJob(id=uuid7(), kind=kind, asked=dict(asked), actor=actor.name, actor_role=role, scope=dict(scope))
    job.status, job.total = "due", total
    session.add(job)
    session.flush()
    return job.id


def _reach(session: Session, actor: Actor, scope: Mapping[str, str]) -> list[list[str]]:
    """What an actor's grants reach of a scope: the work stays within what it was asked in. See `acting`."""
    held, program = actor.grants, scope.get("program")
    if program:
        # What is asked for in one program has nothing to do with what somebody is elsewhere.
        whole = {role: Grant(role, Scope.PROGRAM, program) for role in actor.roles}
        held = tuple(
            whole[grant.role] if grant.scope_kind is Scope.ALL else grant
            for grant in held
            if grant.scope_kind is Scope.ALL or covers(session, whole[grant.role], grant)
        )
    return [[str(grant.role), str(grant.scope_kind), grant.scope] for grant in held]


def acting(claim: Claim) -> Actor:
    """Who asked, with the grants that `asked["reach"]` kept."""
    grants = tuple(Grant(Role(role), Scope(kind), scope) for role, kind, scope in claim.asked["reach"])
    return Actor(UUID(claim.actor.name), claim.actor.name, grants)


def grounds_lost(session: Session, claim: Claim) -> str:
    """Why a job may not go on in its asker's name, as a code: the present grants must still cover all that it was
    asked in. Empty where they do, and where nothing depends on it."""
    if "roles" not in claim.asked:
        return ""
    asker = acting(claim)
    if not session.scalar(select(User.active).where(User.id == asker.user_id)):
        return ASKER_OFF
    present = Actor.user(UUID(asker.name), grants_of(session, UUID(asker.name)))
    able = present.only(frozenset(map(Role, claim.asked["roles"]))).grants
    covered = all(any(covers(session, own, grant) for own in able) for grant in asker.grants)
    return "" if able and covered else ASKER_LOST


def _due() -> ColumnElement[bool]:
    silent = LongJob.heartbeat_at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, LOST_SECONDS)
    return (LongJob.status == "due") | ((LongJob.status == "running") & silent)


def anything_due(session: Session) -> bool:
    """Whether a job waits, or its worker has fallen silent."""
    return session.scalar(select(LongJob.id).where(_due()).limit(1)) is not None


def claim(session: Session) -> Claim | None:
    """Take the job that waits longest. None: nothing is due. Commit at once: the claim is kept by its heartbeat.

    One that workers died of too often is given up on the way.
    """
    while True:
        job = session.scalars(
            select(LongJob).where(_due()).order_by(LongJob.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if job is None:
            return None
        job.attempts += 1
        if job.attempts > TRIES:
            _ended(job, "failed", session)
            job.error = GAVE_UP
            session.flush()
            continue
        job.status = "running"
        job.heartbeat_at = session.scalars(select(func.clock_timestamp())).one()
        session.flush()
        return Claim(
            job.id,
            job.kind,
            dict(job.asked),
            Actor(None, job.actor, ()),
            job.actor_role,
            cast(dict[str, str], dict(job.scope)),
            job.heartbeat_at,
            job.done,
            job.total,
            dict(job.result),
        )


def go_on(
    session: Session,
    claim: Claim,
    done: int,
    total: int | None = None,
    *,
    further: bool = True,
    kept: Mapping[str, Any] | None = None,
) -> Claim:
    """Say how far the job is, in the transaction of what was done. Returns the claim to go on with.

    `further`: it needn't be done again if the worker dies now. `kept`: added to the result. Raises Lost where the job
    isn't ours any more.
    """
    result = {**claim.result, **(kept or {})}
    values: dict[str, Any] = {"done": done, "total": claim.total if total is None else total, "result": result}
    if further and done > claim.done:
        values["attempts"] = 0
    beat = _ours(session, claim, values | {"heartbeat_at": func.clock_timestamp()})
    return replace(claim, beat=beat, done=done, total=values["total"], result=result)


def finish(session: Session, claim: Claim, result: Mapping[str, Any]) -> None:
    """The job is done: say so in the transaction of its last piece. `result`: ids, codes and counts, which are added
    to what was kept. Raises Lost."""
    ended = {"status": "done", "result": {**claim.result, **result}, "finished_at": func.clock_timestamp()}
    asked = {name: value for name, value in claim.asked.items() if name != FORGOTTEN}
    _ours(session, claim, ended | {"asked": asked, "done": claim.total or claim.done, "attempts": 0})


def release(session: Session, claim: Claim) -> None:
    """Have a worker carry on at once: this one has other things to do, too. Raises Lost."""
    _ours(session, claim, {"status": "due"})


def _ours(session: Session, claim: Claim, values: Mapping[str, Any]) -> datetime:
    beat = session.scalars(
        update(LongJob)
        .where(LongJob.id == claim.job_id, LongJob.status == "running", LongJob.heartbeat_at == claim.beat)
        .values(**values)
        .returning(LongJob.heartbeat_at),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if beat is None:
        raise Lost
    return beat


def fail(session: Session, job_id: UUID, why: str, held: Claim | None = None) -> None:
    """The job can't be done. `why`: a code; nothing that quotes what people wrote. Nothing happens where it is over,
    or isn't `held` any more."""
    job = session.get_one(LongJob, job_id, with_for_update=True, populate_existing=True)
    if job.status in OPEN and (held is None or job.heartbeat_at == held.beat):
        _ended(job, "failed", session)
        job.error = why[:MAX_ERROR]
        session.flush()


def _ended(job: LongJob, status: str, session: Session) -> None:
    job.status, job.heartbeat_at = status, None
    job.asked = {name: value for name, value in job.asked.items() if name != FORGOTTEN}
    job.finished_at = session.scalars(select(func.clock_timestamp())).one()


def shown(session: Session, actor: Actor, job_id: UUID) -> LongJob | None:
    """A job that the actor asked for, or whose scope its grants reach; None for any other."""
    return session.scalars(select(LongJob).where(LongJob.id == job_id, visible_to(actor))).one_or_none()


def listed(
    session: Session,
    actor: Actor,
    *,
    kind: str | None = None,
    asked: Mapping[str, Any] | None = None,
    only_open: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> list[LongJob]:
    """Jobs that the actor may see, the latest first: of a kind, with these arguments among theirs, asked before
    another one."""
    wanted = select(LongJob).where(visible_to(actor)).order_by(LongJob.id.desc()).limit(limit)
    if kind:
        wanted = wanted.where(LongJob.kind == kind)
    if asked:
        wanted = wanted.where(LongJob.asked.contains(dict(asked)))
    if only_open:
        wanted = wanted.where(LongJob.status.in_(OPEN))
    if before:
        wanted = wanted.where(LongJob.id < before)
    return list(session.scalars(wanted))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition on `long_jobs` that limits a query to what the actor asked for, and what its grants reach."""
    return or_(LongJob.actor == actor.name, *(_within(grant) for grant in actor.grants))


def _within(grant: Grant) -> ColumnElement[bool]:
    if grant.scope_kind is Scope.ALL:
        return true()
    if grant.scope_kind is Scope.COMMUNITY:
        return _says("community", grant.scope)
    program, _, region = grant.scope.partition("/")
    return and_(_says("program", program), _says("region", region)) if region else _says("program", program)


def _says(name: str, value: str) -> ColumnElement[bool]:
    said: ColumnElement[str] = LongJob.scope[name].astext
    return said == value
