"""What sweeps found that no event had told, and how far they are, by community."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.drift import Drift
from records.keys import among
from records.models import Binding, Community, CommunityCourse, DriftCount, MirrorCourse, MirrorModule, Site, Sweep
from records.sweeps import OPEN, has_token

SHOWN = timedelta(days=7)
"""Drift of so many days is counted together."""
GONE = re.compile(r"(\d+) of (\d+) participants would be gone")
"""The error of a sweep that found so many people missing that somebody has to look."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the latest sweep of a course ended, or its last turn did. `retry_at`: it is tried again by itself."""

    error: str
    site: str
    """The site's short name."""
    course: str
    """The course's idnumber; empty where it has none."""
    retry_at: datetime | None

    @property
    def gone(self) -> tuple[int, int] | None:
        """(People who would be gone, people before), where that is why: nobody was taken out."""
        found = GONE.fullmatch(self.error)
        return (int(found[1]), int(found[2])) if found else None


@dataclass(slots=True)
class SweepState:
    """How a community's courses were swept. `total` and `done` count people over all of its courses; 0 of 0 while
    nothing is being read."""

    drift: dict[Drift, int] = field(default_factory=dict)
    courses: int = 0
    """Those that are there in Moodle."""
    able: bool = True
    """Whether there is a web-services token for each."""
    site: str = ""
    """The short name of the site of the first of them."""
    finished_at: datetime | None = None
    """When all of its courses were last read to the end; None: one of them never was."""
    by_plugin: bool = False
    """The latest sweep of one of them went by the companion plugin."""
    running: bool = False
    waiting: bool = False
    done: int = 0
    total: int = 0
    failure: Failure | None = None

    def alerts(self, threshold: int) -> dict[Drift, int]:
        """The kinds that are so frequent that somebody should look."""
        return {kind: times for kind, times in self.drift.items() if times >= threshold}


@dataclass(frozen=True, slots=True)
class _Course:
    """One of a community's courses, with its latest sweep."""

    finished_at: datetime | None
    sweep: Sweep | None
    able: bool
    site: str
    idnumber: str


def zone_of(session: Session, actor: Actor, community: UUID) -> str | None:
    """A community's time zone; None for one that doesn't exist and for one out of the actor's scope alike."""
    return session.scalar(select(Community.timezone).where(Community.id == community, in_scope(actor)))


def sweep_states(session: Session, communities: Collection[UUID]) -> dict[UUID, SweepState]:
    """Of each community: its drift of the last days, its last whole sweep, and how far the present one is."""
    found = {community: SweepState() for community in communities}
    c = CommunityCourse
    here = select(c.community_id, c.site_id, c.course_id).where(among(c.community_id, found)).distinct().subquery()
    for community, kind, times in _drift(session, here):
        found[community].drift[kind] = times
    for community, of_courses in _latest(session, here).items():
        _tell(found[community], of_courses)
    return found


def _drift(session: Session, here: Subquery) -> list[tuple[UUID, Drift, int]]:
    d = DriftCount
    rows = session.execute(
        select(here.c.community_id, d.kind, func.sum(d.count))
        .join(d, (d.site_id == here.c.site_id) & (d.course_id == here.c.course_id))
        .where(d.day > func.current_date() - SHOWN.days)
        .group_by(here.c.community_id, d.kind)
        .order_by(here.c.community_id, func.sum(d.count).desc(), d.kind)
    )
    return [(community, Drift(kind), int(times)) for community, kind, times in rows]


def _latest(session: Session, here: Subquery) -> dict[UUID, list[_Course]]:
    """Of each community its courses that are there: when each was last read to the end, and its latest sweep."""
    s, course = Sweep, MirrorCourse
    same = (s.site_id == here.c.site_id) & (s.course_id == here.c.course_id)
    latest = select(s.id).where(same).order_by(s.asked_at.desc(), s.id.desc()).limit(1).scalar_subquery()
    finished = select(func.max(s.finished_at)).where(same, s.status == "done").scalar_subquery()
    rows = session.execute(
        select(here.c.community_id, finished, latest, has_token(here.c.site_id), Site.slug, course.idnumber)
        .join(course, (course.site_id == here.c.site_id) & (course.course_id == here.c.course_id) & course.present)
        .join(Site, Site.id == here.c.site_id)
        .order_by(here.c.community_id, Site.slug, here.c.course_id)
    ).all()
    sweeps = {row.id: row for row in session.scalars(select(s).where(among(s.id, {row[2] for row in rows if row[2]})))}
    found: dict[UUID, list[_Course]] = {}
    for community, moment, sweep, *rest in rows:
        found.setdefault(community, []).append(_Course(moment, sweeps.get(sweep), *rest))
    return found


