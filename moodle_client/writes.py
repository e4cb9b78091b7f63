"""The methods that write. Whether a call may be repeated is told by `Function.repeatable` and by each docstring.

Rows are Moodle's own fields, as documented for each function; a field that isn't set is left out, for None is
refused. A long list goes in parts: Moodle does each part wholly or not at all; see MoodleError.rows_done.
Nothing here deletes courses, categories or users: `call` does, for those who must.
Functions: https://docs.moodle.org/dev/Web_service_API_functions
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from moodle_client.answers import Reply, understood
from moodle_client.calls import Calls
from moodle_client.errors import MoodleError, Reason
from moodle_client.functions import Function
from moodle_client.models import Group, NewCategory, NewCourse, NewUser, Override, SentMessage

T = TypeVar("T")
Row = Mapping[str, Any]
Rows = Sequence[Row]
_new_categories = TypeAdapter(tuple[NewCategory, ...])
_new_courses = TypeAdapter(tuple[NewCourse, ...])
_new_course = TypeAdapter(NewCourse)
_new_users = TypeAdapter(tuple[NewUser, ...])
_groups = TypeAdapter(tuple[Group, ...])
_override = TypeAdapter(Override)
_sent_messages = TypeAdapter(tuple[SentMessage, ...])
GRADE_FAILURES = {1: "failed", 2: "multiple", 4: "item locked"}


class Writes(Calls):
    """One method for each function that writes."""

    def create_categories(self, categories: Rows) -> Reply[tuple[NewCategory, ...]]:
        """core_course_create_categories: rows of name, parent (0: root), idnumber, description.

        Needs moodle/category:manage. Repeating isn't harmless: it makes second ones, or CONFLICT for an idnumber.
        """
        return self._made(Function.CREATE_CATEGORIES, _new_categories, "categories", categories)

    def create_courses(self, courses: Rows) -> Reply[tuple[NewCourse, ...]]:
        """core_course_create_courses: rows of fullname, shortname, categoryid, idnumber, startdate (Unix seconds)...

        An empty `lang`, which Moodle refuses, is left out. Needs moodle/course:create in the category. Repeating
        isn't harmless: CONFLICT (shortnametaken) when the first call succeeded.
        """
        rows = [{key: value for key, value in row.items() if key != "lang" or value} for row in courses]
        return self._made(Function.CREATE_COURSES, _new_courses, "courses", rows)

    def duplicate_course(
        self,
        course: int,
        *,
        fullname: str,
        shortname: str,
        category: int,
        visible: bool = True,
        options: Mapping[str, bool] | None = None,
    ) -> Reply[NewCourse]:
        """core_course_duplicate_course: a copy by backup and restore, which takes from a second to minutes: mind
        the client's timeout. Completions are copied with `options={"users": True}`, and no event tells of them.

        The copy has an empty idnumber. Options: activities, blocks, filters, users, enrolments, role_assignments,
        comments, userscompletion, logs, grade_histories. Needs moodle/course:create and the backup and restore
        capabilities (NEEDS has them all; without those of user data no option may be given, and nobody is copied).
        Repeating isn't harmless: CONFLICT (shortnametaken), also where the first call made a part of the copy.
        """
        reply = self.call(
            Function.DUPLICATE_COURSE,
            courseid=course,
            fullname=fullname,
            shortname=shortname,
            categoryid=category,
            visible=visible,
            options=[{"name": name, "value": value} for name, value in (options or {}).items()],
        )
        return reply.with_data(understood(Function.DUPLICATE_COURSE, _new_course, reply.data))

    def create_users(self, users: Rows) -> Reply[tuple[NewUser, ...]]:
        """core_user_create_users: rows of username, firstname, lastname, email, password or createpassword...

        Needs moodle/user:create. Repeating isn't harmless: INVALID_PARAMETER when the first call succeeded, which
        Moodle also says of a taken username or email. One bad row undoes its part, but events that plugins sent
        from within the transaction stay sent.
        """
        return self._made(Function.CREATE_USERS, _new_users, "users", users)

    def enrol_users(self, enrolments: Rows) -> Reply[None]:
        """enrol_manual_enrol_users: rows of roleid, userid, courseid and, if wanted, timestart, timeend (Unix seconds),
        suspend (1 or 0). Of somebody enrolled it changes what is given; a user who doesn't exist is BROKEN.

        Needs moodle/course:view, enrol/manual:enrol and leave to assign that role. Repeating is harmless.
        """
        return self._done(Function.ENROL_USERS, "enrolments", enrolments)

    def unenrol_users(self, enrolments: Rows) -> Reply[None]:
        """enrol_manual_unenrol_users: rows of userid, courseid and, if wanted, roleid.

        Completions stay; group memberships go. Needs moodle/course:view and enrol/manual:unenrol. Repeating is
        harmless: of somebody who isn't enrolled it does nothing.
        """
        return self._done(Function.UNENROL_USERS, "enrolments", enrolments)

    def create_groups(self, groups: Rows) -> Reply[tuple[Group, ...]]:
        """core_group_create_groups: rows of courseid, name and, if wanted, idnumber, description.

        Needs moodle/course:view and moodle/course:managegroups. Repeating isn't harmless: INVALID_PARAMETER, which
        Moodle says of a taken name.
        """
        return self._made(
            Function.CREATE_GROUPS, _groups, "groups", [{"description": ""} | dict(row) for row in groups]
        )

    def add_group_members(self, members: Rows) -> Reply[None]:
        """core_group_add_group_members: rows of groupid, userid. Users must be enrolled.

        Needs moodle/course:view and moodle/course:managegroups. Repeating is harmless.
        """
        return self._done(Function.ADD_GROUP_MEMBERS, "members", members)

    def delete_group_members(self, members: Rows) -> Reply[None]:
        """core_group_delete_group_members: rows of groupid, userid.

        Needs moodle/course:view and moodle/course:managegroups. Repeating is harmless.
        """
        return self._done(Function.DELETE_GROUP_MEMBERS, "members", members)

    def override_completion(self, user: int, cmid: int, state: int) -> Reply[Override]:
        """core_completion_override_activity_completion_status: state 1 complete, 0 incomplete; no other exists.

        Works for users who aren't enrolled too. Needs moodle/course:view and moodle/course:overridecompletion.
        Repeating is harmless: nothing changes and no event is fired.
        """
        if state not in (0, 1):
            raise ValueError("an override sets state 0 or 1")
        reply = self.call(Function.OVERRIDE_COMPLETION, userid=user, cmid=cmid, newstate=int(state))
        return reply.with_data(understood(Function.OVERRIDE_COMPLETION, _override, reply.data))

    def update_grades(
        self,
        course: int,
        component: str,
        cmid: int,
        grades: Rows,
        *,
        source: str = "moodle_client",
        itemnumber: int = 0,
    ) -> Reply[None]:
        """core_grades_update_grades: rows of studentid, grade and, if wanted, str_feedback, for one activity.

        `component`: mod_assign, say. A completion that follows from a grade is written without any event. Needs
        moodle/course:view, moodle/grade:viewall and moodle/grade:manage or moodle/grade:edit. Repeating isn't
        harmless: the gradebook keeps a history and fires events again. Raises MoodleError when Moodle refuses.
        """
        about: dict[str, Any] = {"source": source, "courseid": course, "component": component, "activityid": cmid}
        reply = self._in_parts(Function.UPDATE_GRADES, "grades", grades, **about, itemnumber=itemnumber)
        for flag in reply.data:
            if flag != 0:
                told = GRADE_FAILURES.get(flag, "unknown flag") if isinstance(flag, int) else "unexpected answer"
                raise MoodleError(Function.UPDATE_GRADES, Reason.OTHER, told).about([*about, "itemnumber", "grades"])
        return reply.with_data(None)

    def send_instant_messages(self, messages: Rows) -> Reply[tuple[SentMessage, ...]]:
        """core_message_send_instant_messages: rows of touserid, text and, if wanted, textformat (0 Moodle's own,
        1 HTML, 2 plain, 4 Markdown), clientmsgid (told again in the answer). A text has at most 4,096 bytes.

        Each row is answered by itself: to a user who is gone, or doesn't take messages of the caller, nothing is sent
        (`SentMessage.sent`). Where the site has messages switched off, OTHER (disabled). Needs moodle/site:sendmessage,
        and moodle/site:messageanyuser to write to people who share no course with the caller; it passes over what
        they chose. Repeating isn't harmless: it sends a second message.
        """
        return self._made(Function.SEND_INSTANT_MESSAGES, _sent_messages, "messages", messages)

    def _made(self, function: Function, adapter: TypeAdapter[T], name: str, rows: Rows) -> Reply[T]:
        reply = self._in_parts(function, name, rows)
        made = [row for part in reply.data for row in (part if isinstance(part, list) else [part])]
        return reply.with_data(understood(function, adapter, made))

    def _done(self, function: Function, name: str, rows: Rows) -> Reply[None]:
        return self._in_parts(function, name, rows).with_data(None)
