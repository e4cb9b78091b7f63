"""What is known of members beside their hours: newcomer or not, job role, organisation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mappings.facts import Member
from mappings.facts import Organisation as Affiliation
from mappings.program import Program, ProgramVersion
from records.affiliations import job_roles
from records.keys import among
from records.models import (
    Account,
    Binding,
    CommunityCourse,
    FactRow,
    Membership,
    MirrorCourse,
    Organisation,
)
from records.programs import newest


def members_of(
    session: Session, rows: Sequence[Any], versions: Mapping[UUID, tuple[ProgramVersion, ...]]
) -> dict[UUID, Member]:
    """Members by membership; `rows` are (membership, community)."""
    programs = {m.id: newest(versions[c.program_id]) for m, c in rows}
    organisations = affiliations(session, {m.organisation_id for m, _ in rows if m.organisation_id})
    roles = _job_roles(session, programs)
    asked = [m.id for m, _ in rows if any(r.only.newcomers for r in programs[m.id].requirements)]
    old = _not_new(session, asked, programs) if asked else set()
    return {
        m.id: Member(
            newcomer=m.id in asked and m.id not in old,
            job_role=roles.get(m.id),
            organisation=organisations.get(m.organisation_id) if m.organisation_id else None,
        )
        for m, _ in rows
    }


def affiliations(session: Session, ids: Iterable[UUID]) -> dict[UUID, Affiliation]:
    """Organisations as the engine reads them."""
    parent = aliased(Organisation)
    rows = session.execute(
        select(Organisation, parent.code)
        .outerjoin(parent, parent.id == Organisation.parent_id)
        .where(among(Organisation.id, ids))
    )
    return {o.id: Affiliation(o.code, o.kind, o.level, o.designation, o.designated_on, above) for o, above in rows}


def _job_roles(session: Session, programs: Mapping[UUID, Program]) -> dict[UUID, str]:
    """The job role of each member whose account says one of the program's."""
    asked = [membership for membership, program in programs.items() if program.profile.job_role]
    said = job_roles(session, asked) if asked else {}
    return {m: role for m, role in said.items() if any(role == known.code for known in programs[m].job_roles)}


def _not_new(session: Session, memberships: Sequence[UUID], programs: Mapping[UUID, Program]) -> set[UUID]:
    """Who had a membership in a community that began earlier, or has completed the like in another one."""
    return _earlier(session, memberships) | _oriented(session, memberships, programs)


def _began() -> Any:
    """When communities began: the first day of their courses, else when they were first seen."""
    c, course = CommunityCourse, MirrorCourse
    return (
        select(c.community_id, func.min(func.coalesce(course.startdate, c.basis_as_of)).label("at"))
        .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id))
        .group_by(c.community_id)
        .subquery()
    )


def _earlier(session: Session, memberships: Sequence[UUID]) -> set[UUID]:
    mine, other = aliased(Membership), aliased(Membership)
    here, there = _began(), _began()
    rows = session.scalars(
        select(mine.id)
        .join(other, (other.person_id == mine.person_id) & (other.id != mine.id))
        .join(here, here.c.community_id == mine.community_id)
        .join(there, there.c.community_id == other.community_id)
        .where(among(mine.id, memberships), there.c.at < here.c.at)
    )
    return set(rows)


def _oriented(session: Session, memberships: Sequence[UUID], programs: Mapping[UUID, Program]) -> set[UUID]:
    """Who has completed, in another course of the site, an activity that newcomers are asked for."""
    rules: dict[UUID, set[str]] = {}
    for membership in memberships:
        asked = (r.activities for r in programs[membership].requirements if r.only.newcomers)
        rules[membership] = {rule for needed in asked if needed for rule in needed.rules}
    f, b, c = FactRow, Binding, CommunityCourse
    rows = session.execute(
        select(Membership.id, b.rule, f.course_id, c.course_id)
        .join(Account, Account.person_id == Membership.person_id)
        .join(c, (c.community_id == Membership.community_id) & (c.site_id == Account.site_id))
        .join(f, (f.account_id == Account.id) & (f.course_id != c.course_id))
        .join(b, (b.site_id == f.site_id) & (b.module_id == f.module_id) & (b.status == "active"))
        .where(
            among(Membership.id, memberships),
            f.superseded_at.is_(None),
            f.state.in_((1, 2)),
            func.coalesce(f.ended, "") != "undone",
            b.rule.in_({rule for named in rules.values() for rule in named}),
        )
    )
    return {membership for membership, rule, _, _ in rows if rule in rules[membership]}
