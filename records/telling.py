"""Whom the companion plugin is to be told about, and what it was told last.

Only programs that say so (`write_back: standings`) are told of (law 5). What was told is kept as a hash: a standing
that was computed again and is the same isn't sent again.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Subquery, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from mappings.base import words
from mappings.program import version_at
from records import answers
from records.keys import among
from records.models import (
    Account,
    Community,
    CommunityCourse,
    DriftCount,
    Membership,
    MirrorEnrolment,
    StandingRow,
    Sweep,
    ToldCourse,
    ToldStanding,
)
from records.programs import versions_by_program
from records.standing_document import VERSION, Document, items_of, names_of, standing_document
from records.surroundings import surroundings

AT_ONCE = 200
"""So many standings are told in one call."""
RECENT = timedelta(days=7)
"""What sweeps found in this time is told beside how fresh a community is."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One standing to be told. `document` None: it isn't to be shown any more."""

    account_id: UUID
    membership_id: UUID
    user: int
    course: int
    as_of: datetime
    document: Document | None
    digest: str
    known: bool
    """The plugin has just this: nothing has to be sent."""


@dataclass(frozen=True, slots=True)
class CourseTelling:
    """One community's names and freshness, to be told for a course of it."""

    course: int
    document: Document
    digest: str


def switched_on(session: Session, now: datetime) -> set[UUID]:
    """The programs whose version in force has standings shown in Moodle."""
    return {
        program
        for program, versions in versions_by_program(session).items()
        if version_at(versions, now).program.write_back.standings
    }


def digest_of(document: Document) -> str:
    """What tells one document from another."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _wanted(site_id: UUID, programs: set[UUID]) -> Subquery:
    """Each (account, course) whose page shows a membership; of several in one course the active one, the newest."""
    m, a, c, e = Membership, Account, CommunityCourse, MirrorEnrolment
    enrolled = exists().where(
        e.site_id == c.site_id, e.course_id == c.course_id, e.moodle_user_id == a.moodle_user_id, e.present
    )
    return (
        select(
            a.id.label("account_id"),
            a.moodle_user_id.label("user"),
            c.course_id,
            m.id.label("membership_id"),
            m.dirty_at,
            StandingRow.computed_at,
        )
        .ext(distinct_on(a.id, c.course_id))
        .join(Community, Community.id == m.community_id)
        .join(c, c.community_id == m.community_id)
        .join(a, (a.person_id == m.person_id) & (a.site_id == c.site_id))
        .join(StandingRow, StandingRow.membership_id == m.id)
        .where(
            c.site_id == site_id,
            among(Community.program_id, programs),
            m.role == "participant",
            m.merged_into.is_(None),
            m.status != "left",
            a.present,
            a.moodle_user_id > 0,
            enrolled,
        )
        .order_by(a.id, c.course_id, (m.status == "active").desc(), m.created_at.desc())
        .subquery()
    )


def due_standings(session: Session, site_id: UUID, programs: set[UUID], now: datetime) -> list[Telling]:
    """The next standings that were computed since the plugin was told of them; at most AT_ONCE."""
    w, t = _wanted(site_id, programs), ToldStanding
    rows = session.execute(
        select(w, t.digest, t.membership_id.label("told_of"))
        .outerjoin(t, (t.account_id == w.c.account_id) & (t.course_id == w.c.course_id))
        .where(
            w.c.dirty_at.is_(None),
            or_(t.account_id.is_(None), t.membership_id != w.c.membership_id, t.as_of < w.c.computed_at),
        )
        .order_by(w.c.computed_at, w.c.account_id, w.c.course_id)
        .limit(AT_ONCE)
    ).all()
    inputs = {i.membership.id: i for i in answers.inputs_of(session, sorted({row.membership_id for row in rows}))}
    items = items_of(session, site_id, {row.course_id for row in rows})
    found = []
    for row in rows:
        if row.membership_id not in inputs:
            continue
        document = standing_document(inputs[row.membership_id], items.get(row.course_id, {}), now)
        digest = digest_of(document)
        known = row.digest == digest and row.told_of == row.membership_id
        found.append(
            Telling(
                row.account_id, row.membership_id, row.user, row.course_id, row.computed_at, document, digest, known
            )
        )
    return found


def stale_standings(session: Session, site_id: UUID, programs: set[UUID], now: datetime) -> list[Telling]:
    """What the plugin shows and shouldn't any more: who left, was erased, or whose program was switched off."""
    w, t = _wanted(site_id, programs), ToldStanding
    rows = session.execute(
        select(t.account_id, t.membership_id, t.course_id, t.digest, Account.moodle_user_id)
        .join(Account, Account.id == t.account_id)
        .outerjoin(w, (t.account_id == w.c.account_id) & (t.course_id == w.c.course_id))
        .where(Account.site_id == site_id, w.c.account_id.is_(None))
        .order_by(t.account_id, t.course_id)
        .limit(AT_ONCE)
    )
    return [
        Telling(
            row.account_id, row.membership_id, row.moodle_user_id, row.course_id, now, None, "", row.moodle_user_id < 1
        )
        for row in rows
    ]


