"""The board: every community by region and topic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, g, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries.board import Board, CommunityLine, RefusedCourse, board
from records.queries.drift import SweepState, sweep_states
from records.queries.freshness import SiteNews, freshness
from records.queries.intake import Queue, queue
from service.access import actor, may
from service.context import context
from service.pages import freshness as freshness_line
from service.pages.bars import Bar, bar, scale_for
from service.pages.live import if_changed, live_part, reading
from service.pages.moodle import Marks, marks
from service.pages.titles import program_title, region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("board", __name__)
FILTERS = ("program", "region", "topic")
AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Row:
    """A community with the title and the bar that the board shows; `opens` for who may see its people, `timezone` for
    the days in its marks."""

    line: CommunityLine
    topic: str
    bar: Bar
    opens: bool
    marks: Marks
    timezone: str


@dataclass(frozen=True, slots=True)
class Region:
    """The communities of one region of one program."""

    program: str
    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Totals:
    """All that is shown, together."""

    participants: int
    average: int
    met: int
    behind: int
    cannot_reach: int
    on_their_way: int

    @classmethod
    def of(cls, lines: list[CommunityLine]) -> "Totals":
        """Weighed by participants, not by communities."""
        participants = sum(line.participants for line in lines)
        return cls(
            participants,
            round(sum(line.minutes for line in lines) / participants) if participants else 0,
            *(sum(getattr(line, name) for line in lines) for name in ("met", "behind", "cannot_reach", "on_their_way")),
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: its options as (code, title), and the one in the address."""

    name: str
    options: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class IntakeNews:
    """For whom it is to look after: what waits, and copies of sites that knocked."""

    queue: Queue | None
    copies: list[SiteNews]


@blueprint.get("/")
def show() -> str:
    """The board."""
    with reading() as session:
        found = board(session, actor())
        part = _part(session, found)[0]
        fresh = freshness_line.of_page(session)
    return render_template(
        "board.html", who=g.signed_in, part=part, fresh=fresh, choices=_choices(found), filtered=bool(_chosen())
    )


@blueprint.get("/board/live")
def live() -> Response | str:
    """The part of the board that changes, if it did."""
    with reading() as session:
        return if_changed(_part(session, board(session, actor())))


def _intake(session: Session) -> IntakeNews | None:
    looks_after = may(Permission.SEE_INTAKE)
    if looks_after is None:
        return None
    copies = [site for site in freshness(session, looks_after).sites if site.refused_at]
    return IntakeNews(queue(session, looks_after), copies)


def _chosen() -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.args.get(name, ""))}


def _part(session: Session, found: Board) -> tuple[Markup, str]:
    chosen = _chosen()
    lines = [line for line in found.communities if _matches(line, chosen)]
    states = sweep_states(session, [line.id for line in lines])
    return live_part(
        "parts/board.html",
        f"{url_for('board.live')}?{urlencode(chosen)}" if chosen else url_for("board.live"),
        any_communities=bool(found.communities),
        programs=found.programs,
        regions=_regions(lines, found, states),
        totals=Totals.of(lines),
        refused=[course for course in found.refused if _matches(course, chosen)],
        intake=_intake(session),
    )


def _matches(line: CommunityLine | RefusedCourse, chosen: dict[str, str]) -> bool:
    return all(getattr(line, name) == value for name, value in chosen.items())


def _regions(lines: list[CommunityLine], found: Board, states: Mapping[UUID, SweepState]) -> list[Region]:
    scale = scale_for((line.average for line in lines), max((line.band_max or 0 for line in lines), default=0))
    several = len({line.program for line in lines}) > 1
    regions, now = [], context().clock()
    for (code, region), group in groupby(lines, key=lambda line: (line.program, line.region)):
        program = found.programs[code]
        rows = [
            Row(
                *(line, topic_title(program, line.topic), _bar(line, scale), _opens(line)),
                *(marks(states[line.id], now), program.timezone),
            )
            for line in group
        ]
        rows.sort(key=lambda row: row.topic.casefold())
        regions.append(Region(program_title(program) if several else "", region_title(program, region), rows))
    return sorted(regions, key=lambda region: (region.program, region.title.casefold()))


def _opens(line: CommunityLine) -> bool:
    who = may(Permission.SEE_PEOPLE)
    return who is not None and who.reaches(line.program, line.region, line.id)


def _bar(line: CommunityLine, scale: int) -> Bar:
    band = (line.band_min, line.band_max) if line.band_min is not None and line.band_max is not None else None
    return bar({AVERAGE: line.average}, {AVERAGE: "solid"}, scale, band)


def _choices(found: Board) -> list[Choice]:
    """What can be chosen among the communities in scope; a filter with one option is none."""
    chosen = _chosen()
    programs = found.programs
    options: dict[str, Iterable[tuple[str, str]]] = {
        "program": ((c.program, program_title(programs[c.program])) for c in found.communities),
        "region": ((c.region, region_title(programs[c.program], c.region)) for c in found.communities),
        "topic": ((c.topic, topic_title(programs[c.program], c.topic)) for c in found.communities),
    }
    choices = [
        Choice(name, sorted(dict(pairs).items(), key=lambda pair: pair[1].casefold()), chosen.get(name, ""))
        for name, pairs in options.items()
    ]
    return [choice for choice in choices if len(choice.options) > 1 or choice.chosen]
