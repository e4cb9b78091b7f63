"""Import organisations: what a file's rows mean, the plan of what would change, and its carrying out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor
from records.csv_file import Problem
from records.keys import among
from records.memberships import mark_dirty
from records.models import Membership, Organisation, uuid7
from records.organisation_file import OrganisationRow
from records.organisation_links import link_organisations

COLUMNS = ("name", "kind", "level", "designation", "designated_on", "parent")
"""What is known of an organisation beside its code; `parent` as a code."""
SHOWN = 6
"""So many codes of a circle are named."""

Values = Mapping[str, Any]
"""By column of COLUMNS."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a column says now, and what it would say."""

    column: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PlannedOrganisation:
    """What importing one row amounts to: `new`, `changed` or `unchanged`."""

    line: int
    code: str
    id: UUID
    action: str
    values: Values
    changes: tuple[Change, ...] = ()
    """Of a `changed` one."""


@dataclass(slots=True)
class Plan:
    """What an import would do. Nothing is written while it is made."""

    organisations: list[PlannedOrganisation] = field(default_factory=list)
    ids: dict[str, UUID] = field(default_factory=dict)
    """Of every organisation by code, the new ones included."""
    problems: list[Problem] = field(default_factory=list)

    def count(self, action: str) -> int:
        return sum(planned.action == action for planned in self.organisations)

    @property
    def changes(self) -> bool:
        return any(planned.action != "unchanged" for planned in self.organisations)


def plan_organisations(session: Session, rows: Sequence[OrganisationRow], problems: Iterable[Problem]) -> Plan:
    """What the rows would change. Nobody else changes organisations until the transaction ends."""
    # Two imports at a time could each put an organisation above the other's. Reading goes on beside it.
    session.execute(text("LOCK TABLE organisations IN SHARE ROW EXCLUSIVE MODE"))
    plan = Plan(problems=list(problems))
    ids, known = _known(session)
    single = _without_conflicts(rows, plan.problems)
    complete = {row.code: (row.line, _values(row, known.get(row.code))) for row in single}
    _refuse_lone_dates(complete, plan.problems)
    _refuse_wrong_parents(complete, known, plan.problems)
    plan.ids = {code: uuid7() for code in complete} | ids
    for code, (line, values) in complete.items():
        held = known.get(code)
        changes = _changes(held, values) if held else ()
        action = "new" if held is None else "changed" if changes else "unchanged"
        plan.organisations.append(PlannedOrganisation(line, code, plan.ids[code], action, values, changes))
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def apply_plan(session: Session, plan: Plan, *, actor: Actor, digest: str) -> int:
    """Carry a plan out in the transaction that made it. Returns how many memberships are to be computed again.

    `digest` names the file in the audit trail.
    """
    if not plan.changes:
        return 0
    new = [planned for planned in plan.organisations if planned.action == "new"]
    changed = [planned for planned in plan.organisations if planned.action == "changed"]
    if new:
        # Parents follow: one may stand on a later line.
        session.execute(insert(Organisation), [_row(plan, planned) | {"parent_id": None} for planned in new])
    children = [planned for planned in new if planned.values["parent"]]
    if changed or children:
        session.execute(update(Organisation), [_row(plan, planned) for planned in changed + children])
    of_changed = among(Membership.organisation_id, [planned.id for planned in changed])
    marked = mark_dirty(session, select(Membership.id).where(of_changed))
    link_organisations(session)
    after = {"new": len(new), "changed": len(changed), "skipped": len(plan.problems)}
    audit.record(session, actor, "organisations.import", str(uuid7()), after={"sha256": digest, **after})
    return marked


def _row(plan: Plan, planned: PlannedOrganisation) -> dict[str, Any]:
    values = {column: planned.values[column] for column in COLUMNS if column != "parent"}
    parent = planned.values["parent"]
    return {"id": planned.id, "code": planned.code, **values, "parent_id": plan.ids[parent] if parent else None}


def _known(session: Session) -> tuple[dict[str, UUID], dict[str, Values]]:
    """The organisations that are recorded, by code: ids and values."""
    o = Organisation
    found = session.execute(
        select(o.id, o.code, o.name, o.kind, o.level, o.designation, o.designated_on, o.parent_id).order_by(o.code)
    ).all()
    codes: dict[UUID | None, str] = {row.id: row.code for row in found}
    values: dict[str, Values] = {
        row.code: {column: getattr(row, column) for column in COLUMNS[:-1]} | {"parent": codes.get(row.parent_id)}
        for row in found
    }
    return {row.code: row.id for row in found}, values


