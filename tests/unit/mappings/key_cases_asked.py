"""For each key of what limits minutes, of milestones, requirements and guidelines: what changes by it."""

from typing import Any

from mappings.conditions import Done
from mappings.facts import Credit, Ended, Organisation
from mappings.outcomes import Asked
from tests.unit.mappings.key_cases import (
    FROM,
    NAMED,
    NOTE,
    PHASED,
    SCHOOL,
    TWO,
    WHO,
    Case,
    Key,
    amounts,
    asked,
    case,
    earned,
    guide,
    milestone,
    needs,
    noticed,
    stood,
)
from tests.unit.mappings.worlds import WHEN, at, done, reached, there

CAPS = {"caps": [{"cap": "c", "minutes": 50}]}
ROUND = {"rounding": {"to_minutes": 60, "direction": "down"}}
ANY: dict[str, Any] = {"milestones": {"milestone": "m"}}
HAD: dict[str, Any] = {"milestones": {"milestone": "note"}}
CREDITS = (Credit("k", 90, "online", "r", "v1", WHEN), Credit("l", 5, "room", "r", "v1", WHEN))
MADE = (Done("plan", "c1", WHEN),)
EACH = {"milestone": "note", "each_session": "gathering"}
AFTER = {"after": "community_start", "days": 5}
OTHER = Asked(WHO.__class__(organisation=Organisation("x", "district", "MS", "other"), job_role="coach"))
SIZES: dict[str, Any] = {"members": 3, "facilitators": 1, "teams": (SCHOOL,), "job_roles": ("teacher",)}
ENDS: dict[Key, Case] = {
    ("WhenEnded", name): case(
        f"when_ended.{name}", policy, earned(done(overridden=True) if name == "overridden" else done(ended=Ended(name)))
    )
    for name, policy in (
        ("undone", "keep"),
        ("reset", "take_back"),
        ("deleted", "take_back"),
        ("left", "take_back"),
        ("overridden", "take_back"),
    )
}
ONLY: dict[Key, Case] = {
    ("Only", name): case(f"requirements.0.only.{name}", value, asked(), **needs(**ANY))
    for name, value in (
        ("job_roles", ["coach"]),
        ("organisation_kinds", ["district"]),
        ("designations", ["other"]),
        ("levels", ["MS"]),
        ("topics", ["ART"]),
        ("regions", ["LA"]),
    )
}
LIMITS: dict[Key, Case] = {
    ("Cap", "cap"): case("caps.0.cap", "d", earned(*TWO), **CAPS),
    ("Cap", "rules"): case("caps.0.rules", ["plan"], earned(*TWO), **CAPS),
    ("Cap", "kind"): case("caps.0.kind", ["quiz"], earned(*TWO), **CAPS),
    ("Cap", "session_kinds"): case(
        "caps.0.session_kinds",
        ["web"],
        earned(there("a1", 100, kind="web"), there("a2", 100, kind="gathering")),
        session_kinds=NAMED["session_kinds"],
        caps=[{"cap": "c", "per": "activity", "minutes": 50}],
    ),
    ("Cap", "component"): case("caps.0.component", "online", earned(*TWO), **CAPS),
    ("Cap", "per"): case("caps.0.per", "activity", earned(*TWO), **CAPS),
    ("Cap", "minutes"): case("caps.0.minutes", 51, earned(*TWO), **CAPS),
    ("Rounding", "to_minutes"): case("rounding.to_minutes", 30, earned(*TWO), **ROUND),
    ("Rounding", "direction"): case("rounding.direction", "up", earned(*TWO), **ROUND),
    ("Rounding", "per"): case("rounding.per", "all", earned(*TWO), **ROUND),
    ("AttendanceRule", "minutes"): case(
        "attendance.minutes", 6, earned(there()),
        attendance={"components": {"face_to_face": "room"}, "earns": "fixed", "minutes": 5},
    ),
    ("AttendanceRule", "at_least"): case("attendance.at_least", 999, earned(there())),
    ("AttendanceRule", "at_most_planned"): case("attendance.at_most_planned", True, earned(there(planned_minutes=5))),
    ("AttendanceRule", "weights"): case(
        "attendance.weights", {"P": 50}, earned(there(presence="P", planned_minutes=60)),
        attendance={"components": {"face_to_face": "room"}, "earns": "weighted", "weights": {"P": 100}},
    ),
}  # fmt: skip
MILESTONES: dict[Key, Case] = {
    ("Milestone", "milestone"): case(
        "milestones.0.milestone", "x", earned(reached("k", "note")), **milestone(minutes=5, component="room")
    ),
    ("Milestone", "of"): case("milestones.0.of", "community", amounts, **FROM),
    ("Milestone", "cycle"): case(
        "milestones.0.cycle",
        "d",
        asked(NOTE),
        **NAMED | PHASED | {"cycles": [*NAMED["cycles"], NAMED["cycles"][0] | {"cycle": "d"}]},
    ),
    ("Milestone", "phase"): case("milestones.0.phase", "b", asked(NOTE), **NAMED | PHASED),
    ("Milestone", "after"): case("milestones.0.after", "unheard", None, **milestone()),
    ("Milestone", "evidence"): case("milestones.0.evidence", "required", asked(NOTE), **needs(**HAD)),
    ("Milestone", "minutes"): case(
        "milestones.0.minutes", 6, earned(reached("k", "note")), **milestone(minutes=5, component="room")
    ),
    ("Milestone", "component"): case(
        "milestones.0.component", "online", earned(reached("k", "note")), **milestone(minutes=5, component="room")
    ),
    ("Milestone", "from_activity"): case("milestones.0.from_activity", None, amounts, **FROM),
    ("FromActivity", "idnumber"): case("milestones.0.from_activity.idnumber", "X", amounts, **FROM),
    ("FromActivity", "kind"): case("milestones.0.from_activity.kind", ["page"], amounts, **FROM),
    ("FromActivity", "section"): case("milestones.0.from_activity.section", "X", amounts, **FROM),
    ("FromActivity", "name"): case("milestones.0.from_activity.name", "X", amounts, **FROM),
    ("FromActivity", "completed_by"): case("milestones.0.from_activity.completed_by", "all", amounts, **FROM),
    ("Cycle", "cycle"): case("cycles.0.cycle", "d", None, **NAMED | PHASED),
    ("Cycle", "phases"): case("cycles.0.phases", ["b"], None, **NAMED | PHASED),
    ("Cycle", "full"): case("cycles.0.full", ["a", "b"], asked(NOTE), **NAMED | PHASED),
}
REQUIREMENTS: dict[Key, Case] = {
    ("Requirement", "requirement"): case("requirements.0.requirement", "s", asked(), **needs(**ANY)),
    ("Requirement", "of"): case("requirements.0.of", "team", asked(), **needs(**ANY)),
    ("Requirement", "only"): case("requirements.0.only", {"levels": ["MS"]}, asked(), **needs(**ANY)),
    ("Requirement", "within"): case("requirements.0.within", {"every": "community"}, asked(), **needs(**ANY)),
    ("Requirement", "due"): case("requirements.0.due", {"on": "2026-01-01"}, asked(), **needs(**ANY)),
    ("Condition", "hours"): case("requirements.0.hours", {"min_hours": 9}, asked(), **needs(hours={"min_hours": 1})),
    ("Condition", "activities"): case(
        "requirements.0.activities",
        {"rules": ["talk"]},
        asked(activities=MADE),
        **needs(activities={"rules": ["plan"]}),
    ),
    ("Condition", "sessions"): case("requirements.0.sessions", {"at_least": 9}, asked(), **needs(sessions={})),
    ("Condition", "milestones"): case("requirements.0.milestones", {"milestone": "note"}, asked(NOTE), **needs(**ANY)),
    ("Condition", "cycles"): case(
        "requirements.0.cycles", {"cycle": "c", "at_least": 2}, asked(NOTE), **NAMED | PHASED
    ),
    ("Condition", "all_of"): case("requirements.0.all_of", [ANY, HAD], asked(NOTE), **needs(all_of=[HAD])),
    ("Condition", "any_of"): case("requirements.0.any_of", [ANY, HAD], asked(NOTE), **needs(any_of=[ANY])),
    ("Condition", "n_of"): case(
        "requirements.0.n_of", {"at_least": 1, "of": [HAD]}, asked(NOTE), **needs(n_of={"at_least": 1, "of": [ANY]})
    ),
    ("NOf", "at_least"): case(
        "requirements.0.n_of.at_least", 2, asked(NOTE), **needs(n_of={"at_least": 1, "of": [ANY, HAD]})
    ),
    ("NOf", "of"): case("requirements.0.n_of.of", [ANY], asked(NOTE), **needs(n_of={"at_least": 1, "of": [HAD]})),
    ("HoursNeeded", "min_hours"): case(
        "requirements.0.hours.min_hours", 2, asked(credits=CREDITS), **needs(hours={"min_hours": 1})
    ),
    ("HoursNeeded", "component"): case(
        "requirements.0.hours.component", "room", asked(credits=CREDITS), **needs(hours={"min_hours": 1})
    ),
    ("ActivitiesNeeded", "rules"): case(
        "requirements.0.activities.rules", ["talk"], asked(activities=MADE), **needs(activities={"rules": ["plan"]})
    ),
    ("ActivitiesNeeded", "at_least"): case(
        "requirements.0.activities.at_least", 1, asked(activities=MADE), **needs(activities={"rules": ["plan", "talk"]})
    ),
    ("SessionsNeeded", "codes"): case("requirements.0.sessions.codes", ["S1"], asked(), **needs(sessions={})),
    ("SessionsNeeded", "kind"): case("requirements.0.sessions.kind", "web", asked(), **needs(sessions={})),
    ("SessionsNeeded", "mode"): case("requirements.0.sessions.mode", "virtual", asked(), **needs(sessions={})),
    ("SessionsNeeded", "at_least"): case("requirements.0.sessions.at_least", 3, asked(), **needs(sessions={})),
    ("MilestonesNeeded", "milestone"): case("requirements.0.milestones.milestone", "note", asked(NOTE), **needs(**ANY)),
    ("MilestonesNeeded", "at_least"): case("requirements.0.milestones.at_least", 2, asked(NOTE), **needs(**HAD)),
    ("MilestonesNeeded", "each_session"): case(
        "requirements.0.milestones.each_session", "gathering", asked(NOTE), **needs(**HAD)
    ),
    ("CyclesNeeded", "cycle"): case(
        "requirements.0.cycles.cycle",
        "d",
        asked(NOTE),
        **NAMED | PHASED | {"cycles": [*NAMED["cycles"], NAMED["cycles"][0] | {"cycle": "d"}]},
    ),
    ("CyclesNeeded", "at_least"): case("requirements.0.cycles.at_least", 2, asked(NOTE), **NAMED | PHASED),
    ("Only", "newcomers"): case("requirements.0.only.newcomers", True, stood(), **needs(**ANY)),
    ("Due", "on"): case("requirements.0.due.on", "2026-03-01", asked(), **needs(due={"on": "2026-01-01"}, **ANY)),
    ("Due", "after"): case("requirements.0.due.after", "designation", asked(), **needs(due=AFTER, **ANY)),
    ("Due", "days"): case("requirements.0.due.days", 500, asked(), **needs(due=AFTER, **ANY)),
    ("Due", "months"): case(
        "requirements.0.due.months", 50, asked(), **needs(due={"after": "session", "months": 5}, milestones=EACH)
    ),
    ("Due", "at"): case(
        "requirements.0.due", {"at": "period_end"}, asked(), **needs(within={"every": "school_year"}, **ANY)
    ),
}
MEMBERS = guide("community", members={"min": 2, "max": 4})
NOTICES: dict[Key, Case] = {
    ("Notice", "notice"): case("notices.0.notice", "o", noticed("community", **SIZES), **MEMBERS),
    ("Notice", "of"): case("notices.0.of", "team", noticed("community", **SIZES), **MEMBERS),
    ("Notice", "only"): case("notices.0.only", {"topics": ["ART"]}, noticed("community", **SIZES), **MEMBERS),
    ("Notice", "within"): case(
        "notices.0.within",
        {"every": "community"},
        noticed("team", None, NOTE.__class__("note", "k", at("2025-08-01"))),
        **guide("team", reach=HAD),
    ),
    ("Notice", "members"): case("notices.0.members", {"min": 4}, noticed("community", **SIZES), **MEMBERS),
    ("Notice", "teams"): case(
        "notices.0.teams", {"min": 4}, noticed("community", **SIZES), **guide("community", teams={"min": 1})
    ),
    ("Notice", "facilitators"): case(
        "notices.0.facilitators",
        {"min": 2},
        noticed("community", **SIZES),
        **guide("community", facilitators={"min": 1}),
    ),
    ("Notice", "roles_covered"): case(
        "notices.0.roles_covered", {"coach": 1}, noticed("team", **SIZES), **guide("team", roles_covered={"teacher": 1})
    ),
    ("Notice", "role_alike"): case(
        "notices.0",
        {"notice": "n", "title": {}, "of": "participant", "role_alike": True},
        noticed("participant"),
        **guide("participant", organisation_kinds=["school"]),
    ),
    ("Notice", "organisation_kinds"): case(
        "notices.0.organisation_kinds",
        ["school"],
        noticed("participant", OTHER),
        **guide("participant", organisation_kinds=["district"]),
    ),
    ("Notice", "same"): case(
        "notices.0.same",
        "parent",
        noticed("community", teams=(SCHOOL, Organisation("x", "school", "MS", parent="d"))),
        **guide("community", same="level"),
    ),
    ("Notice", "reach"): case("notices.0.reach", ANY, noticed("team", None, NOTE), **guide("team", reach=HAD)),
    ("Range", "min"): case("notices.0.members.min", 4, noticed("community", **SIZES), **MEMBERS),
    ("Range", "max"): case("notices.0.members.max", 2, noticed("community", **SIZES), **MEMBERS),
}
ASKED = ENDS | ONLY | LIMITS | MILESTONES | REQUIREMENTS | NOTICES
