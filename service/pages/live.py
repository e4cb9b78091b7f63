"""Pages that stay current: a part of the page asks for itself again, and is answered only if it changed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.context import context

VERSION_LENGTH = 16
NO_CONTENT = 204


@contextmanager
def reading() -> Iterator[Session]:
    """A session that sees one state of the database, and can't change it."""
    with context().engine.connect() as connection:
        still = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(still) as session:
            yield session


def live_part(template: str, address: str, event: str = "refresh", **values: Any) -> tuple[Markup, str]:
    """A part of a page that asks for itself again at `address`, and its version: the same while it reads the same."""
    html = Markup(render_template(template, **values))  # noqa: S704 - jinja escaped it
    version = hashlib.sha256(html.encode()).hexdigest()[:VERSION_LENGTH]
    wrapped = render_template("parts/live.html", part=html, version=version, address=address, event=event)
    return Markup(wrapped), version  # noqa: S704 - jinja escaped it


def if_changed(part: tuple[Markup, str]) -> Response | str:
    """The part, or nothing at all if the browser has it already.

    So focus, selection and a screen reader's place are left alone while nothing happens.
    """
    html, version = part
    return Response(status=NO_CONTENT) if request.args.get("seen") == version else html