def _without_conflicts(rows: Sequence[OrganisationRow], problems: list[Problem]) -> list[OrganisationRow]:
    """One row for each code. Where lines disagree, none of them is taken."""
    by_code: dict[str, list[OrganisationRow]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    kept = []
    for same in by_code.values():
        first = same[0]
        if all(replace(row, line=first.line) == first for row in same):
            kept.append(first)
            continue
        for row in same:
            other = next(o for o in same if replace(o, line=row.line) != row)
            problems.append(
                Problem(row.line, "code", f"'{row.code}' stands on line {other.line} too, which says otherwise of it")
            )
    return kept


def _values(row: OrganisationRow, held: Values | None) -> dict[str, Any]:
    """What would be recorded: what the file has no column for stays as it is."""
    values = dict.fromkeys(COLUMNS) | dict(held or {})
    before = values["designation"]
    values |= {column: getattr(row, column) for column in COLUMNS if column in row.stated}
    if "designated_on" not in row.stated and values["designation"] != before:
        # The recorded day was that of another designation.
        values["designated_on"] = None
    return values


def _refuse_lone_dates(rows: dict[str, tuple[int, dict[str, Any]]], problems: list[Problem]) -> None:
    for code, (line, values) in list(rows.items()):
        if values["designated_on"] and not values["designation"]:
            message = "is given without a designation: expected one in 'designation', or no date"
            problems.append(Problem(line, "designated_on", message))
            del rows[code]


def _refuse_wrong_parents(
    rows: dict[str, tuple[int, dict[str, Any]]], known: Mapping[str, Values], problems: list[Problem]
) -> None:
    """Take out the rows whose parent is nowhere, and those that would be above themselves."""
    # Once a row is taken out, others may lack their parent, and what is recorded of it counts again.
    while wrong := _without_parents(rows, known) or _in_circles(rows, known):
        for code, message in wrong.items():
            problems.append(Problem(rows.pop(code)[0], "parent", message))


def _without_parents(rows: Mapping[str, tuple[int, dict[str, Any]]], known: Mapping[str, Values]) -> dict[str, str]:
    """By code, the rows whose parent is neither recorded nor a right row, and what to say of each."""
    children: dict[str, list[str]] = {}
    for code, (_, values) in rows.items():
        if values["parent"]:
            children.setdefault(values["parent"], []).append(code)
    missing = [parent for parent in children if parent not in rows and parent not in known]
    wrong: dict[str, str] = {}
    while missing:
        parent = missing.pop()
        for code in children.get(parent, ()):
            wrong[code] = f"no organisation of the code '{parent}' is recorded, and no right line of this file has it"
            if code not in known:
                missing.append(code)
    return wrong


def _in_circles(rows: Mapping[str, tuple[int, dict[str, Any]]], known: Mapping[str, Values]) -> dict[str, str]:
    """By code, the rows that would be above themselves, and what to say of each."""
    parents: dict[str, str | None] = {code: values["parent"] for code, values in known.items()}
    parents |= {code: values["parent"] for code, (_, values) in rows.items()}
    seen: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for start in rows:
        path: list[str] = []
        code: str | None = start
        while code is not None and code not in seen:
            seen[code] = start
            path.append(code)
            code = parents[code]
        if code is None or seen[code] != start:
            continue
        circle = path[path.index(code) :]
        for place, member in enumerate(circle):
            if member in rows:
                wrong[member] = f"'{member}' would be above itself: {_spelt(circle[place:] + circle[:place])}"
    return wrong


def _spelt(circle: list[str]) -> str:
    shown = [*circle, circle[0]] if len(circle) <= SHOWN else [*circle[:SHOWN], "...", circle[0]]
    return " under ".join(shown)


def _changes(held: Values, values: Values) -> tuple[Change, ...]:
    return tuple(
        Change(column, _said(held[column]), _said(values[column]))
        for column in COLUMNS
        if held[column] != values[column]
    )


def _said(value: str | date | None) -> str | None:
    return None if value is None else str(value)
