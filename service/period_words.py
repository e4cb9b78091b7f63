"""Words of the pages about periods, and about what comes late for closed ones."""

from datetime import date

from flask import url_for

from mappings.base import words
from mappings.program import Program
from records.closings import Late
from records.period_checks import Check, Checked, Says
from records.queries.periods import Choice
from service.i18n import N_, _, language_now, ngettext
from service.wording import date_words

TITLES = {
    Check.OVERLAPS: N_("Other closed periods"),
    Check.NOT_OVER: N_("The last day"),
    Check.NOBODY: N_("Hours in these days"),
    Check.MOVING: N_("Hours being computed"),
    Check.EVENTS_WAIT: N_("Events that wait"),
    Check.EVENTS_STUCK: N_("Events that are stuck"),
    Check.SWEEPS: N_("Reading all of Moodle again"),
    Check.WITHOUT_ATTENDANCE: N_("Sessions without attendance"),
    Check.UNKNOWN_PEOPLE: N_("Attendance in review"),
    Check.DISPUTES: N_("Reports that disagree"),
    Check.APPROVALS: N_("Hours to approve"),
    Check.FORMS: N_("Changed activities"),
    Check.COPIES: N_("Copied courses"),
}
FINE = {
    Check.OVERLAPS: N_("No closed period has any of these days."),
    Check.NOT_OVER: N_("It is over."),
    Check.NOBODY: N_("Somebody has hours in these days."),
    Check.MOVING: N_("None: all hours are up to date."),
    Check.EVENTS_WAIT: N_("Everything that Moodle sent is taken in."),
    Check.EVENTS_STUCK: N_("No event is stuck."),
    Check.SWEEPS: N_("Done for every course within the last day."),
    Check.WITHOUT_ATTENDANCE: N_("Each session of these days has attendance, or was cancelled."),
    Check.UNKNOWN_PEOPLE: N_("Nobody waits to be recognised."),
    Check.DISPUTES: N_("No reports disagree."),
    Check.APPROVALS: N_("No hours wait for approval."),
    Check.FORMS: N_("No changed activity waits for a decision."),
    Check.COPIES: N_("No copied course waits for a decision."),
}
SAYS = {Says.OK: N_("Fine"), Says.LOOK: N_("Look first"), Says.BLOCKS: N_("Not yet")}
LEADS = {
    Check.EVENTS_WAIT: ("operations.show", N_("Operations")),
    Check.EVENTS_STUCK: ("operations.show", N_("Operations")),
    Check.SWEEPS: ("operations.show", N_("Operations")),
    Check.UNKNOWN_PEOPLE: ("review.show", N_("Review of attendance")),
    Check.DISPUTES: ("review.show", N_("Review of attendance")),
    Check.APPROVALS: ("approvals.show", N_("Hours to approve")),
    Check.FORMS: ("mapping.show", N_("Changed activities")),
    Check.COPIES: ("adoptions.listed", N_("Copied courses")),
}
"""Where to settle what a check found."""
FAULTS = {
    "no_days": N_("Say the first and the last day."),
    "backwards": N_("The period ends before it begins: look at the two days."),
    "no_label": N_("Say what people call the period, such as 2025-26."),
    "no_reason": N_("Say why: it is kept with the decision."),
    "blocked": N_("It can't be closed yet: see the checks marked “Not yet”."),
}
KINDS = {"completion": N_("Activity"), "attendance": N_("Session"), "milestone": N_("Milestone"), "": N_("Hours")}


def fault(code: str) -> str:
    """What is wrong with what was typed, and what to do."""
    return _(FAULTS[code])


def found(one: Checked) -> str:
    """What a check found, in a sentence."""
    n = one.count
    if not n:
        return _(FINE[one.check])
    said = {
        Check.NOT_OVER: _("It isn't over yet: the period can be closed from the day after on."),
        Check.NOBODY: _("Nobody has any hours in these days: look at the first and the last day once more."),
        Check.SWEEPS: _("Not every course was read within the last day: what no event told of may be missing."),
        Check.OVERLAPS: ngettext(
            "A closed period has some of these days.", "%(n)s closed periods have some of these days.", n
        ),
        Check.MOVING: ngettext(
            "The hours of one membership are being computed: wait a minute and look again.",
            "The hours of %(n)s memberships are being computed: wait a minute and look again.",
            n,
        ),
        Check.EVENTS_WAIT: ngettext(
            "One message of Moodle is still to be taken in.", "%(n)s messages of Moodle are still to be taken in.", n
        ),
        Check.EVENTS_STUCK: ngettext(
            "One message of Moodle was put aside; hours may hang on it.",
            "%(n)s messages of Moodle were put aside; hours may hang on them.",
            n,
        ),
        Check.WITHOUT_ATTENDANCE: ngettext(
            "Nobody is recorded at one session:", "Nobody is recorded at %(n)s sessions:", n
        ),
        Check.UNKNOWN_PEOPLE: ngettext(
            "One entry waits for somebody to say who it is, or whether it counts.",
            "%(n)s entries wait for somebody to say who it is, or whether it counts.",
            n,
        ),
        Check.DISPUTES: ngettext(
            "Of one person at a session reports disagree; until somebody decides, the least counts.",
            "Of %(n)s people at sessions reports disagree; until somebody decides, the least counts.",
            n,
        ),
        Check.APPROVALS: ngettext(
            "One entry of hours waits for approval, and doesn't count until then.",
            "%(n)s entries of hours wait for approval, and don't count until then.",
            n,
        ),
        Check.FORMS: ngettext(
            "One activity was changed in Moodle and would earn something else.",
            "%(n)s activities were changed in Moodle and would earn something else.",
            n,
        ),
        Check.COPIES: ngettext(
            "One copy of a course earns nothing until somebody decides what it is.",
            "%(n)s copies of courses earn nothing until somebody decides what they are.",
            n,
        ),
    }
    return said[one.check]


def leads(one: Checked) -> tuple[str, str] | None:
    """(words, address) of where to settle what a check found."""
    if not one.count or one.check not in LEADS:
        return None
    endpoint, title = LEADS[one.check]
    return _(title), url_for(endpoint)


def by(name: str) -> str:
    """Who closed a period, by the name that the queries give."""
    return _("The command line") if name == "cli" else name


def choice_label(program: Program, one: Choice) -> str:
    """What people would call a period: 2025-26, or Spring 2026."""
    years = str(one.first.year) if one.first.year == one.last.year else f"{one.first.year}-{one.last.year % 100:02}"
    if one.every != "term" or program.terms == "to_be_set":
        return years
    term = next((term for term in program.terms if term.term == one.term), None)
    title = words(term.title, language_now()) if term and term.title else one.term
    return f"{title} {years}".strip()


def late_what(change: Late) -> str:
    """What came late."""
    text = KINDS.get(change.kind, KINDS[""])
    kind = _(text)
    return f"{kind}: {change.what}" if change.what else kind


def days(first: date, last: date) -> str:
    """From a day to another, both included."""
    return _("%(first)s to %(last)s", first=date_words(first), last=date_words(last))
