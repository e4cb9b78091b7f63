"""The bar of places: where somebody may go, and what waits there."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import request, url_for
from sqlalchemy.orm import Session

from records.actor import Actor, Role
from records.queries.milestone_reach import anything_asked
from service import access
from service.i18n import N_, _
from service.pages import to_decide
from service.pages.live import reading
from service.permissions import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the bar leads to; `blueprints`: whose pages lie there, too."""

    endpoint: str
    title: str
    permission: Permission
    blueprints: tuple[str, ...] = ()
    waits: Callable[[Session, Actor], int] | None = None
    """How much waits there for somebody, as far as he or she reaches."""
    unlimited: bool = False
    """It is about the whole installation: for who reaches everything."""
    shown: Callable[[Session, Actor], bool] | None = None
    """Whether there is anything for somebody; left out: always. It is asked on every page."""


PLACES = (
    Place(
        "board.show",
        N_("Communities"),
        Permission.SEE_BOARD,
        ("community", "sessions", "imports", "roster", "check_in", "facilitators"),
    ),
    Place("people.show", N_("People"), Permission.SEE_PEOPLE, ("person", "acts", "merging", "erasing", "person_file")),
    Place(
        "to_decide.show",
        N_("To decide"),
        Permission.DECIDE_ATTENDANCE,
        ("review", "approvals", "bulk_acts", "decisions", "late", "mapping", "adoptions"),
        to_decide.how_many,
    ),
    Place("nudges.listed", N_("Messages"), Permission.SEND_NUDGES),
    # Whoever decides comes to it by what there is to decide.
    Place(
        "decisions.listed",
        N_("Decisions"),
        Permission.SEE_DECISIONS,
        shown=lambda _session, who: who.roles == {Role.AUDITOR},
    ),
    Place("milestones.show", N_("Milestones"), Permission.SEE_PEOPLE, shown=anything_asked),
    Place("reports.show", N_("Reports"), Permission.SEE_BOARD),
    Place("periods.listed", N_("Periods"), Permission.CLOSE_PERIODS),
    Place("users.listed", N_("Users"), Permission.MANAGE_USERS),
    Place("operations.show", N_("Operations"), Permission.SEE_OPERATIONS, ("plugin",), unlimited=True),
    Place(
        "provisioning.listed",
        N_("Provisioning"),
        Permission.PROVISION,
        ("provision_edit", "provision_wizard", "provision_work"),
        unlimited=True,
    ),
    Place("audit_trail.show", N_("Audit trail"), Permission.SEE_AUDIT, unlimited=True),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A place in the bar of one page."""

    address: str
    title: str
    here: bool
    waits: int


def places(who: Actor, broken: bool = False) -> list[Shown]:
    """The places that somebody may go to, in the bar's order; `broken`: the database isn't asked for anything."""
    reached = [(place, access.within(who, place.permission)) for place in PLACES]
    open_to = [(place, actor) for place, actor in reached if actor.unlimited or (actor.grants and not place.unlimited)]
    if broken:
        return [_shown(place, 0) for place, _actor in open_to if not place.shown]
    # One transaction for all of them: what it takes to begin and end one is paid on every page.
    with reading() as session:
        return [
            _shown(place, place.waits(session, actor) if place.waits else 0)
            for place, actor in open_to
            if not place.shown or place.shown(session, actor)
        ]


def _shown(place: Place, waits: int) -> Shown:
    here = (request.blueprint or "") in (place.endpoint.split(".")[0], *place.blueprints)
    return Shown(url_for(place.endpoint), _(place.title), here, waits)
