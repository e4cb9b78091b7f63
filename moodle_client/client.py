"""One method for each function in use, and `call` for the rest."""

from types import TracebackType
from typing import Any, Self, TypeVar

import requests
from pydantic import TypeAdapter, ValidationError

from moodle_client.errors import MoodleError, Reason
from moodle_client.functions import Function
from moodle_client.models import ActivityCompletion, ActivityCompletions, SiteInfo
from moodle_client.transport import Reply, post

T = TypeVar("T")
_completions = TypeAdapter(ActivityCompletions)
_site_info = TypeAdapter(SiteInfo)


class MoodleClient:
    """A client of one site, for one thread: it holds a pooled session. Use it as a context manager.

    Example:
        with MoodleClient("https://moodle.example.org", token) as moodle:
            print(moodle.site_info().sitename)
    """

    def __init__(self, wwwroot: str, token: str, *, timeout: float = 30.0) -> None:
        self._url = f"{wwwroot.rstrip('/')}/webservice/rest/server.php"
        self._token = token
        self._timeout = timeout
        self._session = requests.Session()

    def __repr__(self) -> str:
        return f"MoodleClient({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def call(self, function: str, **params: Any) -> Reply:
        """Any function, its answer as decoded JSON. Raises MoodleError."""
        return post(self._session, self._url, self._token, function, params, self._timeout)

    # https://docs.moodle.org/dev/Web_service_API_functions
    def site_info(self) -> SiteInfo:
        """Who the token belongs to and which functions it may call. Needs webservice/rest:use alone."""
        return _understood(Function.SITE_INFO, _site_info, self.call(Function.SITE_INFO).data)

    # https://docs.moodle.org/dev/Web_service_API_functions
    def activity_completions(self, course: int, user: int) -> tuple[Reply, tuple[ActivityCompletion, ...]]:
        """The tracked activities of one user in one course, with the moment of the reading.

        Needs report/progress:view and moodle/course:view. Without moodle/course:viewhiddenactivities,
        moodle/course:ignoreavailabilityrestrictions and mod/*:view Moodle leaves activities out without
        a word: take a missing activity for unknown, never for incomplete.
        """
        reply = self.call(Function.ACTIVITY_COMPLETIONS, courseid=course, userid=user)
        return reply, _understood(Function.ACTIVITY_COMPLETIONS, _completions, reply.data).statuses


def _understood(function: str, adapter: TypeAdapter[T], data: Any) -> T:
    try:
        return adapter.validate_python(data)
    except ValidationError as err:
        # Its text quotes what was sent: only the places are told.
        places = {".".join(str(step) for step in e["loc"]) for e in err.errors(include_input=False)}
        raise MoodleError(
            function, Reason.NOT_MOODLE, f"unexpected answer at {', '.join(sorted(places)[:5])}"
        ) from None