def _tell(state: SweepState, of_courses: list[_Course]) -> None:
    moments = [course.finished_at for course in of_courses if course.finished_at]
    state.courses = len(of_courses)
    state.by_plugin = any(course.sweep is not None and course.sweep.way == "plugin" for course in of_courses)
    state.site = of_courses[0].site
    state.able = all(course.able for course in of_courses)
    state.finished_at = min(moments) if len(moments) == len(of_courses) else None
    for course in of_courses:
        sweep = course.sweep
        if sweep is None:
            continue
        state.failure = state.failure or _failure(course, sweep)
        if sweep.status in OPEN:
            # Between two turns, too; but not while it waits for another try.
            state.running |= sweep.started_at is not None and not _put_off(sweep)
            state.waiting |= sweep.started_at is None
            state.done += sweep.done
            state.total += sweep.total


def _put_off(sweep: Sweep) -> bool:
    return sweep.status == "due" and bool(sweep.error)


def _failure(course: _Course, sweep: Sweep) -> Failure | None:
    if sweep.status == "failed" or _put_off(sweep):
        return Failure(sweep.error, course.site, course.idnumber, None if sweep.status == "failed" else sweep.due_at)
    return None


def unmapped(session: Session, community: UUID) -> int:
    """How many activities that sweeps found to be new in a community earn nothing, though Moodle tracks them."""
    c, d, m, b = CommunityCourse, DriftCount, MirrorModule, Binding
    here = select(c.site_id, c.course_id).where(c.community_id == community).distinct().subquery()
    earns = select(b.id).where(
        b.site_id == m.site_id, b.module_id == m.module_id, b.status == "active", b.rule.is_not(None)
    )
    return session.scalars(
        select(func.count(m.module_id.distinct()))
        .select_from(here)
        .join(d, (d.site_id == here.c.site_id) & (d.course_id == here.c.course_id))
        .join(m, (m.site_id == d.site_id) & (m.module_id == d.module_id))
        .where(d.kind == str(Drift.NEW_ACTIVITY), d.day > func.current_date() - SHOWN.days)
        .where(m.present, m.tracking > 0, ~earns.exists())
    ).one()


def frequent(session: Session, threshold: int) -> list[tuple[UUID, Drift, int]]:
    """(Community, kind, how often) of all drift of the last days that is so frequent that somebody should look."""
    c = CommunityCourse
    here = select(c.community_id, c.site_id, c.course_id).distinct().subquery()
    return [row for row in _drift(session, here) if row[2] >= threshold]


def last_readings(session: Session, sites: Iterable[UUID]) -> dict[UUID, tuple[bool, datetime | None]]:
    """By site: whether it has a web-services token, and since when all of its communities were read to the end;
    None: one never was. Sites without communities are left out."""
    c, s, course = CommunityCourse, Sweep, MirrorCourse
    finished = (
        select(func.max(s.finished_at))
        .where(s.site_id == c.site_id, s.course_id == c.course_id, s.status == "done")
        .scalar_subquery()
    )
    each = (
        select(c.site_id, finished.label("finished_at"))
        .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id) & course.present)
        .where(among(c.site_id, set(sites)))
        .subquery()
    )
    rows = session.execute(
        select(each.c.site_id, func.min(each.c.finished_at), func.bool_and(each.c.finished_at.is_not(None)))
        .add_columns(has_token(each.c.site_id))
        .group_by(each.c.site_id)
    )
    return {site: (able, moment if whole else None) for site, moment, whole, able in rows}


def drift_by_course(session: Session, sites: Collection[UUID]) -> Counter[tuple[UUID, int, Drift]]:
    """All drift that is on the books of some sites; course 0: what is about accounts."""
    d = DriftCount
    rows = session.execute(
        select(d.site_id, d.course_id, d.kind, func.sum(d.count))
        .where(among(d.site_id, set(sites)))
        .group_by(d.site_id, d.course_id, d.kind)
    )
    return Counter({(site, course, Drift(kind)): int(times) for site, course, kind, times in rows})


@dataclass(frozen=True, slots=True)
class Finished:
    """How an asked-for sweep ended. `course` and `name` are those of Moodle; None and the site's name: its list."""

    course: int | None
    name: str
    status: str
    people: int
    calls: int
    way: str
    error: str


def finished(session: Session, sweeps: Collection[UUID]) -> list[Finished]:
    """The sweeps of these ids, the sites' lists first."""
    s, course = Sweep, MirrorCourse
    rows = session.execute(
        select(s.course_id, func.coalesce(course.fullname, Site.name), s.status, s.total, s.calls, s.way, s.error)
        .join(Site, Site.id == s.site_id)
        .outerjoin(course, (course.site_id == s.site_id) & (course.course_id == s.course_id))
        .where(among(s.id, sweeps))
        .order_by(s.course_id.asc().nulls_first(), s.site_id)
    )
    return [Finished(*row) for row in rows]
