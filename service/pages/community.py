"""A community: everybody's bar, those who need help first; what its activities earn; its sessions."""

from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, g, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.base import words
from mappings.places import Contact
from mappings.standing import Status
from mappings.together import NoticeStatus
from records import late_changes
from records.queries import members
from records.queries.community import CommunityPage, community, meetings_of
from records.queries.members import AWAY, IN_NEED, Member
from records.queries.together import Standing, asks_together, of_community
from service import wording
from service.access import actor, may
from service.context import context
from service.explanations import RequirementTold, named_meetings, requirement
from service.i18n import _, language_now
from service.pages import freshness, moodle
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.coverage import coverage
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
class Wanted:
    """Which of the participants the address asks for."""

    status: str = ""
    after: UUID | None = None
    before: UUID | None = None

    def address(self, community_id: UUID, endpoint: str = "community.show", **other: UUID | str | None) -> str:
        """The same with other values; an empty one is left out."""
        values = {"status": self.status, "after": self.after, "before": self.before} | other
        given = {name: str(value) for name, value in values.items() if value}
        return url_for(endpoint, community_id=community_id, **given)  # type: ignore[arg-type]


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
        wanted = asked_for()
        part = _part(session, found, wanted)[0]
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
        return if_changed(_part(session, _find(session, community_id), asked_for()))


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
    acts = may(Permission.ADJUST_HOURS)
    return render_template(
        "parts/together.html",
        acts=acts is not None and acts.reaches(found.program.program, found.region, community_id),
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


def asked_for() -> Wanted:
    """What the address asks for; what makes no sense there is answered like what doesn't exist."""
    asked = {name: text for name in ("status", "after", "before") if (text := request.args.get(name))}
    status = asked.pop("status", "")
    try:
        ids = {name: UUID(text) for name, text in asked.items()}
    except ValueError:
        abort(404)
    if status not in ("", AWAY, *IN_NEED):
        abort(404)
    return Wanted(status, **ids)


def _part(session: Session, found: CommunityPage, wanted: Wanted) -> tuple[Markup, str]:
    sums = members.sums(session, found.id)
    page = members.participants(session, found.id, status=wanted.status, after=wanted.after, before=wanted.before)
    if page is None:
        abort(404)
    stated = found.program.band(found.topic, found.particulars)
    band = sums.band or ((stated.min_minutes, stated.max_minutes) if stated else None)
    drawn = patterns(found.program.components)
    scale = scale_for([sums.most], band[1] if band else None)
    return live_part(
        "parts/community.html",
        wanted.address(found.id, "community.live"),
        sums=sums,
        band=band,
        asked=bool(band) or sums.held[Status.NO_COMMITMENT] < sums.participants,
        drawn=drawn,
        axis=bar({}, drawn, scale, band) if band else None,
        participants=[_row(member, drawn, scale) for member in page.members],
        facilitators=members.others(session, found.id, facilitators=True),
        others=members.others(session, found.id, facilitators=False),
        meetings=meetings_of(session, found.id, found.program, context().clock()),
        coverage=coverage(found.activities, drawn, band),
        proposals=[a for a in found.activities if a.proposed],
        found=found,
        wanted=wanted,
        choices=_choices(sums),
        earlier=wanted.address(found.id, after=None, before=page.before) if page.before else "",
        later=wanted.address(found.id, before=None, after=page.after) if page.after else "",
        late=late_changes.of_community(session, found.id),
        these={"community": str(found.id)} | ({"status": wanted.status} if wanted.status else {}),
        plans=_may(Permission.RECORD_ATTENDANCE, found),
        invites=_may(Permission.INVITE_FACILITATORS, found),
        # Those who aren't active are none that the search over people knows by that.
        writes=wanted.status != AWAY and _may(Permission.SEND_NUDGES, found),
        acts=wanted.status != AWAY and _may(Permission.ADJUST_HOURS, found),
        maps=_may(Permission.DECIDE_MAPPING, found),
        lets_in=_may(Permission.APPROVE_HOURS, found),
    )


def _may(permission: Permission, found: CommunityPage) -> bool:
    """Whether who asks may do so in this community."""
    who = may(permission)
    return who is not None and who.reaches(found.program.program, found.region, found.id)


def _choices(sums: members.Sums) -> list[tuple[str, str]]:
    """What the participants can be filtered by: the standings that some have."""
    found = [
        (
            str(status),
            _("%(standing)s (%(num)s)", standing=wording.standing(status), num=wording.number(sums.held[status])),
        )
        for status in IN_NEED
        if sums.held[status]
    ]
    return [*found, (AWAY, _("Not active (%(num)s)", num=wording.number(sums.away)))] if sums.away else found


def _row(member: Member, drawn: dict[str, str], scale: int) -> Row:
    low, high = member.band_min, member.band_max
    band = (low, high) if low is not None and high is not None else None
    ordered = {
        code: member.by_component[code] for code in (*drawn, *member.by_component) if code in member.by_component
    }
    return Row(member, bar(ordered, drawn, scale, band), max(0, (low or 0) - member.minutes))
