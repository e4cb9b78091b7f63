"""Communities as the engine reads them: dates, meetings, and what can be earned in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mappings import facts
from mappings.facts import Activity, Meeting, hours_of
from mappings.offers import offers_of
from mappings.periods import Calendar, Span
from mappings.program import ProgramVersion
from records.continuing import continued
from records.keys import among, as_text
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    MirrorCourse,
    MirrorModule,
    SessionRow,
    SharedSession,
)

TieKey = tuple[UUID, UUID, int]
"""(community, site, Moodle's id of an activity)."""
Ties = dict[TieKey, str | None]
"""Which occasion an activity stands for; None: it stands for several sessions, and can earn nothing itself."""


@dataclass(slots=True)
class Surroundings:
    """What is known of a community, whatever version of its program it is looked at by."""

    row: Community
    courses: list[tuple[str, datetime | None, datetime | None]] = field(default_factory=list)
    """(idnumber, start, end) of each course."""
    meetings: list[Meeting] = field(default_factory=list)
    activities: list[tuple[str, Activity, str | None]] = field(default_factory=list)
    """(item, the form that counts, the occasion of the session that it stands for)."""
    items: set[str] = field(default_factory=set)
    """All activities that can be completed, also those that no rule matches."""
    _seen: dict[str, facts.Community] = field(default_factory=dict)

    def by(self, version: ProgramVersion) -> facts.Community:
        """The community by a version of its program."""
        if version.id not in self._seen:
            idnumbers = tuple(sorted(idnumber for idnumber, _, _ in self.courses))
            self._seen[version.id] = facts.Community(
                self.row.topic,
                self.row.region,
                ZoneInfo(self.row.timezone),
                idnumbers,
                self._span(version, idnumbers),
                tuple(self.meetings),
                offers_of(version.program, self.activities, self.meetings),
            )
        return self._seen[version.id]

    def _span(self, version: ProgramVersion, idnumbers: tuple[str, ...]) -> Span:
        """The file's days, else those of the courses."""
        parts = version.program.of_community(self.row.topic, self.row.region, idnumbers)
        calendar = Calendar(ZoneInfo(self.row.timezone))
        first = next((part.starts for part in reversed(parts) if part.starts), None)
        last = next((part.ends for part in reversed(parts) if part.ends), None)
        start = min((start for _, start, _ in self.courses if start), default=None)
        ends = [end for _, _, end in self.courses]
        end = max((end for end in ends if end), default=None) if all(ends) else None
        return Span(
            calendar.midnight(first) if first else start,
            calendar.midnight(last + timedelta(days=1)) if last else end,
        )


def surroundings(session: Session, community_ids: Iterable[UUID]) -> dict[UUID, Surroundings]:
    """Communities by id, each with its courses, meetings and activities."""
    ids = set(community_ids)
    rows = session.scalars(select(Community).where(among(Community.id, ids)).execution_options(populate_existing=True))
    found = {row.id: Surroundings(row) for row in rows}
    stands_for = _read_meetings(session, found)
    _read_courses(session, found)
    _read_activities(session, found, stands_for)
    return found


def _read_meetings(session: Session, found: dict[UUID, Surroundings]) -> Ties:
    """Fill the meetings in. Returns which activity of a community stands for which occasion."""
    shares = select(SharedSession.session_id, SharedSession.community_id).where(
        among(SharedSession.community_id, found)
    )
    shared: dict[UUID, list[UUID]] = {}
    for session_id, community in session.execute(shares):
        shared.setdefault(session_id, []).append(community)
    s = SessionRow
    rows = session.execute(
        select(
            s.id, s.community_id, s.code, s.title, s.starts_at, s.mode, s.kind, s.planned_minutes,
            s.module_site_id, s.module_id, s.makes_up, s.cancelled_at,
        )
        .where(or_(among(s.community_id, found), among(s.id, shared)))
        .order_by(s.starts_at, s.code, s.id)
    )  # fmt: skip
    stands_for: Ties = {}
    live: set[TieKey] = set()
    for row in rows:
        meeting = Meeting(
            str(row.id),
            row.code,
            row.title,
            row.starts_at,
            row.mode,
            row.kind,
            row.planned_minutes,
            str(row.makes_up) if row.makes_up else None,
            row.cancelled_at is not None,
        )
        for community in {row.community_id, *shared.get(row.id, ())} & found.keys():
            found[community].meetings.append(meeting)
            if row.module_site_id and row.module_id is not None:
                key = (community, row.module_site_id, row.module_id)
                _tie(stands_for, live, key, meeting)
    return stands_for


def _tie(stands_for: Ties, live: set[TieKey], key: TieKey, meeting: Meeting) -> None:
    """An activity that stands for several sessions stands for none of them, but for those that were cancelled."""
    if meeting.cancelled:
        stands_for.setdefault(key, meeting.occasion)
        return
    stands_for[key] = None if key in live else meeting.occasion
    live.add(key)


def _read_courses(session: Session, found: dict[UUID, Surroundings]) -> None:
    c, course = CommunityCourse, MirrorCourse
    of = select(c.community_id, course.idnumber, course.startdate, course.enddate).join(
        course, (course.site_id == c.site_id) & (course.course_id == c.course_id)
    )
    for community, idnumber, start, end in session.execute(of.where(among(c.community_id, found)).distinct()):
        found[community].courses.append((idnumber, start, end))


def _read_activities(session: Session, found: dict[UUID, Surroundings], stands_for: Ties) -> None:
    """Fill in what can be completed. Activities that go on with one another are one, in the form of the first."""
    c, m, b = CommunityCourse, MirrorModule, Binding
    active = (b.site_id == m.site_id) & (b.module_id == m.module_id) & (b.status == "active")
    rows = session.execute(
        select(c.community_id, as_text(m.site_id), m.module_id, *_form())
        .join(m, (m.site_id == c.site_id) & (m.course_id == c.course_id))
        .outerjoin(b, active)
        .where(among(c.community_id, found), m.present, m.tracking > 0)
        .distinct()
    ).all()
    forms = {(site, module): _activity(*form) for _, site, module, *form in rows if form[0] is not None}
    tied = {(community, (str(site), module)): item for (community, site, module), item in stands_for.items()}
    goes_on = continued(session, {(site, module) for _, site, module, *_ in rows} | {module for _, module in tied})
    if goes_on.above:
        forms |= _bound(session, {goes_on.root(module) for module in goes_on.above} - forms.keys())
    sessions: dict[tuple[UUID, tuple[str, int]], str | None] = {}
    many = {(community, goes_on.root(module)) for (community, module), item in tied.items() if item is None}
    for community, module in sorted(tied, key=lambda key: (key[1] in goes_on.above, key[1])):
        sessions.setdefault((community, goes_on.root(module)), tied[(community, module)])
    there = {(community, goes_on.root((site, module))) for community, site, module, *_ in rows}
    for community, root in sorted(there, key=lambda key: key[1]):
        item = item_of(*root)
        found[community].items.add(item)
        if root in forms and (community, root) not in many:
            found[community].activities.append((item, forms[root], sessions.get((community, root))))


def _bound(session: Session, modules: set[tuple[str, int]]) -> dict[tuple[str, int], Activity]:
    """The forms that count of activities that aren't there any more themselves."""
    b, m = Binding, MirrorModule
    rows = session.execute(
        select(as_text(b.site_id), b.module_id, *_form())
        .outerjoin(m, (m.site_id == b.site_id) & (m.module_id == b.module_id))
        .where(among((b.site_id, b.module_id), modules), b.status == "active")
    )
    return {(site, module): _activity(*form) for site, module, *form in rows}


def _form() -> tuple[Any, ...]:
    """The columns of a form that counts, and what Moodle's form declares."""
    b, m = Binding, MirrorModule
    own = (b.idnumber, b.modname, b.section_name, b.name, b.minutes, b.component)
    return (*own, m.minutes.label("declared_minutes"), m.component.label("declared_component"))


def _activity(*form: Any) -> Activity:
    idnumber, kind, section, name, minutes, component, declared, its_component = form
    hours = hours_of(minutes, component)
    return Activity(idnumber, kind, section, name, hours, hours_of(declared, its_component))


def item_of(site_id: UUID | str, module_id: int) -> str:
    """What names an activity among everything that can be earned."""
    return f"{site_id}:{module_id}"
