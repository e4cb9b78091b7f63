"""Who belongs to which community as what, from enrolments and roles; and the dirty marks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from mappings.program import Program
from records.affiliations import refresh_affiliations
from records.keys import among
from records.mirror import PairKey
from records.models import (
    Account,
    Community,
    CommunityCourse,
    Membership,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorParticipation,
    MirrorRole,
    MirrorRoleAssignment,
    uuid7,
)
from records.people import AccountKey, ensure_accounts


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
    """The mirror's rows behind each membership, over all accounts of the person and places of the community.

    Where a group is the community, the rows of who isn't in it any more count as gone.
    """
    found = {membership: Participation() for membership in membership_ids}
    by_pair = _behind(session, found)

    def of_pairs(table: type[MirrorEnrolment] | type[MirrorRoleAssignment] | type[MirrorParticipation]) -> Any:
        return among((table.site_id, table.course_id, table.moodle_user_id), by_pair)

    e, a, p = MirrorEnrolment, MirrorRoleAssignment, MirrorParticipation
    enrolments = select(e.site_id, e.course_id, e.moodle_user_id, e.present, e.status, e.timestart, e.timeend)
    for site, course, user, present, status, start, end in session.execute(enrolments.where(of_pairs(e))):
        for seen, inside in by_pair[(site, course, user)]:
            seen.enrolments.append((present and inside, status, start, end))
    roles = select(a.site_id, a.course_id, a.moodle_user_id, a.present, MirrorRole.shortname).outerjoin(
        MirrorRole, (MirrorRole.site_id == a.site_id) & (MirrorRole.role_id == a.role_id)
    )
    for site, course, user, present, name in session.execute(roles.where(of_pairs(a))):
        for seen, inside in by_pair[(site, course, user)]:
            seen.roles.append((present and inside, name))
    read = select(p.site_id, p.course_id, p.moodle_user_id).where(func.extract("epoch", p.read_at) > 0)
    for site, course, user in session.execute(read.where(of_pairs(p))):
        for seen, _ in by_pair[(site, course, user)]:
            seen.read = True
    return found


def _behind(
    session: Session, memberships: Mapping[UUID, Participation]
) -> dict[PairKey, list[tuple[Participation, bool]]]:
    """Whose participation a user's rows in a course are; and whether the user is in the group, where a group is the
    community. A group that the user never was in has no part in it."""
    # Of a community without courses, or a person without an account there, the rest is None.
    places: Sequence[Any] = session.execute(
        select(
            Membership.id,
            CommunityCourse.site_id,
            CommunityCourse.course_id,
            CommunityCourse.group_id,
            Account.moodle_user_id,
            Membership.merged_into,
        )
        .outerjoin(CommunityCourse, CommunityCourse.community_id == Membership.community_id)
        .outerjoin(Account, (Account.person_id == Membership.person_id) & (Account.site_id == CommunityCourse.site_id))
        .where(among(Membership.id, memberships))
    ).all()
    g = MirrorGroupMember
    named = {(site, group, user) for _, site, _, group, user, _ in places if group and user}
    members = select(g.site_id, g.group_id, g.moodle_user_id, g.present)
    inside = {
        (site, group, user): present
        for site, group, user, present in session.execute(
            members.where(among((g.site_id, g.group_id, g.moodle_user_id), named))
        )
    }
    found: dict[PairKey, list[tuple[Participation, bool]]] = {}
    for membership, site, course, group, user, merged_into in places:
        if site is None or merged_into:
            # A community that lost its courses to another one: nobody is in it. Nor is who turned out to be another.
            memberships[membership].read = True
        elif user is not None and (not group or (site, group, user) in inside):
            here = not group or inside[(site, group, user)]
            found.setdefault((site, course, user), []).append((memberships[membership], here))
            memberships[membership].read |= not here
    return found


def belonging() -> Select[UUID, UUID, int]:
    """(community, site, Moodle user) of everybody who is or was in a community's courses, or in the groups that are
    the community. To be narrowed by conditions on `CommunityCourse` and `MirrorParticipation`."""
    c, p, g = CommunityCourse, MirrorParticipation, MirrorGroupMember
    in_group = exists().where(g.site_id == c.site_id, g.group_id == c.group_id, g.moodle_user_id == p.moodle_user_id)
    return (
        select(c.community_id, p.site_id, p.moodle_user_id)
        .join(p, (p.site_id == c.site_id) & (p.course_id == c.course_id))
        .where(or_(c.group_id == 0, in_group))
    )


def ensure_memberships(session: Session, wanted: Iterable[tuple[UUID, UUID]]) -> None:
    """Memberships for (community, person) pairs that have none yet, with the person's affiliation."""
    pairs = sorted(set(wanted), key=str)
    held = select(Membership.community_id, Membership.person_id).where(
        among((Membership.community_id, Membership.person_id), pairs)
    )
    known = {(community, person) for community, person in session.execute(held)} if pairs else set()
    rows = [
        {"id": uuid7(), "community_id": community, "person_id": person}
        for community, person in pairs
        if (community, person) not in known
    ]
    if rows:
        session.execute(insert(Membership).on_conflict_do_nothing(), rows)
        refresh_affiliations(session, select(Membership.id).where(among(Membership.id, [row["id"] for row in rows])))


