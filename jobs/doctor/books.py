"""What our own records say of a site, read at once: no transaction stays open while Moodle is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.identities import naming_anybody
from records.inbox import SWEEP
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    IgnoredCount,
    InboxItem,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorModule,
    Site,
    Sweep,
)
from records.programs import newest, versions_by_program
from records.queries.nudges import sent_in_moodle
from records.secrets import Purpose, SecretError, active_secrets
from records.stuck import Stuck, stuck

COMPLETERS = 3
PINGED = "\\local_copbridge\\event\\bridge_pinged"


@dataclass(frozen=True, slots=True)
class Module:
    """An activity that the mirror says is there. `rule` is the one by which its counting form earns."""

    id: int
    kind: str
    name: str
    section: str
    idnumber: str
    visible: bool
    tracking: int
    rule: str | None


@dataclass(slots=True)
class CourseBooks:
    """A course that is a community, or the home of some."""

    id: int
    name: str
    idnumber: str
    visible: bool
    present: bool
    programs: list[Program] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    completers: list[int] = field(default_factory=list)
    """Moodle ids of a few people with many completions."""
    enrolled: list[int] = field(default_factory=list)
    """Moodle ids of a few who are enrolled."""
    swept_at: datetime | None = None
    sweep_error: str = ""
    """Of the last sweep that ended, where it failed, or of the one that is being tried again."""


@dataclass(frozen=True, slots=True)
class Books:
    """A site in the records."""

    site_id: UUID
    slug: str
    wwwroot: str
    created_at: datetime
    epoch: UUID | None
    """Of the sender whose events are taken; None: none has sent any."""
    token: str = field(repr=False)
    """Empty: there is none."""
    has_wire_secret: bool
    secrets_error: str
    refused_wwwroot: str | None
    refused_at: datetime | None
    last_event_at: datetime | None
    """When something last came that wasn't a sweep of ours."""
    stuck: Sequence[Stuck]
    pending_since: datetime | None
    courses: Mapping[int, CourseBooks]
    kinds: frozenset[str]
    programs: Sequence[Program]
    doubled_idnumbers: Sequence[str]
    """Of courses of the site."""
    messages: tuple[int, int]
    """Messages to participants that were to go by the site lately, and those of them that Moodle refused."""
    naming_anybody: Sequence[str]
    """Codes of providers of sign-ins that are held to no domain: of the installation, not of the site."""


def read_books(session: Session, site: Site, encryption_key: SecretStr) -> Books:
    """All that the checks want to know of a site."""
    token, wire, error = _secrets(session, site, encryption_key)
    courses = _courses(session, site.id)
    _modules(session, site.id, courses)
    _people(session, site.id, courses)
    _sweeps(session, site.id, courses)
    kinds = session.scalars(
        select(MirrorModule.modname).distinct().where(MirrorModule.site_id == site.id, MirrorModule.present)
    )
    return Books(
        site_id=site.id,
        slug=site.slug,
        wwwroot=site.wwwroot,
        created_at=site.created_at,
        epoch=site.epoch,
        token=token,
        has_wire_secret=wire,
        secrets_error=error,
        refused_wwwroot=site.refused_wwwroot if site.refused_epoch else None,
        refused_at=site.refused_at,
        last_event_at=_last_event(session, site.id),
        stuck=stuck(session, site_id=site.id),
        pending_since=session.scalar(
            select(func.min(InboxItem.due_at)).where(InboxItem.site_id == site.id, InboxItem.status == "pending")
        ),
        courses=courses,
        kinds=frozenset(kinds),
        programs=[newest(versions) for versions in versions_by_program(session).values()],
        doubled_idnumbers=_doubled(session, site.id),
        naming_anybody=naming_anybody(session),
        messages=sent_in_moodle(session, site.id),
    )


