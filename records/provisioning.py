"""Provision files as saved, the courses made by them, and what became of each application."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from records import audit, secrets
from records.actor import Actor
from records.models import ProvisionedCourse, ProvisionFile, ProvisionPeople, ProvisionRun, Site, Welcome, uuid7

APPLYING = "copbridge.provisioning"
"""Names the lock of an application: one at a time for each site, so that no course is made twice."""


class ProvisioningError(Exception):
    """It can't be done so; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A version of a provision file."""

    id: UUID
    code: str
    number: int
    site_id: UUID
    text: str
    actor: str
    saved_at: datetime


def save(session: Session, code: str, site_id: UUID, yaml: str, by: Actor) -> Saved:
    """Keep a file; the text of the newest version again is that version. Raises ProvisioningError where the code is
    another site's."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{APPLYING}:{code}"))))
    before = newest(session, code)
    digest = hashlib.sha256(yaml.encode()).hexdigest()
    if before is not None and before.site_id != site_id:
        raise ProvisioningError(f"The provision file {code} is of another site: give the new one another code.")
    if before is not None and hashlib.sha256(before.text.encode()).hexdigest() == digest:
        return before
    number = before.number + 1 if before else 1
    row = ProvisionFile(id=uuid7(), code=code, number=number, site_id=site_id, text=yaml, sha256=digest, actor=by.name)
    session.add(row)
    session.flush()
    audit.record(session, by, "provision.saved", code, after={"number": number, "sha256": digest})
    return _saved(row)


def newest(session: Session, code: str) -> Saved | None:
    """The newest version of a file."""
    row = session.scalars(
        select(ProvisionFile).where(ProvisionFile.code == code).order_by(ProvisionFile.number.desc()).limit(1)
    ).first()
    return _saved(row) if row else None


def last_applied(session: Session, code: str) -> Saved | None:
    """The version of a file that was applied last."""
    row = session.scalars(
        select(ProvisionFile)
        .join(ProvisionRun, ProvisionRun.file_id == ProvisionFile.id)
        .where(ProvisionFile.code == code)
        .order_by(ProvisionRun.began_at.desc())
        .limit(1)
    ).first()
    return _saved(row) if row else None


def is_elsewhere(session: Session, code: str, site_id: UUID) -> bool:
    """Whether a file of that code belongs to another site: Moodle's ids of its courses mean nothing on this one."""
    return any(
        session.scalar(select(row.site_id).where(row.code == code, row.site_id != site_id).limit(1))
        for row in (ProvisionFile, ProvisionedCourse)
    )


def files(session: Session) -> list[Saved]:
    """The newest version of every file, by code."""
    f = ProvisionFile
    rows = session.scalars(select(f).ext(distinct_on(f.code)).order_by(f.code, f.number.desc()))
    return [_saved(row) for row in rows]


def _saved(row: ProvisionFile) -> Saved:
    return Saved(row.id, row.code, row.number, row.site_id, row.text, row.actor, row.saved_at)


def keep_people(session: Session, code: str, name: str, content: bytes, by: Actor, encryption_key: SecretStr) -> None:
    """Keep a file of people for a provision file, encrypted; an earlier one of that name is replaced."""
    sealed = secrets.seal_bytes(content, encryption_key)
    values = {"content": sealed, "actor": by.name, "uploaded_at": func.now()}
    session.execute(
        insert(ProvisionPeople)
        .values(code=code, name=name, **values)
        .on_conflict_do_update(index_elements=["code", "name"], set_=values)
    )
    audit.record(session, by, "provision.people", code, after={"bytes": len(content)})


def people_files(session: Session, code: str, encryption_key: SecretStr) -> dict[str, bytes]:
    """The files of people that are kept for a provision file, by name. Raises SecretError."""
    rows = session.execute(select(ProvisionPeople.name, ProvisionPeople.content).where(ProvisionPeople.code == code))
    return {name: secrets.unseal_bytes(content, encryption_key) for name, content in rows}


def prune_people(session: Session, now: datetime, days: int) -> int:
    """Delete files of people that were uploaded longer ago than their retention. Returns how many."""
    before = now - timedelta(days=days)
    gone = session.scalars(
        delete(ProvisionPeople).where(ProvisionPeople.uploaded_at < before).returning(ProvisionPeople.name)
    )
    return len(gone.all())


def courses_of(session: Session, code: str) -> dict[str, ProvisionedCourse]:
    """The courses that a file made or adopted, by their key in it."""
    rows = session.scalars(select(ProvisionedCourse).where(ProvisionedCourse.code == code))
    return {row.key: row for row in rows}


def owners(session: Session, site_id: UUID) -> dict[int, str]:
    """The courses of a site that files made or adopted, by Moodle's id: the file's code."""
    c = ProvisionedCourse
    rows = session.execute(select(c.course_id, c.code).where(c.site_id == site_id, c.course_id.is_not(None)))
    return {course: code for course, code in rows if course is not None}


def about_to_copy(session: Session, code: str, key: str, site_id: UUID, shortname: str, now: datetime) -> None:
    """Say that Moodle is going to be asked for a copy, in a transaction of its own, before it is: whoever goes on
    after a kill knows to look for it."""
    asked = {"shortname": shortname, "asked_at": now, "stage": "copying", "fault": "", "changed_at": func.now()}
    asked |= {"course_id": None, "content": None}
    session.execute(
        insert(ProvisionedCourse)
        .values(id=uuid7(), code=code, key=key, site_id=site_id, **asked)
        .on_conflict_do_update(index_elements=["code", "key"], set_=asked)
    )