def refresh_memberships(session: Session, pairs: Iterable[PairKey]) -> None:
    """Make a membership of every user who is or was in a community, by what is known of these users in these
    courses; and mark all memberships of those persons for reconciling."""
    p = MirrorParticipation
    known = set(pairs)
    if not known:
        return
    found = session.execute(belonging().where(among((p.site_id, p.course_id, p.moodle_user_id), known))).all()
    accounts = ensure_accounts(session, {(site, user) for _, site, user in found})
    owners = session.execute(select(Account.id, Account.person_id).where(among(Account.id, accounts.values())))
    persons = {account: person for account, person in owners}  # noqa: C416 - dict() of rows has no type
    ensure_memberships(session, {(community, persons[accounts[(site, user)]]) for community, site, user in found})
    users = {(site, user) for site, _, user in known}
    mark_dirty(session, _of_users(users))


def refresh_users(session: Session, users: Iterable[AccountKey]) -> None:
    """Bring the affiliations of Moodle users in line with what their accounts say."""
    wanted = set(users)
    if wanted:
        refresh_affiliations(session, _of_users(wanted))


def _of_users(users: Iterable[AccountKey]) -> Select[UUID]:
    """All memberships of the persons behind Moodle users."""
    a = Account
    persons = select(a.person_id).where(among((a.site_id, a.moodle_user_id), set(users)))
    return select(Membership.id).where(Membership.person_id.in_(persons))


def of_persons(persons: Any) -> Select[UUID]:
    """All memberships of persons, given as a SELECT of their ids: what counts in one community, a transfer and what
    a newcomer has to do depend on the others, too."""
    return select(Membership.id).where(Membership.person_id.in_(persons))


def hold_memberships(session: Session, users: Iterable[AccountKey], others: Select[UUID]) -> None:
    """Lock all memberships of the persons behind Moodle users, and others, in one order: whoever marks several of
    them one after another would else wait in a circle with somebody who does so in another order."""
    m = Membership
    session.execute(
        select(m.id).where(m.id.in_(_of_users(users).union(others))).order_by(m.id).with_for_update(key_share=True)
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


def mark_persons(session: Session, members: Select[UUID]) -> int:
    """Mark all memberships of the persons who have one of these memberships, given as a SELECT of their ids."""
    own = aliased(Membership)
    return mark_dirty(session, of_persons(select(own.person_id).where(own.id.in_(members))))


def mark_courses(session: Session, courses: Iterable[tuple[UUID, int]]) -> None:
    """Mark every membership of whoever is in a community of these courses."""
    wanted = set(courses)
    if wanted:
        c = CommunityCourse
        communities = select(c.community_id).where(among((c.site_id, c.course_id), wanted))
        mark_persons(session, select(Membership.id).where(Membership.community_id.in_(communities)))


def mark_sites(session: Session, sites: set[UUID]) -> None:
    """Mark every membership of whoever is in a community of sites on which a role got its name, or another one."""
    if sites:
        communities = select(CommunityCourse.community_id).where(CommunityCourse.site_id.in_(sites))
        mark_persons(session, select(Membership.id).where(Membership.community_id.in_(communities)))


def mark_program(session: Session, program_id: UUID) -> int:
    """Mark every membership of a program's people, after another version of it was loaded."""
    return mark_persons(session, select(Membership.id).join(Community).where(Community.program_id == program_id))
