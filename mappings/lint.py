"""What is strange about a program file that can be used: left open, left unused, or in each other's way."""

import re
from collections.abc import Iterable, Iterator

from mappings.findings import Finding, Place
from mappings.lint_rules import Remark, cap_remarks, other_components, rule_remarks
from mappings.lint_slips import NAMED, slips
from mappings.periods import Period
from mappings.places import CommunityMatch
from mappings.program import Program
from mappings.requirements import Condition, MilestonesNeeded, Notice, Only, Requirement
from mappings.source import Source
from mappings.wholeness import models

NEEDS_ORGANISATION = ("organisation_kinds", "designations", "levels")
OF_PEOPLE = ("newcomers", "job_roles")
REACHES = {"community": ("topics", "regions"), "program": ()}
"""What `only` can ask of those that have no account and no organisation."""


def lint(program: Program, source: Source) -> list[Finding]:
    """Warnings about a file that can be used, in the order of its lines."""
    remarks = [
        *_open(program),
        *rule_remarks(program, source.line),
        *_components(program),
        *_unused(program),
        *_unasked(program),
        *_cycles(program),
        *_places(program),
        *_attendance(program),
        *cap_remarks(program),
        *_fields(program),
        *_asked(program),
        *slips(program),
    ]
    found = [source.finding(place, text, "warning") for place, text in remarks]
    return sorted(found, key=lambda finding: finding.line)


def _open(program: Program) -> Iterator[Remark]:
    """Every figure that is yet to be set, and what waits for it."""
    for place in program.open_settings():
        yield place, f"is yet to be set: {_waits(program, place)}"


def _waits(program: Program, place: Place) -> str:
    key, number = place[0], place[1] if len(place) > 1 else 0
    if not isinstance(number, int) or key == "terms":
        return "what is counted by term waits"
    if key == "topics":
        return f"communities of the topic '{program.topics[number].code}' are refused until then"
    if key == "activities":
        return f"what falls under the rule '{program.activities[number].rule}' is listed and adds nothing until then"
    if key == "cycles":
        return f"no cycle '{program.cycles[number].cycle}' is a full one until then"
    if key == "requirements":
        return f"the requirement '{program.requirements[number].requirement}' waits for it"
    return f"the notice '{program.notices[number].notice}' waits for it"


def _components(program: Program) -> Iterator[Remark]:
    earning = other_components(program) | {rule.component for rule in program.activities}
    for number, component in enumerate(program.components):
        # A program that counts no hours at all has one component, since a file needs one.
        if earning and component not in earning:
            yield ("components", number), f"nothing earns in the component '{component}'"


def _unused(program: Program) -> Iterator[Remark]:
    """Codes that are listed and that nothing else names."""
    phases = {rule.phase for rule in program.activities}
    for number, phase in enumerate(program.phases):
        if phase not in phases:
            yield ("phases", number), f"no activity is of the phase '{phase}'"
    named = _job_roles(program)
    for number, role in enumerate(program.job_roles):
        if role.code not in named and not program.profile.job_role:
            yield ("job_roles", number), f"nothing names the job role '{role.code}'"
    alternatives = [rule.alternative for rule in program.activities]
    for number, rule in enumerate(program.activities):
        if rule.alternative and alternatives.count(rule.alternative) == 1:
            text = f"is the only rule of the alternative '{rule.alternative}': of all its activities one counts"
            yield ("activities", number, "alternative"), text
    periods: set[str] = {model.every for model, _ in models(program) if isinstance(model, Period)}
    periods |= {cap.per for cap in program.caps}
    for key, every in (("terms", "term"), ("school_year", "school_year")):
        if getattr(program, key) and every not in periods:
            yield (key,), f"nothing is counted by {every.replace('_', ' ')}"


