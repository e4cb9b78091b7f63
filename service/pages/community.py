"""A community: everybody's bar, those who need help first; what its activities earn; its sessions."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, g, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.base import words
from mappings.places import Contact
from mappings.standing import REACHED, Status
from mappings.together import NoticeStatus
from records.queries.community import CommunityPage, Member, community
from records.queries.together import Standing, asks_together, of_community
from service.access import actor, may
from service.context import context
from service.explanations import RequirementTold, named_meetings, requirement
from service.i18n import language_now
from service.pages import freshness, moodle
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.live import if_changed, live_part, reading
from service.pages.titles import program_title, region_title, topic_title
from service.permissions import Permission
from service.sentences import Teller, notice_status

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
    behind: int
    cannot_reach: int
    asked: bool
    """Whether anything is asked of them."""
    band: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SubjectTold:
    """The community, a team or a participant, and how it stands in words."""

    subject: Standing
    requirements: list[RequirementTold]
    guidelines: list[tuple[str, NoticeStatus, str, str]]
    """(Title, status, the status in words, what there is)."""


@dataclass(frozen=True, slots=True)
class About:
    """What the program says of itself."""

    description: str
    how_to_join: str
    contact: Contact | None

    @property
    def link(self) -> str:
        """The contact's page: an address of the web, and no other kind."""
        url = (self.contact.url or "") if self.contact else ""
        return url if url.startswith(("https://", "http://")) else ""


@blueprint.get("/communities/<uuid:community_id>")
def show(community_id: UUID) -> str:
    """A community's page."""
    with reading() as session:
        found = _find(session, community_id)
        part = _part(found)[0]
        fresh = freshness.of_page(session)
        readings = moodle.of_community(session, found)
    topic = topic_title(found.program, found.topic)
    return render_template(
        "community.html",
        who=g.signed_in,
        part=part,
        fresh=fresh,
        readings=readings,
        found=found,
        topic=topic,
        region=region_title(found.program, found.region),
        program=program_title(found.program),
        about=_about(found),
        together=asks_together(found.program),
    )


@blueprint.get("/communities/<uuid:community_id>/live")
def live(community_id: UUID) -> Response | str:
    """The part of the page that changes, if it did."""
    with reading() as session:
        return if_changed(_part(_find(session, community_id)))


@blueprint.get("/communities/<uuid:community_id>/together")
def together(community_id: UUID) -> str:
    """What the community and its teams have reached: computed now, so that the page itself needn't wait for it."""
    with reading() as session:
        found = of_community(session, actor(), community_id, context().clock())
    if found is None:
        abort(404)
    teller = Teller(found.program, found.timezone, language_now())
    names = named_meetings(found.meetings, teller)
    told = [_subject(teller, each, names) for each in found.subjects]
    return render_template(
        "parts/together.html",
        subjects=[each for each in told if each.subject.kind != "participant"],
        people=[each for each in told if each.subject.kind == "participant"],
    )


def _subject(teller: Teller, subject: Standing, names: dict[str, str]) -> SubjectTold:
    guidelines = [
        (teller.notice(n.notice), n.status, notice_status(n.status), teller.noticed(n))
        for n in subject.together.notices
    ]
    return SubjectTold(subject, [requirement(o, teller, names) for o in subject.together.outcomes], guidelines)


def _about(found: CommunityPage) -> About:
    program, language = found.program, language_now()
    contact = next((part.contact for part in reversed(found.particulars) if part.contact), program.contact)
    return About(words(program.description or {}, language), words(program.how_to_join or {}, language), contact)


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
    who = may(Permission.RECORD_ATTENDANCE)
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
        total=sum(a.earning.minutes for a in found.activities if a.earning and not a.continues),
        found=found,
        plans=who is not None and who.reaches(found.program.program, found.region, found.id),
    )


def _summary(found: CommunityPage, active: list[Member]) -> Summary:
    bands = [(m.band_min, m.band_max) for m in active if m.band_min is not None and m.band_max is not None]
    stated = found.program.band(found.topic, found.particulars)
    if not bands and stated:
        bands = [(stated.min_minutes, stated.max_minutes)]
    average = round(sum(m.minutes for m in active) / len(active)) if active else 0
    held = Counter(m.standing for m in active)
    return Summary(
        len(active),
        average,
        sum(held[status] for status in REACHED),
        held[Status.BEHIND],
        held[Status.CANNOT_REACH],
        bool(bands) or held[Status.NO_COMMITMENT] < len(active),
        bands[0] if bands else None,
    )


def _row(member: Member, drawn: dict[str, str], scale: int) -> Row:
    low, high = member.band_min, member.band_max
    band = (low, high) if low is not None and high is not None else None
    ordered = {
        code: member.by_component[code] for code in (*drawn, *member.by_component) if code in member.by_component
    }
    return Row(member, bar(ordered, drawn, scale, band), max(0, (low or 0) - member.minutes))
