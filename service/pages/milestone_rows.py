"""The rows of the overview of milestones, in words: who has reached what, and what is due next."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from flask import url_for

from mappings.program import Program
from mappings.together import Noticed, NoticeStatus
from records.queries.milestone_overview import Line, Overview, Why
from records.queries.milestone_reach import Asking
from service import milestone_words
from service.access import may
from service.milestone_words import Cell
from service.pages.titles import region_title, topic_title
from service.permissions import Permission
from service.sentences import Teller, notice_status

NEXT = 8
"""So much of what is due next is listed above the table."""
EVERY = tuple(NoticeStatus)
LATE = (NoticeStatus.DEVIATES, NoticeStatus.EXPLAINED, NoticeStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Guideline:
    """A guideline in words; `why`: where it isn't kept, and somebody recorded why."""

    title: str
    status: NoticeStatus
    words: str
    there: str
    why: Why | None


@dataclass(frozen=True, slots=True)
class Row:
    """A subject in the overview. `acts`: whether who looks may waive and explain here."""

    line: Line
    name: str
    cells: dict[str, list[Cell]]
    guidelines: list[Guideline]
    address: str
    acts: str
    """Where to waive and explain; empty for who may not."""


def rows(found: Overview, asking: Asking, teller: Teller) -> list[Row]:
    """What is urgent first; a community's teams stay below it."""
    groups = _groups(found.lines)
    groups.sort(key=lambda lines: min(_urgency(line) for line in lines))
    acts = may(Permission.ADJUST_HOURS)
    rows = []
    for lines in groups:
        of = lines[0]
        reached = acts is not None and (
            asking.whole if of.kind == "organisation" else acts.reaches(asking.program.program, of.region, of.id)
        )
        rows += [_row(line, found.program, teller, acts=reached) for line in lines]
    return rows


def in_order(found: Overview) -> list[Line]:
    """As pages follow each other: by region and topic, or by code; a community's teams stay below it."""
    groups = _groups(found.lines)
    groups.sort(key=lambda lines: (lines[0].region, lines[0].topic, lines[0].code, str(lines[0].id)))
    return [line for lines in groups for line in lines]


def _groups(lines: list[Line]) -> list[list[Line]]:
    numbers, number = [], 0
    for line in lines:
        number += line.kind != "team"
        numbers.append(number)
    paired = groupby(zip(numbers, lines, strict=True), key=lambda pair: pair[0])
    return [[line for _number, line in group] for _number, group in paired]


def _urgency(line: Line) -> tuple[bool, bool, float, str]:
    late, never, due, name = line.urgency
    return late, never, due.timestamp() if due else 0.0, name


def _row(line: Line, program: Program, teller: Teller, *, acts: bool) -> Row:
    own = Teller(program, line.timezone, teller.language)
    cells: dict[str, list[Cell]] = {}
    for outcome in line.together.outcomes:
        told = milestone_words.cell(outcome, own, line.whys.get(outcome.requirement))
        cells.setdefault(outcome.requirement, []).append(told)
    code = program.program
    return Row(
        line,
        called(line, program),
        cells,
        guidelines(line.together.notices, line.whys, own, LATE),
        address_of(line.kind, line.id, code),
        acts_address(line.kind, line.id, code) if acts else "",
    )


def guidelines(
    notices: Iterable[Noticed],
    whys: dict[str, Why],
    teller: Teller,
    only: Collection[NoticeStatus] = EVERY,
) -> list[Guideline]:
    """Guidelines in words; `only`: those that stand so."""
    return [
        Guideline(teller.notice(n.notice), n.status, notice_status(n.status), teller.noticed(n), whys.get(n.notice))
        for n in notices
        if n.status in only
    ]


def columns(rows: list[Row], program: Program, teller: Teller) -> list[tuple[str, str]]:
    """(Code, title) of what is asked of anything on the page, in the program's order."""
    asked = {code for row in rows for code in row.cells}
    return [
        (one.requirement, teller.requirement(one.requirement))
        for one in program.requirements
        if one.requirement in asked
    ]


def due(found: Overview, teller: Teller) -> list[tuple[str, str, str, str]]:
    """(By when, what, whose, its address) of what is due next on the page."""
    listed: list[tuple[datetime, tuple[str, str, str, str]]] = []
    for line in found.lines:
        own = Teller(found.program, line.timezone, teller.language)
        name = called(line, found.program)
        address = address_of(line.kind, line.id, found.program.program)
        for outcome in line.together.outcomes:
            if when := milestone_words.due(outcome, own):
                listed.append((when[0], (when[1], own.requirement(outcome.requirement), name, address)))
    return [told for _when, told in sorted(listed, key=lambda pair: pair[0])[:NEXT]]


def called(line: Line, program: Program) -> str:
    """What a subject goes by."""
    return place(program, line.topic, line.region) if line.kind == "community" else line.name or line.code


def place(program: Program, topic: str, region: str) -> str:
    return f"{topic_title(program, topic)}, {region_title(program, region)}"


def address_of(kind: str, subject_id: UUID, program: str, endpoint: str = "milestones.subject", **more: str) -> str:
    """The page of a subject, or where its forms are sent."""
    more |= {"program": program} if kind == "organisation" else {}
    return url_for(endpoint, subject_kind=kind, subject_id=subject_id, **more)  # type: ignore[arg-type]


def acts_address(kind: str, subject_id: UUID, program: str) -> str:
    return address_of(kind, subject_id, program, "acts.subject")
