"""Starts a simulated Moodle site: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from pathlib import Path

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.disorder import Disorder
from sandbox.many import Many, fill
from sandbox.pace import Pace
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.store import StateError
from sandbox.term import Term

HOST = "127.0.0.1"


class StartError(Exception):
    """The sandbox can't start; the message is one sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 when it can't start."""
    options = _options(arguments)
    try:
        secret = _secret(options.secret_file)
        site = Site(
            options.state,
            options.wwwroot or f"http://{HOST}:{options.port}",
            target=options.target,
            secret=secret,
            pace=Pace(options.pace, options.at_once),
            disorder=Disorder(options.drop, options.double, options.reorder, not options.no_readings, options.lots),
        )
    except (StartError, StateError) as err:
        print(f"sandbox: {err}", file=sys.stderr)
        return 2
    with site:
        site.lacks(*options.without)
        if options.plugin:
            site.installs_plugin()
        if options.fill is not None:
            fill(site, options.fill)
        if options.token_file is not None:
            _hand_over(options.token_file, site.token)
        if options.provisioning_token_file is not None:
            _hand_over(options.provisioning_token_file, site.provisioning_token())
        return _serve(site, options.port, options.term_seconds)


def _serve(site: Site, port: int, term_seconds: float) -> int:
    term = Term(site, seconds=term_seconds)
    app = create_app(site, term, secrets.token_hex(16))
    try:
        listening = socket.create_server((HOST, port))
    except (OSError, OverflowError) as err:
        print(f"sandbox: port {port} can't be used: {err}.", file=sys.stderr)
        return 2
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    port = listening.getsockname()[1]
    server = make_server(HOST, port, app, threaded=True, fd=listening.detach())
    _stop_on_signals(server)
    if site.sender is not None:
        site.sender.start()
    print(f"sandbox: http://{HOST}:{port}/ is ready", flush=True)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        term.close()
    return 0


def _stop_on_signals(server: BaseWSGIServer) -> None:
    """`shutdown` waits for the serving loop, which runs in the thread that gets the signal."""

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="A simulated Moodle site.")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--state", type=Path, required=True, help="SQLite file of the site")
    parser.add_argument("--target", required=True, help="address that takes the wire's batches")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with whsec_...")
    parser.add_argument("--wwwroot", default="", help="the site's address, as the wire names it")
    parser.add_argument("--token-file", type=Path, help="write the web-service token here")
    parser.add_argument("--provisioning-token-file", type=Path, help="write the token of who sets up courses here")
    parser.add_argument("--plugin", action="store_true", help="the site has the companion plugin's web services, too")
    parser.add_argument("--term-seconds", type=float, default=30.0, help="length of a played term")
    _add_tests(parser.add_argument_group("for tests and benchmarks"))
    return parser.parse_args(arguments)


def _add_tests(parser: argparse._ArgumentGroup) -> None:
    add = parser.add_argument
    add("--pace", type=_amount, default=0.0, metavar="FACTOR", help="web services take this times a real site's time")
    add("--at-once", type=_count, default=0, metavar="N", help="web-service calls served at once; others queue")
    add("--without", action="append", default=[], metavar="CAPABILITY", help="what the service account lacks")
    add("--fill", type=_many, metavar="COURSESxUSERSxMODULES", help="add large courses once, such as 2x1000x30")
    for name, what in (("drop", "lost"), ("double", "sent twice"), ("reorder", "sent too late")):
        add(f"--{name}", type=_share, default=0.0, metavar="SHARE", help=f"share of events that are {what}, 0 to 1")
    add("--no-readings", action="store_true", help="events are sent without any state")
    add("--lots", type=int, default=1, metavar="SEED", help="seed of what the wire loses")


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1_000:
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _many(text: str) -> Many:
    courses, users, modules = (int(part) for part in text.split("x"))
    if min(courses, users, modules) < 1:
        raise ValueError(text)
    return Many(courses, users, modules)


def _secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise StartError(f"the secret file {path} can't be read.") from err
    if not secret.startswith("whsec_"):
        raise StartError(f"the secret in {path} doesn't begin with whsec_.")
    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, RuntimeError, ValueError) as err:
        raise StartError(f"the secret in {path} isn't one of Standard Webhooks.") from err
    return secret


def _hand_over(path: Path, token: str) -> None:
    """The token is for its owner's eyes only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{token}\n")


if __name__ == "__main__":
    raise SystemExit(main())
