"""Likely slips: named parts that nothing reads, milestones and cycles that can't be reached as they are asked for."""

import re
from collections.abc import Iterator

from mappings.base import Model
from mappings.earning import ActivityRule, Cap, FromActivity, Milestone
from mappings.findings import nearest
from mappings.lint_rules import Remark
from mappings.places import CommunityMatch, Particulars, Teams
from mappings.program import Program
from mappings.requirements import Condition, Notice, Requirement
from mappings.wholeness import models

OF_PLACES = ("topic", "region", "community", "host")
PARTS: dict[type[Model], dict[str, tuple[str, ...]]] = {
    CommunityMatch: dict.fromkeys(
        ("course_idnumber", "course_shortname", "category_idnumber", "field", "group_idnumber"), OF_PLACES
    ),
    Particulars: {"course_idnumber": ()},
    Teams: {"group_idnumber": ("organisation",), "grouping": ()},
    ActivityRule: {"idnumber": ("session",), "section": (), "name": ()},
    FromActivity: {"idnumber": ("cycle",), "section": (), "name": ()},
}
"""The named parts that are read from each pattern."""
NAMED = {
    "participant": "a participant",
    "team": "a team",
    "organisation": "an organisation",
    "community": "a community",
    "program": "a program",
}


def slips(program: Program) -> Iterator[Remark]:
    """What is most likely not meant so."""
    yield from _parts(program)
    yield from _kinds(program)
    yield from _phases(program)
    for number, requirement in enumerate(program.requirements):
        yield from ((("requirements", number, *at), text) for at, text in _asked(program, requirement))
        if requirement.due and requirement.due.after in ("designation", "community_start"):
            yield from ((("requirements", number, "due"), text) for text in _each_session(requirement))
    for number, notice in enumerate(program.notices):
        yield from ((("notices", number, *at), text) for at, text in _asked(program, notice))


def _parts(program: Program) -> Iterator[Remark]:
    """Named parts of patterns that nothing reads."""
    for model, place in models(program):
        for key, known in PARTS.get(type(model), {}).items():
            value = getattr(model, key)
            patterns = value if isinstance(value, dict) else {None: value} if value else {}
            for name, pattern in patterns.items():
                at = (*place, key) if name is None else (*place, key, name)
                yield from ((at, text) for text in _unknown(pattern, known))


def _unknown(pattern: str, known: tuple[str, ...]) -> Iterator[str]:
    for name in re.compile(pattern).groupindex:
        # What the pattern itself comes back to is meant so.
        if name in known or f"(?P={name})" in pattern or f"(?({name})" in pattern:
            continue
        meant = nearest(name, known)
        hint = f"; did you mean '(?P<{meant}>...)'?" if meant else ""
        if not meant and known:
            hint = f"; what can stand here: {', '.join(f'(?P<{part}>...)' for part in known)}"
        yield f"nothing reads the part '(?P<{name}>...)'{hint}"


def _kinds(program: Program) -> Iterator[Remark]:
    """Kinds of sessions where kinds of Moodle activities are meant to stand."""
    for model, place in models(program):
        if not isinstance(model, Cap | ActivityRule | FromActivity):
            continue
        for number, kind in enumerate(model.kind):
            # A kind of session may be called like an activity of Moodle: that is for others to tell.
            if kind in program.kinds_by_name and kind not in ACTIVITIES:
                instead = ": 'session_kinds' names those" if isinstance(model, Cap) else ""
                text = f"'{kind}' is a kind of session, and here kinds of Moodle activities stand{instead}"
                yield (*place, "kind", number), text


ACTIVITIES = {
    "assign", "bigbluebuttonbn", "book", "chat", "choice", "data", "feedback", "folder", "forum", "glossary",
    "h5pactivity", "imscp", "label", "lesson", "lti", "page", "quiz", "resource", "scorm", "survey", "url", "wiki",
    "workshop",
}  # fmt: skip
"""Kinds of activities that come with Moodle."""


def _phases(program: Program) -> Iterator[Remark]:
    """Milestones that can't become phases of one cycle."""
    firsts: dict[str, Milestone] = {}
    for number, one in enumerate(program.milestones):
        if one.cycle is None:
            continue
        source = one.from_activity
        if source and not _names_cycle(one):
            text = f"'idnumber' needs a part (?P<cycle>...): nothing says which cycle '{one.cycle}' an activity is of"
            yield ("milestones", number, "from_activity"), text
        other = firsts.setdefault(one.cycle, one)
        if other.of != one.of:
            text = (
                f"'{one.milestone}' is achieved by {NAMED[one.of]}, and '{other.milestone}' of the same cycle"
                f" '{one.cycle}' by {NAMED[other.of]}: nobody goes through the whole cycle"
            )
            yield ("milestones", number, "of"), text


def _names_cycle(milestone: Milestone) -> bool:
    """Whether the activities that a milestone comes from name a cycle."""
    source = milestone.from_activity
    return bool(source and source.idnumber and "cycle" in re.compile(source.idnumber).groupindex)


def _asked(program: Program, asked: Requirement | Notice) -> Iterator[Remark]:
    """Milestones that are asked of others than achieve them, or more often than they can be achieved."""
    for model, place in models(asked):
        needed = model.milestones if isinstance(model, Condition) else None
        known = program.milestones_by_name.get(needed.milestone) if needed else None
        if needed is None or known is None:
            continue
        at = (*place, "milestones")
        if asked.of == "participant" and known.of != "participant":
            text = (
                f"'{known.milestone}' is achieved by {NAMED[known.of]}, and this is asked of each participant:"
                f" is 'of: {known.of}' missing?"
            )
            yield at, text
        if needed.each_session not in (None, known.after):
            text = (
                f"'{known.milestone}' has no 'after: {needed.each_session}': nobody can enter which session it follows"
            )
            yield at, text
        many = needed.at_least != "to_be_set" and needed.at_least > 1 and not needed.each_session
        # Of an organisation, community or program those of all its teams count together.
        once = asked.of == known.of and not (known.cycle or known.after or _names_cycle(known))
        if many and once:
            text = (
                f"asks for {needed.at_least} of '{known.milestone}', which is recorded once: several need a cycle"
                " or a session that they belong to"
            )
            yield at, text


def _each_session(requirement: Requirement) -> Iterator[str]:
    conditions = [model for model, _ in models(requirement) if isinstance(model, Condition)]
    if any(one.milestones and one.milestones.each_session for one in conditions):
        yield "all that 'each_session' asks for is due on one day: 'after: session' is so long after each"
