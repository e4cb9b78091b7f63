"""The search over people: who is meant, by name or by how they stand, and what can be done about all of them.

What was typed stands in the address, so that a list can be kept and sent to a colleague: an address of this site is
told to no other site (Referrer-Policy: same-origin), and queries are never logged.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request, url_for
from markupsafe import Markup

from mappings.program import Program
from records.bulk import AT_ONCE
from records.queries.filter_choices import Choices, choices
from records.queries.filters import EVERYBODY, PRESENT, PeopleFilter, as_id
from records.queries.people_search import Found, Order, Page, Place, people
from service.access import actor, may
from service.i18n import N_, _
from service.pages import freshness
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.filtering import OF_PEOPLE, asked, offered, period_note, told
from service.pages.live import reading
from service.pages.titles import region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("people", __name__)
SIZE = 50
"""Memberships on a page."""
ORDERS = ((Order.NEED, N_("Who needs help first")), (Order.NAME, N_("Name")))
IN_ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """A membership with its titles and its bar; `drawn`: the pattern of each component."""

    found: Found
    topic: str
    region: str
    bar: Bar
    drawn: dict[str, str]


@blueprint.get("/people")
def show() -> str:
    """Everybody who matches, page by page."""
    wanted, order = asked(), order_asked()
    with reading() as session:
        found = people(session, actor(), wanted, order, _place(), SIZE)
        there = choices(session, actor(), actor())
        fresh = freshness.of_page(session)
    chosen = offered(there, wanted, OF_PEOPLE)
    rows = _rows(found, there)
    return render_template(
        "people.html",
        who=g.signed_in,
        part=Markup(""),
        fresh=fresh,
        rows=rows,
        drawn=_legend(rows),
        total=found.total,
        choices=chosen,
        filtered=bool(wanted.values() or wanted.memberships),
        told=told(chosen),
        wanted=wanted,
        orders=[(str(name), _(title)) for name, title in ORDERS],
        order=str(order),
        note=period_note(wanted),
        one_community=rows[0] if wanted.community and rows else None,
        writes=may(Permission.SEND_NUDGES) is not None and wanted.period == PRESENT,
        acts=may(Permission.ADJUST_HOURS) is not None and wanted.period == PRESENT,
        narrowed=bool(wanted.without("who").values() or wanted.memberships),
        wider=urlencode(_address(wanted) | {"who": EVERYBODY}, doseq=True) if not wanted.who else "",
        at_once=AT_ONCE,
        query=urlencode(_address(wanted), doseq=True),
        pages=_pages(found, wanted, order),
        any_at_all=bool(there.places),
    )


def order_asked() -> Order:
    """The order that the address asks for."""
    text = request.args.get("sort", "")
    return Order(text) if text in set(Order) else Order.NEED


def _place() -> Place:
    return Place(as_id(request.args.get("after", "")), as_id(request.args.get("before", "")))


def _address(wanted: PeopleFilter) -> dict[str, Any]:
    """The filter as it stands in an address."""
    chosen = {"membership": [str(one) for one in sorted(wanted.memberships)]} if wanted.memberships else {}
    return wanted.values() | chosen


def _pages(found: Page, wanted: PeopleFilter, order: Order) -> tuple[str, str]:
    """The addresses of the pages before and after; empty where there is none."""

    def address(**place: str) -> str:
        sort = {} if order is Order.NEED else {"sort": str(order)}
        return url_for("people.show", **_address(wanted), **sort, **place)  # type: ignore[arg-type]

    before = address(before=str(found.people[0].membership_id)) if found.before and found.people else ""
    after = address(after=str(found.people[-1].membership_id)) if found.after else ""
    return before, after


def _rows(found: Page, there: Choices) -> list[Row]:
    scale = scale_for(
        (one.minutes for one in found.people), max((one.band_max or 0 for one in found.people), default=0)
    )
    return [_row(one, there.programs[one.program], scale) for one in found.people]


def _row(one: Found, program: Program, scale: int) -> Row:
    drawn = patterns(program.components)
    band = (one.band_min, one.band_max) if one.band_min is not None and one.band_max is not None else None
    # By component only the present period is known; of another one the sum.
    known = one.by_component or ({IN_ALL: one.minutes} if one.minutes else {})
    ordered = {code: known[code] for code in (*drawn, *known) if code in known}
    shown = bar(ordered, drawn if one.by_component else {IN_ALL: "solid"}, scale, band)
    return Row(one, topic_title(program, one.topic), region_title(program, one.region), shown, drawn)


def _legend(rows: list[Row]) -> dict[str, str]:
    """What the bars are drawn in; nothing where programs draw differently, or bars have one part."""
    kinds = {tuple(row.drawn.items()) for row in rows if row.found.by_component}
    return dict(kinds.pop()) if len(kinds) == 1 else {}
