"""A community: its activities and what they earn, its sessions; its people are in records.queries.members."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from mappings.facts import Hours
from mappings.matching import hours_taken, rule_for
from mappings.places import Particulars
from mappings.program import Program, ProgramVersion
from records.actor import Actor, in_scope
from records.continuing import continued
from records.keys import among
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
    SharedSession,
)
from records.module_forms import activity_of, declared_hours
from records.programs import newest, versions_by_program
from records.queries.adoptions import Adoption, waiting_copies

NEXT, LAST = 3, 5
"""So many sessions are shown: of those to come, and of those that were."""


@dataclass(frozen=True, slots=True)
class Earning:
    """What an activity earns, by which rule."""

    rule: str
    minutes: int
    component: str
    from_moodle: bool = False
    """The hours are those of the activity's form in Moodle."""
    to_be_set: bool = False
    """The program file has yet to state the minutes, which are none until then."""


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
class Meetings:
    """The next and the last sessions of a community, in the order of their beginnings, and how many there are."""

    coming: list[Meeting]
    held: list[Meeting]
    count: int


@dataclass(frozen=True, slots=True)
class CommunityPage:
    """What a community's page shows beside its people (records.queries.members) and sessions."""

    id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    courses: list[str]
    activities: list[ActivityLine]
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
        _activities(session, keys, versions),
        waiting_copies(session, keys),
        program.of_community(row.topic, row.region, tuple(place.idnumber for place in places)),
    )


def names_of(session: Session, persons: Iterable[UUID]) -> dict[UUID, tuple[str, int]]:
    """Each person's name and Moodle user id, from the first account that has a name, else the first.

    Of an erased person the name is empty and the id negative.
    """
    rows = session.execute(
        select(Account.person_id, Account.firstname, Account.lastname, Account.moodle_user_id)
        .where(among(Account.person_id, set(persons)))
        .order_by(Account.person_id, (Account.firstname + Account.lastname) == "", ~Account.present, Account.id)
    )
    found: dict[UUID, tuple[str, int]] = {}
    for person, first, last, moodle_user_id in rows:
        found.setdefault(person, (f"{first} {last}".strip(), moodle_user_id))
    return found


def _earning(versions: Sequence[ProgramVersion], form: Binding | None, declared: Hours | None) -> Earning | None:
    """What a form earns by the newest version that knows it, with the hours that Moodle's form declares."""
    if form is None:
        return None
    activity = replace(activity_of(form), declared=declared)
    for version in reversed(versions):
        rule = rule_for(version.program, activity)
        if rule:
            stated = hours_taken(version.program, activity) is not None
            to_be_set = rule.minutes == "to_be_set"
            return Earning(rule.rule, rule.worth, rule.component, from_moodle=stated, to_be_set=to_be_set)
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


def meetings_of(session: Session, community_id: UUID, program: Program, now: datetime) -> Meetings:
    """The next and the last sessions of a community, those of other communities that are shared with it among them."""
    s = SessionRow
    shared = select(SharedSession.session_id).where(SharedSession.community_id == community_id)
    own = (s.community_id == community_id) | s.id.in_(shared)
    coming = session.scalars(select(s).where(own, s.starts_at >= now).order_by(s.starts_at, s.code).limit(NEXT)).all()
    past = select(s).where(own, s.starts_at < now).order_by(s.starts_at.desc(), s.code.desc()).limit(LAST)
    held = session.scalars(past).all()[::-1]
    count = session.scalar(select(func.count()).select_from(s).where(own)) or 0
    there = _there(session, community_id, [row.id for row in (*coming, *held)])
    components: dict[str, str] = {str(mode): component for mode, component in program.attendance.components.items()}

    def shown(row: SessionRow) -> Meeting:
        return Meeting(
            row.id,
            row.title,
            row.starts_at,
            row.timezone,
            row.mode,
            components.get(row.mode),
            there.get(row.id, 0),
            row.cancelled_at is not None,
            row.code,
        )

    return Meetings([shown(row) for row in coming], [shown(row) for row in held], count)


def _there(session: Session, community_id: UUID, sessions: Sequence[UUID]) -> dict[UUID, int]:
    """How many members of the community were at each session."""
    f, m = FactRow, Membership
    rows = session.execute(
        select(f.session_id, func.count(func.distinct(m.id)))
        .join(Account, Account.id == f.account_id)
        .join(m, (m.person_id == Account.person_id) & (m.community_id == community_id) & m.merged_into.is_(None))
        .where(f.session_id.in_(sessions), f.superseded_at.is_(None), f.minutes > 0)
        .group_by(f.session_id)
    )
    return {session_id: count for session_id, count in rows if session_id}
