"""A community: its people with their standings, its activities and what they earn, its sessions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from mappings.facts import Hours
from mappings.matching import hours_taken, rule_for
from mappings.outcomes import DONE
from mappings.places import Particulars
from mappings.program import Program, ProgramVersion
from mappings.standing import Status
from records.actor import Actor, in_scope
from records.continuing import continued
from records.models import (
    Account,
    Binding,
    Community,
    CommunityCourse,
    FactRow,
    Membership,
    MirrorCourse,
    MirrorGroup,
    MirrorModule,
    SessionRow,
    StandingRow,
)
from records.module_forms import activity_of, declared_hours
from records.programs import newest, versions_by_program
from records.queries.adoptions import Adoption, waiting_copies


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a community. `name` is empty while Moodle hasn't told it."""

    person_id: UUID
    name: str
    account: int
    """Moodle's user id, for who has no name yet; negative for who was erased."""
    role: str
    status: str
    minutes: int
    by_component: dict[str, int]
    standing: Status
    band_min: int | None
    band_max: int | None
    on_their_way: int
    open: int
    """Requirements that are neither met nor waived."""
    dirty: bool


@dataclass(frozen=True, slots=True)
class Earning:
    """What an activity earns, by which rule."""

    rule: str
    minutes: int
    component: str
    from_moodle: bool = False
    """The hours are those of the activity's form in Moodle."""


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """An activity of the course. `proposed`: its present form would earn `proposal` instead; staff decide."""

    name: str
    kind: str
    section: str
    tracked: bool
    visible: bool
    earning: Earning | None
    proposed: bool = False
    proposal: Earning | None = None
    proposed_name: str = ""
    proposed_section: str = ""
    continues: bool = False
    """It is in a copy of the course and goes on with an activity of the original: both earn once."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session, and how many of the community were there."""

    id: UUID
    title: str
    starts_at: datetime
    timezone: str
    mode: str
    component: str | None
    attended: int
    cancelled: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class CommunityPage:
    """All that a community's page shows."""

    id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    courses: list[str]
    members: list[Member]
    activities: list[ActivityLine]
    meetings: list[Meeting]
    copies: list[Adoption]
    """Copies of its courses that wait for a decision."""
    particulars: list[Particulars]
    """What the program says of this community only."""


def community(session: Session, actor: Actor, community_id: UUID) -> CommunityPage | None:
    """A community; None for one that doesn't exist and for one out of the actor's scope alike."""
    row = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if row is None:
        return None
    versions = versions_by_program(session)[row.program_id]
    program = newest(versions)
    places = session.execute(
        select(MirrorCourse.site_id, MirrorCourse.course_id, MirrorCourse.fullname, MirrorCourse.idnumber)
        .add_columns(MirrorGroup.name)
        .join(
            CommunityCourse,
            (CommunityCourse.site_id == MirrorCourse.site_id) & (CommunityCourse.course_id == MirrorCourse.course_id),
        )
        .outerjoin(
            MirrorGroup,
            (MirrorGroup.site_id == CommunityCourse.site_id) & (MirrorGroup.group_id == CommunityCourse.group_id),
        )
        .where(CommunityCourse.community_id == community_id)
        .order_by(MirrorCourse.fullname, MirrorGroup.name)
    ).all()
    keys = list(dict.fromkeys((place.site_id, place.course_id) for place in places))
    return CommunityPage(
        row.id,
        program,
        row.topic,
        row.region,
        row.timezone,
        [f"{place.fullname}: {place.name}" if place.name else place.fullname for place in places],
        _members(session, community_id),
        _activities(session, keys, versions),
        _meetings(session, community_id, program),
        waiting_copies(session, keys),
        program.of_community(row.topic, row.region, tuple(place.idnumber for place in places)),
    )


def names_of(session: Session, persons: Iterable[UUID]) -> dict[UUID, tuple[str, int]]:
    """Each person's name and Moodle user id, from the first account that has a name, else the first.

    Of an erased person the name is empty and the id negative.
    """
    rows = session.execute(
        select(Account.person_id, Account.firstname, Account.lastname, Account.moodle_user_id)
        .where(Account.person_id.in_(set(persons)))
        .order_by(Account.person_id, (Account.firstname + Account.lastname) == "", ~Account.present, Account.id)
    )
    found: dict[UUID, tuple[str, int]] = {}
    for person, first, last, moodle_user_id in rows:
        found.setdefault(person, (f"{first} {last}".strip(), moodle_user_id))
    return found


