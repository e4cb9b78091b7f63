"""The board: who has completed and who will not, of every community; as a grid of topics and regions, and as a list.

What is shown stands in the address, so that a view can be kept and sent to others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, g, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.program import Program
from mappings.standing import Status
from records.queries.board import Board, CommunityLine, board
from records.queries.drift import sweep_states
from records.queries.filter_choices import choices
from records.queries.filters import PRESENT, PeopleFilter, as_id
from records.queries.freshness import SiteNews, freshness
from records.queries.intake import Queue, queue
from service.access import actor, may
from service.context import context
from service.i18n import N_, _
from service.pages import freshness as freshness_line
from service.pages.bars import Bar, scale_for
from service.pages.filtering import OF_COMMUNITIES, asked, offered, period_note
from service.pages.grid import Grid, Sums, average_bar, by_program, grid
from service.pages.live import live_part, reading, seen, unchanged, version_of
from service.pages.moodle import Marks, marks
from service.pages.titles import program_title, region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("board", __name__)
GRID, LIST = "grid", "list"
GRID_FROM = 13
"""From so many communities on the board is a grid, if the address doesn't say; a few read better as a list."""
ROWS = 200
"""So many communities are in the list at once."""
REVERSED = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A community with the titles and the bar that the board shows; `opens` for who may see its people, `timezone` for
    the days in its marks."""

    line: CommunityLine
    program: str
    region: str
    topic: str
    bar: Bar
    opens: bool
    marks: Marks
    timezone: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one title: the region's; all of them without a title where they are in another order."""

    program: str
    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Order:
    """A column by which the list can be put in order. `address`: where it is so; `now`: as aria-sort says it."""

    name: str
    title: str
    address: str
    now: str


@dataclass(frozen=True, slots=True)
class IntakeNews:
    """For whom it is to look after: what waits, and copies of sites that knocked."""

    queue: Queue | None
    copies: list[SiteNews]


Key = Callable[[CommunityLine, Mapping[str, Program]], Any]
ORDERS: dict[str, tuple[str, bool, Key]] = {
    "region": (N_("Region"), False, lambda line, p: region_title(p[line.program], line.region).casefold()),
    "topic": (N_("Topic"), False, lambda line, p: topic_title(p[line.program], line.topic).casefold()),
    "participants": (N_("Participants"), True, lambda line, _p: line.participants),
    "average": (N_("Average hours"), False, lambda line, _p: (not line.participants, line.average)),
    "met": (N_("Met"), True, lambda line, _p: line.met),
    "behind": (N_("Behind"), True, lambda line, _p: line.behind),
    "cannot_reach": (N_("Cannot reach it"), True, lambda line, _p: line.cannot_reach),
}
"""By name: title, whether the greatest comes first, and what it goes by. Averages: who needs help comes first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the changing part of the board is made from; `begin`: which of `ordered` is the list's first."""

    found: Board
    wanted: PeopleFilter
    view: str
    ordered: Sequence[CommunityLine]
    begin: int
    marks: Mapping[UUID, Marks]
    intake: IntakeNews | None

    @property
    def version(self) -> str:
        """The same while the part reads the same."""
        lines, programs = self.found.communities, self.found.programs
        # Each code once: there are far fewer of them than communities.
        regions, topics = ({(line.program, getattr(line, of)) for line in lines} for of in ("region", "topic"))
        titles = {(region_title(programs[program], code), code) for program, code in regions}
        titles |= {(topic_title(programs[program], code), code) for program, code in topics}
        may_open = may(Permission.SEE_PEOPLE)
        return version_of(
            *(lines, self.found.refused, [program_title(one) for one in programs.values()], sorted(titles)),
            *(self.wanted, self.view, _sort(), self.begin, self.marks, self.intake, may_open and may_open.grants),
        )

    @property
    def shown(self) -> Sequence[CommunityLine]:
        """The communities of this page of the list."""
        return self.ordered[self.begin : self.begin + ROWS]


@blueprint.get("/")
def show() -> str:
    """The board."""
    wanted = asked()
    with reading() as session:
        seen_now = _read(session, wanted)
        fresh = freshness_line.of_page(session)
        there = choices(session, actor(), may(Permission.SEE_PEOPLE))
    return render_template(
        "board.html",
        who=g.signed_in,
        part=_part(seen_now)[0],
        fresh=fresh,
        choices=offered(there, wanted, OF_COMMUNITIES),
        filtered=bool(wanted.values()),
        view=seen_now.view,
        views={view: url_for("board.show", **_address(wanted, view=view)) for view in (GRID, LIST)},
        orders=[(name, _(title)) for name, (title, _down, _key) in ORDERS.items()],
        sort=_sort()[0],
        note=period_note(wanted),
        any_at_all=seen_now.found.any_at_all,
    )


@blueprint.get("/board/live")
def live() -> Response | str:
    """The part of the board that changes, if it did."""
    with reading() as session:
        seen_now = _read(session, asked())
    # What costs most is to render it: an open page asks every two seconds.
    return unchanged() if seen(seen_now.version) else _part(seen_now)[0]


def _read(session: Session, wanted: PeopleFilter) -> Seen:
    found = board(session, actor(), wanted, may(Permission.SEE_PEOPLE))
    view, intake = _view(found), _intake(session)
    if view == GRID or not found.communities:
        return Seen(found, wanted, view, (), 0, {}, intake)
    ordered, first = in_order(found), as_id(request.args.get("from", ""))
    begin = next((n for n, line in enumerate(ordered) if line.id == first), 0)
    now = context().clock()
    states = sweep_states(session, [line.id for line in ordered[begin : begin + ROWS]])
    return Seen(found, wanted, view, ordered, begin, {one: marks(state, now) for one, state in states.items()}, intake)


