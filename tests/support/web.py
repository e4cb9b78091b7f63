"""The web application for tests: in this process, or behind a real socket for a browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

from records.settings import Settings
from service.app import create_app
from service.context import EXTENSION


@contextmanager
def application(settings: Settings) -> Iterator[Flask]:
    """The application; its connections are closed afterwards."""
    app = create_app(settings)
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
