"""The charts of a report, in percent so that they fit every screen and sheet of paper; as bars and columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from babel.dates import format_skeleton

from records.queries.board import CommunityLine
from records.queries.region_report import Report
from service import wording
from service.i18n import locale_now
from service.pages.bars import Bar, patterns, scale_for
from service.pages.grid import Sums, average_bar
from service.pages.titles import region_title, topic_title

BARS = 24
"""So many communities are drawn one by one; of more their regions or topics are."""
MONTHS = 24
"""So many are drawn: the latest."""
LABELS = 8
LINES = 4
"""So many lines of the grid are drawn at most."""
HEADROOM = 1.08
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Against:
    """A community, or several of them, against the band."""

    title: str
    sums: Sums
    minutes: int
    bar: Bar


@dataclass(frozen=True, slots=True)
class Piece:
    """A component's piece of a column; percentages from the left and from the top."""

    pattern: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """A month. `label` is empty where there is no room for it."""

    month: str
    label: str
    x: str
    width: str
    middle: str
    pieces: list[Piece]
    minutes: int


@dataclass(frozen=True, slots=True)
class Months:
    """Columns, and the lines behind them with their words; `earlier`: minutes of the months before those drawn."""

    columns: list[Column]
    grid: list[tuple[str, str]]
    earlier: int


def grouped(lines: Iterable[CommunityLine], titles: Mapping[str, str], by: str) -> list[Against]:
    """Communities by topic or region, by their titles."""
    of: dict[str, list[CommunityLine]] = {}
    for line in lines:
        of.setdefault(titles[getattr(line, by)], []).append(line)
    return _against({title: of[title] for title in sorted(of, key=str.casefold)})


def _against(of: Mapping[str, Sequence[CommunityLine]]) -> list[Against]:
    sums = {title: Sums.of(lines) for title, lines in of.items()}
    most = max((one.band[1] for one in sums.values() if one.band), default=0)
    scale = scale_for((one.average for one in sums.values()), most)
    return [
        Against(title, one, sum(line.minutes for line in of[title]), average_bar(one, scale))
        for title, one in sums.items()
    ]


def communities(told: Report, region: str) -> tuple[str, list[Against]]:
    """(What is drawn: community, region or topic; each against the band), those with the least hours first."""
    taking_part = [line for line in told.lines if line.participants]
    if len(taking_part) <= BARS:
        found = _against(_named(told, taking_part, region))
        by = "community"
    else:
        by = "topic" if region else "region"
        found = grouped(taking_part, titles_of(told, by), by)
    return by, sorted(found, key=lambda one: one.sums.average)


def _named(told: Report, lines: Iterable[CommunityLine], region: str) -> dict[str, list[CommunityLine]]:
    found: dict[str, list[CommunityLine]] = {}
    for line in lines:
        topic, there = topic_title(told.program, line.topic), region_title(told.program, line.region)
        name = topic if region else f"{topic}, {there}"
        # Several may be of one topic in one region: their titles tell them apart.
        found.setdefault(f"{name}: {line.title}" if name in found else name, []).append(line)
    return found


def titles_of(told: Report, by: str) -> dict[str, str]:
    """Titles of the topics or regions of the communities that are reported on."""
    title = topic_title if by == "topic" else region_title
    codes = {line.topic if by == "topic" else line.region for line in told.lines}
    return {code: title(told.program, code) for code in codes}


def months(told: Report) -> Months | None:
    """Hours by the month in which they were earned; None where there are none."""
    if not told.months:
        return None
    drawn = patterns(told.program.components)
    first, last = min(told.months), max(told.months)
    every = [date(n // 12, n % 12 + 1, 1) for n in range(_number(first), _number(last) + 1)]
    shown = every[-MONTHS:]
    sums = {month: sum(told.months.get(month, {}).values()) for month in every}
    top = max([60, *(sums[month] for month in shown)]) * HEADROOM
    step, slot = -(-len(shown) // LABELS), 100 / len(shown)
    columns = [
        Column(
            _month(month),
            _month(month) if place % step == 0 else "",
            f"{slot * (place + 0.15):.2f}%",
            f"{slot * 0.7:.2f}%",
            f"{slot * (place + 0.5):.2f}%",
            _pieces(told.months.get(month, {}), drawn, top),
            sums[month],
        )
        for place, month in enumerate(shown)
    ]
    return Months(columns, _grid(top), sum(sums[month] for month in every[:-MONTHS]))


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1


def _month(month: date) -> str:
    return format_skeleton("yMMM", month, locale=locale_now())


def _pieces(of: Mapping[str, int], drawn: Mapping[str, str], top: float) -> list[Piece]:
    found, below = [], 0.0
    for code in sorted(of, key=lambda code: (list(drawn).index(code) if code in drawn else len(drawn), code)):
        # What was taken away in a month can't be drawn: the table beside it has it.
        height = max(0, of[code]) / top
        if height:
            below += height
            found.append(Piece(drawn.get(code, "lines"), f"{100 * (1 - below):.2f}%", f"{100 * height:.2f}%"))
    return found


def _grid(top: float) -> list[tuple[str, str]]:
    hours, size = top / 60, 1
    while hours / (size * STEPS[-1]) > LINES:
        size *= 10
    step = next(size * step for step in STEPS if hours / (size * step) <= LINES)
    return [
        (f"{100 * (1 - hour * 60 / top):.2f}%", wording.hours(hour * 60)) for hour in range(step, int(hours) + 1, step)
    ]
