"""The bar of places: where somebody may go, and what waits there."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import request, url_for

from records.actor import Actor
from service import access
from service.i18n import N_, _
from service.pages import review
from service.permissions import Permission


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the bar leads to; `blueprints`: whose pages lie there, too."""

    endpoint: str
    title: str
    permission: Permission
    blueprints: tuple[str, ...] = ()
    waits: Callable[[Actor], int] | None = None
    """How much waits there for somebody, as far as he or she reaches."""


PLACES = (
    Place(
        "board.show", N_("Communities"), Permission.SEE_BOARD, ("community", "sessions", "person", "imports", "roster")
    ),
    Place("review.show", N_("Review"), Permission.DECIDE_ATTENDANCE, waits=review.how_many),
    Place("plugin.show", N_("Moodle plugin"), Permission.CONNECT_SITES),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A place in the bar of one page."""

    address: str
    title: str
    here: bool
    waits: int


def places(who: Actor) -> list[Shown]:
    """The places that somebody may go to, in the bar's order."""
    shown, blueprint = [], request.blueprint or ""
    for place in PLACES:
        within = access.within(who, place.permission)
        if within.grants:
            here = blueprint in (place.endpoint.split(".")[0], *place.blueprints)
            waits = place.waits(within) if place.waits else 0
            shown.append(Shown(url_for(place.endpoint), _(place.title), here, waits))
    return shown
