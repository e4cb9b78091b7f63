"""The board as a grid: a program's topics down, its regions across, and what they sum up to at the edges."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mappings.program import Program
from records.queries.board import CommunityLine
from service.pages.bars import Bar, bar
from service.pages.titles import program_title, region_title, topic_title

AVERAGE = "average"
Address = Callable[[Sequence[CommunityLine]], str]


@dataclass(frozen=True, slots=True)
class Sums:
    """Several communities together. Averages are weighed by participants, not by communities; `band` in minutes."""

    communities: int
    participants: int
    average: int
    met: int
    behind: int
    cannot_reach: int
    on_their_way: int
    asked: int
    to_see: int
    """Communities with changes to decide."""
    band: tuple[int, int] | None

    @classmethod
    def of(cls, lines: Sequence[CommunityLine]) -> "Sums":
        """The sums; the band is as wide as all bands together."""
        participants = sum(line.participants for line in lines)
        lows = [line.band_min for line in lines if line.band_min is not None]
        highs = [line.band_max for line in lines if line.band_max is not None]
        return cls(
            communities=len(lines),
            participants=participants,
            average=round(sum(line.minutes for line in lines) / participants) if participants else 0,
            met=sum(line.met for line in lines),
            behind=sum(line.behind for line in lines),
            cannot_reach=sum(line.cannot_reach for line in lines),
            on_their_way=sum(line.on_their_way for line in lines),
            asked=sum(line.asked for line in lines),
            to_see=sum(line.proposed > 0 for line in lines),
            band=(min(lows), max(highs)) if lows and highs else None,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """The communities of one topic in one region, or an edge of the grid; `address`: where they are, empty for who
    may not go there."""

    sums: Sums
    bar: Bar
    address: str
    id: str
    where: str
    """In words: the topic and the region."""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A topic; a cell is None where no community is."""

    topic: str
    cells: list[Cell | None]
    all: Cell


@dataclass(frozen=True, slots=True)
class Grid:
    """The communities of one program; `foot` sums up each region, and `all` everything."""

    program: str
    regions: list[str]
    rows: list[GridRow]
    foot: list[Cell]
    all: Cell


def average_bar(sums: Sums, scale: int) -> Bar:
    """The bar of an average against the band."""
    return bar({AVERAGE: sums.average}, {AVERAGE: "solid"}, scale, sums.band)


def grid(program: Program, lines: Sequence[CommunityLine], scale: int, address: Address) -> Grid:
    """The grid of one program's communities, which there have to be; bars of all grids share a scale."""
    regions = _ordered({line.region: region_title(program, line.region) for line in lines})
    topics = _ordered({line.topic: topic_title(program, line.topic) for line in lines})
    held: dict[tuple[str, str], list[CommunityLine]] = {}
    for line in lines:
        held.setdefault((line.topic, line.region), []).append(line)

    def cell(of: Sequence[CommunityLine], *where: str) -> Cell:
        sums = Sums.of(of)
        name = f"c-{of[0].id}" if len(of) == 1 and len(where) > 1 else "-".join(("g", program.program, *where))
        return Cell(sums, average_bar(sums, scale), address(of), name, ", ".join(where))

    rows = []
    for code, topic in topics:
        of_topic = [line for line in lines if line.topic == code]
        cells = [cell(held[code, r], topic, title) if (code, r) in held else None for r, title in regions]
        rows.append(GridRow(topic, cells, cell(of_topic, topic)))
    foot = [cell([line for line in lines if line.region == code], title) for code, title in regions]
    return Grid(program_title(program), [title for _, title in regions], rows, foot, cell(lines))


def _ordered(titles: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(titles.items(), key=lambda pair: (pair[1].casefold(), pair[0]))


def by_program(lines: Iterable[CommunityLine]) -> dict[str, list[CommunityLine]]:
    """The communities of each program, in the order of the programs' codes."""
    found: dict[str, list[CommunityLine]] = {}
    for line in lines:
        found.setdefault(line.program, []).append(line)
    return dict(sorted(found.items()))
