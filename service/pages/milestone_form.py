"""The form of a milestone: what it offers, and what was typed into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from mappings.earning import Milestone
from mappings.program import Program
from records.csv_file import Wrong, optional_text
from records.milestone_file import MilestoneLine, cycle_label, evidence_of
from records.models import MilestoneRow
from records.queries.milestone_reach import Reach
from records.queries.milestone_subject import Gathering
from service import milestone_words
from service.i18n import _
from service.moments import EARLIEST

COLUMNS = {"cycle": "cycle", "session": "session", "evidence": "evidence", "note": "note", "date": "day"}
"""The field of the form that a file's column is."""
T = TypeVar("T")


class FormFault(Exception):
    """A field can't be taken as it is."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as it was. `correct`: the id of the version that this is to replace."""

    milestone: str = ""
    day: str = ""
    cycle: str = ""
    session: str = ""
    evidence: str = ""
    note: str = ""
    correct: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Typed":
        """Out of a form or an address."""
        return cls(**{one.name: values.get(one.name, "").strip() for one in fields(cls)})

    @classmethod
    def again(cls, row: MilestoneRow, zone: ZoneInfo) -> "Typed":
        """What is recorded, to be corrected."""
        return cls(
            row.code,
            row.happened_at.astimezone(zone).date().isoformat(),
            row.cycle,
            str(row.session_id or ""),
            "\n".join(_spelt(piece) for piece in row.evidence if piece["kind"] != "note"),
            " ".join(piece["value"] for piece in row.evidence if piece["kind"] == "note"),
            str(row.id),
        )


def _spelt(piece: Mapping[str, str]) -> str:
    return f"sha256:{piece['value']}" if piece["kind"] == "file" else piece["value"]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one milestone. `milestone` None: which one has yet to be chosen."""

    typed: Typed
    milestone: Milestone | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


def offered(program: Program, kind: str) -> list[Milestone]:
    """The milestones that a subject of a kind can reach."""
    return [one for one in program.milestones if one.of == kind]


def line_of(
    typed: Typed, of: Reach, program: Program, zone: ZoneInfo, gatherings: Mapping[UUID, Gathering], now: datetime
) -> MilestoneLine:
    """The form as a line of a file would say it. Raises FormFault."""
    milestone = next((one for one in offered(program, of.kind) if one.milestone == typed.milestone), None)
    if milestone is None:
        raise FormFault("milestone", milestone_words.fault("milestone"))
    day = _day(typed.day, zone, now)
    cycle = _cycle(typed.cycle) if milestone.cycle else ""
    follows = _session(typed.session, milestone, gatherings) if milestone.after else None
    if follows and day < follows.starts_at.astimezone(zone).date():
        raise FormFault("day", milestone_words.fault("early"))
    named = {"team": of.team.code if of.team else "", "community": str(of.id), "program": ""}
    community = of.community.id if of.community else follows.community_id if follows else None
    pieces, note = _taken("evidence", evidence_of, typed.evidence), _taken("note", optional_text, typed.note)
    return MilestoneLine(
        line=1,
        program=of.program_code,
        milestone=milestone.milestone,
        subject=named.get(of.kind, of.organisation.code if of.organisation else ""),
        community=str(community or ""),
        day=day,
        cycle=cycle,
        session=follows.code if follows else "",
        # What is corrected is what the form says; what is new leaves what there is.
        evidence=pieces if pieces or typed.correct else None,
        note=note if note or typed.correct else None,
    )


def _day(text: str, zone: ZoneInfo, now: datetime) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FormFault("day", milestone_words.fault("day")) from None
    if day.year < EARLIEST:
        raise FormFault("day", milestone_words.fault("day"))
    if day > now.astimezone(zone).date():
        raise FormFault("day", milestone_words.fault("ahead"))
    return day


def _cycle(text: str) -> str:
    try:
        label = cycle_label(text)
    except Wrong:
        label = ""
    if not label:
        raise FormFault("cycle", milestone_words.fault("cycle"))
    return label


def _taken(name: str, read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except Wrong:
        raise FormFault(name, milestone_words.fault(name)) from None


def _session(text: str, milestone: Milestone, gatherings: Mapping[UUID, Gathering]) -> Gathering:
    try:
        found = gatherings.get(UUID(text))
    except ValueError:
        found = None
    if found is None or found.kind != milestone.after:
        raise FormFault("session", milestone_words.fault("session"))
    return found


def refused(column: str, message: str) -> FormFault:
    """What the records say of a line, beside the field that it is about."""
    if column in COLUMNS:
        return FormFault(COLUMNS[column], milestone_words.fault(COLUMNS[column]))
    if column in ("subject", "milestone"):
        return FormFault("milestone", milestone_words.fault(column))
    return FormFault("milestone", _("It can't be recorded like this: %(why)s.", why=message))
