"""Plays a scenario: what Moodle would send, and the files and decisions of people, each on its day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from mappings.facts import State
from mappings.loading import parse_program
from mappings.matching import CourseForm, place_course
from tests.support import readings
from tests.support.readings import Reading
from tests.support.scenario import Course, Scenario, Step, program_text
from tests.support.scenario_house import ScenarioHouse
from tests.support.scenario_inputs import Inputs

STATES = {
    "done": State.COMPLETE,
    "passed": State.PASSED,
    "failed": State.FAILED,
    "undone": State.INCOMPLETE,
}
ROLES = {"student": readings.STUDENT, "editingteacher": readings.EDITING_TEACHER}
LONGEST = timedelta(hours=12)
"""No session goes on for longer: after that its list of attendance is taken in."""


class Play:
    """A scenario with the ids that Moodle would give to its parts."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.users = {name: 101 + place for place, name in enumerate(scenario.people)}
        self.courses = {name: 2 + place for place, name in enumerate(scenario.courses)}
        self.programs = [parse_program(program_text(name, how)) for name, how in scenario.programs.items()]
        self.zone = self.programs[0].zone

    @cached_property
    def modules(self) -> dict[tuple[str, str], int]:
        """Module ids by (course, ID number)."""
        return {
            (name, idnumber): self.courses[name] * 100 + place
            for name, course in self.scenario.courses.items()
            for place, idnumber in enumerate(course.activities)
        }

    def site(self, course: str) -> str:
        return self.scenario.courses[course].site

    def zone_of(self, course: str) -> ZoneInfo:
        """The time zone of a course's community."""
        for program in self.programs:
            place = place_course(program, CourseForm(course, site=self.site(course)))
            if place:
                parts = program.of_community(place.topic, place.region, (course,))
                return ZoneInfo(next((p.timezone for p in reversed(parts) if p.timezone), program.timezone))
        return self.zone

    def moment(self, step: Step) -> datetime:
        zone = self.zone_of(step.course) if step.session else self.zone
        return datetime.combine(step.day, step.at, zone).astimezone(UTC)

    def first(self) -> list[tuple[str, Reading]]:
        """The sites before anything happens: accounts, courses and their activities, each with its site."""
        at = self.moment(self.scenario.story[0]) - timedelta(days=1)
        found: list[tuple[str, Reading]] = []
        for name, person in self.scenario.people.items():
            account = readings.account(self.users[name], name.upper(), at=at) | {"profile": person.profile}
            found += [(site, account) for site in person.sites or self.scenario.sites[:1]]
        for name, course in self.scenario.courses.items():
            found.append((course.site, self._course(name, course, at)))
            found += [
                (
                    course.site,
                    readings.module(
                        self.modules[name, idnumber],
                        self.courses[name],
                        idnumber,
                        kind=activity.kind,
                        name=activity.name,
                        section=activity.section,
                        at=at,
                    ),
                )
                for idnumber, activity in course.activities.items()
            ]
        return found

    def _course(self, name: str, course: Course, at: datetime) -> Reading:
        dates = {"startdate": self._midnight(course.starts)}
        if course.ends:
            dates["enddate"] = self._midnight(course.ends + timedelta(days=1))
        return readings.course(self.courses[name], name, at=at, **dates)

    def _midnight(self, day: date) -> int:
        return int(datetime.combine(day, time(), self.zone).timestamp())

    def told(self, step: Step) -> list[tuple[str, Reading]]:
        """What Moodle sends of a step; nothing where it isn't Moodle's."""
        at = self.moment(step)
        site = self.site(step.course) if step.course else ""
        who = step.enrol or step.leave
        if who:
            return [(site, self._enrolment(step, name, at)) for name in who]
        for field, state in STATES.items():
            activities: Sequence[str] = getattr(step, field)
            if activities:
                return [
                    (site, self._completion(step, name, activity, state, at))
                    for name in step.by
                    for activity in activities
                ]
        return []

    def _enrolment(self, step: Step, name: str, at: datetime) -> Reading:
        number = self.courses[step.course]
        groups = [self._group(step.course, idnumber) for idnumber in step.groups]
        found = readings.enrolment(self.users[name], number, ROLES[step.role], at=at, groups=groups)
        if step.leave:
            return found | {"enrolments": [], "roles": [], "groups": []}
        found["enrolments"][0]["timestart"] = int(at.timestamp())
        return found

    def _group(self, course: str, idnumber: str) -> dict[str, Any]:
        named = [g for s in self.scenario.story if s.course == course for g in s.groups]
        number = self.courses[course] * 100 + sorted(set(named)).index(idnumber)
        return readings.group(number, idnumber, idnumber)

    def _completion(self, step: Step, name: str, activity: str, state: State, at: datetime) -> Reading:
        module = self.modules[step.course, activity]
        return readings.completion(self.users[name], module, self.courses[step.course], state, at=at)

    def enter(self, inputs: Inputs, step: Step) -> bool:
        """What people enter on a step's day, by files or as decisions. Returns whether there is any."""
        if step.session:
            inputs.attendance(self._attendance(step))
        elif step.milestone:
            inputs.milestone(self._milestone(step))
        elif step.adjust or step.waive or step.rationale or step.transfer:
            inputs.decide(step, self.moment(step))
        else:
            return False
        return True

    def _attendance(self, step: Step) -> list[dict[str, str]]:
        row = {
            "site": self.site(step.course),
            "community": step.course,
            "session": step.session or "",
            "date": step.day.isoformat(),
            "start": f"{step.at:%H:%M}",
            "mode": step.mode,
            "planned_minutes": "" if step.planned is None else str(step.planned),
            "activity": step.stands_for,
            "kind": step.kind,
            "shared_with": " ".join(step.also),
        }
        return [row | {"user": str(self.users[name]), "minutes": str(minutes)} for name, minutes in step.there.items()]

    def _milestone(self, step: Step) -> dict[str, str]:
        kind, _, name = step.of.partition(" ")
        subject, _, course = name.partition(" in ")
        after, _, followed = step.after.partition(" of ")
        return {
            "program": self.programs[0].program,
            "milestone": step.milestone or "",
            "site": self.scenario.sites[0],
            "subject": str(self.users[subject]) if kind == "person" else subject,
            "community": course or followed,
            "date": step.day.isoformat(),
            "time": f"{step.at:%H:%M}",
            "cycle": step.cycle,
            "session": after,
            "evidence": step.evidence,
        }


