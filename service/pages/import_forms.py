"""The form that says how a file of attendance is read: columns, what is said once for all rows, session, time zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.orm import Session

from mappings.intervals import Interval
from records.actor import Actor
from records.attendance_columns import FIXED, OURS, Reading, lines, look, proposed
from records.attendance_file import LAYOUT, row_of
from records.attendance_reports import TABLE
from records.csv_file import Line, UnreadableFile
from records.meeting_reports import lies_in, near, times
from records.models import AttendanceReport, SessionRow
from records.queries.imports import Place
from records.reports import read
from records.sessions import find
from service.i18n import _
from service.import_words import column_words

ASKED = ("session", "date", "start", "mode", "minutes")
"""What can be typed once for all rows; the others come with the session, or with the community."""
ORDERS = ("dmy", "mdy")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of somebody's file, with values from below it."""

    field: str
    theirs: str
    ours: str
    samples: list[str]


@dataclass(slots=True)
class Reads:
    """How a file is read, as the form shows it."""

    vendor: bool
    columns: list[Column] = field(default_factory=list)
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    session: str = ""
    zone: str = ""
    stated_zone: str = ""
    order: str = ""
    asks_order: bool = False
    said: bool = False
    """Of a meeting's report: somebody said which session it is about, and in which zone its times are."""
    meeting: str = ""
    meets: Interval | None = None
    """When the meeting was, as far as it is known."""
    outside: bool = False
    """The meeting was at another time than the session."""
    offered: str = ""
    """The session's planned minutes, where no row says any."""
    unreadable: str = ""
    lacking: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether nothing is left to be chosen."""
        if self.unreadable:
            return False
        if self.vendor:
            return bool(self.said and self.session and not self.asks_order)
        return not self.lacking and not self.offered


def first_options(session: Session, data: bytes, kind: str, place: Place, wanted: SessionRow | None) -> dict[str, Any]:
    """What can be told of a file without asking. Of a meeting's report it is a proposal only, but for what it states
    itself and the session that somebody came from. Raises UnreadableFile."""
    if kind != TABLE:
        report = read(data, format=kind, zone=ZoneInfo(place.timezone))
        meeting = times(report)
        row = wanted or near(session, place.id, meeting.since if meeting else None)
        said = bool(wanted and report.stated_zone)
        return {
            "zone": row.timezone if row else place.timezone,
            "session": str(row.id) if row else "",
            "said": said,
        }
    found = look(data)
    options: dict[str, Any] = {"columns": proposed(found.header), "values": _of_place(place)}
    if wanted:
        options |= {"session": str(wanted.id)}
        options["values"] |= of_session(wanted)
    return options


def _of_place(place: Place) -> dict[str, str]:
    return {"community": str(place.id)} | ({"site": place.sites[0]} if place.sites else {})


def of_session(row: SessionRow) -> dict[str, str]:
    """What a file's rows needn't say where all are about one session."""
    there = row.starts_at.astimezone(ZoneInfo(row.timezone))
    return {
        "session": row.code,
        "date": f"{there:%Y-%m-%d}",
        "start": f"{there:%H:%M}",
        "mode": row.mode,
        "timezone": row.timezone,
    }


def reads(data: bytes | None, report: AttendanceReport, row: SessionRow | None) -> Reads:
    """The form as it is filled in by now; with the session that is chosen."""
    options: Mapping[str, Any] = report.options
    shown = Reads(report.format != TABLE, session=str(options.get("session") or ""))
    if data is None:
        return shown
    try:
        if shown.vendor:
            _read_meeting(shown, data, report.format, options, row)
        else:
            _read_table(shown, data, options, row)
    except UnreadableFile as err:
        shown.unreadable = str(err)
    return shown


def _read_meeting(shown: Reads, data: bytes, kind: str, options: Mapping[str, Any], row: SessionRow | None) -> None:
    shown.zone, shown.order = str(options.get("zone") or "UTC"), str(options.get("order") or "")
    shown.said = bool(options.get("said"))
    report = read(data, format=kind, zone=ZoneInfo(shown.zone), order=shown.order or None)
    shown.stated_zone, shown.meeting = report.stated_zone or "", report.meeting_title
    shown.asks_order = report.asks == "order"
    shown.meets = times(report)
    shown.outside = bool(row and shown.meets and not lies_in(shown.meets, row))


def _read_table(shown: Reads, data: bytes, options: Mapping[str, Any], row: SessionRow | None) -> None:
    shown.sheet = str(options.get("sheet") or "")
    found = look(data, shown.sheet or None)
    reading = Reading.of(options)
    shown.sheets, shown.values, shown.lacking = found.sheets, reading.values, reading.lacking
    shown.columns = [
        Column(
            f"column-{number}",
            theirs,
            reading.columns.get(theirs, ""),
            [values[number] for values in found.samples if number < len(values) and values[number]],
        )
        for number, theirs in enumerate(found.header)
    ]
    if row and row.planned_minutes and _says_no_minutes(data, reading):
        shown.offered = str(row.planned_minutes)


def _says_no_minutes(data: bytes, reading: Reading) -> bool:
    """Whether no row says how long somebody was there. It reads until the first one that does."""
    return not any(line.values["minutes"] or line.values["status"] for line in lines(data, reading))


def filled_in(
    session: Session, actor: Actor, place: Place, report: AttendanceReport, data: bytes, form: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """(options as the form says, what is wrong with it or nothing)."""
    chosen = form.get("session", "")
    row = _session(session, actor, place, chosen)
    if report.format != TABLE:
        stated = read(data, format=report.format, zone=ZoneInfo("UTC")).stated_zone
        return _of_meeting(form, row, str(report.options.get("zone") or "UTC") if stated else "")
    sheet = form.get("sheet") or None
    header = look(data, sheet).header
    if sheet != report.options.get("sheet") and sheet:
        columns = proposed(header)
    else:
        columns = {theirs: form.get(f"column-{number}", "") for number, theirs in enumerate(header)}
        columns = {theirs: ours if ours in OURS else "" for theirs, ours in columns.items()}
    typed = {name: form.get(f"value-{name}", "").strip() for name in ASKED if name in FIXED}
    values = _of_place(place) | {name: value for name, value in typed.items() if value}
    options: dict[str, Any] = {"columns": columns, "sheet": sheet, "session": str(row.id) if row else ""}
    if row:
        # The session that was chosen is the one: columns that say otherwise are passed over.
        values |= of_session(row)
        options["columns"] = {theirs: "" if ours in of_session(row) else ours for theirs, ours in columns.items()}
    options["values"] = values
    reading = Reading.of(options)
    if reading.twice:
        return options, _("Two columns are said to be the same: %(columns)s.", columns=_listed(reading.twice))
    if reading.lacking:
        return options, _("Nothing says yet: %(columns)s.", columns=_listed(reading.lacking))
    return options, _wrong({name: values[name] for name in typed if values.get(name)})


def _wrong(values: Mapping[str, str]) -> str:
    """What is wrong with values that were typed for all rows; nothing where they are right."""
    line = Line(0, frozenset(values), dict.fromkeys(LAYOUT.known, "") | dict(values))
    row_of(line)
    wrong = [problem for problem in line.problems if problem.column in values]
    said = (_("%(column)s: %(wrong)s.", column=column_words(one.column), wrong=one.message) for one in wrong)
    return " ".join(said)


def _of_meeting(form: Mapping[str, str], row: SessionRow | None, kept_zone: str) -> tuple[dict[str, Any], str]:
    """`kept_zone`: where the report states its zone, so that none is asked."""
    zone, order = kept_zone or form.get("zone", "").strip(), form.get("order", "")
    options: dict[str, Any] = {"session": str(row.id) if row else "", "order": order if order in ORDERS else None}
    if zone not in available_timezones():
        return options, _("“%(zone)s” is no time zone. A name such as America/Los_Angeles is expected.", zone=zone)
    options |= {"zone": zone, "said": row is not None}
    return options, "" if row else _("Choose the session that the file is about.")


def _session(session: Session, actor: Actor, place: Place, chosen: str) -> SessionRow | None:
    """The session that was chosen, where it is one of this community."""
    try:
        row = find(session, actor, UUID(chosen))
    except ValueError:
        return None
    return row if row and row.community_id == place.id else None


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(column_words(column) for column in columns)
