"""The methods that set up courses: Moodle's own for courses and calendar, and the companion plugin's for the rest.

Rows are the functions' own fields, as documented (of the plugin: docs/plugin-functions.md); a field that isn't set is
left out, for None is refused. A long list goes in parts: see MoodleError.rows_done. Repeating a call of the plugin's
is harmless: what is as wanted already isn't written, and no event is fired.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from moodle_client.answers import Reply, understood
from moodle_client.calls import Calls
from moodle_client.errors import MoodleError, PartialFailure, Reason
from moodle_client.functions import Function
from moodle_client.provisioning_models import (
    ActivityOutcome,
    CalendarEvent,
    CohortEnrolment,
    CourseSetup,
    FieldOutcome,
    SectionOutcome,
    SetupText,
    SiteSetup,
)

T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]
_events = TypeAdapter(tuple[CalendarEvent, ...])
_site = TypeAdapter(SiteSetup)
_setup = TypeAdapter(SetupText)
_activities = TypeAdapter(tuple[ActivityOutcome, ...])
_sections = TypeAdapter(tuple[SectionOutcome, ...])
_fields = TypeAdapter(tuple[FieldOutcome, ...])
_cohort = TypeAdapter(CohortEnrolment)
MOST: dict[Function, int] = {
    Function.CREATE_ACTIVITIES: 100,
    Function.SET_ACTIVITIES: 200,
    Function.SET_SECTIONS: 100,
    Function.SET_COURSE_FIELDS: 100,
}
"""Rows of a call that the plugin takes."""


class Provisioning(Calls):
    """One method for each function that sets up courses and isn't among the writes."""

    def update_courses(self, courses: Rows) -> Reply[None]:
        """core_course_update_courses: rows of id and what is to be another: fullname, shortname, categoryid, idnumber,
        startdate, enddate (Unix seconds; 0: none), visible, enablecompletion, groupmode...

        Moodle does each row by itself, in the order given, and tells of those that failed by warnings: PartialFailure,
        with their ids. Needs moodle/course:view and moodle/course:update, and for what is changed
        moodle/course:changefullname, :changeshortname, :changeidnumber, :changecategory, :visibility. Repeating is
        harmless: it sets the same again, though Moodle says so by one more course_updated.
        """
        return self._in_parts(Function.UPDATE_COURSES, "courses", courses).with_data(None)

    def calendar_events(self, course: int, since: int = 0, until: int = 0) -> Reply[tuple[CalendarEvent, ...]]:
        """core_calendar_get_calendar_events: the events of one course that end after `since` and begin by `until` (Unix
        seconds, 0: no limit), hidden ones too, and the dates of its activities (`modulename`). Those of its groups
        aren't among them.

        Needs moodle/calendar:manageentries on the site, or moodle/course:view. A warning, with which Moodle leaves out
        a course that the caller can't enter, raises PartialFailure: what is missing would be taken for not there.
        """
        options = {
            "userevents": False,
            "siteevents": False,
            "timestart": since,
            "timeend": until,
            "ignorehidden": False,
        }
        reply = self.call(Function.CALENDAR_EVENTS, events={"courseids": [course]}, options=options)
        if reply.warnings:
            raise PartialFailure(Function.CALENDAR_EVENTS, reply.warnings, reply.data).about(["events", "options"])
        return reply.with_data(understood(Function.CALENDAR_EVENTS, _events, _events_of(reply.data)))

    def create_calendar_events(self, events: Rows) -> Reply[tuple[CalendarEvent, ...]]:
        """core_calendar_create_calendar_events: rows of name, courseid, eventtype (course, group, site), timestart
        (Unix seconds) and, if wanted, description, format (1: HTML), groupid, timeduration (seconds), visible.

        Needs moodle/calendar:manageentries; Moodle answers without it by warnings and an empty list: PartialFailure,
        whose `data` has what was made all the same. Repeating isn't harmless: it makes second ones.
        """
        function = Function.CREATE_CALENDAR_EVENTS
        reply = self._in_parts(function, "events", events)
        made = understood(function, _events, [row for part in reply.data for row in _events_of(part)])
        if len(made) != len(events):
            raise MoodleError(function, Reason.NOT_MOODLE, "not every event was made").about(["events"])
        return reply.with_data(made)

    def get_site_setup(self, courses: Rows = ()) -> Reply[SiteSetup]:
        """local_copbridge_get_site_setup: what the site offers to courses that are made there. `courses` are rows of
        idnumber, shortname, category (id), which need not exist: `handedover` says which of them the plugin would hand
        over.

        Needs local/copbridge:getsitesetup.
        """
        function = Function.GET_SITE_SETUP
        parts = self._in_parts(function, "courses", courses) if courses else None
        if parts is None:
            reply = self.call(function)
            return reply.with_data(understood(function, _site, reply.data))
        found = [understood(function, _site, part) for part in parts.data]
        handedover = tuple(each for part in found for each in part.handedover)
        if len(handedover) != len(courses):
            raise MoodleError(function, Reason.NOT_MOODLE, "unexpected answer at handedover").about(["courses"])
        return parts.with_data(found[0].model_copy(update={"handedover": handedover}))

    def get_course_setup(self, course: int) -> Reply[CourseSetup]:
        """local_copbridge_get_course_setup: how a course is set up, and nobody's data.

        Needs moodle/course:view, moodle/course:viewhiddencourses for a hidden one, and local/copbridge:getcoursesetup.
        """
        reply = self.call(Function.GET_COURSE_SETUP, courseid=course)
        return reply.with_data(understood(Function.GET_COURSE_SETUP, _setup, reply.data).setup)

    def create_activities(self, course: int, activities: Rows) -> Reply[tuple[ActivityOutcome, ...]]:
        """local_copbridge_create_activities: rows of modname, idnumber, name and, if wanted, intro, section, visible,
        minutes, component, completion, settings. One that is there by its idnumber is left alone.

        Each row is done or fails by itself: look at `outcome`. Needs local/copbridge:createactivities. Repeating is
        harmless.
        """
        return self._rows(Function.CREATE_ACTIVITIES, _activities, "activities", course, activities)

    def set_activities(self, course: int, activities: Rows) -> Reply[tuple[ActivityOutcome, ...]]:
        """local_copbridge_set_activities: rows of cmid and what is to be set: idnumber, name, section, visible, minutes
        (-1: none), component, completion (the whole set of rules). With `unlock` True other rules are written even
        where Moodle then forgets who completed the activity; without it the row is `locked`.

        Each row is done or fails by itself: look at `outcome`. Needs local/copbridge:setactivities. Repeating is
        harmless.
        """
        return self._rows(Function.SET_ACTIVITIES, _activities, "activities", course, activities)

    def set_sections(self, course: int, sections: Rows) -> Reply[tuple[SectionOutcome, ...]]:
        """local_copbridge_set_sections: rows of number, name (empty: as the format names it) and, if wanted, summary
        (HTML), visible. Missing sections are made. All are done, or none, and the call fails.

        Needs local/copbridge:setsections. Repeating is harmless.
        """
        return self._rows(Function.SET_SECTIONS, _sections, "sections", course, sections)

    def add_cohort_enrolment(self, course: int, cohort: int, role: int, group: int = 0) -> Reply[CohortEnrolment]:
        """local_copbridge_add_cohort_enrolment: have the members of a cohort enrolled with a role, and in a group
        where one is given, now and as they come and go.

        CONFLICT (provision_enrolmentdiffers) where the cohort has that role there with another group, or switched
        off. Needs local/copbridge:addcohortenrolment and leave to assign the role. Repeating is
        harmless.
        """
        function = Function.ADD_COHORT_ENROLMENT
        reply = self.call(function, courseid=course, cohortid=cohort, roleid=role, groupid=group)
        return reply.with_data(understood(function, _cohort, reply.data))

    def set_course_fields(self, course: int, fields: Mapping[str, str]) -> Reply[tuple[FieldOutcome, ...]]:
        """local_copbridge_set_course_fields: custom fields of a course as text by short name: a select's option, "1" or
        "0" of a checkbox, Unix seconds of a date; empty empties. All are set, or none, and the call fails.

        Needs local/copbridge:setcoursefields. Repeating is harmless.
        """
        rows = [{"shortname": shortname, "value": value} for shortname, value in fields.items()]
        return self._rows(Function.SET_COURSE_FIELDS, _fields, "fields", course, rows)

    def _rows(
        self, function: Function, adapter: TypeAdapter[tuple[T, ...]], name: str, course: int, rows: Rows
    ) -> Reply[tuple[T, ...]]:
        reply = self._in_parts(function, name, rows, most=MOST[function], courseid=course)
        found = [row for part in reply.data for row in (part if isinstance(part, list) else [part])]
        told = understood(function, adapter, found)
        if len(told) != len(rows):
            raise MoodleError(function, Reason.NOT_MOODLE, "not every row was answered").about(["courseid", name])
        return reply.with_data(told)


def _events_of(answer: Any) -> Any:
    # What isn't as expected is judged by the model, which names the place.
    events = answer.get("events") if isinstance(answer, dict) else answer
    return events if isinstance(events, list) else [events]
