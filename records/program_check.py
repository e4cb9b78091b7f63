"""What a program file means for the courses that are known: a look before it is loaded. Changes nothing."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mappings.course_check import CommunityForm, CourseActivity, PlannedSession, course_findings
from mappings.findings import Finding
from mappings.matching import CourseForm, Placement, has_groups, place_course
from mappings.program import Program
from mappings.source import Source
from records.keys import among
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    MirrorCourse,
    MirrorGroup,
    MirrorModule,
    ProgramRow,
    SessionRow,
    SharedSession,
    Site,
)
from records.module_forms import activity_of

CourseKey = tuple[UUID, int]
Place = tuple[str, str, str]
"""Of a community to be: topic, region, and what its courses share."""


def check_courses(session: Session, program: Program, source: Source) -> list[Finding]:
    """Warnings about the program's courses, and those that the file would make communities of."""
    courses = _courses(session)
    held = _communities(session, program.program, courses)
    forms = [
        CommunityForm(
            tuple(sorted({courses[key][0] for key in keys})),
            community.topic,
            community.region,
            _activities(session, courses, keys, community.id),
            _sessions(session, community.id),
        )
        for community, keys in held
    ]
    taken = {
        (site, course) for site, course in session.execute(select(CommunityCourse.site_id, CommunityCourse.course_id))
    }
    to_be, refused = _placements(session, program, {k: c for k, c in courses.items() if k not in taken})
    forms += [
        CommunityForm(
            tuple(sorted(courses[key][0] for key in keys)), topic, region, _activities(session, courses, keys)
        )
        for (topic, region, _), keys in to_be.items()
    ]
    return course_findings(program, source, sorted(forms, key=lambda form: form.courses), refused)


def _courses(session: Session) -> dict[CourseKey, tuple[str, CourseForm]]:
    """The courses that are there: what people know each by, and what patterns look at."""
    rows = session.execute(
        select(MirrorCourse, Site.slug)
        .join(Site, Site.id == MirrorCourse.site_id)
        .where(MirrorCourse.present)
        .order_by(MirrorCourse.site_id, MirrorCourse.course_id)
    ).all()
    several = len({slug for _, slug in rows}) > 1
    found = {}
    for course, slug in rows:
        fields = {name: str(value) for name, value in course.fields.items()}
        form = CourseForm(course.idnumber, course.shortname, course.category_idnumber, fields, slug)
        name = course.idnumber or course.shortname
        found[course.site_id, course.course_id] = (f"{slug}:{name}" if several else name, form)
    return found


def _communities(
    session: Session, program: str, courses: Iterable[CourseKey]
) -> list[tuple[Community, list[CourseKey]]]:
    """The program's communities with their courses; those whose courses are all gone are left out."""
    rows = session.execute(
        select(Community, CommunityCourse.site_id, CommunityCourse.course_id)
        .join(CommunityCourse, CommunityCourse.community_id == Community.id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(ProgramRow.code == program)
        .order_by(Community.id, CommunityCourse.site_id, CommunityCourse.course_id)
    )
    there = set(courses)
    found: dict[UUID, tuple[Community, list[CourseKey]]] = {}
    for community, site_id, course_id in rows:
        if (site_id, course_id) in there:
            found.setdefault(community.id, (community, []))[1].append((site_id, course_id))
    return list(found.values())


def _placements(
    session: Session, program: Program, courses: dict[CourseKey, tuple[str, CourseForm]]
) -> tuple[dict[Place, list[CourseKey]], list[tuple[str, Placement]]]:
    """What the file would make of courses, or of groups in them, that are no communities yet; and what it refuses."""
    placed: dict[Place, list[CourseKey]] = {}
    refused: list[tuple[str, Placement]] = []
    for key, (name, form) in courses.items():
        groups = _groups(session, key) if has_groups(program, form) else []
        for group in (None, *groups):
            place = place_course(program, form, group)
            if place is None:
                continue
            if place.refusal:
                refused.append((f"{name} (group {group})" if group else name, place))
            else:
                # Without a key of its own each course or group is a community of its own.
                own = place.key or f"{key[0]}:{key[1]}:{group or ''}"
                placed.setdefault((place.topic, place.region, own), []).append(key)
    return placed, refused


def _groups(session: Session, course: CourseKey) -> list[str]:
    """The ID numbers of a course's groups."""
    found = session.scalars(
        select(MirrorGroup.idnumber)
        .where(
            MirrorGroup.site_id == course[0],
            MirrorGroup.course_id == course[1],
            MirrorGroup.present,
            MirrorGroup.idnumber != "",
        )
        .order_by(MirrorGroup.idnumber)
    )
    return list(found)


def _activities(
    session: Session,
    courses: dict[CourseKey, tuple[str, CourseForm]],
    keys: Iterable[CourseKey],
    community_id: UUID | None = None,
) -> tuple[CourseActivity, ...]:
    """The activities of courses, in the form that counts: the bound one, else the present one. Which session of the
    community one stands for is told with it."""
    m, b, made_up = MirrorModule, Binding, aliased(SessionRow)
    bound = (b.site_id == m.site_id) & (b.module_id == m.module_id) & (b.status == "active")
    stands_for = (
        (SessionRow.module_site_id == m.site_id)
        & (SessionRow.module_id == m.module_id)
        & (SessionRow.community_id == community_id)
    )
    rows = session.execute(
        select(m, b, func.coalesce(made_up.code, SessionRow.code))
        .outerjoin(b, bound)
        .outerjoin(SessionRow, stands_for)
        .outerjoin(made_up, made_up.id == SessionRow.makes_up)
        .where(m.present, among((m.site_id, m.course_id), keys))
        .order_by(m.site_id, m.course_id, m.section_number, m.module_id)
    )
    found = []
    for module, binding, code in rows:
        declared = activity_of(module)
        activity = replace(activity_of(binding), declared=declared.declared) if binding else declared
        name = courses[module.site_id, module.course_id][0]
        found.append(CourseActivity(name, activity, module.tracking > 0, code))
    return tuple(found)


def _sessions(session: Session, community_id: UUID) -> tuple[PlannedSession, ...]:
    """The sessions of a community, its own and those that it shares, without those that were cancelled."""
    shared = select(SharedSession.session_id).where(SharedSession.community_id == community_id)
    s, made_up = SessionRow, aliased(SessionRow)
    rows = session.execute(
        # Who makes a session up does the same thing again.
        select(func.coalesce(made_up.code, s.code), s.mode, s.kind, s.planned_minutes)
        .outerjoin(made_up, made_up.id == s.makes_up)
        .where((s.community_id == community_id) | s.id.in_(shared), s.cancelled_at.is_(None))
        .order_by(s.starts_at, s.code)
    )
    return tuple(PlannedSession(*row) for row in rows)
