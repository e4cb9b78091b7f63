"""How somebody stands, and what a community is called, as the companion plugin keeps it: codes and parameters.

The shapes are docs/wire/standing.schema.json. Words are the plugin's: its reader may speak another language.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings import facts
from mappings.base import Text
from mappings.facts import Credit, Fact, Line
from mappings.matching import rule_for
from mappings.program import Program, version_at
from records.answers import Inputs, answer
from records.continuing import continued
from records.keys import among, as_text
from records.models import MirrorModule
from records.surroundings import Surroundings, item_of

VERSION = 1
MISSING_AT_MOST = 50
"""A list of what is still to do that is longer than this tells nobody anything."""
Document = dict[str, Any]
Items = Mapping[int, str]
"""What each activity of a course is credited as, by course module id: itself, or what it goes on with."""


def items_of(session: Session, site_id: UUID, courses: Iterable[int]) -> dict[int, dict[int, str]]:
    """The tracked activities of courses, by course."""
    m = MirrorModule
    rows = session.execute(
        select(m.course_id, as_text(m.site_id), m.module_id)
        .where(m.site_id == site_id, among(m.course_id, set(courses)), m.present, m.tracking > 0)
        .order_by(m.section_number, m.module_id)
    ).all()
    goes_on = continued(session, {(site, module) for _, site, module in rows})
    found: dict[int, dict[int, str]] = {}
    for course, site, module in rows:
        found.setdefault(course, {})[module] = item_of(*goes_on.root((site, module)))
    return found


def standing_document(item: Inputs, activities: Items, now: datetime) -> Document:
    """One membership as one course's page shows it. Minutes are whole, moments Unix seconds."""
    result = answer(item, now)
    standing = result.standing
    version = version_at(item.versions, now)
    offers = {o.item: (o.minutes, o.component) for o in item.surroundings.by(version).offers}
    by_item = _best_lines(result.lines)
    return {
        "version": VERSION,
        "status": str(standing.status),
        "minutes": standing.minutes,
        "band_min": standing.band_min,
        "band_max": standing.band_max,
        "hour_minutes": version.program.hour_minutes,
        "on_their_way": standing.on_their_way,
        "components": [{"code": code, "minutes": minutes} for code, minutes in standing.by_component.items()],
        "missing": [
            {"code": str(lack.code), "params": _plain(lack.params)} for lack in standing.missing[:MISSING_AT_MOST]
        ],
        "activities": [
            _activity(module, by_item.get(named), offers.get(named)) for module, named in activities.items()
        ],
        "sessions": [
            _session(line, line.fact, line.fact.session) for line in result.lines if line.fact and line.fact.session
        ],
        "other": [_other(line.fact, line.credit) for line in result.lines if line.credit and _is_other(line.fact)],
    }


def _best_lines(lines: Iterable[Line]) -> dict[str, Line]:
    """Of several lines about one activity (in a course and in its continuation) the one that earned most."""
    found: dict[str, Line] = {}
    for line in lines:
        if line.fact and line.fact.item and line.fact.session is None:
            held = found.get(line.fact.item)
            if held is None or _earned(line) > _earned(held):
                found[line.fact.item] = line
    return found


def _earned(line: Line) -> int:
    return line.credit.minutes if line.credit else -1


def _activity(module: int, line: Line | None, offer: tuple[int, str] | None) -> Document:
    credit = line.credit if line else None
    return {
        "module": module,
        "minutes": credit.minutes if credit else 0,
        "offers": offer[0] if offer else None,
        "component": credit.component if credit else offer[1] if offer else None,
        "reason": _reason(line),
        "at": _seconds(line.fact.happened_at) if line and line.fact else None,
    }


def _session(line: Line, fact: Fact, session: facts.Session) -> Document:
    return {
        "title": session.title,
        "at": _seconds(fact.happened_at),
        "mode": session.mode,
        "minutes": line.credit.minutes if line.credit else 0,
        "reason": _reason(line),
    }


def _is_other(fact: Fact | None) -> bool:
    return fact is None or (fact.session is None and (fact.milestone is not None or not fact.item))


def _other(fact: Fact | None, credit: Credit) -> Document:
    """What is neither an activity nor a session; a decision's reason stays here, it may be about the person."""
    milestone = fact.milestone if fact else None
    rule, _, name = credit.rule.partition(":")
    return {
        "what": "milestone" if milestone else rule,
        "title": milestone.code if milestone else name,
        "minutes": credit.minutes,
        "at": _seconds(credit.happened_at),
    }


def _reason(line: Line | None) -> str | None:
    return str(line.nothing) if line and line.nothing else None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _plain(params: Mapping[str, Any]) -> Document:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}


def names_of(program: Program, around: Surroundings) -> dict[str, Text]:
    """What people call what codes name, by language: the program file's titles, and the name of the activity of a
    rule that only one goes by."""
    found: dict[str, Text] = {"program": program.title}
    found |= {f"milestone:{m.milestone}": m.title for m in program.milestones}
    for cycle in program.cycles:
        found[f"cycle:{cycle.cycle}"] = cycle.title
    found |= {f"session_kind:{kind.kind}": kind.title for kind in program.session_kinds}
    found |= {f"cap:{cap.cap}": cap.title for cap in program.caps if cap.title}
    by_rule: dict[str, list[str]] = {}
    for _, activity, _ in around.activities:
        if rule := rule_for(program, activity):
            by_rule.setdefault(rule.rule, []).append(activity.name)
    return found | {f"rule:{rule}": {"en": names[0]} for rule, names in sorted(by_rule.items()) if len(names) == 1}