def _secrets(session: Session, site: Site, key: SecretStr) -> tuple[str, bool, str]:
    """(the newest token, whether there is a secret for the wire, why they can't be read)."""
    try:
        tokens = active_secrets(session, site.id, Purpose.WEB_SERVICES, key)
        wire = [*active_secrets(session, site.id, Purpose.WIRE, key)]
        wire += active_secrets(session, site.id, Purpose.LOCAL_WEBHOOKS, key)
    except SecretError as err:
        return "", False, str(err)
    return tokens[0] if tokens else "", bool(wire), ""


def pings(session: Session, site_id: UUID) -> int:
    """How many of the plugin's pings have come, at this moment: nothing but their number is kept."""
    i = IgnoredCount
    return session.scalar(select(func.sum(i.count)).where(i.site_id == site_id, i.name == PINGED)) or 0


def _last_event(session: Session, site_id: UUID) -> datetime | None:
    i = InboxItem
    return session.scalar(select(func.max(i.received_at)).where(i.site_id == site_id, i.sender != SWEEP))


def _courses(session: Session, site_id: UUID) -> dict[int, CourseBooks]:
    c, course = CommunityCourse, MirrorCourse
    versions = versions_by_program(session)
    rows = session.execute(
        select(c.course_id, course.fullname, course.idnumber, course.visible, course.present, Community.program_id)
        .distinct()
        .join(Community, Community.id == c.community_id)
        .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id))
        .where(c.site_id == site_id)
        .order_by(c.course_id, Community.program_id)
    )
    found: dict[int, CourseBooks] = {}
    for number, name, idnumber, visible, present, program in rows:
        books = found.setdefault(number, CourseBooks(number, name, idnumber, visible, present))
        books.programs.append(newest(versions[program]))
    return found


def _modules(session: Session, site_id: UUID, courses: Mapping[int, CourseBooks]) -> None:
    m, b = MirrorModule, Binding
    active = (b.site_id == m.site_id) & (b.module_id == m.module_id) & (b.status == "active")
    rows = session.execute(
        select(m, b.rule)
        .outerjoin(b, active)
        .where(m.site_id == site_id, m.present, m.course_id.in_(list(courses)))
        .order_by(m.module_id)
    )
    for module, rule in rows:
        courses[module.course_id].modules.append(
            Module(
                module.module_id,
                module.modname,
                module.name,
                module.section_name,
                module.idnumber,
                module.visible,
                module.tracking,
                rule,
            )
        )


def _people(session: Session, site_id: UUID, courses: Mapping[int, CourseBooks]) -> None:
    c, e = MirrorCompletion, MirrorEnrolment
    for course in courses.values():
        rows = session.scalars(
            select(c.moodle_user_id)
            .where(c.site_id == site_id, c.course_id == course.id, c.present, c.state > 0)
            .group_by(c.moodle_user_id)
            .order_by(func.count().desc(), c.moodle_user_id)
            .limit(COMPLETERS)
        )
        course.completers += [user for user in rows if user > 0]
        enrolled = session.scalars(
            select(e.moodle_user_id)
            .where(e.site_id == site_id, e.course_id == course.id, e.present, e.status == 0, e.moodle_user_id > 0)
            .order_by(e.moodle_user_id.desc())
            .limit(COMPLETERS)
        )
        course.enrolled += list(enrolled)


def _sweeps(session: Session, site_id: UUID, courses: Mapping[int, CourseBooks]) -> None:
    s = Sweep
    rows = session.execute(
        select(s.course_id, s.status, s.finished_at, s.error)
        .where(s.site_id == site_id, s.course_id.in_(list(courses)))
        .order_by(s.course_id, s.asked_at, s.id)
    )
    for number, status, finished_at, error in rows:
        if number is not None and number in courses:
            courses[number].sweep_error = error
            if status == "done":
                courses[number].swept_at = finished_at


def _doubled(session: Session, site_id: UUID) -> list[str]:
    c = MirrorCourse
    rows = session.scalars(
        select(c.idnumber)
        .where(c.site_id == site_id, c.present, c.idnumber != "")
        .group_by(c.idnumber)
        .having(func.count() > 1)
        .order_by(c.idnumber)
    )
    return list(rows)
