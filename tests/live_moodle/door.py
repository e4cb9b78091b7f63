"""The real service behind a door that can be shut in several ways, and that keeps what Moodle posted."""

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from records.settings import Settings
from tests.support.up import free_port
from tests.support.web import application

HEADERS = "live_moodle.headers"


@dataclass(frozen=True)
class Post:
    """One request as it came in, and what it was answered."""

    headers: list[tuple[str, str]]
    body: bytes
    status: int


class _Keeping(WSGIRequestHandler):
    """Keeps the headers in their order, spelt as they came."""

    def make_environ(self) -> dict[str, Any]:
        return super().make_environ() | {HEADERS: list(self.headers.items())}

    def log(self, *_: Any) -> None:
        """Nothing is printed."""


@dataclass
class Door:
    """A WSGI application around the service's own. `mode` says what becomes of a post.

    `open`; `hanging`: it is never answered; `error`: 500; `nonsense`: 200 and HTML; `redirect`; `deaf`: it is stored,
    and the answer is a 502 of some proxy.
    """

    app: Callable[..., Iterable[bytes]]
    mode: str = "open"
    posts: list[Post] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    arriving: Callable[[], None] = lambda: None
    """Called before the service is given a post, and `leaving` once it has stored it, before the answer goes out."""
    leaving: Callable[[], None] = lambda: None

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.get_data()
        self.arriving()
        response = self._response(request)
        self.leaving()
        self.posts.append(Post(environ[HEADERS], request.get_data(), response.status_code))
        return response(environ, start)

    def _response(self, request: Request) -> Response:
        match self.mode:
            case "hanging":
                self.let_go.wait(60)
                return Response(status=504)
            case "error":
                return Response("Oh", status=500)
            case "nonsense":
                return Response("<html>Welcome to the hotel's network</html>", content_type="text/html")
            case "redirect":
                return Response(status=302, headers={"Location": "https://elsewhere.example.org/"})
        # The body was read, so the service is given a request of its own.
        environ = Request(request.environ).environ | {"wsgi.input": io.BytesIO(request.get_data())}
        response = Response.from_app(self.app, environ)
        return Response(status=502) if self.mode == "deaf" else response


class House:
    """The door on a loopback port, which stays the same when it is shut and opened again."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.port = free_port()
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    def address(self, slug: str) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/{slug}/events"

    def up(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.door, threaded=True, request_handler=_Keeping)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Nobody listens any more."""
        if self._server and self._thread:
            self.door.let_go.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = None

    @contextmanager
    def shut(self, mode: str) -> Iterator[None]:
        """While something is wrong with the service."""
        self.door.let_go.clear()
        if mode == "down":
            self.down()
        self.door.mode = mode
        try:
            yield
        finally:
            self.door.mode = "open"
            self.door.let_go.set()
            if mode == "down":
                self.up()


@contextmanager
def open_house(settings: Settings) -> Iterator[House]:
    """The application of these settings, behind a door."""
    with application(settings) as app:
        house = House(Door(app))
        house.up()
        try:
            yield house
        finally:
            house.down()
