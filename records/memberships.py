"""Who belongs to which community as what, from enrolments and roles; and the dirty marks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.program import Program
from records.keys import among
from records.mirror import PairKey
from records.models import (
    Account,
    Community,
    CommunityCourse,
    Membership,
    MirrorEnrolment,
    MirrorParticipation,
    MirrorRole,
    MirrorRoleAssignment,
    uuid7,
)
from records.people import ensure_accounts


@dataclass(slots=True)
class Participation:
    """What the mirror holds of a person in a community's courses."""

    enrolments: list[tuple[bool, int, datetime | None, datetime | None]] = field(default_factory=list)
    """(present, status, timestart, timeend) of each row."""
    roles: list[tuple[bool, str | None]] = field(default_factory=list)
    """(present, shortname or None while the role is unknown)."""
    read: bool = False


def role_in(program: Program, seen: Participation) -> str:
    """`participant`, `facilitator`, `other`, or `unknown`. Who left keeps the role that he or she had."""
    present = [name for there, name in seen.roles if there]
    names = present or [name for _, name in seen.roles]
    if any(name in program.participant_roles for name in names):
        return "participant"
    if any(name in program.facilitator_roles for name in names):
        return "facilitator"
    return "unknown" if not names or None in names else "other"


def status_at(seen: Participation, now: datetime) -> tuple[str, datetime | None]:
    """(`active`, `suspended` or `left`; the next instant at which that would change by time alone)."""
    rows = [row for row in seen.enrolments if row[0]]
    if not rows:
        return ("left" if seen.enrolments or seen.read else "active"), None
    moments = [
        moment for _, status, start, end in rows if status == 0 for moment in (start, end) if moment and moment > now
    ]
    open_now = any(
        status == 0 and (not start or start <= now) and (not end or end > now) for _, status, start, end in rows
    )
    return ("active" if open_now else "suspended"), min(moments, default=None)


def participations(session: Session, membership_ids: Iterable[UUID]) -> dict[UUID, Participation]:
    """The mirror's rows behind each membership, over all accounts of the person and courses of the community."""
    ids = list(membership_ids)
    found = {membership: Participation() for membership in ids}
    pairs = session.execute(
        select(Membership.id, CommunityCourse.site_id, CommunityCourse.course_id, Account.moodle_user_id)
        .join(CommunityCourse, CommunityCourse.community_id == Membership.community_id)
        .join(Account, (Account.person_id == Membership.person_id) & (Account.site_id == CommunityCourse.site_id))
        .where(among(Membership.id, ids))
    )
    by_pair: dict[PairKey, list[Participation]] = {}
    for membership, site, course, user in pairs:
        by_pair.setdefault((site, course, user), []).append(found[membership])

    def of_pairs(table: type[MirrorEnrolment] | type[MirrorRoleAssignment] | type[MirrorParticipation]) -> Any:
        return among((table.site_id, table.course_id, table.moodle_user_id), by_pair)

    e, a, p = MirrorEnrolment, MirrorRoleAssignment, MirrorParticipation
    enrolments = select(e.site_id, e.course_id, e.moodle_user_id, e.present, e.status, e.timestart, e.timeend)
    for site, course, user, present, status, start, end in session.execute(enrolments.where(of_pairs(e))):
        for seen in by_pair[(site, course, user)]:
            seen.enrolments.append((present, status, start, end))
    roles = select(a.site_id, a.course_id, a.moodle_user_id, a.present, MirrorRole.shortname).outerjoin(
        MirrorRole, (MirrorRole.site_id == a.site_id) & (MirrorRole.role_id == a.role_id)
    )
    for site, course, user, present, name in session.execute(roles.where(of_pairs(a))):
        for seen in by_pair[(site, course, user)]:
            seen.roles.append((present, name))
    read = select(p.site_id, p.course_id, p.moodle_user_id).where(func.extract("epoch", p.read_at) > 0)
    for site, course, user in session.execute(read.where(of_pairs(p))):
        for seen in by_pair[(site, course, user)]:
            seen.read = True
    return found


def ensure_memberships(session: Session, wanted: Iterable[tuple[UUID, UUID]]) -> None:
    """Memberships for (community, person) pairs that have none yet."""
    rows = [
        {"id": uuid7(), "community_id": community, "person_id": person}
        for community, person in sorted(set(wanted), key=str)
    ]
    if rows:
        session.execute(insert(Membership).on_conflict_do_nothing(), rows)


def refresh_memberships(session: Session, pairs: set[PairKey]) -> None:
    """Make a membership of every user known in a community's course, and mark it for reconciling."""
    if not pairs:
        return
    communities = {
        (site, course): community
        for site, course, community in session.execute(
            select(CommunityCourse.site_id, CommunityCourse.course_id, CommunityCourse.community_id).where(
                among((CommunityCourse.site_id, CommunityCourse.course_id), {(s, c) for s, c, _ in pairs})
            )
        )
    }
    placed = {pair for pair in pairs if (pair[0], pair[1]) in communities}
    accounts = ensure_accounts(session, {(site, user) for site, _, user in placed})
    found = session.execute(select(Account.id, Account.person_id).where(among(Account.id, accounts.values())))
    persons = {account: person for account, person in found}  # noqa: C416 - dict() of rows has no type
    wanted = {(communities[(site, course)], persons[accounts[(site, user)]]) for site, course, user in placed}
    ensure_memberships(session, wanted)
    mark_dirty(
        session,
        select(Membership.id).where(
            among((Membership.community_id, Membership.person_id), wanted or [(uuid7(), uuid7())])
        ),
    )


def mark_dirty(session: Session, memberships: Any) -> int:
    """Mark memberships, given as a SELECT of their ids, as to be reconciled; in the transaction of the change.

    Waits for whoever reconciles one of them now: the mark must come after what that one read.
    """
    ids = list(
        session.scalars(
            select(Membership.id)
            .where(Membership.id.in_(memberships))
            .order_by(Membership.id)
            .with_for_update(key_share=True)
        )
    )
    if ids:
        session.execute(update(Membership).where(among(Membership.id, ids)).values(dirty_at=func.clock_timestamp()))
    return len(ids)


def mark_course(session: Session, courses: set[tuple[UUID, int]]) -> None:
    """Mark every membership of the communities of these courses."""
    if courses:
        communities = select(CommunityCourse.community_id).where(
            among((CommunityCourse.site_id, CommunityCourse.course_id), courses)
        )
        mark_dirty(session, select(Membership.id).where(Membership.community_id.in_(communities)))


def mark_sites(session: Session, sites: set[UUID]) -> None:
    """Mark every membership of sites on which a role got its name, or another one."""
    if sites:
        communities = select(CommunityCourse.community_id).where(CommunityCourse.site_id.in_(sites))
        mark_dirty(session, select(Membership.id).where(Membership.community_id.in_(communities)))


def mark_program(session: Session, program_id: UUID) -> int:
    """Mark every membership of a program, after another version of it was loaded."""
    return mark_dirty(session, select(Membership.id).join(Community).where(Community.program_id == program_id))
