"""An explanation as data: the same at the terminal and in the API."""

from dataclasses import asdict
from typing import Any

from records.queries.person import InCommunity
from records.standings import missing_as_data, outcome_as_data
from service.explanations import LineTold, Told


def as_data(found: InCommunity, told: Told) -> dict[str, Any]:
    """One membership explained: codes, minutes and moments, with the words beside them."""
    s = found.standing
    return {
        "membership": found.membership_id,
        "community": found.community_id,
        "program": found.program.program,
        "topic": found.topic,
        "region": found.region,
        "role": found.role,
        "status": found.status,
        "known_on": found.as_of.known_on,
        "true_on": found.as_of.true_on,
        "standing": s.status,
        "minutes": s.minutes,
        "all_minutes": s.all_minutes,
        "carried": s.carried,
        "by_component": s.by_component,
        "brought": found.brought,
        "band": [s.band_min, s.band_max],
        "on_their_way": s.on_their_way,
        "missing": [missing_as_data(lack) for lack in s.missing],
        "to_do": told.to_do,
        "forecast": asdict(found.forecast) if found.forecast else None,
        "dirty": found.dirty,
        "lines": [_line(line) for line in told.lines],
        "requirements": [
            outcome_as_data(outcome)
            | {"title": each.title, "words": each.missing, "counted": each.counted, "passed_over": each.passed_over}
            for outcome, each in zip(s.outcomes, told.requirements, strict=True)
        ],
        "ledger": asdict(found.written) if found.written else None,
    }


def _line(told: LineTold) -> dict[str, object]:
    line = told.line
    return {
        "kind": line.kind,
        "what": told.what,
        "detail": told.detail,
        "when": line.happened_at.isoformat(),
        "fact": line.fact,
        "key": line.key,
        "decision": line.decision,
        "minutes": line.minutes,
        "component": line.component,
        "rule": line.rule,
        "version": line.version,
        "ended": line.ended,
        "nothing": line.nothing,
        "why": told.why or None,
        "notes": told.notes,
        "late": line.late,
        "of": list(line.params.get("of", ())),
    }