def remember(session: Session, told: Iterable[Telling], refused: Collection[tuple[int, int]] = ()) -> None:
    """Keep what the plugin has now. `refused`: (course, user) that it wouldn't take; see `forget_refused`."""
    told = list(told)
    gone = [(one.account_id, one.course) for one in told if one.document is None]
    if gone:
        session.execute(delete(ToldStanding).where(among((ToldStanding.account_id, ToldStanding.course_id), gone)))
    rows: list[dict[str, Any]] = [
        {
            "account_id": one.account_id,
            "course_id": one.course,
            "membership_id": one.membership_id,
            "digest": "" if (one.course, one.user) in refused else one.digest,
            "as_of": one.as_of,
        }
        for one in told
        if one.document is not None
    ]
    if rows:
        statement = insert(ToldStanding)
        new = statement.excluded
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["account_id", "course_id"],
                set_={"membership_id": new.membership_id, "digest": new.digest, "as_of": new.as_of},
                where=ToldStanding.as_of <= new.as_of,
            ),
            rows,
        )


def forget_refused(session: Session) -> None:
    """Have those tried again that the plugin wouldn't take: once a day, since what was wrong may have been mended."""
    session.execute(delete(ToldStanding).where(ToldStanding.digest == ""))


def forget_lost(session: Session, site_id: UUID, held: int) -> bool:
    """Have all of a site told again where it holds fewer standings than it was told: it was restored from a backup, or
    the plugin was installed anew. Returns whether it was so."""
    of_site = select(Account.id).where(Account.site_id == site_id)
    there = (ToldStanding.account_id.in_(of_site), ToldStanding.digest != "")
    told = session.scalar(select(func.count()).select_from(ToldStanding).where(*there)) or 0
    if held >= told:
        return False
    session.execute(delete(ToldStanding).where(ToldStanding.account_id.in_(of_site)))
    session.execute(delete(ToldCourse).where(ToldCourse.site_id == site_id))
    return True


def due_courses(
    session: Session, site_id: UUID, programs: set[UUID], public_url: str, now: datetime
) -> list[CourseTelling]:
    """The communities whose names, components or freshness the plugin doesn't have as they are."""
    c = CommunityCourse
    rows = session.execute(
        select(c.course_id, c.community_id)
        .distinct()
        .join(Community, Community.id == c.community_id)
        .where(c.site_id == site_id, among(Community.program_id, programs))
        .order_by(c.course_id, c.community_id)
    ).all()
    held = select(ToldCourse.course_id, ToldCourse.digest).where(ToldCourse.site_id == site_id)
    told = dict(session.execute(held).all())
    places = [(row.course_id, row.community_id) for row in rows]
    documents = _course_documents(session, site_id, places, public_url, now)
    found = [CourseTelling(course, document, digest_of(document)) for course, document in documents.items()]
    return [one for one in found if told.get(one.course) != one.digest][:AT_ONCE]


def _course_documents(
    session: Session, site_id: UUID, places: Sequence[tuple[int, UUID]], public_url: str, now: datetime
) -> dict[int, Document]:
    around = surroundings(session, {community for _, community in places})
    versions = versions_by_program(session)
    swept = _swept(session, site_id)
    drift = _drift(session, site_id, now)
    found: dict[int, Document] = {}
    for course, community in places:
        row = around[community].row
        program = version_at(versions[row.program_id], now).program
        alone = sum(other == course for other, _ in places) == 1
        titles = [t.title for t in (program.topic(row.topic), program.region(row.region)) if t]
        found[course] = {
            "version": VERSION,
            "program": program.program,
            # Of several communities in one course, groups say, none is the course's.
            "community": ", ".join(words(title, "en") for title in titles) if alone else "",
            "url": f"{public_url.rstrip('/')}/communities/{community}" if alone else "",
            "components": list(program.components),
            "timezone": row.timezone,
            "names": names_of(program, around[community]),
            "swept_at": int(swept[course].timestamp()) if course in swept else None,
            "drift": drift.get(course, 0),
        }
    return found


def _swept(session: Session, site_id: UUID) -> dict[int, datetime]:
    rows = session.execute(
        select(Sweep.course_id, func.max(Sweep.finished_at))
        .where(Sweep.site_id == site_id, Sweep.status == "done", Sweep.course_id.is_not(None))
        .group_by(Sweep.course_id)
    )
    return {course: at for course, at in rows if course is not None and at is not None}


def _drift(session: Session, site_id: UUID, now: datetime) -> dict[int, int]:
    d = DriftCount
    rows = session.execute(
        select(d.course_id, func.sum(d.count))
        .where(d.site_id == site_id, d.day >= (now - RECENT).date())
        .group_by(d.course_id)
    )
    return {course: int(count) for course, count in rows}


def remember_courses(session: Session, site_id: UUID, told: Iterable[CourseTelling]) -> None:
    """Keep what the plugin has now."""
    rows = [{"site_id": site_id, "course_id": one.course, "digest": one.digest} for one in told]
    if rows:
        statement = insert(ToldCourse)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "course_id"], set_={"digest": statement.excluded.digest}
            ),
            rows,
        )
