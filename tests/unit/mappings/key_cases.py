"""For each key of the language: a program, a change of the key, and what of the outcome changes by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mappings.conditions import Evidence, Reached
from mappings.facts import Activity, Adjustment, Ended, Fact, Hours, Member, Organisation, State
from mappings.matching import CourseForm, place_course, team_of
from mappings.outcomes import Asked, outcomes
from mappings.program import Program, version_at
from mappings.standing import derived
from mappings.together import Composition, stand
from tests.unit.mappings.worlds import (
    BASE,
    LA,
    WHEN,
    at,
    community,
    done,
    lines_of,
    meeting,
    net,
    nothings,
    program,
    span,
    standing,
    talk,
    there,
    versions,
)

Look = Callable[[Program], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`place`: where the key stands that is changed to `value`, in a program of these keys. `look` None: the
    changed file is refused."""

    place: tuple[str | int, ...]
    value: Any
    look: Look | None
    keys: dict[str, Any]


def case(place: str, value: Any, look: Look | None, **keys: Any) -> Case:
    return Case(tuple(int(step) if step.isdigit() else step for step in place.split(".")), value, look, keys)


def earned(*facts: Fact, **more: Any) -> Look:
    """The credits of facts, and why others earn nothing."""

    def look(by: Program) -> Any:
        lines = lines_of(by, facts, **more)
        return [(line.credit, line.nothing) for line in lines], net(lines), nothings(by, *facts, **more)

    return look


def stood(*facts: Fact, **more: Any) -> Look:
    """How somebody with these facts stands."""
    return lambda by: standing(by, facts, **more)


SCHOOL = Organisation("s", "school", "ES", "focus", at("2025-09-30").date(), "d")
WHO = Member(newcomer=True, job_role="teacher", organisation=SCHOOL)
HERE = community(span=span("2025-10-15", "2026-06-01", LA))
MEETINGS = (
    meeting("S1", at("2026-01-10"), kind="gathering"),
    meeting("S2", at("2026-01-20"), kind="web", mode="face_to_face"),
)


def asked(*reached: Reached, of: Any = "participant", **more: Any) -> Look:
    """The requirements of somebody, or of others, who reached this."""
    evidence = Evidence(milestones=reached, sessions=MEETINGS, **more)
    return lambda by: outcomes(by, of, evidence, Asked(WHO, HERE), {}, WHEN)


def noticed(of: Any, who: Asked | None = None, *reached: Reached, **more: Any) -> Look:
    """How guidelines are kept."""
    evidence, composition = Evidence(milestones=reached, sessions=MEETINGS), Composition(**more)
    return lambda by: stand(by, of, evidence, who or Asked(WHO, HERE), composition, {}, WHEN)


def placed(course: CourseForm, group: str | None = None) -> Look:
    return lambda by: place_course(by, course, group)


def rule(**keys: Any) -> list[dict[str, Any]]:
    return [{"rule": "r", "minutes": 30, "component": "online"} | keys]


def needs(**keys: Any) -> dict[str, Any]:
    """A program with one requirement, and what it may name."""
    return NAMED | {"requirements": [{"requirement": "r", "title": {}} | keys]}


def guide(of: str, **keys: Any) -> dict[str, Any]:
    return NAMED | {"notices": [{"notice": "n", "title": {}, "of": of} | keys]}


def milestone(**keys: Any) -> dict[str, Any]:
    return NAMED | {"milestones": [{"milestone": "note", "title": {}, "of": "participant"} | keys]}


