"""What a report of a meeting says, in the form in which the golden files have it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.intervals import Interval, minutes_of
from records.reports import Report, read


def answer(data: bytes, given: dict[str, str]) -> dict[str, Any]:
    """The report as plain values: for each person the minutes of all their rows together."""
    report = read(
        data,
        zone=ZoneInfo(given["zone"]),
        order=given.get("order"),
        starts_at=_time(given, "starts_at"),
        ends_at=_time(given, "ends_at"),
    )
    said = {
        "format": report.format,
        "title": report.meeting_title,
        "started_at": report.started_at and report.started_at.isoformat(),
        "ended_at": report.ended_at and report.ended_at.isoformat(),
        "stated_zone": report.stated_zone,
        "asks": report.asks,
        "from": min((i.since.isoformat() for p in report.people for i in p.intervals), default=None),
        "minutes": _minutes(report),
        "hosts": sorted({_who(p.who) for p in report.people if p.host}),
        "problems": [f"{p.line} {p.column}: {p.message}" for p in report.problems],
        "notes": [f"{p.line} {p.column}: {p.message}" for p in report.notes],
    }
    return {name: value for name, value in said.items() if value}


def _time(given: dict[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(given[name]) if name in given else None


def _who(who: Any) -> str:
    return f"{who.get('name', '')} <{who.get('email', '').lower()}>"


def _minutes(report: Report) -> dict[str, int | str]:
    stays: dict[str, list[Interval]] = {}
    totals: dict[str, int | None] = {}
    for person in report.people:
        stays.setdefault(_who(person.who), []).extend(person.intervals)
        totals.setdefault(_who(person.who), person.minutes)
    return {who: minutes_of(i) if i else "unsaid" if (m := totals[who]) is None else m for who, i in stays.items()}
