"""The methods that read. None changes anything in Moodle, so each may be repeated.

Functions: https://docs.moodle.org/dev/Web_service_API_functions
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from moodle_client.answers import Reply, understood
from moodle_client.calls import Calls
from moodle_client.capabilities import Lack, lacks
from moodle_client.criteria import checked_criteria, matching
from moodle_client.errors import PartialFailure
from moodle_client.functions import Function
from moodle_client.models import (
    ActivityCompletion,
    ActivityCompletions,
    AttendanceSession,
    Category,
    Course,
    CourseModule,
    EnrolledUser,
    Group,
    Grouping,
    Section,
    SiteInfo,
    User,
    UserCourse,
)
from moodle_client.paging import pages

T = TypeVar("T")
_site_info = TypeAdapter(SiteInfo)
_courses = TypeAdapter(tuple[Course, ...])
_categories = TypeAdapter(tuple[Category, ...])
_sections = TypeAdapter(tuple[Section, ...])
_module = TypeAdapter(CourseModule)
_enrolled = TypeAdapter(tuple[EnrolledUser, ...])
_groups = TypeAdapter(tuple[Group, ...])
_groupings = TypeAdapter(tuple[Grouping, ...])
_completions = TypeAdapter(ActivityCompletions)
_user_courses = TypeAdapter(tuple[UserCourse, ...])
_users = TypeAdapter(tuple[User, ...])
_attendance = TypeAdapter(tuple[AttendanceSession, ...])


class Reads(Calls):
    """One method for each function that reads."""

    def site_info(self) -> Reply[SiteInfo]:
        """core_webservice_get_site_info: the site, the token's user and the functions that the token may call.

        Needs webservice/rest:use alone.
        """
        return self._read(Function.SITE_INFO, _site_info)

    def courses(self, field: str = "", value: str | int = "") -> Reply[tuple[Course, ...]]:
        """core_course_get_courses_by_field: all courses that the caller sees, the front page (id 1) among them, or
        those with a value in a field: id, ids (comma-separated), shortname, idnumber, category, sectionid.

        No match is an empty tuple. Without moodle/course:view a course comes with fewer fields (None), without
        moodle/course:viewhiddencourses hidden ones are silently missing; of `ids` the warnings name them.
        """
        if not field and value != "":
            raise ValueError("a value without a field would find all courses")
        params = {"field": field, "value": value} if field else {}
        return self._read(Function.COURSES, _courses, "courses", **params)

    def categories(self) -> Reply[tuple[Category, ...]]:
        """core_course_get_categories: all categories that the caller sees.

        Without moodle/category:viewhiddencategories hidden ones are silently missing; without
        moodle/category:manage every idnumber is None.
        """
        return self._read(Function.CATEGORIES, _categories)

    def contents(self, course: int) -> Reply[tuple[Section, ...]]:
        """core_course_get_contents, without files: the sections of a course and their activities.

        Needs moodle/course:view. Without moodle/course:viewhiddensections, moodle/course:viewhiddenactivities,
        moodle/course:ignoreavailabilityrestrictions and mod/*:view, what the caller can't see is silently missing.
        """
        options = [{"name": "excludecontents", "value": True}]
        return self._read(Function.CONTENTS, _sections, courseid=course, options=options)

    def course_module(self, cmid: int) -> Reply[CourseModule]:
        """core_course_get_course_module: one activity, with its idnumber, which no other function tells.

        Needs moodle/course:view; without moodle/course:manageactivities idnumber and more are None.
        """
        return self._read(Function.COURSE_MODULE, _module, "cm", cmid=cmid)

    def enrolled_users(
        self,
        course: int,
        *,
        page: int = 100,
        only_active: bool = False,
        only_suspended: bool = False,
        fields: Sequence[str] = (),
    ) -> Iterator[Reply[tuple[EnrolledUser, ...]]]:
        """core_enrol_get_enrolled_users: the participants by id, in pages of at most `page`; nobody twice.

        Moodle cuts the pages before it leaves out whom the caller may not see, so a short page may have another one
        after it: an empty answer is the end. When somebody before the page was unenrolled meanwhile, so that the
        list moved up, it is read again from its start. `fields`: only these (and id, fullname), which is faster.

        Needs moodle/course:view and moodle/course:viewparticipants; moodle/course:enrolreview for only_active
        (which rounds "now" to 100 seconds) and only_suspended. **Silently fewer** without: moodle/user:viewdetails
        (the caller alone is left), moodle/user:viewalldetails (username, idnumber), moodle/site:viewfullnames
        (firstname, lastname), moodle/site:accessallgroups (separate groups: the caller's own): see `shrinks`.
        """
        options: dict[str, Any] = {"sortby": "id"}
        options |= {"onlyactive": True} if only_active else {}
        options |= {"onlysuspended": True} if only_suspended else {}
        options |= {"userfields": ",".join(fields)} if fields else {}

        def read(start: int, count: int) -> Reply[tuple[EnrolledUser, ...]]:
            wanted = options | {"limitfrom": start, "limitnumber": count}
            named = [{"name": name, "value": value} for name, value in wanted.items()]
            return self._read(Function.ENROLLED_USERS, _enrolled, courseid=course, options=named)

        return pages(read, page)

    def shrinks(self, course: int, expected_at_least: int = 0) -> Reply[tuple[Lack, ...]]:
        """Which capabilities the caller lacks, judged by what the list of participants of a course leaves out.

        `expected_at_least`: how many participants the course has by an administrator's count. An empty tuple: no
        sign of a lack. Moodle reports none of this as an error.
        """
        me = self.site_info()
        replies = list(self.enrolled_users(course))
        users = [user for reply in replies for user in reply.data]
        return me.with_data(lacks(users, caller=me.data.userid, expected_at_least=expected_at_least))

    def groups(self, course: int) -> Reply[tuple[Group, ...]]:
        """core_group_get_course_groups. Needs moodle/course:view and moodle/course:managegroups, for reading too."""
        return self._read(Function.COURSE_GROUPS, _groups, courseid=course)

    def groupings(self, course: int) -> Reply[tuple[Grouping, ...]]:
        """core_group_get_course_groupings, then core_group_get_groupings for their groups.

        Needs moodle/course:view and moodle/course:managegroups. A grouping that is deleted in between fails the
        call with NOT_FOUND.
        """
        listed = self._read(Function.COURSE_GROUPINGS, _groupings, courseid=course)
        ids = [grouping.id for grouping in listed.data]
        if not ids:
            return listed
        found = self._in_parts(Function.GROUPINGS, "groupingids", ids, returngroups=True)
        rows = understood(Function.GROUPINGS, _groupings, _all(found))
        return Reply(rows, listed.as_of, listed.elapsed + found.elapsed, listed.warnings + found.warnings)

    def activity_completions(self, course: int, user: int) -> Reply[tuple[ActivityCompletion, ...]]:
        """core_completion_get_activities_completion_status: the tracked activities of one user in one course.

        Needs moodle/course:view and report/progress:view. Without moodle/course:viewhiddenactivities,
        moodle/course:ignoreavailabilityrestrictions and mod/*:view Moodle leaves activities out without a word:
        take a missing activity for unknown, never for incomplete. A user who isn't enrolled gets a normal answer.
        """
        reply = self._read(Function.ACTIVITY_COMPLETIONS, _completions, courseid=course, userid=user)
        return reply.with_data(reply.data.statuses)

    def user_courses(self, user: int) -> Reply[tuple[UserCourse, ...]]:
        """core_enrol_get_users_courses: the courses in which a user's enrolment is active at this moment.

        Needs moodle/user:viewdetails; a course where the caller lacks moodle/course:view or
        moodle/course:viewparticipants is silently missing.
        """
        return self._read(Function.USER_COURSES, _user_courses, userid=user, returnusercount=False)

    def course_profiles(self, pairs: Sequence[tuple[int, int]]) -> Reply[tuple[EnrolledUser, ...]]:
        """core_user_get_course_user_profiles: users as they are in a course, with roles and groups there; `pairs` of
        (user, course), each user once.

        Whoever isn't enrolled there comes too, without roles; who is deleted is left out. Needs moodle/course:view
        and moodle/user:viewdetails, and moodle/user:viewalldetails for username and idnumber.
        """
        if len({user for user, _ in pairs}) != len(pairs):
            raise ValueError("Moodle keeps one course of each user")
        rows = [{"userid": user, "courseid": course} for user, course in pairs]
        found = self._in_parts(Function.COURSE_PROFILES, "userlist", rows)
        return found.with_data(understood(Function.COURSE_PROFILES, _enrolled, _all(found)))

    def users_by_field(self, field: str, values: Sequence[str | int]) -> Reply[tuple[User, ...]]:
        """core_user_get_users_by_field: users whose id, idnumber, username or email is one of the values, by exact
        case, in as many calls as they need.

        Needs moodle/user:viewdetails and moodle/user:viewalldetails, and moodle/site:viewuseridentity for email;
        without them, and for values that nobody has, users are silently missing.
        """
        if isinstance(values, str):
            raise TypeError("values is a list: a text would be taken for its letters")
        found = self._in_parts(Function.USERS_BY_FIELD, "values", list(dict.fromkeys(values)), field=field)
        return found.with_data(understood(Function.USERS_BY_FIELD, _users, _all(found)))

    def find_users(self, criteria: Mapping[str, str | int]) -> Reply[tuple[User, ...]]:
        """core_user_get_users: users that match all criteria: id, lastname, firstname, idnumber, username, email, auth.
        Case doesn't matter for email and names.

        Moodle ignores a criterion that it doesn't know, and returns everyone: one that isn't documented, none at
        all, an empty value and the wildcard % raise ValueError before anything is sent, and a warning in the answer
        raises PartialFailure. The wildcard _ can't be switched off in Moodle: what only matched by it is dropped.

        Needs moodle/user:viewdetails, moodle/user:viewalldetails and moodle/site:viewuseridentity; without them
        users are silently missing.
        """
        wanted = checked_criteria(criteria)
        rows = [{"key": key, "value": value} for key, value in wanted.items()]
        reply = self.call(Function.FIND_USERS, criteria=rows)
        if reply.warnings:
            raise _ignored(reply)
        return reply.with_data(matching(understood(Function.FIND_USERS, _users, _inside(reply, "users")), wanted))

    def attendance_sessions(self, attendance: int) -> Reply[tuple[AttendanceSession, ...]]:
        """mod_attendance_get_sessions: all sessions of an attendance activity, by its instance id (not the cmid), with
        what was recorded in each. A site has it where mod_attendance is installed.

        Needs mod/attendance:view, and mod/attendance:takeattendances, :manageattendances or :changeattendances: without
        any of them it is INVALID_PARAMETER. An activity that isn't there is NOT_FOUND.
        """
        return self._read(Function.ATTENDANCE_SESSIONS, _attendance, attendanceid=attendance)

    def _read(self, function: Function, adapter: TypeAdapter[T], inside: str = "", **params: Any) -> Reply[T]:
        reply = self.call(function, **params)
        return reply.with_data(understood(function, adapter, _inside(reply, inside) if inside else reply.data))


def _inside(reply: Reply[Any], key: str) -> Any:
    # What isn't a mapping is judged by the model, which names the place.
    return reply.data.get(key) if isinstance(reply.data, dict) else reply.data


def _all(found: Reply[tuple[Any, ...]]) -> Any:
    """The rows of all parts; an answer that is no list is left as it is, for the model to refuse."""
    strange = [part for part in found.data if not isinstance(part, list)]
    return strange[0] if strange else [row for part in found.data for row in part]


def _ignored(reply: Reply[Any]) -> PartialFailure:
    """Moodle ignored a criterion: the answer holds everyone, so it isn't kept in the error."""
    return PartialFailure(Function.FIND_USERS, reply.warnings, None)