NAMED: dict[str, Any] = {
    "session_kinds": [{"kind": "gathering", "title": {}}, {"kind": "web", "title": {}}],
    "milestones": [{"milestone": "note", "title": {}, "of": "team"}, {"milestone": "m", "title": {}, "of": "team"}],
    "cycles": [{"cycle": "c", "title": {}, "phases": ["a", "b"], "full": ["a"]}],
    "job_roles": [{"code": "teacher", "title": {}}, {"code": "coach", "title": {}}],
    "topics": [{"code": "MATH", "title": {}}, {"code": "ART", "title": {}}],
    "regions": [{"code": "BAY", "title": {}}, {"code": "LA", "title": {}}],
    "school_year": {"starts": "07-01"},
}
PHASED = {
    "milestones": [{"milestone": "note", "title": {}, "of": "team", "cycle": "c", "phase": "a"}],
    "requirements": [{"requirement": "r", "title": {}, "cycles": {"cycle": "c", "at_least": 1}}],
}
NOTE = Reached("note", "k", at("2026-01-05"), cycle="1")
TWO = (there("a1", 100), there("a2", 100, at("2026-02-02T12:00")), talk("c1"))
BAND = {"min_hours": 2, "max_hours": 3}
HUB = {"course_idnumber": "HUB", "topic": "MATH", "region": "BAY"}
FORM = done(activity=Activity("ID", "quiz", "Sec", "Name"))
STATED = done(activity=Activity("ID", "quiz", "Sec", "Name", Hours(120, "room")))
ALL_YEAR = {"every": "school_year"}
TERMS = [{"term": "t", "starts": "01-10", "ends": "06-10"}]
CARRY: dict[str, Any] = {"school_year": {"starts": "07-01"}, "commitment": {"min_hours": 1, "max_hours": 1}}
EARLIER = done("c0", when=at("2025-02-01"))
SOURCE = {"idnumber": "ID", "kind": ["quiz"], "section": "Sec", "name": "Name", "completed_by": "any"}
FROM = milestone(of="team", from_activity=SOURCE)


def amounts(by: Program) -> Any:
    """The milestones that completions of two people amount to."""
    return derived(by, "team", [[FORM], []])