def _unasked(program: Program) -> Iterator[Remark]:
    """Milestones and cycles that no requirement and no notice asks for."""
    conditions = [model for model, _ in models(program) if isinstance(model, Condition)]
    wanted = {c.milestones.milestone for c in conditions if c.milestones}
    for number, milestone in enumerate(program.milestones):
        # What Moodle reports, what earns, and what is a phase is worth recording without being asked for.
        by_itself = milestone.from_activity or milestone.minutes or milestone.cycle
        if milestone.milestone not in wanted and not by_itself:
            yield ("milestones", number), f"nothing asks for the milestone '{milestone.milestone}'"
    full = {c.cycles.cycle for c in conditions if c.cycles}
    for number, cycle in enumerate(program.cycles):
        if cycle.cycle not in full:
            yield ("cycles", number), f"nothing asks for the cycle '{cycle.cycle}'"


def _job_roles(program: Program) -> set[str]:
    """The job roles that something is asked of, or for."""
    named: set[str] = {role for part in program.particulars for role in part.job_roles}
    for model, _ in models(program):
        if isinstance(model, Only):
            named |= {*model.job_roles}
        elif isinstance(model, Notice):
            named |= {*model.roles_covered}
    return named


def _cycles(program: Program) -> Iterator[Remark]:
    """Cycles that can never become full."""
    for number, cycle in enumerate(program.cycles):
        reached = {milestone.phase for milestone in program.milestones if milestone.cycle == cycle.cycle}
        for phase in cycle.full if cycle.full != "to_be_set" else ():
            if phase not in reached:
                text = f"no milestone is the phase '{phase}': a cycle '{cycle.cycle}' can never be a full one"
                yield ("cycles", number), text


def _places(program: Program) -> Iterator[Remark]:
    """Topics and regions that no community can have; a statewide region of which nobody says how it shares."""
    listed = {"topic": [topic.code for topic in program.topics], "region": [r.code for r in program.regions]}
    for part, codes in listed.items():
        for number, code in enumerate(codes):
            if not any(_can_be(match, part, code) for match in program.communities):
                yield (f"{part}s", number), f"no pattern of 'communities' fits the {part} '{code}'"
    statewide = [number for number, region in enumerate(program.regions) if region.statewide]
    if not program.shared and 0 < len(statewide) < len(program.regions):
        text = (
            f"one may be in a community of '{program.regions[statewide[0]].code}' and in a regional one: 'shared' says"
            " where one thing counts that is of both; without it, in both"
        )
        yield ("regions", statewide[0]), text


def _can_be(match: CommunityMatch, part: str, code: str) -> bool:
    """Whether communities of a match may have a topic or region; True where that can't be told."""
    if fixed := getattr(match, part):
        return bool(fixed == code)
    group = f"(?P<{part}>"
    pattern = next(p for p in (*match.of_course, match.group_idnumber or "") if group in p)
    inside = _inside(pattern, pattern.index(group) + len(group))
    try:
        return re.fullmatch(inside, code) is not None
    except re.error:
        # It refers to another part of the pattern.
        return True


def _inside(pattern: str, start: int) -> str:
    """What stands in a group, up to its bracket."""
    depth, at = 1, start
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            at = _class_end(pattern, at)
        elif pattern[at] in "()":
            depth += 1 if pattern[at] == "(" else -1
        if depth == 0:
            break
        at += 1
    return pattern[start:at]


def _class_end(pattern: str, at: int) -> int:
    """Where a class of signs, such as [()], ends."""
    found = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*").match(pattern, at)
    return found.end() if found else at


def _attendance(program: Program) -> Iterator[Remark]:
    attendance = program.attendance
    left = [mode for mode in ("face_to_face", "virtual", "hybrid") if mode not in attendance.components]
    # Who names one mode alone means it; who names two has forgotten the third.
    if len(left) == 1:
        yield ("attendance", "components"), f"a session of the mode '{left[0]}' earns nothing"
    nowhere = len(left) == 3 and not any(kind.component for kind in program.session_kinds)
    if nowhere and (attendance.earns != "present" or attendance.at_least or attendance.at_most_planned):
        yield ("attendance",), "without 'components' no session earns anything"
    if program.shared and program.shared.prefer and program.shared.counts_in == "both":
        yield ("shared", "prefer"), "has no meaning with 'counts_in: both'"


