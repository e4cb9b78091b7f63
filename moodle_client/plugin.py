"""The methods for the companion plugin's functions: whole courses in a few calls, and what the plugin shows.

A site has them where `site_info().data.has(...)` says so. A course that isn't handed over is NO_PERMISSION with the
errorcode `notchosen`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from moodle_client.answers import Reply, understood
from moodle_client.calls import Calls
from moodle_client.errors import MoodleError, Reason
from moodle_client.functions import Function
from moodle_client.plugin_models import (
    CompletionRows,
    Digest,
    Ping,
    PluginStatus,
    Presence,
    Readings,
    StandingsKept,
)

T = TypeVar("T")
Rows = Sequence[Mapping[str, Any]]
_readings = TypeAdapter(Readings)
_completions = TypeAdapter(CompletionRows)
_digest = TypeAdapter(Digest)
_status = TypeAdapter(PluginStatus)
_ping = TypeAdapter(Ping)
_kept = TypeAdapter(StandingsKept)
_presence = TypeAdapter(tuple[Presence, ...])


class Plugin(Calls):
    """One method for each function of the companion plugin that is in use."""

    def get_courses(self, *, limit: int = 500) -> Iterator[Reply[Readings]]:
        """local_copbridge_get_courses: the courses that are handed over, by id, in pages of at most `limit`.

        Needs local/copbridge:getcourses.
        """
        return self._pages(Function.GET_COURSES, "after", limit=limit)

    def get_course_map(self, course: int) -> Reply[Readings]:
        """local_copbridge_get_course_map: the course, then all of its activities; a course that isn't there is one
        reading that says so.

        Needs local/copbridge:getcoursemap.
        """
        return self._call(Function.GET_COURSE_MAP, _readings, courseid=course)

    def get_roster(self, course: int, *, users: Iterable[int] = (), limit: int = 1000) -> Iterator[Reply[Readings]]:
        """local_copbridge_get_roster: account and enrolment of whoever has an enrolment, a role or a group in the
        course, by id, in pages of at most `limit` users.

        `users`: these alone, and each of them, with an enrolment of empty lists for who takes no part; then the
        account is told only where it is gone. Needs local/copbridge:getroster.
        """
        return self._pages(Function.GET_ROSTER, "afteruser", courseid=course, limit=limit, **_among("users", users))

    def get_completions(
        self, course: int, *, modules: Iterable[int] = (), users: Iterable[int] = (), limit: int = 5000
    ) -> Iterator[Reply[CompletionRows]]:
        """local_copbridge_get_completions: the completion rows of a course, or of these activities or users alone, by
        activity and user, in pages of at most `limit` rows.

        Needs local/copbridge:getcompletions.
        """
        only = {"modules": sorted(set(modules))} | _among("users", users)
        after = (0, 0)
        while True:
            begin = {"aftermodule": after[0], "afteruser": after[1], "limit": limit}
            reply = self._call(Function.GET_COMPLETIONS, _completions, courseid=course, **only, **begin)
            yield reply
            if not reply.data.more:
                return
            after = _further(Function.GET_COMPLETIONS, after, reply.data.rows[-1][:2] if reply.data.rows else after)

    def get_digest(self, course: int, *, users: Iterable[int] = ()) -> Reply[Digest]:
        """local_copbridge_get_digest: counts and sums over the completion rows of each activity, or over those of
        these users alone.

        Needs local/copbridge:getdigest.
        """
        return self._call(Function.GET_DIGEST, _digest, courseid=course, **_among("users", users))

    def get_status(self) -> Reply[PluginStatus]:
        """local_copbridge_get_status: versions, clock, cron, and what waits to be sent.

        Needs local/copbridge:getstatus.
        """
        return self._call(Function.GET_STATUS, _status)

    def ping(self) -> Reply[Ping]:
        """local_copbridge_ping: have an event sent now.

        Needs local/copbridge:ping. Repeating isn't harmless: it sends another event.
        """
        return self._call(Function.PING, _ping)

    def set_standings(self, standings: Rows = (), courses: Rows = ()) -> Reply[StandingsKept]:
        """local_copbridge_set_standings: what participants see of their hours. `standings` are rows of courseid,
        userid, asof (Unix seconds) and data (JSON; empty: remove it), `courses` of courseid, asof and data.

        An older one never replaces a newer one. Needs local/copbridge:setstandings. Repeating is harmless.
        """
        function = Function.SET_STANDINGS
        replies = [self._in_parts(function, "standings", standings), self._in_parts(function, "courses", courses)]
        parts = [understood(function, _kept, part) for reply in replies for part in reply.data]
        kept = StandingsKept(
            kept=sum(part.kept for part in parts),
            refused=tuple(row for part in parts for row in part.refused),
            held=parts[-1].held if parts else None,
        )
        elapsed = sum(reply.elapsed for reply in replies)
        return Reply(kept, min(reply.as_of for reply in replies), elapsed)

    def set_presence(self, rows: Rows) -> Reply[tuple[Presence, ...]]:
        """local_copbridge_set_presence: rows of cmid, userid, present: the activity of a session is complete for
        somebody, or not any more. What somebody changed later stays (`changed_since`).

        Needs local/copbridge:setpresence. Repeating is harmless.
        """
        reply = self._in_parts(Function.SET_PRESENCE, "rows", rows)
        found = [row for part in reply.data for row in (part if isinstance(part, list) else [part])]
        return reply.with_data(understood(Function.SET_PRESENCE, _presence, found))

    def _call(self, function: Function, adapter: TypeAdapter[T], **params: Any) -> Reply[T]:
        reply = self.call(function, **params)
        return reply.with_data(understood(function, adapter, reply.data))

    def _pages(self, function: Function, name: str, **params: Any) -> Iterator[Reply[Readings]]:
        last = 0
        while True:
            reply = self._call(function, _readings, **{name: last}, **params)
            yield reply
            if not reply.data.more:
                return
            last = _further(function, last, reply.data.last)


def _among(name: str, ids: Iterable[int]) -> dict[str, str]:
    """Ids as one field, for PHP drops what is over max_input_vars; none at all: everything."""
    text = ",".join(map(str, sorted(set(ids))))
    return {name: text} if text else {}


Place = TypeVar("Place", int, tuple[int, int])


def _further(function: Function, before: Place, after: Place) -> Place:
    """Where the next page begins. Raises MoodleError where that is no later: it would be asked for ever."""
    if after <= before:
        raise MoodleError(function, Reason.NOT_MOODLE, "a page that ends before it begins")
    return after
