"""The one way to Moodle: POST form fields, the token in the body, an answer of bounded size and time."""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests

from moodle_client.answers import PIECE, Reply, as_of, check_status, decoded, warnings_in
from moodle_client.encoding import Fields
from moodle_client.errors import OVERLOAD, MoodleError, Reason
from moodle_client.pace import Pace

PATIENCE = 10
"""An answer may take so many times the time-out in all; the time-out itself is for each silence."""


class Sessions:
    """A pooled session for each thread: a requests.Session isn't made for sharing. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_thread: dict[threading.Thread, requests.Session] = {}
        self._closed = False

    def mine(self) -> requests.Session:
        """The session of the calling thread. Raises RuntimeError after close()."""
        me = threading.current_thread()
        with self._lock:
            if self._closed:
                raise RuntimeError("this MoodleClient is closed")
            if me not in self._by_thread:
                self._forget_the_dead()
                self._by_thread[me] = self._made()
            return self._by_thread[me]

    def close(self) -> None:
        """Close the sessions of all threads. May be called again."""
        with self._lock:
            self._closed = True
            for session in self._by_thread.values():
                session.close()
            self._by_thread.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._by_thread)

    def _forget_the_dead(self) -> None:
        for thread in [thread for thread in self._by_thread if not thread.is_alive()]:
            self._by_thread.pop(thread).close()

    @staticmethod
    def _made() -> requests.Session:
        session = requests.Session()
        session.headers.update({"User-Agent": "moodle_client", "Accept": "application/json"})
        return session


class Transport:
    """Makes one attempt of a call. Holds the token, and shows it nowhere."""

    def __init__(
        self, wwwroot: str, token: str, *, timeout: float, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.url = f"{_checked(wwwroot)}/webservice/rest/server.php"
        self.sessions = Sessions()
        self._token = token
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._clock = clock

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def attempt(self, function: str, fields: Fields, pace: Pace) -> Reply[Any]:
        """One request, when its turn has come. Raises MoodleError."""
        session = self.sessions.mine()
        with pace.turn(function) as turn:
            started = self._clock()
            try:
                reply = self._once(session, function, fields)
            except MoodleError as err:
                turn.overloaded = err.reason in OVERLOAD
                raise
            turn.elapsed = self._clock() - started
            return Reply(reply.data, reply.as_of, turn.elapsed, reply.warnings)

    def _once(self, session: requests.Session, function: str, fields: Fields) -> Reply[Any]:
        sent = [("wstoken", self._token), ("wsfunction", function), ("moodlewsrestformat", "json"), *fields]
        failure = None
        try:
            with session.post(
                self.url, data=sent, timeout=self._timeout, allow_redirects=False, stream=True
            ) as response:
                check_status(function, response)
                body = self._body(function, response)
        except requests.RequestException as err:
            failure = _failure(function, err)
        if failure:
            # Raised out here, so that requests' error isn't even its context: it holds the request with the token.
            raise failure
        data = decoded(function, body)
        return Reply(data, as_of(response), 0.0, warnings_in(data))

    def _body(self, function: str, response: requests.Response) -> bytes:
        """The whole body, read in pieces, so that neither its size nor its slowness is the server's choice."""
        body = bytearray()
        latest = self._clock() + PATIENCE * self._timeout
        for piece in response.iter_content(PIECE):
            body += piece
            if len(body) > self._max_bytes:
                raise MoodleError(function, Reason.TOO_LARGE, f"over {self._max_bytes} bytes")
            if self._clock() > latest:
                raise MoodleError(function, Reason.UNREACHABLE, "too slow")
        return bytes(body)


def _failure(function: str, err: requests.RequestException) -> MoodleError:
    if isinstance(err, requests.exceptions.SSLError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(err)
        return MoodleError(function, Reason.UNTRUSTED if untrusted else Reason.UNREACHABLE, "SSLError")
    # A time-out within the body is a ConnectionError to requests.
    late = type(err) is requests.ConnectionError and "timed out" in str(err)
    return MoodleError(function, Reason.UNREACHABLE, "ReadTimeout" if late else type(err).__name__)


def _checked(wwwroot: str) -> str:
    parts = urlsplit(wwwroot)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("a site's address is its wwwroot: https://moodle.example.org or with a path")
    if parts.username or parts.password:
        raise ValueError("a site's address holds no name and no password")
    return wwwroot.rstrip("/")