def _members(session: Session, community_id: UUID) -> list[Member]:
    rows = session.execute(
        select(Membership, StandingRow)
        .outerjoin(StandingRow, StandingRow.membership_id == Membership.id)
        .where(Membership.community_id == community_id, Membership.merged_into.is_(None))
    ).all()
    names = names_of(session, (m.person_id for m, _ in rows))
    return sorted((_member(m, s, *names.get(m.person_id, ("", 0))) for m, s in rows), key=_need)


def _member(m: Membership, s: StandingRow | None, name: str, account: int) -> Member:
    return Member(
        person_id=m.person_id,
        name=name,
        account=account,
        role=m.role,
        status=m.status,
        minutes=s.minutes if s else 0,
        by_component=s.by_component if s else {},
        standing=Status(s.status) if s else Status.NO_COMMITMENT,
        band_min=s.band_min if s else None,
        band_max=s.band_max if s else None,
        on_their_way=s.on_their_way if s else 0,
        open=sum(outcome["status"] not in DONE for outcome in s.outcomes) if s else 0,
        dirty=m.dirty_at is not None,
    )


IN_NEED = (
    *(Status.CANNOT_REACH, Status.BEHIND, Status.NOT_STARTED, Status.IN_PROGRESS),
    *(Status.ON_PACE, Status.NO_COMMITMENT, Status.MET, Status.ABOVE),
)
"""Who needs help comes first."""


def _need(member: Member) -> tuple[bool, int, int, str, int]:
    """Active people first, then by need, the furthest from the minimum first."""
    need = IN_NEED.index(member.standing)
    return (member.status != "active", need, member.minutes, member.name.casefold(), member.account)


def _earning(versions: Sequence[ProgramVersion], form: Binding | None, declared: Hours | None) -> Earning | None:
    """What a form earns by the newest version that knows it, with the hours that Moodle's form declares."""
    if form is None:
        return None
    activity = replace(activity_of(form), declared=declared)
    for version in reversed(versions):
        rule = rule_for(version.program, activity)
        if rule:
            stated = hours_taken(version.program, activity) is not None
            return Earning(rule.rule, rule.worth, rule.component, from_moodle=stated)
    return None


def _activities(
    session: Session, courses: list[tuple[UUID, int]], versions: tuple[ProgramVersion, ...]
) -> list[ActivityLine]:
    m, b = MirrorModule, Binding
    if not courses:
        return []
    modules = session.scalars(
        select(m)
        .where(m.present, tuple_(m.site_id, m.course_id).in_(courses))
        .order_by(m.site_id, m.course_id, m.section_number, m.module_id)
    ).all()
    forms = session.scalars(
        select(b).where(tuple_(b.site_id, b.course_id).in_(courses), b.status.in_(("active", "proposed")))
    )
    bound = {(str(form.site_id), form.module_id, form.status): form for form in forms}
    goes_on = continued(session, [(str(module.site_id), module.module_id) for module in modules])
    keys = [(str(module.site_id), module.module_id) for module in modules]
    declared = declared_hours(session, {(UUID(site), n) for key in keys for site, n in (key, goes_on.root(key))})
    lines = []
    for module in modules:
        key = (str(module.site_id), module.module_id)
        active = bound.get((*goes_on.root(key), "active"))
        offered = bound.get((*key, "proposed"))
        shown = active or module
        lines.append(
            ActivityLine(
                name=shown.name,
                kind=module.modname,
                section=shown.section_name,
                tracked=module.tracking > 0,
                visible=module.visible,
                earning=_earning(versions, active, declared.get((module.site_id, goes_on.root(key)[1]))),
                proposed=offered is not None,
                proposal=_earning(versions, offered, declared.get((module.site_id, module.module_id))),
                proposed_name=offered.name if offered else "",
                proposed_section=offered.section_name if offered else "",
                continues=key in goes_on.above,
            )
        )
    return lines


def _meetings(session: Session, community_id: UUID, program: Program) -> list[Meeting]:
    present = (FactRow.session_id == SessionRow.id) & FactRow.superseded_at.is_(None) & (FactRow.minutes > 0)
    rows = session.execute(
        select(SessionRow, func.count(FactRow.id))
        .outerjoin(FactRow, present)
        .where(SessionRow.community_id == community_id)
        .group_by(SessionRow.id)
        .order_by(SessionRow.starts_at, SessionRow.code)
    )
    components: dict[str, str] = {str(mode): component for mode, component in program.attendance.components.items()}
    return [
        Meeting(
            s.id,
            s.title,
            s.starts_at,
            s.timezone,
            s.mode,
            components.get(s.mode),
            n,
            s.cancelled_at is not None,
            s.code,
        )
        for s, n in rows
    ]
