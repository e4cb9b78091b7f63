"""The report on a program, or a region of it, and a period: for a program officer to put before a board.

It names nobody. What is reported on stands in the address.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, abort, g, render_template, request

from mappings.periods import Calendar, Period, before, span_at
from mappings.program import Program
from records.queries.filter_choices import Choices, choices
from records.queries.filters import as_id
from records.queries.freshness import freshness
from records.queries.periods import days_of
from records.queries.region_report import Report, Wanted, report
from service import period_words, report_charts
from service.access import actor
from service.context import context
from service.i18n import _
from service.pages.bars import bar, patterns
from service.pages.grid import Sums
from service.pages.live import reading
from service.pages.titles import program_title, region_title

blueprint = Blueprint("reports", __name__)
YEARS = 4
"""So many school years are offered: this one, and those before it."""
DAYS = "days"
FIRST, LAST = date(1990, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `period`: empty, a closing's id, two days such as 2025-07-01_2026-06-30, or DAYS
    with `first` and `last`; `fault`: what is wrong with those, in words."""

    wanted: Wanted
    period: str
    first: str = ""
    last: str = ""
    fault: str = ""


@blueprint.get("/reports")
def show() -> tuple[str, int]:
    """The report, below what there is to choose from."""
    now = context().clock()
    with reading() as session:
        there = choices(session, actor(), None)
        if not there.programs:
            return render_template("report.html", who=g.signed_in, told=None, asked=None), 200
        asked = _asked(there)
        told = None if asked.fault else report(session, actor(), asked.wanted, now)
        if told is None and not asked.fault:
            abort(404)
        sites = freshness(session, actor()).sites
    program = there.programs[asked.wanted.program]
    page = render_template(
        "report.html",
        who=g.signed_in,
        asked=asked,
        told=told,
        programs=[(code, program_title(one)) for code, one in there.programs.items()],
        regions=_regions(there, program),
        region=region_title(program, asked.wanted.region) if asked.wanted.region else "",
        covers=_covers(there, program),
        periods=_periods(there, program, now),
        program=program_title(program),
        timezone=program.timezone,
        now=now,
        heard=max((site.last_received_at for site in sites if site.last_received_at), default=None),
        words=period_words,
        **(_figures(told, asked.wanted.region) if told else {}),
    )
    return page, 400 if asked.fault else 200


def _asked(there: Choices) -> Asked:
    """What the address asks for; without a program that is known: the first."""
    program = request.args.get("program", "") or next(iter(there.programs))
    if program not in there.programs:
        abort(404)
    region, period = request.args.get("region", ""), request.args.get("period", "")
    if region and not any((p, r) == (program, region) for p, r, _topic in there.places):
        abort(404)
    typed = request.args.get("first", "").strip(), request.args.get("last", "").strip()
    if period and (closing := as_id(period)):
        return Asked(Wanted(program, region, closing), period, *typed)
    if not period:
        return Asked(Wanted(program, region), "", *typed)
    days, fault = _days(*(typed if period == DAYS else period.partition("_")[::2]))
    return Asked(Wanted(program, region, None, days), period, *typed, fault)


def _days(first: str, last: str) -> tuple[tuple[date, date] | None, str]:
    try:
        found = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return None, _("Choose the first and the last day.")
    if not FIRST <= found[0] <= found[1] <= LAST:
        return None, _("The last day comes before the first one, or is too far away: look at the two days.")
    return found, ""


def _regions(there: Choices, program: Program) -> list[tuple[str, str]]:
    codes = {region for of, region, _topic in there.places if of == program.program}
    return sorted(((code, region_title(program, code)) for code in codes), key=lambda pair: pair[1].casefold())


def _covers(there: Choices, program: Program) -> str:
    """What a report on no region by name is about: all of them, or as much as lies in scope."""
    who, regions = actor(), _regions(there, program)
    # No region has the empty code: only who reaches the whole program reaches that.
    if who.reaches(program.program, ""):
        return _("All regions")
    titles = "; ".join(title for _code, title in regions)
    whole = all(who.reaches(program.program, code) for code, _title in regions)
    return titles if whole else _("What you may see in: %(regions)s", regions=titles)


def _periods(there: Choices, program: Program, now: datetime) -> list[tuple[str, str]]:
    """What can be reported on beside the present period: closed periods, school years, and any days."""
    closed = [
        (str(closing), _("%(period)s (closed)", period=label))
        for closing, code, label in there.closings
        if code == program.program
    ]
    return [*closed, *_years(program, now), (DAYS, _("The days chosen here"))]


def _years(program: Program, now: datetime) -> list[tuple[str, str]]:
    year, calendar = Period(every="school_year"), Calendar(program.zone, program.school_year)
    found: list[tuple[str, str]] = []
    span = span_at(year, calendar, now)
    while span and len(found) < YEARS:
        first, last = days_of(span, program)
        found.append((f"{first}_{last}", period_words.days(first, last)))
        span = before(year, calendar, span)
    return found


def _figures(told: Report, region: str) -> dict[str, Any]:
    """Everything that is drawn and listed."""
    sums, minutes = Sums.of(told.lines), sum(line.minutes for line in told.lines)
    drawn = patterns(told.program.components)
    by, against = report_charts.communities(told, region)
    shown = {code: told.components[code] for code in (*drawn, *sorted(told.components)) if told.components[code]}
    topics = report_charts.grouped(told.lines, report_charts.titles_of(told, "topic"), "topic")
    regions = report_charts.grouped(told.lines, report_charts.titles_of(told, "region"), "region")
    return {
        "sums": sums,
        "minutes": minutes,
        "computing": sum(line.dirty for line in told.lines),
        "drawn": {code: pattern for code, pattern in drawn.items() if code in shown},
        "components": shown,
        "component_bar": bar(shown, drawn, max(1, sum(shown.values())), None) if minutes > 0 else None,
        "by": by,
        "against": against,
        "months": report_charts.months(told),
        "tables": [(_("Topic"), _("By topic"), topics)]
        + ([(_("Region"), _("By region"), regions)] if not region and len(regions) > 1 else []),
    }
