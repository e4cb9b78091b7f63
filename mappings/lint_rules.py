"""Rules that stand in each other's way: what can never match, what two rules match, caps that cross."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from mappings.earning import ActivityRule, Cap
from mappings.examples import examples
from mappings.findings import Place
from mappings.program import Program

Remark = tuple[Place, str]
TEXTS = ("idnumber", "section", "name")
ANYTHING = {None, ".*", "^.*$", ".+"}
"""Of an ID number, section or name: no condition, as good as."""
OTHER = "another kind"


def rule_remarks(program: Program, line: Callable[[Place], int]) -> Iterator[Remark]:
    """Later rules that earlier ones take activities from; `line` gives the line of a place in the file."""
    for number, later in enumerate(program.activities):
        earlier = program.activities[:number]
        taken = [_takes_all(later, kind, earlier) for kind in later.kind or (None,)]
        if all(taken):
            by = [f"'{name}'" for name in dict.fromkeys(filter(None, taken))]
            takes = f"{' and '.join(by)} before it {'takes' if len(by) == 1 else 'take'}"
            yield ("activities", number), f"rule '{later.rule}' can never match: {takes} all that it would"
            continue
        for at, rule in enumerate(earlier):
            if shown := _both(rule, later):
                where = f"'{rule.rule}' on line {line(('activities', at))}"
                text = f"{shown} falls under '{later.rule}' and {where}, which counts since it stands first"
                yield ("activities", number), text


def _takes_all(later: ActivityRule, kind: str | None, earlier: Iterable[ActivityRule]) -> str | None:
    """The earlier rule that takes all activities of a kind that a later one would match."""
    for rule in earlier:
        if (not rule.kind or kind in rule.kind) and all(
            _within(getattr(later, name), getattr(rule, name), surely=True) for name in TEXTS
        ):
            return rule.rule
    return None


def _within(inner: str | None, outer: str | None, *, surely: bool) -> bool:
    """Whether all that one pattern matches is matched by the other; if not surely, as far as examples show."""
    if outer in ANYTHING or inner == outer:
        return True
    if inner is None or outer is None:
        return False
    found = examples(inner)
    return (
        (found.complete or not surely) and bool(found.texts) and all(re.fullmatch(outer, text) for text in found.texts)
    )


def _both(rule: ActivityRule, later: ActivityRule) -> str | None:
    """An activity that two rules match by the same condition. None: there is none, or the earlier one is the
    narrower one, and stands first for that very reason."""
    if rule.kind and later.kind and not {*rule.kind} & {*later.kind}:
        return None
    shown: str | None = None
    for name in TEXTS:
        first, then = getattr(rule, name), getattr(later, name)
        if first is None or then is None:
            continue
        texts = (*examples(then).texts, *examples(first).texts)
        text = next((t for t in texts if re.fullmatch(first, t) and re.fullmatch(then, t)), None)
        if text is None and first != then:
            return None
        shown = shown or f"an activity of the {name} '{text or first}'"
    narrower = (not later.kind or (rule.kind and {*rule.kind} <= {*later.kind})) and all(
        _within(getattr(rule, name), getattr(later, name), surely=False) for name in TEXTS
    )
    return None if narrower else shown


def cap_remarks(program: Program) -> Iterator[Remark]:
    """Caps that limit nothing, and caps of which neither lies within the other."""
    scopes = [_scope(program, cap) for cap in program.caps]
    for number, (cap, scope) in enumerate(zip(program.caps, scopes, strict=True)):
        if not scope:
            yield ("caps", number), f"nothing earns what the cap '{cap.cap}' limits"
    for (_, one), (number, two) in combinations(enumerate(scopes), 2):
        if one & two and one - two and two - one:
            first = program.caps[scopes.index(one)].cap
            text = f"the caps '{first}' and '{program.caps[number].cap}' cross: their order decides what each leaves"
            yield ("caps", number), text


def _scope(program: Program, cap: Cap) -> frozenset[tuple[str, str]]:
    """What a cap limits: (rule, kind) of activities, and other sources of minutes."""
    kinds = {OTHER, *(k for c in program.caps for k in c.kind), *(k for r in program.activities for k in r.kind)}
    found = {
        (rule.rule, kind)
        for rule in program.activities
        for kind in rule.kind or kinds
        if not cap.session_kinds
        and (not cap.rules or rule.rule in cap.rules)
        and (not cap.kind or kind in cap.kind)
        and cap.component in (None, rule.component)
    }
    if not cap.rules and not cap.kind:
        found |= {
            (f"session:{kind}", component)
            for kind, components in _sessions(program).items()
            for component in components
            if (not cap.session_kinds or kind in cap.session_kinds) and cap.component in (None, component)
        }
    if not cap.rules and not cap.kind and not cap.session_kinds:
        found |= {("", component) for component in other_components(program) if cap.component in (None, component)}
    return frozenset(found)


def _sessions(program: Program) -> dict[str, set[str]]:
    """The components that sessions of each kind, and of none, earn in."""
    by_mode = {*program.attendance.components.values()}
    return {"": by_mode} | {s.kind: {s.component} if s.component else by_mode for s in program.session_kinds}


def other_components(program: Program) -> set[str]:
    """The components that something else than an activity's rule earns in."""
    return {
        *program.attendance.components.values(),
        *(kind.component for kind in program.session_kinds if kind.component),
        *(milestone.component for milestone in program.milestones if milestone.component),
        *program.self_reported,
    }
