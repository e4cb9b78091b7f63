"""A course in the throw-away category, and a house of ours that has nothing but its sweep to know it by."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from jobs.sweep.run import House, carry_on
from moodle_client import MoodleClient
from records import inbox, sites, sweeps
from records.actor import SYSTEM
from records.models import Account, FactRow, LedgerEntry, Membership
from records.program_loading import load_version
from records.queries.drift import drift_by_course, finished
from records.secrets import Purpose, keep_secret
from records.settings import Settings
from tests.live_moodle.given import Given
from tests.live_moodle.moodle_tables import Sql, Told
from tests.live_moodle.summary import Summary
from tests.live_moodle.tables import Comparison, Tables, by_mirror, compared, known_people, within
from tests.live_moodle.throwaway import PREFIX, Throwaway

SLUG = "live"
MINUTES = 30
OURS = f"course_idnumber: '(?P<community>{PREFIX}[0-9a-f]+-[0-9]+)'"
PROGRAM = """\
program: live
title: {{en: The live tests}}
effective_from: 2000-01-01
timezone: America/Los_Angeles
commitment: {{min_hours: 16, max_hours: 20}}
components: [online]
attendance: {{components: {{face_to_face: online}}}}
topics: [{{code: LIVE, title: {{en: Live}}}}]
regions: [{{code: HERE, title: {{en: Here}}}}]
communities: [{{{claim}, topic: LIVE, region: HERE}}]
participant_roles: ['{role}']
activities: [{{rule: any, minutes: {minutes}, component: online}}]
"""
Drifted = dict[str, int]


@dataclass
class LiveCourse:
    """A course that was duplicated from the template, and who is in it."""

    id: int
    name: str
    people: list[int]
    manual: list[int] = field(default_factory=list)
    """Activities that participants tick themselves, by cm."""
    automatic: list[int] = field(default_factory=list)
    graded: list[tuple[int, str]] = field(default_factory=list)
    """(cm, kind) of those that a grade completes."""
    kinds: dict[int, str] = field(default_factory=dict)
    """By cm."""

    @property
    def tracked(self) -> list[int]:
        return self.manual + self.automatic


def make_course(throwaway: Throwaway, given: Given, template_course: int) -> LiveCourse:
    """Duplicate the template without its people, name it so that our program claims it, and enrol ours."""
    maker, name = throwaway.maker, throwaway.next_name()
    made = maker.duplicate_course(
        template_course,
        fullname=f"Live & {name}",
        shortname=name,
        category=throwaway.category,
        options={"users": False},
    )
    course = LiveCourse(made.data.id, name, list(throwaway.users))
    rename(maker, course.id, name)
    rows = [{"roleid": given.student_role, "userid": user, "courseid": course.id} for user in course.people]
    maker.enrol_users(rows)
    for section in maker.contents(course.id).data:
        for module in section.modules:
            course.kinds[module.id] = module.modname
            if module.completion:
                (course.manual if module.completion == 1 else course.automatic).append(module.id)
    for cm in course.automatic:
        told = maker.course_module(cm).data
        if told.completiongradeitemnumber is not None and told.modname in ("assign", "quiz"):
            course.graded.append((cm, told.modname))
    assert course.tracked, "the template has no activity whose completion is tracked: name another, MOODLE_TEMPLATE"
    return course


def rename(maker: MoodleClient, course: int, idnumber: str) -> None:
    """Give a course an ID number, by which programs claim it."""
    maker.call("core_course_update_courses", courses=[{"id": course, "idnumber": idnumber}])


def populate(maker: MoodleClient, course: LiveCourse) -> None:
    """Two groups, and some completions: of people and activities in turn, nobody all of them."""
    rows = [{"courseid": course.id, "name": f"Live {name}", "idnumber": f"{course.name}-{name}"} for name in "AB"]
    groups = [group.id for group in maker.create_groups(rows).data]
    maker.add_group_members(
        [{"groupid": groups[number % 2], "userid": user} for number, user in enumerate(course.people[2:])]
    )
    graded = {cm for cm, _ in course.graded}
    plain = [cm for cm in course.tracked if cm not in graded]
    for user, (first, second) in zip(course.people, itertools.cycle(itertools.pairwise([*plain, *plain[:1]]))):
        maker.override_completion(user, first, 1)
        maker.override_completion(user, second, 1)
    for cm in course.manual[:1] + course.automatic[:1]:
        maker.override_completion(course.people[0], cm, 1)
        maker.override_completion(course.people[1], cm, 1)


class World:
    """The house. It gets no event at all: to it, everything in Moodle happens silently."""

    def __init__(self, engine: Engine, settings: Settings, given: Given, summary: Summary) -> None:
        self.engine, self.settings, self.given, self.summary = engine, settings, given, summary
        self.site = UUID(int=0)

    def connect(self, role: str, claim: str = OURS) -> None:
        """Make the site and a program for courses that the claim fits, where that role takes part."""
        text = PROGRAM.format(claim=claim, role=role.replace("'", "''"), minutes=MINUTES)
        key = self.settings.encryption_key
        with Session(self.engine) as session, session.begin():
            site = sites.add_site(session, SLUG, "Live", self.given.url, actor=SYSTEM)
            load_version(session, text, "live.yaml", actor=SYSTEM, reason="A test")
            keep_secret(session, site.id, Purpose.WEB_SERVICES, self.given.token, key)
            self.site = site.id

    def sweep(self, *courses: int | None) -> Drifted:
        """Sweep courses (None: the site's list) to their end. Returns the drift that was counted, by kind."""
        with Session(self.engine) as session:
            before = drift_by_course(session, [self.site])
        with Session(self.engine) as session, session.begin():
            ids = sweeps.ask(session, self.site, courses, "asked")
        self._until_done(ids)
        self.work()
        with Session(self.engine) as session:
            ended = [(row.course, row.status, row.error) for row in finished(session, ids)]
            after = drift_by_course(session, [self.site])
        assert [row for row in ended if row[1] != "done"] == []
        found: Counter[str] = Counter()
        for (_, _, kind), times in (after - before).items():
            found[str(kind)] += times
        return dict(found)

    def _until_done(self, ids: Sequence[UUID]) -> None:
        house = House(self.engine, self.settings)
        while True:
            with Session(self.engine) as session:
                if not sweeps.open_among(session, ids)[0]:
                    return
            if carry_on(house, ids) is None:
                time.sleep(0.5)

    def work(self) -> None:
        """What workers do, until nothing is left to do."""
        done = 1
        while done:
            done = process.drain(self.engine, self.settings.encryption_key)
            done += reconcile.reconcile_dirty(self.engine, lambda: datetime.now(UTC))
            with Session(self.engine) as session, session.begin():
                done += inbox.release_waiting(session)

    def minutes(self) -> dict[int, int]:
        """The ledger's net by Moodle user, where it isn't 0."""
        total = func.sum(LedgerEntry.minutes)
        with Session(self.engine) as session:
            rows = session.execute(
                select(Account.moodle_user_id, total)
                .join(Membership, Membership.person_id == Account.person_id)
                .join(LedgerEntry, LedgerEntry.membership_id == Membership.id)
                .group_by(Account.moodle_user_id)
                .having(total != 0)
            )
            return {user: int(minutes) for user, minutes in rows if user is not None}

    def ends(self, course: int) -> Counter[str]:
        """How the completions of a course ended, as facts: `stands`, `undone`, `reset`, `left`."""
        f = FactRow
        with Session(self.engine) as session:
            rows = session.scalars(select(f.ended).where(f.course_id == course, f.superseded_at.is_(None)))
            return Counter(row or "stands" for row in rows)

    def happened(self, course: int) -> dict[str, datetime]:
        """When each completion of a course was first achieved, by the fact's key."""
        f = FactRow
        with Session(self.engine) as session:
            rows = session.execute(select(f.key, f.happened_at).where(f.course_id == course, f.superseded_at.is_(None)))
            return {key: moment for key, moment in rows}  # noqa: C416 - dict() of rows has no type

    @property
    def by(self) -> str:
        return "SQL" if self.given.database_url else "web services"

    def mirror(self, course: int) -> Tables:
        with Session(self.engine) as session:
            return by_mirror(session, self.site, course)

    def by_sql(self, course: int) -> Tables:
        """The course as Moodle's own tables have it."""
        return Sql(self.given.database_url, self.given.prefix).tables(course)

    def compare(self, course: int, *, modules_only: bool = False) -> Comparison:
        """The mirror and Moodle, row by row."""
        mirror = self.mirror(course)
        with Session(self.engine) as session:
            people = known_people(session, self.site, course)
        if self.given.database_url:
            moodle = self.by_sql(course)
            moodle = within(people | {key[0] for key in moodle.enrolments}, moodle)
        else:
            self.given.without("the comparison with Moodle's tables by SQL", "MOODLE_DATABASE_URL is not given")
            with MoodleClient(self.given.url, self.given.maker_token) as asking:
                moodle = Told(asking).tables(course, people)
        if modules_only:
            return compared(mirror.of_modules(), moodle.of_modules())
        return compared(mirror, moodle)

    def first_sweep(self, course: int, change: str = "") -> Comparison:
        """The list of courses, then this one: after it the mirror is Moodle."""
        before = self.compare(course)
        drift = self.sweep(None)
        drift |= self.sweep(course)
        after = self.compare(course)
        if change:
            self.summary.add(change, self.by, before, after, drift)
        assert after.differences == ()
        return after

    @contextmanager
    def silently(self, change: str, course: int, *swept: int | None, modules_only: bool = False) -> Iterator["Change"]:
        """Around a change in Moodle: it has to make the mirror wrong, and one sweep has to put it right."""
        found = Change(self.minutes(), self.happened(course))
        yield found
        found.before = self.compare(course, modules_only=modules_only)
        assert found.before.differences, f"{change}: Moodle isn't changed"
        for each in swept or (course,):
            found.drift = dict(Counter(found.drift) + Counter(self.sweep(each)))
        found.after = self.compare(course, modules_only=modules_only)
        self.summary.add(change, self.by, found.before, found.after, found.drift)
        assert found.after.differences == (), change
        found.earned = _changes(found.minutes_before, self.minutes())


def _changes(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    return {
        user: after.get(user, 0) - before.get(user, 0)
        for user in sorted(before.keys() | after.keys())
        if after.get(user, 0) != before.get(user, 0)
    }


@dataclass
class Change:
    """What a silent change did; filled once the sweep after it is done."""

    minutes_before: dict[int, int]
    happened_before: dict[str, datetime]
    before: Comparison = field(default_factory=lambda: Comparison(0, ()))
    after: Comparison = field(default_factory=lambda: Comparison(0, ()))
    drift: Drifted = field(default_factory=dict)
    earned: dict[int, int] = field(default_factory=dict)
    """By Moodle user, where the sweep changed anything."""
