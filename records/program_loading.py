"""Load a program file: another version, and what follows for courses, bindings and memberships known already."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.loading import parse_program
from mappings.matching import Placement
from mappings.program import Program, ProgramVersion, version_at
from records import audit, communities, mirror, presences, teams
from records.actor import Actor
from records.affiliations import refresh_affiliations
from records.claims import CourseKey, CourseSeen, GroupSeen, claimants, claims, forms_of, groups_of
from records.community_details import refresh_details
from records.keys import among
from records.memberships import mark_program
from records.models import Community, CommunityCourse, Membership, MirrorCourse, Presence, SessionRow
from records.module_forms import decide_bindings, modules_of
from records.programs import add_version, versions_by_program

CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a file did."""

    program: str
    number: int
    new: bool
    """False: this very text is a version already; nothing was done."""
    placed: int = 0
    """Courses in which something became a community by it."""
    marked: int = 0
    """Memberships whose hours are computed again."""
    refused: list[tuple[str, Placement]] = field(default_factory=list)
    """Courses and groups that look like a community of the program and are none: ID number, and why."""


def load_version(session: Session, source: str, name: str, *, actor: Actor, reason: str) -> Loaded:
    """Store a program file, with who applies it and why, and apply it to what is mirrored. Raises ProgramError."""
    # What is on its way is placed and bound by the version before, and seen here, or by this one.
    mirror.everywhere_alone(session)
    before = versions_by_program(session)
    version, new = add_version(session, source, name, applied_by=actor.name, reason=reason)
    code = parse_program(source, name).program
    if not new:
        return Loaded(code, version.number, new=False)
    courses = [CourseSeen.of_mirror(row) for row in session.scalars(select(MirrorCourse).where(MirrorCourse.present))]
    groups = groups_of(session, {course.key for course in courses})
    placed = communities.place(session, courses, groups)
    communities.settle(session, placed)
    _apply(session, version.program_id, groups)
    _judge_again(session, version.program_id, before.get(version.program_id, ()))
    marked = mark_program(session, version.program_id)
    audit.record(
        session,
        actor,
        "program.loaded",
        str(version.id),
        after={"program": code, "version": version.number, "reason": reason},
    )
    refused = _refused(session, version.program_id, courses, groups)
    return Loaded(code, version.number, True, len(placed), marked, refused)


def _judge_again(session: Session, program_id: UUID, before: tuple[ProgramVersion, ...]) -> None:
    """Have the facts of sessions be made anew whose attendance earns otherwise by the new version: which of several
    ways stands, and whether they disagree, depends on that."""
    if before:
        after = versions_by_program(session)[program_id]
        presences.touch(session, among(Presence.session_id, judged_otherwise(session, program_id, before, after)))


def judged_otherwise(
    session: Session, program_id: UUID, before: tuple[ProgramVersion, ...], after: tuple[ProgramVersion, ...]
) -> list[UUID]:
    """The program's sessions whose attendance is judged by other rules with the versions `after`."""
    s = SessionRow
    rows = session.execute(
        select(s.id, s.kind, s.starts_at)
        .join(Community, Community.id == s.community_id)
        .where(Community.program_id == program_id)
    )
    return [
        meeting
        for meeting, kind, at in rows
        if _judging(version_at(before, at).program, kind) != _judging(version_at(after, at).program, kind)
    ]


def _judging(program: Program, kind: str) -> tuple[object, ...]:
    """All that records.presences judges a session of a kind by."""
    return program.attendance, program.kinds_by_name.get(kind), program.rounding


def _apply(session: Session, program_id: UUID, groups: list[GroupSeen]) -> None:
    """What the version says of the courses that are the program's communities already."""
    c = CommunityCourse
    found = session.execute(
        select(c.site_id, c.course_id).distinct().join(Community).where(Community.program_id == program_id)
    )
    courses = {(site, course) for site, course in found}
    teams.place_teams(session, [group for group in groups if group.course in courses])
    teams.refresh_teams(session)
    modules = sorted(modules_of(session, courses), key=str)
    for start in range(0, len(modules), CHUNK):
        decide_bindings(session, modules[start : start + CHUNK])
    refresh_details(session, courses)
    refresh_affiliations(session, select(Membership.id).join(Community).where(Community.program_id == program_id))


def _refused(
    session: Session, program_id: UUID, courses: list[CourseSeen], groups: list[GroupSeen]
) -> list[tuple[str, Placement]]:
    """What the program looks at, and doesn't take."""
    programs = claimants(session)
    forms = forms_of(session, {course.key for course in courses})
    looked_at: list[tuple[CourseKey, str | None, str]] = [
        (course.key, None, course.idnumber or course.shortname) for course in courses
    ]
    looked_at += [(group.course, group.idnumber, group.idnumber) for group in groups]
    found = [
        (shown, placement)
        for course, group_idnumber, shown in looked_at
        if course in forms
        for claimant, placement in claims(programs, forms[course], group_idnumber)
        if claimant == program_id and placement.refusal
    ]
    return sorted(found, key=lambda item: item[0])
