"""The chart of hours over time, in percent so that it fits every screen; and what it says in words."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from flask import Blueprint, abort, render_template

from records.queries.hours_over_time import HoursOverTime, hours_over_time
from service import wording
from service.access import actor
from service.context import context
from service.i18n import _
from service.pages.live import reading

blueprint = Blueprint("hours_chart", __name__)
STEPS = (1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 500, 1000)
"""Hours between two lines of the grid."""
LINES = 5
"""So many of them at most."""
HEADROOM = 1.1


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight piece of a line; percentages from the left and from the top, as SVG takes them."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label beside the drawing."""

    at: str
    words: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Week:
    """A line of the table that says the same."""

    day: str
    average: str
    pace: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready to draw."""

    text: str
    """What it shows, in words."""
    reached: list[Stroke]
    pace: Stroke | None
    band: tuple[str, str] | None
    """Top and height."""
    now: str
    grid: list[Mark]
    days: list[Mark]
    weeks: list[Week]


@blueprint.get("/communities/<uuid:community_id>/hours")
def show(community_id: UUID) -> str:
    """The chart, computed when the page asks for it."""
    with reading() as session:
        found = hours_over_time(session, actor(), community_id, context().clock())
    if found is None:
        abort(404)
    return render_template("parts/hours_chart.html", found=found, chart=draw(found) if found.points else None)


def draw(found: HoursOverTime) -> Chart:
    """Draw averages. There is at least one point."""
    start = min(found.start or found.points[0].at, found.points[0].at) if found.paced else found.points[0].at
    end = max(found.end or found.points[-1].at, found.points[-1].at)
    top = max(60.0, (found.band[1] if found.band else 0) * HEADROOM, max(p.minutes for p in found.points) * HEADROOM)
    whole = (end - start).total_seconds() or 1

    def x(moment: datetime) -> str:
        return _percent((moment - start).total_seconds() / whole)

    def y(minutes: float) -> str:
        return _percent(1 - minutes / top)

    points = found.points
    pace = None
    if found.paced and found.start and found.end and found.band:
        pace = Stroke(x(found.start), y(0), x(found.end), y(found.band[0]))
    band = (y(found.band[1]), _percent((found.band[1] - found.band[0]) / top)) if found.band else None
    return Chart(
        _words(found),
        [Stroke(x(a.at), y(a.minutes), x(b.at), y(b.minutes)) for a, b in pairwise(points)],
        pace,
        band,
        x(points[-1].at),
        [Mark(y(hour * 60), wording.hours(hour * 60)) for hour in _hours(top)],
        _days(found, start, end),
        [Week(wording.day(p.at, found.timezone), *_figures(found, p.at, p.minutes)) for p in points[::-1]],
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _hours(top: float) -> range:
    whole = int(top // 60)
    step = next((step for step in STEPS if whole // step <= LINES), STEPS[-1])
    return range(step, whole + 1, step)


def _days(found: HoursOverTime, start: datetime, end: datetime) -> list[Mark]:
    middle = start + (end - start) / 2
    return [
        Mark(at, wording.day(moment, found.timezone), anchor)
        for at, moment, anchor in (("0%", start, "start"), ("50%", middle, "middle"), ("100%", end, "end"))
    ]


def _figures(found: HoursOverTime, at: datetime, minutes: float) -> tuple[str, str]:
    return wording.hours(round(minutes)), wording.hours(round(found.pace_at(at))) if found.paced else ""


def _words(found: HoursOverTime) -> str:
    last = found.points[-1]
    average, pace = _figures(found, last.at, last.minutes)
    day = wording.day(last.at, found.timezone)
    if found.paced and found.band:
        return _(
            "Average hours over time: %(average)s by %(day)s; an even pace to %(minimum)s would be %(pace)s.",
            average=average,
            day=day,
            minimum=wording.hours(found.band[0]),
            pace=pace,
        )
    return _("Average hours over time: %(average)s by %(day)s.", average=average, day=day)
