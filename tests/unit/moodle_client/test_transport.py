"""The transport against a real HTTP server: sessions, time-outs, broken connections, sizes, redirects."""

import gc
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from moodle_client import MoodleClient, MoodleError, Reason
from moodle_client.answers import PIECE
from tests.unit.moodle_client.site import TOKEN, Clock

Behaviour = Callable[[BaseHTTPRequestHandler], None]
INFO = b'{"sitename": "A &amp; B", "siteurl": "x", "userid": "3"}'


class Server(ThreadingHTTPServer):
    """Answers each request as its behaviour does, and remembers from which connection it came."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), handler(behaviour))
        self.connections: list[Any] = []
        self.free = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client hung up: that's what some tests want."""


def handler(behaviour: Behaviour) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            assert isinstance(self.server, Server)
            self.server.connections.append(self.client_address)
            behaviour(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Tests are quiet."""

    return Handler


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[tuple[str, Server]]:
    server = Server(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.free.set()
        server.shutdown()
        thread.join()
        server.server_close()


def well(request: BaseHTTPRequestHandler, body: bytes = INFO) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def client(wwwroot: str, **settings: Any) -> MoodleClient:
    time = Clock()
    settings = {"tries": 1, "timeout": 10} | settings
    return MoodleClient(wwwroot, TOKEN, clock=time, sleep=time.sleep, **settings)


def failure(behaviour: Behaviour, **settings: Any) -> MoodleError:
    """The error of one call, checked for the token everywhere that a log might look."""
    with serving(behaviour) as (wwwroot, _), client(wwwroot, **settings) as moodle:
        with pytest.raises(MoodleError) as err:
            moodle.site_info()
        told = "".join(traceback.format_exception(err.value))
        assert TOKEN not in f"{told} {err.value!r} {moodle!r} {vars(err.value)}"
        assert err.value.__cause__ is None
        assert err.value.__context__ is None
    return err.value


def silent(request: BaseHTTPRequestHandler) -> None:
    assert isinstance(request.server, Server)
    request.server.free.wait(30)


def silent_within(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"sitename":')
    request.wfile.flush()
    silent(request)


def cut_short(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"[]")
    request.close_connection = True


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (silent, "ReadTimeout"),
        (silent_within, "ReadTimeout"),
        (cut_short, "ChunkedEncodingError"),
        (hang_up, "ConnectionError"),
    ],
)
def test_what_happens_to_connections_is_unreachable(behaviour: Behaviour, code: str) -> None:
    err = failure(behaviour, timeout=0.2)
    assert (err.reason, err.errorcode, err.outcome_unknown) == (Reason.UNREACHABLE, code, True)


def test_a_site_that_is_not_there_is_unreachable() -> None:
    with serving(well) as (wwwroot, _):
        pass
    with client(wwwroot) as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert (err.value.reason, err.value.errorcode) == (Reason.UNREACHABLE, "ConnectionError")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_says_where_the_site_is(status: int) -> None:
    asked = []

    def elsewhere(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_response(status)
        request.send_header("Location", "https://other.example.org/login?wstoken=x")
        request.send_header("Content-Length", "0")
        request.end_headers()

    err = failure(elsewhere, tries=4)
    assert (err.reason, err.permanent) == (Reason.REDIRECTED, True)
    assert err.errorcode == f"HTTP {status} to https://other.example.org"
    assert len(asked) == 1


def test_an_answer_over_the_limit_is_left_unread() -> None:
    left = []

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(100_000):
                request.wfile.write(b" " * PIECE)
        except OSError:
            left.append(True)
        request.close_connection = True

    err = failure(endless, max_bytes=3 * PIECE)
    assert (err.reason, err.errorcode) == (Reason.TOO_LARGE, f"over {3 * PIECE} bytes")
    assert err.permanent


def test_an_answer_up_to_the_limit_is_read() -> None:
    with serving(well) as (wwwroot, _), client(wwwroot, max_bytes=len(INFO)) as moodle:
        info = moodle.site_info().data
        assert (info.sitename, info.userid) == ("A & B", 3)


def test_an_answer_that_drips_is_given_up() -> None:
    ticking = iter(range(0, 10_000, 60))  # a minute passes between any two looks at the clock
    with (
        serving(well) as (wwwroot, _),
        MoodleClient(wwwroot, TOKEN, timeout=5, clock=lambda: float(next(ticking)), tries=1) as moodle,
        pytest.raises(MoodleError) as err,
    ):
        moodle.site_info()
    assert (err.value.reason, err.value.errorcode) == (Reason.UNREACHABLE, "too slow")


def test_the_time_of_a_call_is_told() -> None:
    clock = Clock()

    def slow(request: BaseHTTPRequestHandler) -> None:
        clock.now += 11
        well(request)

    with serving(slow) as (wwwroot, _), MoodleClient(wwwroot, TOKEN, timeout=5, clock=clock) as moodle:
        assert moodle.site_info().elapsed == 11.0


def test_a_connection_is_kept_and_each_thread_has_its_own() -> None:
    with serving(well) as (wwwroot, server), client(wwwroot) as moodle:
        moodle.site_info()
        moodle.site_info()
        assert len(set(server.connections)) == 1
        together = threading.Barrier(3, timeout=20)

        def call() -> None:
            moodle.site_info()
            together.wait()  # all three threads live at once
            moodle.site_info()

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(server.connections)) == 4
        assert moodle.pace.calls == 8


def test_sessions_of_threads_that_ended_are_closed() -> None:
    with serving(well) as (wwwroot, _), client(wwwroot) as moodle:
        for _ in range(5):
            thread = threading.Thread(target=moodle.site_info)
            thread.start()
            thread.join()
        assert len(moodle._transport.sessions) == 1
    assert len(moodle._transport.sessions) == 0
    gc.collect()


def test_a_closed_client_says_so() -> None:
    moodle = MoodleClient("https://moodle.example.org", TOKEN)
    moodle.close()
    moodle.close()
    with pytest.raises(RuntimeError, match="closed"):
        moodle.site_info()


@pytest.mark.parametrize(
    "wwwroot", ["moodle.example.org", "ftp://x.org", "https://", "https://u:p@x.org", "https://x.org/?a=1"]
)
def test_what_is_no_wwwroot_is_refused(wwwroot: str) -> None:
    with pytest.raises(ValueError, match="address"):
        MoodleClient(wwwroot, TOKEN)
