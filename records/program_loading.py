"""Load a program file: another version, and what follows for courses, bindings and memberships known already."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.loading import parse_program
from mappings.matching import Placement
from records import audit
from records.actor import Actor
from records.communities import CourseSeen, decide_bindings, place_courses, placements
from records.memberships import mark_program
from records.models import Community, CommunityCourse, MirrorCourse, MirrorModule
from records.programs import add_version

CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a file did."""

    program: str
    number: int
    new: bool
    """False: this very text is a version already; nothing was done."""
    placed: int = 0
    """Courses that became communities by it."""
    marked: int = 0
    """Memberships whose hours are computed again."""
    refused: list[tuple[str, Placement]] = field(default_factory=list)
    """Courses that look like a community of the program and are none: idnumber, and why."""


def load_version(session: Session, source: str, name: str, *, actor: Actor) -> Loaded:
    """Store a program file and apply it to what is mirrored already. Raises ProgramError."""
    version, new = add_version(session, source, name)
    code = parse_program(source, name).program
    if not new:
        return Loaded(code, version.number, new=False)
    courses = list(session.scalars(select(MirrorCourse).where(MirrorCourse.present, MirrorCourse.idnumber != "")))
    seen = [CourseSeen((c.site_id, c.course_id), c.idnumber, c.as_of) for c in courses]
    placed = place_courses(session, seen)
    modules = session.execute(
        select(MirrorModule.site_id, MirrorModule.module_id)
        .join(
            CommunityCourse,
            (CommunityCourse.site_id == MirrorModule.site_id) & (CommunityCourse.course_id == MirrorModule.course_id),
        )
        .join(Community, Community.id == CommunityCourse.community_id)
        .where(Community.program_id == version.program_id)
        .order_by(MirrorModule.site_id, MirrorModule.module_id)
    ).all()
    for start in range(0, len(modules), CHUNK):
        decide_bindings(session, [(site, module) for site, module in modules[start : start + CHUNK]])
    marked = mark_program(session, version.program_id)
    audit.record(session, actor, "program.loaded", str(version.id), after={"program": code, "version": version.number})
    refused = [
        (course.idnumber, placement)
        for course in courses
        for claimant, placement in placements(session, course.idnumber)
        if claimant == version.program_id and placement.refusal
    ]
    return Loaded(code, version.number, True, len(placed), marked, sorted(refused, key=lambda item: item[0]))
