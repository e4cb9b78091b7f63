"""Provision files as pages show them: versions, files of people, courses with how far they are, applications.

Provisioning belongs to a site as a whole: whoever reaches less than everything sees nothing of it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import provisioning
from records.actor import Actor
from records.models import (
    CommunityCourse,
    ProgramRow,
    ProvisionedCourse,
    ProvisionFile,
    ProvisionPeople,
    ProvisionRun,
    Site,
)
from records.queries.deciders import names_of

RUNS = 10


@dataclass(frozen=True, slots=True)
class Run:
    """An application; `by`: the name of a user, or `cli`."""

    began_at: datetime
    ended_at: datetime | None
    by: str
    reads: int
    writes: int
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a file."""

    id: UUID
    code: str
    number: int
    text: str
    by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file in the list, as its newest version has it."""

    newest: Version
    site: str
    """The site's short name."""
    stages: Counter[str]
    """How many of its courses are how far; `stopped`: an application stopped there."""
    last: Run | None


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A file of people, without what is in it."""

    name: str
    by: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course of a file."""

    key: str
    stage: str
    course_id: int | None
    shortname: str
    fault: str
    params: dict[str, Any]
    community: UUID | None


@dataclass(frozen=True, slots=True)
class FilePage:
    """All about a file."""

    row: FileRow
    wwwroot: str
    """Of the site: begins the addresses of its courses."""
    versions: list[Version]
    people: list[PeopleFile]
    courses: list[CourseRow]
    runs: list[Run]


def listed(session: Session, actor: Actor) -> list[FileRow]:
    """The files, by code."""
    if not actor.unlimited:
        return []
    return [_file(session, _version_of(session, saved.id)) for saved in provisioning.files(session)]


def one(session: Session, actor: Actor, code: str) -> FilePage | None:
    """One file."""
    saved = provisioning.newest(session, code) if actor.unlimited else None
    if saved is None:
        return None
    rows = session.scalars(select(ProvisionFile).where(ProvisionFile.code == code).order_by(ProvisionFile.number))
    kept = session.execute(
        select(ProvisionPeople.name, ProvisionPeople.actor, ProvisionPeople.uploaded_at)
        .where(ProvisionPeople.code == code)
        .order_by(ProvisionPeople.name)
    ).all()
    names = names_of(session, [actor for _, actor, _ in kept])
    return FilePage(
        _file(session, _version_of(session, saved.id)),
        session.get_one(Site, saved.site_id).wwwroot,
        _versions(session, rows.all())[::-1],
        [PeopleFile(name, names.get(by, by), at) for name, by, at in kept],
        _courses(session, code),
        _runs(session, code, RUNS),
    )


def version(session: Session, actor: Actor, code: str, number: int) -> Version | None:
    """A version of a file."""
    found = session.scalar(select(ProvisionFile.id).where(ProvisionFile.code == code, ProvisionFile.number == number))
    return _version_of(session, found) if found and actor.unlimited else None


def sites(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """Short names and names of the sites."""
    rows = session.execute(select(Site.slug, Site.name).order_by(Site.slug)).all()
    return [(slug, name) for slug, name in rows] if actor.unlimited else []


def programs(session: Session, actor: Actor) -> list[str]:
    """The codes of the programs."""
    return list(session.scalars(select(ProgramRow.code).order_by(ProgramRow.code))) if actor.unlimited else []


def _version_of(session: Session, version_id: UUID) -> Version:
    return _versions(session, [session.get_one(ProvisionFile, version_id)])[0]


def _versions(session: Session, rows: Sequence[ProvisionFile]) -> list[Version]:
    names = names_of(session, [row.actor for row in rows])
    return [
        Version(row.id, row.code, row.number, row.text, names.get(row.actor, row.actor), row.saved_at) for row in rows
    ]


def _file(session: Session, newest: Version) -> FileRow:
    file = session.get_one(ProvisionFile, newest.id)
    slug = session.get_one(Site, file.site_id).slug
    c = ProvisionedCourse
    rows = session.execute(select(c.stage, c.fault).where(c.code == newest.code))
    stages = Counter("stopped" if fault else stage for stage, fault in rows)
    return FileRow(newest, slug, stages, next(iter(_runs(session, newest.code, 1)), None))


def _runs(session: Session, code: str, limit: int) -> list[Run]:
    rows: list[ProvisionRun] = provisioning.runs_of(session, code, limit)
    names = names_of(session, [row.actor for row in rows])
    return [
        Run(row.began_at, row.ended_at, names.get(row.actor, row.actor), row.reads, row.writes, dict(row.result))
        for row in rows
    ]


def _courses(session: Session, code: str) -> list[CourseRow]:
    rows = provisioning.courses_of(session, code)
    c, p = CommunityCourse, ProvisionedCourse
    held = session.execute(
        select(p.key, c.community_id)
        .join(c, (c.site_id == p.site_id) & (c.course_id == p.course_id))
        .where(p.code == code, c.group_id == 0)
    ).all()
    communities = {row.key: row.community_id for row in held}
    return [
        CourseRow(key, row.stage, row.course_id, row.shortname, row.fault, dict(row.params), communities.get(key))
        for key, row in sorted(rows.items())
    ]
