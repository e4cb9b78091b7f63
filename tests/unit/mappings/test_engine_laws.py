"""Laws of the engine, whatever the program and the facts: total, orderly, no minute twice, honest about time."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.credit import credit, credits_of
from mappings.facts import Closing, Credit, Decisions, Fact, Line, Member
from mappings.program import Program
from mappings.standing import Standing, Whose, evaluate
from tests.unit.mappings.chances import (
    EVER,
    MOMENTS,
    NEAR,
    PEOPLE,
    ROUNDINGS,
    ZONES,
    community_by,
    decisions,
    earning,
    earnings,
    many,
    programs,
    spans,
)
from tests.unit.mappings.worlds import at, lines_of, net, program, span, total, versions

SLOW = [HealthCheck.too_slow]  # A busy machine draws slowly.
HUNDREDS = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=SLOW)
BROUGHT = (Credit("b", 77, "online", "plan", "v1", at("2026-01-20")),)


def looked(lines: list[Line], by: Program, who: Member, now: Any, zone: Any = None) -> Standing:
    where = community_by(by, zone) if zone else community_by(by)
    return evaluate(lines, by, Whose(who, where, {"r0": "d"}, BROUGHT), now)


@HUNDREDS
@given(data=st.data(), by=programs(), zone=ZONES, seen=many(), decided=decisions(), who=PEOPLE, now=MOMENTS)
def test_anything_gives_lines_and_a_standing_in_any_order(
    data: st.DataObject, by: Program, zone: Any, seen: list[Fact], decided: Decisions, who: Member, now: Any
) -> None:
    later = by.model_copy(update={"effective_from": at("2026-02-01").date()})
    known, where = versions(by, later), community_by(by, zone)
    lines = credit(seen, decided, known, participant=True, community=where)
    keys = [one.key for one in credits_of(lines)]
    assert len(keys) == len(set(keys))
    assert sorted(line.fact.key for line in lines if line.fact) == sorted(fact.key for fact in seen)
    assert all((line.credit is None) != (line.nothing is None) for line in lines)
    assert [line for line in lines if line.credit and not line.fact and not line.decision and not line.params] == []
    standing = looked(lines, by, who, now, zone)
    assert standing.all_minutes == total(lines) + 77
    assert standing.minutes == sum(standing.by_component.values()) + standing.carried
    again = data.draw(st.permutations([*seen, *seen[:3]]))
    mixed = Decisions(
        decided.adjustments[::-1] + decided.adjustments,
        decided.reports * 2,
        decided.recalculations * 2,
        decided.closings * 2,
    )
    assert credit(again, mixed, known[::-1], participant=True, community=where) == lines
    for nobody in credit(seen, replace(decided, closings=()), known, participant=False, community=where):
        assert nobody.credit is None or nobody.decision


def caps_of(*caps: dict[str, Any]) -> Any:
    return program(caps=[cap | {"cap": f"c{n}"} for n, cap in enumerate(caps)])


def bucket(per: str, one: Credit, where: Any) -> str:
    """What a cap adds up, said once more in other words."""
    local = one.happened_at.astimezone(where.zone)
    names = {"activity": one.key, "day": f"{local:%x}", "week": f"{local.date() - timedelta(days=local.weekday()):%x}"}
    return names.get(per, "")


@HUNDREDS
@given(
    seen=earnings(),
    per=st.sampled_from(["activity", "day", "week", "period", "all"]),
    most=st.integers(0, 400),
    component=st.sampled_from([None, "online", "room"]),
    zone=ZONES,
)
def test_a_cap_leaves_what_it_says(seen: list[Fact], per: str, most: int, component: str | None, zone: Any) -> None:
    by = caps_of({"per": per, "minutes": most, "component": component})
    where = community_by(by, zone)
    lines = lines_of(by, seen, where)
    sums: Counter[str] = Counter()
    free = 0
    for one in (line.credit for line in lines if line.fact and line.credit):
        if component in (None, one.component):
            sums[bucket(per, one, where)] += one.minutes
        else:
            free += one.minutes
    assert total(lines) == free + sum(min(most, minutes) for minutes in sums.values())
    assert all(line.params["counted"] <= most for line in lines if "cap" in line.params)


EACH = ROUNDINGS.map(lambda rounding: rounding | {"per": "activity"})
NESTED = st.tuples(st.integers(0, 200), st.integers(0, 400), st.integers(0, 600)).map(
    lambda most: [
        {"minutes": most[0], "component": "online", "per": "day"},
        {"minutes": most[1], "component": "online"},
        {"minutes": most[2]},
    ]
)


@HUNDREDS
@given(seen=earnings(), more=earning(), caps=NESTED, rounding=st.none() | EACH, one=st.integers(0, 2))
def test_more_never_counts_less(seen: list[Fact], more: Fact, caps: list[Any], rounding: Any, one: int) -> None:
    keys: dict[str, Any] = {"caps": [cap | {"cap": f"c{n}"} for n, cap in enumerate(caps)], "rounding": rounding}
    earned = total(lines_of(program(**keys), seen))
    known = {fact.key for fact in seen}
    if more.key not in known:
        assert total(lines_of(program(**keys), [*seen, more])) >= earned
    keys["caps"][one] = keys["caps"][one] | {"minutes": keys["caps"][one]["minutes"] + 50}
    assert total(lines_of(program(**keys), seen)) >= earned


@HUNDREDS
@given(seen=earnings(alternatives=True), more=earning(alternatives=True), most=st.none() | st.integers(0, 500))
def test_of_alternatives_the_best_counts_and_no_minute_twice(seen: list[Fact], more: Fact, most: int | None) -> None:
    by = program(caps=[{"cap": "c", "minutes": most}] if most is not None else [])
    lines = lines_of(by, seen)
    best: dict[str, int] = {}
    for line in lines:
        if line.fact and line.credit:
            group = line.fact.alternative or line.fact.key
            best[group] = max(best.get(group, 0), line.credit.minutes)
    assert total(lines) == min(sum(best.values()), sum(best.values()) if most is None else most)
    if more.key not in {fact.key for fact in seen}:
        assert total(lines_of(by, [*seen, more])) >= total(lines)


@HUNDREDS
@given(seen=earnings(), rounding=ROUNDINGS)
def test_rounded_sums_are_round(seen: list[Fact], rounding: dict[str, Any]) -> None:
    exact, lines = total(lines_of(program(), seen)), lines_of(program(rounding=rounding), seen)
    by_component: Counter[str] = Counter()
    for one in credits_of(lines):
        by_component[one.component] += one.minutes
    assert all(minutes % rounding["to_minutes"] == 0 for minutes in by_component.values())
    if rounding["direction"] == "down":
        assert sum(by_component.values()) <= exact
    if rounding["direction"] == "up":
        assert sum(by_component.values()) >= exact


@HUNDREDS
@given(data=st.data(), by=programs(), seen=many(NEAR), who=PEOPLE, now=NEAR | EVER)
def test_a_standing_holds_until_the_instant_that_it_names(
    data: st.DataObject, by: Program, seen: list[Fact], who: Member, now: Any
) -> None:
    lines = lines_of(by, seen, community_by(by))
    found = looked(lines, by, who, now)
    end = found.valid_until or now + timedelta(days=20_000)
    assert end > now
    inside = data.draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=4))
    tick = timedelta(microseconds=1)
    moments = [min(now + (end - now) * share, end - tick) for share in inside]
    for moment in [*moments, end - tick]:
        assert looked(lines, by, who, moment) == found


def inside(lines: list[Line], over: Any) -> Counter[str]:
    """The net of a span, by component."""
    found: Counter[str] = Counter()
    for one in credits_of(lines):
        if over.holds(one.happened_at):
            found[one.component] += one.minutes
    return Counter({part: minutes for part, minutes in found.items() if minutes})


@HUNDREDS
@given(by=programs(), seen=many(NEAR), later=many(NEAR), over=spans())
def test_what_comes_after_closing_changes_nothing_until_it_is_let_in(
    by: Program, seen: list[Fact], later: list[Fact], over: Any
) -> None:
    """`later`: what is known afterwards; a fact of the same key has changed, and others are new."""
    being, where = Closing("k", over, None), community_by(by)
    stood = lines_of(by, seen, where, closings=(being,))
    held = {one.key: one for one in credits_of(stood) if over.holds(one.happened_at)}
    shut = Closing("k", over, held)
    assert net(lines_of(by, seen, where, closings=(shut,))) == net(stood)
    known = list({fact.key: fact for fact in [*seen, *later]}.values())
    for facts in (known, later, []):
        lines = lines_of(by, facts, where, closings=(shut,))
        assert inside(lines, over) == inside(stood, over)
        # Each late change is told, and to let all of them in is to have closed with them.
        late = {line.fact.key if line.fact else line.credit.key for line in lines if "late" in line.params}  # type: ignore[union-attr]
        admitted = replace(shut, admitted=frozenset(late | {"nothing"}))
        fresh = lines_of(by, facts, where, closings=(being,))
        assert net(lines_of(by, facts, where, closings=(admitted,))) == net(fresh)


@HUNDREDS
@given(caps=NESTED, seen=earnings(), over=spans())
def test_closing_itself_changes_no_total(caps: list[Any], seen: list[Fact], over: Any) -> None:
    by = caps_of(*caps)
    closed = lines_of(by, seen, closings=(Closing("k", over, None),))
    assert total(closed) == total(lines_of(by, seen))


@HUNDREDS
@given(by=programs(period={"every": "school_year"}), seen=many(EVER, 6))
def test_what_is_taken_back_is_taken_back_where_it_was_earned(by: Program, seen: list[Fact]) -> None:
    lines = lines_of(by, seen, community_by(by))
    years = [span(f"{year}-02-01", f"{year + 1}-02-01", by.zone) for year in range(1969, 2100)]
    if by.school_year and by.school_year.starts == "02-01":
        assert all(minutes >= 0 for year in years for minutes in inside(lines, year).values())
