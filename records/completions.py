"""Completion rows in the mirror: observations folded by mappings.completion, one row lock at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.completion import Completion, Observation, clash
from mappings.facts import State
from records.keys import among, put
from records.models import MirrorCompletion

KEY = ["site_id", "module_id", "moodle_user_id"]
CompletionKey = tuple[UUID, int, int]
"""(site, module, Moodle user)."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A completion as reported, with the course that it belongs to."""

    course_id: int
    completion: Completion


def to_row(key: CompletionKey, course_id: int, seen: Completion) -> dict[str, Any]:
    latest, row = seen.latest, seen.row
    return {
        "site_id": key[0],
        "module_id": key[1],
        "moodle_user_id": key[2],
        "course_id": course_id,
        "present": latest.present,
        "as_of": latest.at,
        "rank": latest.rank,
        "trusted": latest.trusted,
        "state": int(row.state) if row else None,
        "state_as_of": row.at if row else None,
        "state_rank": row.rank if row else None,
        "state_trusted": row.trusted if row else None,
        "timemodified": row.since if row else None,
        "overrideby": row.overrideby if row else None,
        "first_complete": seen.first_complete,
        "first_passed": seen.first_passed,
        "first_failed": seen.first_failed,
        "confirmed": seen.confirmed,
    }


def from_row(held: MirrorCompletion) -> Completion:
    row = None
    if held.state is not None and held.state_as_of is not None and held.state_rank is not None:
        row = Observation(
            held.state_as_of,
            held.state_rank,
            True,
            State(held.state),
            held.timemodified,
            held.overrideby,
            bool(held.state_trusted),
        )
    if held.present and row is not None:
        latest = row
    else:
        latest = Observation(held.as_of, held.rank, held.present, trusted=held.trusted)
    return Completion(latest, row, held.first_complete, held.first_passed, held.first_failed, held.confirmed)


def merge_completions(
    session: Session, reported: Mapping[CompletionKey, Reported]
) -> tuple[set[CompletionKey], dict[CompletionKey, datetime]]:
    """Fold what was reported into the mirror. Returns the keys whose row changed, and those of which events
    of one second said different things, with that second."""
    keys = sorted(reported, key=str)
    clashes: dict[CompletionKey, datetime] = {}
    if not keys:
        return set(), clashes
    table = MirrorCompletion
    rows = [to_row(key, reported[key].course_id, reported[key].completion) for key in keys]
    fresh = put(table, rows).on_conflict_do_nothing().returning(table.site_id, table.module_id, table.moodle_user_id)
    made: set[CompletionKey] = {(row[0], row[1], row[2]) for row in session.execute(fresh)}
    rest = [key for key in keys if key not in made]
    if not rest:
        return made, clashes
    changed: dict[CompletionKey, dict[str, Any]] = {}
    held_rows = session.scalars(
        select(table)
        .where(among((table.site_id, table.module_id, table.moodle_user_id), rest))
        .order_by(table.site_id, table.module_id, table.moodle_user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for held in held_rows:
        key = (held.site_id, held.module_id, held.moodle_user_id)
        before = from_row(held)
        second = clash(before, reported[key].completion)
        if second:
            clashes[key] = second
        after = before.merge(reported[key].completion)
        if after != before:
            changed[key] = to_row(key, held.course_id, after)
    if changed:
        # Their rows are there and locked: of this INSERT only the update is left.
        statement = put(table, list(changed.values()))
        values = {name: statement.excluded[name] for name in rows[0] if name not in KEY}
        session.execute(statement.on_conflict_do_update(index_elements=KEY, set_=values))
    return made | set(changed), clashes
