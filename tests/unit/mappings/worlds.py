"""Small programs, facts and communities for the engine's tests."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mappings.credit import credit, credits_of
from mappings.facts import (
    Activity,
    Closing,
    Community,
    Credit,
    Decisions,
    Fact,
    FactKind,
    Line,
    Meeting,
    Member,
    Milestone,
    Session,
    State,
)
from mappings.offers import offers_of
from mappings.periods import Span
from mappings.program import Program, ProgramVersion
from mappings.standing import Standing, Whose, evaluate

LA, KOLKATA = ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kolkata")
BASE: dict[str, Any] = {
    "program": "p",
    "title": {"en": "P"},
    "effective_from": "2020-01-01",
    "timezone": "America/Los_Angeles",
    "components": ["online", "room"],
    "topics": [{"code": "MATH", "title": {"en": "Math"}}],
    "regions": [{"code": "BAY", "title": {"en": "Bay"}}],
    "communities": [{"course_idnumber": "COP", "topic": "MATH", "region": "BAY"}],
    "participant_roles": ["student"],
    "attendance": {"components": {"face_to_face": "room", "virtual": "online"}},
    "activities": [
        {"rule": "plan", "idnumber": "PLAN", "minutes": 90, "component": "online"},
        {"rule": "meet", "idnumber": "MEET", "minutes": 240, "component": "room"},
        {"rule": "free", "idnumber": "FREE", "minutes": 0, "component": "online"},
        {"rule": "talk", "kind": ["forum"], "minutes": 60, "component": "online"},
    ],
}


def program(**keys: Any) -> Program:
    """A program of a few rules, with these keys instead of its own."""
    return Program.model_validate(BASE | keys)


def versions(*programs: Program) -> tuple[ProgramVersion, ...]:
    """Programs as they were loaded, one after the other: v1, v2, ..."""
    return tuple(ProgramVersion(id=f"v{n}", number=n, program=one) for n, one in enumerate(programs, 1))


def at(text: str, zone: str | ZoneInfo = "UTC") -> datetime:
    """A moment by a wall clock, as UTC."""
    there = ZoneInfo(zone) if isinstance(zone, str) else zone
    return datetime.fromisoformat(text).replace(tzinfo=there).astimezone(UTC)


def seconds(first: str, last: str) -> tuple[int, int]:
    """Two moments as whole seconds."""
    return int(at(first).timestamp()), int(at(last).timestamp())


def span(start: str | None, end: str | None, zone: str | ZoneInfo = "UTC") -> Span:
    return Span(at(start, zone) if start else None, at(end, zone) if end else None)


WHEN = at("2026-02-01T12:00")


def done(key: str = "c1", idnumber: str = "PLAN", when: datetime = WHEN, **more: Any) -> Fact:
    """A completed activity."""
    values: dict[str, Any] = {
        "state": State.COMPLETE,
        "activity": Activity(idnumber, "assign", "", "Plan"),
        "item": f"item-{key}",
    }
    return Fact(f"id-{key}", key, FactKind.COMPLETION, when, **(values | more))


def talk(key: str, when: datetime = WHEN, **more: Any) -> Fact:
    """A completed forum: sixty minutes."""
    return done(key, when=when, activity=Activity("", "forum", "", ""), **more)


def there(key: str = "a1", minutes: int | None = 240, when: datetime = WHEN, **more: Any) -> Fact:
    """Somebody at a session; `mode`, `kind`, `code` and `planned_minutes` are the session's."""
    of: dict[str, Any] = {"mode": "face_to_face"}
    of |= {name: more.pop(name) for name in ("mode", "kind", "code", "planned_minutes") if name in more}
    values: dict[str, Any] = {"session": Session("Session", **of), "item": f"item-{key}"}
    return Fact(f"id-{key}", key, FactKind.ATTENDANCE, when, minutes=minutes, **(values | more))


def reached(key: str, code: str, when: datetime = WHEN, **more: Any) -> Fact:
    """A milestone; `cycle`, `session` and `proven` are its own."""
    of = {name: more.pop(name) for name in ("cycle", "session", "proven") if name in more}
    return Fact(f"id-{key}", key, FactKind.MILESTONE, when, milestone=Milestone(code, **of), item=key, **more)


def meeting(code: str, when: datetime, **more: Any) -> Meeting:
    values: dict[str, Any] = {"item": f"m-{code}", "code": code, "title": code, "starts_at": when, "mode": "virtual"}
    return Meeting(**values | more)


def community(**more: Any) -> Community:
    values: dict[str, Any] = {"topic": "MATH", "region": "BAY", "zone": LA, "idnumbers": ("COP",)}
    return Community(**values | more)


def offering(by: Program, activities: Iterable[tuple[str, str]] = (), **more: Any) -> Community:
    """A community with what it offers: activities as (item, ID number), and its meetings."""
    forms = [(item, Activity(idnumber, "assign", "", ""), None) for item, idnumber in activities]
    return community(offers=offers_of(by, forms, more.get("meetings", ())), **more)


def lines_of(
    by: Program | tuple[ProgramVersion, ...],
    facts: Iterable[Fact],
    where: Community | None = None,
    participant: bool = True,
    **decided: Any,
) -> list[Line]:
    """The lines by a program, or by versions of it."""
    known = versions(by) if isinstance(by, Program) else by
    return credit(facts, Decisions(**decided), known, participant=participant, community=where or community())


def net(lines: Iterable[Line]) -> dict[str, int]:
    """Minutes by credit key."""
    return {earned.key: earned.minutes for earned in credits_of(lines)}


def total(lines: Iterable[Line]) -> int:
    return sum(earned.minutes for earned in credits_of(lines))


def minutes(by: Program | tuple[ProgramVersion, ...], *facts: Fact, **more: Any) -> int:
    """What facts come to by a program."""
    return total(lines_of(by, facts, **more))


def nothings(by: Program, *facts: Fact, **more: Any) -> dict[str, str]:
    """Why facts earned nothing, by their keys."""
    return {line.fact.key: str(line.nothing) for line in lines_of(by, facts, **more) if line.fact and line.nothing}


def standing(
    by: Program,
    facts: Iterable[Fact] = (),
    now: datetime = WHEN,
    where: Community | None = None,
    member: Member | None = None,
    waived: Iterable[str] = (),
    brought: tuple[Credit, ...] = (),
    **decided: Any,
) -> Standing:
    """How somebody with these facts stands."""
    where = where or community()
    whose = Whose(member or Member(), where, dict.fromkeys(waived, "d1"), brought)
    return evaluate(lines_of(by, facts, where, **decided), by, whose, now)


def closing(by: Program, facts: Iterable[Fact], over: Span, where: Community | None = None, **decided: Any) -> Closing:
    """A period closed with what stood in it then."""
    being = Closing("closed", over, None)
    known = (*decided.pop("closings", ()), being)
    stood = credits_of(lines_of(by, facts, where, closings=known, **decided))
    return Closing("closed", over, {one.key: one for one in stood if over.holds(one.happened_at)})