GIVEN = earned(adjustments=(Adjustment("d", WHEN, -90, "online"),))
Key = tuple[str, str]
SIMPLE: dict[Key, Case] = {
    ("Program", "effective_from"): case(
        "effective_from", "2027-01-01", lambda by: version_at(versions(program(), by), WHEN).number
    ),
    ("Program", "timezone"): case(
        "timezone",
        "Asia/Kolkata",
        lambda by: outcomes(by, "program", Evidence(), Asked(), {}, WHEN),
        **needs(of="program", milestones={"milestone": "m"}, due={"on": "2026-03-01"}),
    ),
    ("Program", "hour_minutes"): case("hour_minutes", 50, stood(), commitment=BAND),
    ("Program", "commitment"): case("commitment", None, stood(), commitment=BAND),
    ("Program", "period"): case("period", ALL_YEAR, stood(EARLIER), school_year={"starts": "07-01"}),
    ("Program", "pace"): case("pace", {"behind_by_percent": 10}, stood(talk("c"), where=HERE), commitment=BAND),
    ("Program", "school_year"): case(
        "school_year", {"starts": "02-01"}, stood(EARLIER), period=ALL_YEAR, school_year={"starts": "07-01"}
    ),
    ("Program", "terms"): case("terms", "to_be_set", stood(EARLIER), period={"every": "term"}, terms=TERMS),
    ("Program", "components"): case("components", ["online"], None),
    ("Program", "phases"): case("phases", [], None, phases=["before"], activities=rule(phase="before")),
    ("Program", "topics"): case("topics", [{"code": "ART", "title": {}}], None),
    ("Program", "regions"): case("regions", [{"code": "LA", "title": {}}], None),
    ("Program", "communities"): case("communities", [HUB], placed(CourseForm("COP"))),
    ("Program", "particulars"): case("particulars", [{"commitment": BAND}], stood()),
    ("Program", "teams"): case("teams", {"grouping": "T"}, lambda by: team_of(by, "", ("T",))),
    ("Program", "job_roles"): case(
        "job_roles", [], None, **guide("team", roles_covered={"teacher": 1}) | {"job_roles": NAMED["job_roles"]}
    ),
    ("Program", "participant_roles"): case("participant_roles", ["teacher"], None, facilitator_roles=["teacher"]),
    ("Program", "facilitator_roles"): case("facilitator_roles", ["student"], None),
    ("Program", "self_reported"): case("self_reported", ["unheard"], None),
    ("Program", "adjustments"): case("adjustments", {"approval_above_minutes": 60}, GIVEN),
    ("Adjustments", "approval_above_minutes"): case(
        "adjustments.approval_above_minutes", 89, GIVEN, adjustments={"approval_above_minutes": 90}
    ),
    ("Program", "activities"): case("activities", rule(), earned(done())),
    ("Program", "session_kinds"): case(
        "session_kinds", [{"kind": "web", "title": {}, "component": "online"}], earned(there(kind="web"))
    ),
    ("Program", "attendance"): case("attendance", {}, earned(there())),
    ("Program", "milestones"): case(
        "milestones", [], None, **milestone(), requirements=needs(milestones={"milestone": "note"})["requirements"]
    ),
    ("Program", "cycles"): case("cycles", [], None, **NAMED | PHASED),
    ("Program", "caps"): case("caps", [{"cap": "c", "minutes": 5}], earned(*TWO)),
    ("Program", "rounding"): case("rounding", {"to_minutes": 7, "direction": "down"}, earned(*TWO)),
    ("Program", "when_ended"): case("when_ended", {"left": "take_back"}, earned(done(ended=Ended.LEFT))),
    ("Program", "requirements"): case("requirements", needs(hours={"min_hours": 1})["requirements"], stood()),
    ("Program", "notices"): case("notices", guide("team", members={"min": 1})["notices"], noticed("team")),
    ("Band", "min_hours"): case("commitment.min_hours", 1, stood(), commitment=BAND),
    ("Band", "max_hours"): case("commitment.max_hours", 2.5, stood(*TWO), commitment=BAND),
    ("Pace", "behind_by_percent"): case(
        "pace.behind_by_percent", 99, stood(talk("c"), where=HERE), commitment=BAND, pace={"behind_by_percent": 1}
    ),
    ("SchoolYear", "starts"): case(
        "school_year.starts", "02-01", stood(EARLIER), period=ALL_YEAR, school_year={"starts": "07-01"}
    ),
    ("Term", "term"): case("terms.0.term", "u", None, terms=[*TERMS, TERMS[0] | {"term": "u", "starts": "07-01"}]),
    ("Term", "starts"): case("terms.0.starts", "02-15", stood(*TWO), period={"every": "term"}, terms=TERMS),
    ("Term", "ends"): case("terms.0.ends", "01-20", stood(*TWO), period={"every": "term"}, terms=TERMS),
    ("CarryOver", "max_hours"): case(
        "period.carry_over.max_hours", 0.1, stood(EARLIER), **CARRY, period=ALL_YEAR | {"carry_over": {"max_hours": 5}}
    ),
    ("Period", "carry_over"): case("period.carry_over", {"max_hours": 5}, stood(EARLIER), **CARRY, period=ALL_YEAR),
    ("Period", "every"): case("period.every", "all_time", stood(EARLIER), **CARRY, period=ALL_YEAR),
    ("Period", "years"): case(
        "requirements.0.within.years",
        5,
        asked(),
        **needs(milestones={"milestone": "m"}, within={"every": "years", "years": 2, "anchor": "designation"}),
    ),
    ("Period", "anchor"): case(
        "requirements.0.within.anchor",
        "designation",
        lambda by: outcomes(by, "participant", Evidence(), Asked(WHO, HERE), {}, at("2026-08-01")),
        **needs(milestones={"milestone": "m"}, within=ALL_YEAR),
    ),
    ("Period", "days"): case("period.days", 500, stood(EARLIER), period={"every": "rolling", "days": 5}),
    ("Topic", "code"): case(
        "topics.0.code",
        "ART",
        placed(CourseForm("MATH")),
        communities=[{"course_idnumber": "(?P<topic>.*)", "region": "BAY"}],
    ),
    ("Topic", "commitment"): case(
        "topics.0.commitment", "to_be_set", placed(CourseForm("COP")), topics=[{"code": "MATH", "title": {}}]
    ),
    ("Region", "code"): case(
        "regions.0.code",
        "LA",
        placed(CourseForm("BAY")),
        communities=[{"course_idnumber": "(?P<region>.*)", "topic": "MATH"}],
    ),
    ("CommunityMatch", "course_idnumber"): case(
        "communities.0.course_idnumber", "X", placed(CourseForm("HUB")), communities=[HUB]
    ),
    ("CommunityMatch", "course_shortname"): case(
        "communities.0.course_shortname", "X", placed(CourseForm("HUB", "S")), communities=[HUB]
    ),
    ("CommunityMatch", "category_idnumber"): case(
        "communities.0.category_idnumber", "X", placed(CourseForm("HUB")), communities=[HUB]
    ),
    ("CommunityMatch", "field"): case("communities.0.field", {"f": "x"}, placed(CourseForm("HUB")), communities=[HUB]),
    ("CommunityMatch", "group_idnumber"): case(
        "communities.0.group_idnumber", "G", placed(CourseForm("HUB"), "G"), communities=[HUB]
    ),
    ("CommunityMatch", "site"): case("communities.0.site", "s", placed(CourseForm("HUB", site="t")), communities=[HUB]),
    ("CommunityMatch", "topic"): case(
        "communities.0.topic", "ART", placed(CourseForm("HUB")), **NAMED | {"communities": [HUB]}
    ),
    ("CommunityMatch", "region"): case(
        "communities.0.region", "LA", placed(CourseForm("HUB")), **NAMED | {"communities": [HUB]}
    ),
    ("Particulars", "topic"): case(
        "particulars.0.topic", "ART", stood(), **NAMED | {"particulars": [{"commitment": BAND}]}
    ),
    ("Particulars", "region"): case(
        "particulars.0.region", "LA", stood(), **NAMED | {"particulars": [{"commitment": BAND}]}
    ),
    ("Particulars", "course_idnumber"): case(
        "particulars.0.course_idnumber", "X", stood(), particulars=[{"commitment": BAND}]
    ),
    ("Particulars", "commitment"): case("particulars.0.commitment", None, stood(), particulars=[{"commitment": BAND}]),
    ("Particulars", "job_roles"): case(
        "particulars.0.job_roles",
        ["coach"],
        lambda by: noticed("participant", particulars=tuple(by.particulars))(by),
        **guide("participant", role_alike=True) | {"particulars": [{"job_roles": ["teacher"]}]},
    ),
    ("Teams", "group_idnumber"): case(
        "teams.group_idnumber", "X", lambda by: team_of(by, "T", ("T",)), teams={"grouping": "T"}
    ),
    ("Teams", "grouping"): case(
        "teams.grouping", "X", lambda by: team_of(by, "T", ("T",)), teams={"group_idnumber": "T"}
    ),
    ("JobRole", "code"): case("job_roles.0.code", "x", None, **guide("team", roles_covered={"teacher": 1})),
    ("ActivityRule", "rule"): case("activities.0.rule", "s", earned(FORM), activities=rule()),
    ("ActivityRule", "idnumber"): case("activities.0.idnumber", "X", earned(FORM), activities=rule()),
    ("ActivityRule", "kind"): case("activities.0.kind", ["page"], earned(FORM), activities=rule()),
    ("ActivityRule", "section"): case("activities.0.section", "X", earned(FORM), activities=rule()),
    ("ActivityRule", "name"): case("activities.0.name", "X", earned(FORM), activities=rule()),
    ("ActivityRule", "minutes"): case("activities.0.minutes", 31, earned(FORM), activities=rule()),
    ("ActivityRule", "component"): case("activities.0.component", "room", earned(FORM), activities=rule()),
    ("ActivityRule", "phase"): case("activities.0.phase", "unheard", None, phases=["before"], activities=rule()),
    ("ActivityRule", "earns"): case(
        "activities.0.earns", {"failed": "all"}, earned(done(state=State.FAILED)), activities=rule()
    ),
    ("ActivityRule", "alternative"): case(
        "activities.0.alternative", "x", earned(done("c1"), done("c2")), activities=rule()
    ),
    ("Program", "hours_from_moodle"): case("hours_from_moodle", {"max_hours": 1}, earned(STATED)),
    ("HoursFromMoodle", "take"): case("hours_from_moodle.take", "ignore", earned(STATED)),
    ("HoursFromMoodle", "min_hours"): case("hours_from_moodle.min_hours", 3, earned(STATED)),
    ("HoursFromMoodle", "max_hours"): case("hours_from_moodle.max_hours", 1.5, earned(STATED)),
    ("SessionKind", "kind"): case(
        "session_kinds.0.kind", "x", earned(there(kind="web")), session_kinds=[{"kind": "web", "title": {}}]
    ),
    ("SessionKind", "component"): case(
        "session_kinds.0.component", "online", earned(there(kind="web")), session_kinds=[{"kind": "web", "title": {}}]
    ),
    ("SessionKind", "attendance"): case(
        "session_kinds.0.attendance",
        {"at_least": 999},
        earned(there(kind="web")),
        session_kinds=[{"kind": "web", "title": {}}],
    ),
    ("SessionKind", "voluntary"): case("session_kinds.1.voluntary", True, asked(), **needs(sessions={})),
    ("Attendance", "components"): case("attendance.components", {"face_to_face": "online"}, earned(there())),
    ("AttendanceRule", "earns"): case(
        "attendance", BASE["attendance"] | {"earns": "fixed", "minutes": 5}, earned(there())
    ),
}
"""What is a key of the program, of places, activities and attendance."""
