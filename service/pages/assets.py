"""htmx, served from the package that carries it: nothing comes from a CDN, nothing is vendored."""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from flask import Blueprint, send_file
from werkzeug.wrappers import Response

blueprint = Blueprint("assets", __name__)
CARRIER = "django-htmx"
FILE = "django_htmx/static/django_htmx/htmx-2.min.js"


@cache
def htmx_file() -> Path:
    """Where the file was installed. Its package is never imported: that would ask for Django."""
    return Path(str(distribution(CARRIER).locate_file(FILE))).resolve(strict=True)


@blueprint.get("/static/vendor/htmx.min.js")
def htmx() -> Response:
    """The htmx library."""
    return send_file(htmx_file(), mimetype="text/javascript", max_age=3600)
