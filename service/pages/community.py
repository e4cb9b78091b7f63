"""A community: everybody's bar, those who need help first; what its activities earn; its sessions."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, g, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries.community import CommunityPage, Member, community
from service.access import actor
from service.pages import freshness
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.live import if_changed, live_part, reading
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("community", __name__)


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody with his or her bar."""

    member: Member
    bar: Bar
    missing: int
    """Minutes to the minimum."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The active participants together."""

    participants: int
    average: int
    met: int
    band: tuple[int, int] | None


@blueprint.get("/communities/<uuid:community_id>")
def show(community_id: UUID) -> str:
    """A community's page."""
    with reading() as session:
        found = _find(session, community_id)
        part = _part(found)[0]
        fresh = freshness.of_page(session)
    topic = topic_title(found.program, found.topic)
    return render_template(
        "community.html",
        who=g.signed_in,
        part=part,
        fresh=fresh,
        found=found,
        topic=topic,
        region=region_title(found.program, found.region),
        program=program_title(found.program),
    )


@blueprint.get("/communities/<uuid:community_id>/live")
def live(community_id: UUID) -> Response | str:
    """The part of the page that changes, if it did."""
    with reading() as session:
        return if_changed(_part(_find(session, community_id)))


def _find(session: Session, community_id: UUID) -> CommunityPage:
    found = community(session, actor(), community_id)
    if found is None:
        abort(404)
    return found


def _part(found: CommunityPage) -> tuple[Markup, str]:
    active = [m for m in found.members if m.role == "participant" and m.status == "active"]
    summary = _summary(found, active)
    drawn = patterns(found.program.components)
    scale = scale_for((m.minutes for m in found.members), summary.band[1] if summary.band else None)
    rows = [_row(member, drawn, scale) for member in found.members]
    return live_part(
        "parts/community.html",
        url_for("community.live", community_id=found.id),
        summary=summary,
        drawn=drawn,
        axis=bar({}, drawn, scale, summary.band) if summary.band else None,
        participants=[row for row in rows if row.member.role == "participant"],
        facilitators=[row for row in rows if row.member.role == "facilitator"],
        others=[row for row in rows if row.member.role not in ("participant", "facilitator")],
        earning=[a for a in found.activities if a.earning],
        earning_nothing=[a for a in found.activities if not a.earning],
        proposals=[a for a in found.activities if a.proposed],
        total=sum(a.earning.minutes for a in found.activities if a.earning),
        found=found,
    )


def _summary(found: CommunityPage, active: list[Member]) -> Summary:
    bands = [(m.band_min, m.band_max) for m in active if m.band_min is not None and m.band_max is not None]
    stated = found.program.band(found.topic)
    if not bands and stated:
        bands = [(stated.min_minutes, stated.max_minutes)]
    average = round(sum(m.minutes for m in active) / len(active)) if active else 0
    met = sum(m.band_min is not None and m.minutes >= m.band_min for m in active)
    return Summary(len(active), average, met, bands[0] if bands else None)


def _row(member: Member, drawn: dict[str, str], scale: int) -> Row:
    low, high = member.band_min, member.band_max
    band = (low, high) if low is not None and high is not None else None
    ordered = {
        code: member.by_component[code] for code in (*drawn, *member.by_component) if code in member.by_component
    }
    return Row(member, bar(ordered, drawn, scale, band), max(0, (low or 0) - member.minutes))
