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
from service.i18n import language_now

VERSION_LENGTH = 16
NO_CONTENT = 204


@contextmanager
def reading() -> Iterator[Session]:
    """A session that sees one state of the database, and can't change it."""
    with context().engine.connect() as connection:
        still = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(still) as session:
            yield session


def live_part(
    template: str, address: str, event: str = "refresh", *, version: str = "", **values: Any
) -> tuple[Markup, str]:
    """A part of a page that asks for itself again at `address`, and its version: the same while it reads the same.
    `version`: by version_of, where that is told before rendering."""
    html = Markup(render_template(template, **values))  # noqa: S704 - jinja escaped it
    version = version or _digest(html)
    wrapped = render_template("parts/live.html", part=html, version=version, address=address, event=event)
    return Markup(wrapped), version  # noqa: S704 - jinja escaped it


def version_of(*read: object) -> str:
    """The version of a part that costs more to render than to read: of everything that it is made from, in the
    language that it is told in. What is read has to say by its repr what it is."""
    return _digest(repr((language_now(), read)))


def seen(version: str) -> bool:
    """Whether the browser has this version already."""
    return request.args.get("seen") == version


def unchanged() -> Response:
    """The answer for who has seen it."""
    return Response(status=NO_CONTENT)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_LENGTH]


def if_changed(part: tuple[Markup, str]) -> Response | str:
    """The part, or nothing at all if the browser has it already.

    So focus, selection and a screen reader's place are left alone while nothing happens.
    """
    html, version = part
    return unchanged() if seen(version) else html