def not_copied(session: Session, code: str, key: str) -> None:
    """Moodle refused to begin the copy: no course of that short name is this file's."""
    c = ProvisionedCourse
    session.execute(delete(c).where(c.code == code, c.key == key, c.course_id.is_(None)))


def copy_is_over(session: Session, code: str, key: str, asked_at: datetime) -> None:
    """Moodle said how the copy ended: nobody has to wait for it. `asked_at`: long enough ago for that."""
    _update(session, code, key, {"asked_at": asked_at})


def adopt(session: Session, code: str, key: str, site_id: UUID, course_id: int, shortname: str, now: datetime) -> None:
    """Take a course that is there for one of the file's, in the place of one that is gone."""
    values = {"shortname": shortname, "asked_at": now, "stage": "copied", "course_id": course_id}
    session.execute(
        insert(ProvisionedCourse)
        .values(id=uuid7(), code=code, key=key, site_id=site_id, **values)
        .on_conflict_do_update(index_elements=["code", "key"], set_=values)
    )


def got_to(session: Session, code: str, key: str, stage: str, **values: Any) -> None:
    """A course is further: `stage`, and whatever else is known by now (course_id, content)."""
    _update(session, code, key, {"stage": stage, "fault": "", "params": {}} | values)


def stopped_at(session: Session, code: str, key: str, fault: str, params: Mapping[str, Any]) -> None:
    """The application stopped at this course. Where nothing was begun, there is nothing to keep."""
    _update(session, code, key, {"fault": fault, "params": dict(params)})


def _update(session: Session, code: str, key: str, values: Mapping[str, Any]) -> None:
    session.execute(
        update(ProvisionedCourse)
        .where(ProvisionedCourse.code == code, ProvisionedCourse.key == key)
        .values(**values, changed_at=func.now()),
        execution_options={"synchronize_session": False},
    )


def about_to_welcome(session: Session, site_id: UUID, course_id: int, users: Sequence[int]) -> list[int]:
    """Those of the users who haven't been written to, and are going to be: nobody twice, whoever is killed."""
    if not users:
        return []
    rows = [{"site_id": site_id, "course_id": course_id, "moodle_user_id": user} for user in sorted(set(users))]
    taken = session.scalars(insert(Welcome).values(rows).on_conflict_do_nothing().returning(Welcome.moodle_user_id))
    return sorted(taken)


def not_welcomed(session: Session, site_id: UUID, course_id: int, users: Sequence[int]) -> None:
    """Nothing was sent to these: a further application writes to them."""
    w = Welcome
    session.execute(
        delete(w).where(w.site_id == site_id, w.course_id == course_id, w.moodle_user_id.in_(users), w.outcome == "")
    )


def welcomed(session: Session, site_id: UUID, course_id: int, outcomes: Mapping[int, str]) -> None:
    """What became of the messages, by user: sent, refused."""
    for outcome in set(outcomes.values()):
        users = [user for user, became in outcomes.items() if became == outcome]
        session.execute(
            update(Welcome)
            .where(Welcome.site_id == site_id, Welcome.course_id == course_id, Welcome.moodle_user_id.in_(users))
            .values(outcome=outcome),
            execution_options={"synchronize_session": False},
        )


def written_to(session: Session, site_id: UUID, course_id: int) -> set[int]:
    """Who got the welcome message of a course, or may have."""
    return set(
        session.scalars(
            select(Welcome.moodle_user_id).where(Welcome.site_id == site_id, Welcome.course_id == course_id)
        )
    )


def begin_run(session: Session, file_id: UUID, by: Actor) -> UUID:
    """An application of a file begins."""
    run = ProvisionRun(id=uuid7(), file_id=file_id, actor=by.name)
    session.add(run)
    session.flush()
    return run.id


def end_run(
    session: Session, run_id: UUID, by: Actor, now: datetime, *, reads: int, writes: int, result: Mapping[str, Any]
) -> None:
    """It is over; the audit trail tells what was done, in counts."""
    run = session.get_one(ProvisionRun, run_id)
    run.ended_at, run.reads, run.writes, run.result = now, reads, writes, dict(result)
    file = session.get_one(ProvisionFile, run.file_id)
    after = {"number": file.number, "reads": reads, "writes": writes} | dict(result)
    audit.record(session, by, "provision.applied", file.code, after=after)


def runs_of(session: Session, code: str, limit: int = 20) -> list[ProvisionRun]:
    """The latest applications of a file, the newest first."""
    return list(
        session.scalars(
            select(ProvisionRun)
            .join(ProvisionFile, ProvisionFile.id == ProvisionRun.file_id)
            .where(ProvisionFile.code == code)
            .order_by(ProvisionRun.began_at.desc())
            .limit(limit)
        )
    )


@contextmanager
def alone(engine: Engine, site_id: UUID) -> Iterator[None]:
    """Nobody else provisions this site meanwhile: a lock of the database's, which a killed process gives back.
    Raises ProvisioningError where somebody does."""
    with engine.connect() as connection:
        name = {"name": f"{APPLYING}:{site_id}"}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(hashtext(:name))"), name):
            raise ProvisioningError(
                "Somebody is provisioning this site right now: wait until that is done, then try again."
            )
        # The lock is the connection's, not the transaction's: an idle transaction would hold back vacuum.
        connection.commit()
        try:
            yield
        finally:
            # A connection that broke gave the lock back by that.
            with suppress(DBAPIError):
                connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), name)
                connection.commit()


def site_token(session: Session, site: Site, encryption_key: SecretStr) -> str | None:
    """The newest token for provisioning."""
    found = secrets.active_secrets(session, site.id, secrets.Purpose.PROVISIONING, encryption_key)
    return found[0] if found else None