def _fields(program: Program) -> Iterator[Remark]:
    """What is asked about people while nothing says where it is to be read."""
    roles, organisations = False, False
    for model, _ in models(program):
        if isinstance(model, Only):
            roles |= bool(model.job_roles)
            organisations |= any(getattr(model, name) for name in NEEDS_ORGANISATION)
        elif isinstance(model, Notice):
            roles |= bool(model.role_alike or model.roles_covered)
            organisations |= bool(model.organisation_kinds or model.same)
    if roles and not program.profile.job_role:
        yield ("profile",), "job roles are asked for: 'job_role' has to name the profile field that holds them"
    by_team = program.teams and program.teams.group_idnumber and "(?P<organisation>" in program.teams.group_idnumber
    if organisations and not program.profile.organisation and not by_team:
        text = (
            "organisations are asked for: 'organisation' has to name the profile field that holds them,"
            " or the part (?P<organisation>...) of 'teams' the team's"
        )
        yield ("profile",), text
    teams = [place for model, place in models(program) if getattr(model, "of", None) == "team"]
    if teams and not program.teams:
        yield teams[0], "'teams' has to say which groups are teams"


def _asked(program: Program) -> Iterator[Remark]:
    """Requirements that nobody can meet, or that nobody is asked."""
    for model, place in models(program):
        if isinstance(model, Requirement | Notice):
            yield from (((*place, *at), text) for at, text in _only(model))
    for number, requirement in enumerate(program.requirements):
        parts = [model for model, _ in models(requirement) if isinstance(model, Condition)]
        yield from ((("requirements", number, *place), text) for place, text in _due(program, requirement, parts))
        if requirement.only.newcomers and not any(part.activities for part in parts):
            text = "a newcomer is who hasn't completed the like at this site: name its 'activities'"
            yield ("requirements", number, "only"), text
    for model, place in models(program):
        if isinstance(model, Condition):
            yield from ((place, text) for text in _unreachable(model))


def _only(one: Requirement | Notice) -> Iterator[Remark]:
    """Conditions that a team, organisation, community or program can't fulfil."""
    given = [name for name in type(one.only).model_fields if getattr(one.only, name)]
    can = REACHES.get(one.of, ("topics", "regions", *NEEDS_ORGANISATION))
    for name in given:
        if one.of != "participant" and name not in can:
            yield ("only", name), f"can't be fulfilled by {NAMED[one.of]}: this is asked of nobody"


def _due(program: Program, requirement: Requirement, parts: Iterable[Condition]) -> Iterator[Remark]:
    due, within = requirement.due, requirement.within or program.period
    needed: list[MilestonesNeeded] = [part.milestones for part in parts if part.milestones]
    if due and due.after == "session" and not any(one.each_session for one in needed):
        yield ("due",), "'after: session' needs a milestone with 'each_session': it is never due"
    if due and due.at == "period_end" and within.every in ("all_time", "rolling"):
        yield ("due",), f"a period of 'every: {within.every}' has no end: it is never due"


def _unreachable(condition: Condition) -> Iterator[str]:
    hours, several, activities = condition.hours, condition.n_of, condition.activities
    if hours and hours.max_hours and hours.min_hours != "to_be_set" and hours.max_hours < hours.min_hours:
        yield f"max_hours {hours.max_hours} is below min_hours {hours.min_hours}"
    if several and several.at_least > len(several.of):
        yield f"asks for {several.at_least} of {len(several.of)}: nobody can meet it"
    if activities and activities.at_least != "all" and activities.at_least > len(activities.rules):
        yield f"asks for activities under {activities.at_least} of {len(activities.rules)} rules: nobody can meet it"
