"""Standings as rows: what mappings answers, in JSON where it has parts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from mappings.conditions import Missing
from mappings.credit import late_minutes
from mappings.outcomes import Outcome
from records.answers import Answer


def as_row(membership_id: UUID, result: Answer, now: datetime) -> dict[str, Any]:
    """The values of a row of `standings`."""
    s = result.standing
    return {
        "membership_id": membership_id,
        "minutes": s.minutes,
        "all_minutes": s.all_minutes,
        "by_component": s.by_component,
        "status": str(s.status),
        "band_min": s.band_min,
        "band_max": s.band_max,
        "on_their_way": s.on_their_way,
        "missing": [missing_as_data(lack) for lack in s.missing],
        "outcomes": [outcome_as_data(outcome) for outcome in s.outcomes],
        "late": sum(late_minutes(line) is not None for line in result.lines),
        "valid_until": result.valid_until,
        "computed_at": now,
    }


def missing_as_data(lack: Missing) -> dict[str, object]:
    """A code and its parameters."""
    return {"code": str(lack.code), **lack.params}


def outcome_as_data(outcome: Outcome) -> dict[str, object]:
    """A requirement's outcome. Moments are ISO 8601; what counted is left to the explanation."""
    return {
        "requirement": outcome.requirement,
        "status": str(outcome.status),
        "have": outcome.have,
        "need": outcome.need,
        "unit": outcome.unit,
        "missing": [missing_as_data(lack) for lack in outcome.missing],
        "due": outcome.due.isoformat() if outcome.due else None,
    }
