"""The web application for tests: in this process, or behind a real socket for a browser."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule
from werkzeug.serving import make_server

from records.settings import Settings
from service import limits
from service.app import create_app
from service.context import EXTENSION


class Compiled(BytecodeCache):
    """The templates as compiled by the first application of the run: the next ones needn't do it again."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


class Unhurried(Rule):
    """A rule that compiles how its addresses are built when one is asked for: most tests ask for a few of hundreds."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(super(Unhurried, self)._compile_builder(append_unknown))
            return made[0](rule, **values)

        return build


Flask.url_rule_class = Unhurried


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    """The application; its connections are closed afterwards."""
    app = create_app(settings)
    app.jinja_env.bytecode_cache = COMPILED
    try:
        yield app
    finally:
        app.extensions[EXTENSION].engine.dispose()
        app.extensions[EXTENSION].redis.close()
        limits.close(app)


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a loopback port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # Closing it waits for whoever is still answered: an open page's question would otherwise go on in a database
    # connection that is thrown away under it.
    vars(server)["daemon_threads"] = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