def begin(play: Play, house: ScenarioHouse) -> Inputs:
    """The organisations and the sites as they are before the story."""
    inputs = Inputs(house, play.users)
    inputs.organisations(play.scenario.organisations)
    house.until(play.moment(play.scenario.story[0]) - timedelta(hours=12))
    deliver(house, play.first())
    return inputs


def tell(play: Play, house: ScenarioHouse, inputs: Inputs, steps: Iterable[Step]) -> None:
    """Play steps, each on its day."""
    for step in steps:
        # A list of attendance comes when the session is over.
        house.until(play.moment(step) + (LONGEST if step.session else timedelta()))
        deliver(house, play.told(step))
        if play.enter(inputs, step):
            house.work()
    house.settled()


def tell_late(play: Play, house: ScenarioHouse) -> None:
    """The whole story at its end: first all that Moodle sends, backwards, then what people enter."""
    inputs = Inputs(house, play.users)
    house.until(play.moment(play.scenario.story[-1]) + LONGEST)
    tell_backwards(play, house, at_once=17)
    inputs.organisations(play.scenario.organisations)
    for step in play.scenario.story:
        if play.enter(inputs, step):
            house.work()
    house.settled()


def tell_backwards(play: Play, house: ScenarioHouse, *, at_once: int) -> None:
    """Everything that Moodle sent, the last first, in batches of another size."""
    told = [*play.first(), *(reading for step in play.scenario.story for reading in play.told(step))]
    deliver(house, told[::-1], at_once=at_once)
    house.settled()


def deliver(house: ScenarioHouse, told: Sequence[tuple[str, Reading]], *, at_once: int = 500) -> None:
    """Send readings to where they belong, so many in a batch, and have them worked on."""
    for slug in house.sites:
        mine = [reading for site, reading in told if site == slug]
        for start in range(0, len(mine), at_once):
            house.send(slug, mine[start : start + at_once])
            house.work()
