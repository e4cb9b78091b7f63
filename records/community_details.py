"""A community's time zone and host, by the program file and its courses as they are known now."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from mappings.matching import CourseForm, place_course
from mappings.places import Particulars
from mappings.program import Program
from records.affiliations import organisations_named
from records.claims import CourseKey, CourseSeen
from records.keys import among
from records.memberships import mark_dirty
from records.models import Community, CommunityCourse, Membership, MirrorCourse, MirrorGroup, Site
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class _Place:
    """A course, or a group in it, that a community has."""

    form: CourseForm
    group_idnumber: str | None


def refresh_details(session: Session, courses: Iterable[CourseKey] | None = None) -> None:
    """Bring time zone and host of the communities of these courses (left out: of all) in line with program, courses
    and organisations. Marks the members where one changed."""
    c = CommunityCourse
    only = None if courses is None else set(courses)
    if only is not None and not only:
        return
    wanted = select(Community).order_by(Community.id)
    if only is not None:
        behind = select(c.community_id).where(among((c.site_id, c.course_id), only))
        wanted = wanted.where(Community.id.in_(behind))
    communities = session.scalars(wanted.execution_options(populate_existing=True)).all()
    places = _places(session, [community.id for community in communities])
    programs = {program_id: newest(versions) for program_id, versions in versions_by_program(session).items()}
    said: dict[UUID, tuple[str, str | None]] = {}
    for community in communities:
        said[community.id] = _details(programs[community.program_id], community, places.get(community.id, []))
    hosts = organisations_named(session, {host for _, host in said.values() if host})
    changed = set()
    for community in communities:
        timezone, code = said[community.id]
        details = (timezone, hosts.get(code or ""))
        if details != (community.timezone, community.host_id):
            community.timezone, community.host_id = details
            changed.add(community.id)
    session.flush()
    if changed:
        mark_dirty(session, select(Membership.id).where(among(Membership.community_id, changed)))


def link_hosts(session: Session) -> None:
    """Have communities be hosted by organisations that are known by now."""
    refresh_details(session)


def _places(session: Session, communities: Iterable[UUID]) -> dict[UUID, list[_Place]]:
    """What each community has, the one that was placed by the earliest reading first."""
    c, course, group = CommunityCourse, MirrorCourse, MirrorGroup
    rows = session.execute(
        select(c.community_id, course, Site.slug, group.idnumber, c.group_id)
        .join(course, and_(course.site_id == c.site_id, course.course_id == c.course_id))
        .join(Site, Site.id == c.site_id)
        .outerjoin(group, and_(group.site_id == c.site_id, group.group_id == c.group_id))
        .where(among(c.community_id, list(communities)))
        .order_by(c.basis_as_of, Site.slug, c.course_id, c.group_id)
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, list[_Place]] = {}
    for community, row, slug, idnumber, group_id in rows:
        form = CourseSeen.of_mirror(row).form(slug)
        found.setdefault(community, []).append(_Place(form, (idnumber or "") if group_id else None))
    return found


def _details(program: Program, community: Community, places: list[_Place]) -> tuple[str, str | None]:
    """Time zone, and the code of the host."""
    idnumbers = tuple(dict.fromkeys(place.form.idnumber for place in places))
    parts = program.of_community(community.topic, community.region, idnumbers)
    return _last_timezone(parts) or program.timezone, _last_host(parts) or _named_host(program, places)


def _last_timezone(parts: list[Particulars]) -> str | None:
    return next((part.timezone for part in reversed(parts) if part.timezone), None)


def _last_host(parts: list[Particulars]) -> str | None:
    return next((part.host for part in reversed(parts) if part.host), None)


def _named_host(program: Program, places: list[_Place]) -> str | None:
    """The host that a course's or group's own name says."""
    placements = (place_course(program, place.form, place.group_idnumber) for place in places)
    return next((placement.host for placement in placements if placement and placement.host), None)
