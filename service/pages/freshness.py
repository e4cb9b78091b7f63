"""The line that says how fresh a page is; every page has it, and it asks for itself again."""

from flask import Blueprint, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries.freshness import freshness
from service.access import actor
from service.pages.live import if_changed, live_part, reading

blueprint = Blueprint("freshness", __name__)


@blueprint.get("/freshness")
def live() -> Response | str:
    """When Moodle was last heard of, if that changed."""
    with reading() as session:
        return if_changed(_line(session))


def of_page(session: Session) -> Markup:
    """The line for a page."""
    return _line(session)[0]


def _line(session: Session) -> tuple[Markup, str]:
    # Told to the minute, so that it isn't read out at every event.
    found = freshness(session, actor())
    address = url_for("freshness.live")
    return live_part("parts/freshness.html", address, "refresh-slowly", sites=found.sites, timezone=found.timezone)
