"""A person: each minute in each community explained, what earned nothing and why, and the ledger."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, g, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries.person import Explained, InCommunity, PersonPage, person
from service.access import actor
from service.context import context
from service.pages import freshness
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.live import if_changed, live_part, reading
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("person", __name__)


@dataclass(frozen=True, slots=True)
class Section:
    """One community of the person."""

    found: InCommunity
    program: str
    topic: str
    region: str
    bar: Bar
    drawn: dict[str, str]
    missing: int
    earned: list[Explained]
    nothing: list[Explained]


@blueprint.get("/people/<uuid:person_id>")
def show(person_id: UUID) -> str:
    """A person's page."""
    with reading() as session:
        found = _find(session, person_id)
        part = _part(found)[0]
        fresh = freshness.of_page(session)
    sections = [
        (i.community_id, topic_title(i.program, i.topic), region_title(i.program, i.region)) for i in found.communities
    ]
    return render_template("person.html", who=g.signed_in, part=part, fresh=fresh, found=found, sections=sections)


@blueprint.get("/people/<uuid:person_id>/live")
def live(person_id: UUID) -> Response | str:
    """The part of the page that changes, if it did."""
    with reading() as session:
        return if_changed(_part(_find(session, person_id)))


def _find(session: Session, person_id: UUID) -> PersonPage:
    found = person(session, actor(), person_id, context().clock())
    if found is None:
        abort(404)
    return found


def _part(found: PersonPage) -> tuple[Markup, str]:
    address = url_for("person.live", person_id=found.id)
    return live_part("parts/person.html", address, sections=[_section(each) for each in found.communities])


def _section(found: InCommunity) -> Section:
    standing = found.standing
    low, high = standing.band_min, standing.band_max
    band = (low, high) if low is not None and high is not None else None
    drawn = patterns(found.program.components)
    ordered = {
        code: standing.by_component[code] for code in (*drawn, *standing.by_component) if code in standing.by_component
    }
    return Section(
        found,
        program_title(found.program),
        topic_title(found.program, found.topic),
        region_title(found.program, found.region),
        bar(ordered, drawn, scale_for([standing.minutes], high), band),
        drawn,
        max(0, (low or 0) - standing.minutes),
        [line for line in found.lines if line.nothing is None],
        [line for line in found.lines if line.nothing is not None],
    )
