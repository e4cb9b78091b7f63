"""Program files as loaded: versions are added, never changed."""

import hashlib
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.loading import parse_program
from mappings.program import Program, ProgramVersion
from records.models import ProgramRow, ProgramVersionRow, uuid7


@lru_cache(maxsize=256)
def _parsed(version_id: UUID, number: int, source: str) -> ProgramVersion:
    return ProgramVersion(id=str(version_id), number=number, program=parse_program(source))


def add_version(
    session: Session, source: str, name: str, *, applied_by: str = "", reason: str = ""
) -> tuple[ProgramVersionRow, bool]:
    """Store a program file. Returns its version and whether it is new: the same text twice is one version.

    Raises ProgramError for a file that can't be used.
    """
    program = parse_program(source, name)
    session.execute(insert(ProgramRow).values(id=uuid7(), code=program.program).on_conflict_do_nothing())
    row = session.scalars(select(ProgramRow).where(ProgramRow.code == program.program).with_for_update()).one()
    digest = digest_of(source)
    held = session.scalars(
        select(ProgramVersionRow).where(ProgramVersionRow.program_id == row.id, ProgramVersionRow.sha256 == digest)
    ).one_or_none()
    if held:
        return held, False
    latest = (
        session.scalar(select(func.max(ProgramVersionRow.number)).where(ProgramVersionRow.program_id == row.id)) or 0
    )
    version = ProgramVersionRow(
        id=uuid7(),
        program_id=row.id,
        number=latest + 1,
        effective_from=program.effective_from,
        source=source,
        sha256=digest,
        applied_by=applied_by,
        reason=reason,
    )
    session.add(version)
    session.flush()
    return version, True


def digest_of(source: str) -> str:
    """What tells one text of a program file from another."""
    return hashlib.sha256(source.encode()).hexdigest()


def versions_by_program(session: Session, known_on: datetime | None = None) -> dict[UUID, tuple[ProgramVersion, ...]]:
    """Every program's versions, by program id, in the order in which they were loaded; as far as known then."""
    wanted = select(
        ProgramVersionRow.program_id, ProgramVersionRow.id, ProgramVersionRow.number, ProgramVersionRow.source
    ).order_by(ProgramVersionRow.program_id, ProgramVersionRow.number)
    if known_on is not None:
        wanted = wanted.where(ProgramVersionRow.loaded_at <= known_on)
    rows = session.execute(wanted)
    found: dict[UUID, list[ProgramVersion]] = {}
    for program_id, version_id, number, source in rows:
        found.setdefault(program_id, []).append(_parsed(version_id, number, source))
    return {program_id: tuple(versions) for program_id, versions in found.items()}


def newest(versions: tuple[ProgramVersion, ...]) -> Program:
    """The version that new communities are placed by: the last one loaded."""
    return versions[-1].program
