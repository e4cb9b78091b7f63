"""The site behind an address of its own, for tests and benchmarks of its web services."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.store import set_config
from sandbox.term import Term


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A sweep's thousands of calls aren't worth a line each."""


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """Serve the site on a free port of this machine, each call in a thread of its own; the address,
    which the site bears from then on."""
    term = Term(site)
    app = create_app(site, term, secrets.token_hex(16))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    address = f"http://127.0.0.1:{server.server_port}"
    with site.store.write() as db:
        set_config(db, "wwwroot", address)
    thread = threading.Thread(target=server.serve_forever, name="sandbox")
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        term.close()