def _view(found: Board) -> str:
    view = request.args.get("view")
    return view if view in (GRID, LIST) else GRID if len(found.communities) >= GRID_FROM else LIST


def _sort() -> tuple[str, bool]:
    """What the list goes by, and whether the other way round."""
    text = request.args.get("sort", "")
    name = text.removeprefix(REVERSED)
    return (name, text != name) if name in ORDERS else ("region", False)


def _address(wanted: PeopleFilter, **more: str) -> dict[str, Any]:
    """What leads to this view again, with something changed. Where the list begins isn't kept."""
    kept = {name: value for name in ("view", "sort") if (value := request.args.get(name, ""))}
    return {name: value for name, value in (wanted.values() | kept | more).items() if value}


def _part(of: Seen) -> tuple[Markup, str]:
    found, wanted, lines = of.found, of.wanted, of.found.communities
    scale = scale_for((line.average for line in lines), max((line.band_max or 0 for line in lines), default=0))
    here = _address(wanted, view=of.view)
    shared: dict[str, Any] = {
        "version": of.version,
        "any_communities": found.any_at_all,
        "nobody": wanted.status in set(Status),
        "programs": found.programs,
        "totals": Sums.of(lines),
        "refused": found.refused,
        "intake": of.intake,
        "people": _people_address(wanted),
        "present": wanted.period == PRESENT,
        "connects": may(Permission.CONNECT_SITES) is not None,
    }
    if of.view == GRID or not lines:
        grids = _grids(lines, found, scale, wanted)
        return live_part("parts/board_grid.html", url_for("board.live", **here), grids=grids, **shared)
    if of.begin:
        here["from"] = str(of.shown[0].id)
    return live_part(
        "parts/board_list.html",
        url_for("board.live", **here),
        groups=_groups(of, scale),
        orders=_orders(wanted),
        before=_beginning(wanted, of.ordered, of.begin - ROWS) if of.begin else "",
        after=_beginning(wanted, of.ordered, of.begin + ROWS),
        **shared,
    )


def _beginning(wanted: PeopleFilter, ordered: Sequence[CommunityLine], place: int) -> str:
    """The address of the list from a place on; empty if nothing is there."""
    if place >= len(ordered):
        return ""
    more = {"from": str(ordered[place].id)} if place > 0 else {}
    return url_for("board.show", **_address(wanted, view=LIST), **more)  # type: ignore[arg-type]


def _intake(session: Session) -> IntakeNews | None:
    looks_after = may(Permission.SEE_INTAKE)
    if looks_after is None:
        return None
    copies = [site for site in freshness(session, looks_after).sites if site.refused_at]
    return IntakeNews(queue(session, looks_after), copies)


def _people_address(wanted: PeopleFilter) -> dict[str, Any] | None:
    """The filter of the search over these communities' people; None for who may see none."""
    return wanted.without("q", "community").values() if may(Permission.SEE_PEOPLE) else None


def _grids(lines: Sequence[CommunityLine], found: Board, scale: int, wanted: PeopleFilter) -> list[Grid]:
    def address(of: Sequence[CommunityLine]) -> str:
        """One community's own page; of several the list."""
        if len(of) == 1 and _opens(of[0]):
            return url_for("community.show", community_id=of[0].id)
        one = {name: {getattr(line, name) for line in of} for name in ("program", "region", "topic")}
        narrowed = {name: values.pop() for name, values in one.items() if len(values) == 1}
        return url_for("board.show", **_address(wanted, view=LIST, **narrowed))

    return [grid(found.programs[code], of, scale, address) for code, of in by_program(lines).items()]


def in_order(found: Board) -> list[CommunityLine]:
    """The communities in the order that the address asks for."""
    programs = found.programs
    name, reversed_ = _sort()
    _title, down, key = ORDERS[name]
    topic, region = ORDERS["topic"][2], ORDERS["region"][2]
    # Ties stay in the order of regions and topics, whichever way round.
    lines = sorted(found.communities, key=lambda line: topic(line, programs))
    lines.sort(key=lambda line: (program_title(programs[line.program]), region(line, programs)))
    if name != "region" or reversed_:
        lines.sort(key=lambda line: key(line, programs), reverse=down is not reversed_)
    return lines


def _groups(of: Seen, scale: int) -> list[Group]:
    programs = of.found.programs
    several = len({line.program for line in of.found.communities}) > 1
    rows = [_row(line, programs[line.program], of.marks[line.id], scale) for line in of.shown]
    if _sort()[0] != "region":
        return [Group("", "", rows)]
    return [
        Group(program if several else "", region, list(rows_of))
        for (program, region), rows_of in groupby(rows, key=lambda row: (row.program, row.region))
    ]


def _row(line: CommunityLine, program: Program, its: Marks, scale: int) -> Row:
    titles = program_title(program), region_title(program, line.region), topic_title(program, line.topic)
    return Row(line, *titles, average_bar(Sums.of([line]), scale), _opens(line), its, program.timezone)


def _orders(wanted: PeopleFilter) -> dict[str, Order]:
    name, reversed_ = _sort()
    found = {}
    for each, (title, down, _key) in ORDERS.items():
        text = REVERSED + each if each == name and not reversed_ else each
        now = "" if each != name else "descending" if down is not reversed_ else "ascending"
        found[each] = Order(each, _(title), url_for("board.show", **_address(wanted, view=LIST, sort=text)), now)
    return found


def _opens(line: CommunityLine) -> bool:
    who = may(Permission.SEE_PEOPLE)
    return who is not None and who.reaches(line.program, line.region, line.id)
