"""The web application for tests: in this process, or behind a real socket for a browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.serving import make_server

from records.settings import Settings
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


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a loopback port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
