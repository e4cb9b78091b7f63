"""Words for the codes and figures that records and mappings answer with. Programs bring their own titles."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from mappings.attending import Way
from mappings.facts import Ended, Nothing
from mappings.matching import Refusal
from mappings.standing import Status
from records.actor import Role
from records.passwords import PASSWORD_LENGTH
from service import i18n
from service.i18n import N_, _

MINUTES = 60
NARROW_SPACE = "\u202f"
LEAST_GROUPED = 1000
"""Smaller numbers are written alike in all languages of the pages."""

COMPONENTS = {
    "online": N_("online"),
    "face_to_face": N_("face-to-face"),
    "virtual": N_("virtual"),
    "implementation": N_("implementation"),
}

MODES = {"face_to_face": N_("face-to-face"), "virtual": N_("virtual"), "hybrid": N_("hybrid")}

WAYS = {
    Way.DECIDED: N_("Decision"),
    Way.ROSTER: N_("Roster"),
    Way.PAPER: N_("Sign-in sheet"),
    Way.FILE: N_("File"),
    Way.MOD_ATTENDANCE: N_("Attendance in Moodle"),
    Way.CHECK_IN: N_("Check-in"),
    Way.ZOOM: N_("Zoom"),
    Way.TEAMS: N_("Teams"),
    Way.MEET: N_("Google Meet"),
    Way.BIGBLUEBUTTON: N_("BigBlueButton"),
}

ACTIVITY_KINDS = {
    "assign": N_("Assignment"),
    "attendance": N_("Attendance"),
    "bigbluebuttonbn": N_("Online meeting"),
    "book": N_("Book"),
    "chat": N_("Chat"),
    "choice": N_("Choice"),
    "data": N_("Database"),
    "feedback": N_("Feedback"),
    "folder": N_("Folder"),
    "forum": N_("Forum"),
    "glossary": N_("Glossary"),
    "h5pactivity": N_("Interactive content"),
    "imscp": N_("Content package"),
    "label": N_("Text"),
    "lesson": N_("Lesson"),
    "lti": N_("External tool"),
    "page": N_("Page"),
    "quiz": N_("Quiz"),
    "resource": N_("File"),
    "scorm": N_("SCORM package"),
    "survey": N_("Survey"),
    "url": N_("Link"),
    "wiki": N_("Wiki"),
    "workshop": N_("Workshop"),
}

NOTHING = {
    Nothing.NO_RULE: N_("No rule of the program gives minutes for this activity."),
    Nothing.NOT_PASSED: N_("It was finished without the pass that Moodle asks for here."),
    Nothing.UNDONE: N_("It was marked as not done again in Moodle."),
    Nothing.PROVISIONAL: N_("On its way: Moodle has yet to confirm it."),
    Nothing.UNKNOWN_ACTIVITY: N_("On its way: Moodle has yet to describe this activity."),
    Nothing.MODE_WITHOUT_COMPONENT: N_("The program counts no minutes for meetings held in this way."),
    Nothing.ENDED: N_("It ended in Moodle in a way that takes the minutes back in this program."),
    Nothing.OVERRIDDEN: N_("Somebody else marked it in Moodle, and the program doesn't count that."),
    Nothing.NOT_LONG_ENOUGH: N_("The person was there for too short a time."),
    Nothing.STATUS_WITHOUT_WEIGHT: N_("The program says nothing about this attendance status."),
    Nothing.LENGTH_UNKNOWN: N_("How long the session was planned to be isn't known."),
    Nothing.NOT_PROVEN: N_("It counts with evidence only: a link, a file or a note."),
    Nothing.NOT_APPROVED: N_("It was reported by the participant, and waits for approval."),
    Nothing.SECOND_APPROVAL: N_("It is so large that a second person has to approve it first."),
    Nothing.PER_SESSION: N_("Its sessions count, each by itself; completing the activity adds nothing to them."),
    Nothing.COUNTS_ELSEWHERE: N_("It counts in another community of this person."),
    Nothing.WRITTEN_BY_US: N_("CoP Bridge marked it as done in Moodle, for the session itself: that is what counts."),
    Nothing.COPIED: N_("It came along when the course was copied, and wasn't done here."),
    Nothing.LATE: N_("It came after its period was closed: staff decide about it."),
    Nothing.NOT_A_PARTICIPANT: N_("Hours are counted for participants only, and this person isn't one here."),
    Nothing.TO_BE_SET: N_("The program file has yet to state how many minutes it earns."),
    Nothing.ZERO_MINUTES: N_("It counts as zero minutes."),
}

ENDED = {
    Ended.UNDONE: N_("Marked as not done again in Moodle."),
    Ended.RESET: N_("Completion was reset in Moodle; the minutes stay."),
    Ended.DELETED: N_("The activity was deleted in Moodle; the minutes stay."),
    Ended.LEFT: N_("The person left the course; the minutes stay."),
    Ended.WITHDRAWN: N_("It was taken back."),
}

STANDINGS = {
    Status.NO_COMMITMENT: N_("No commitment"),
    Status.NOT_STARTED: N_("Not started"),
    Status.IN_PROGRESS: N_("In progress"),
    Status.ON_PACE: N_("On pace"),
    Status.BEHIND: N_("Behind"),
    Status.CANNOT_REACH: N_("Cannot reach it any more"),
    Status.MET: N_("Met"),
    Status.ABOVE: N_("Met, and more"),
}

MEMBER_STATUS = {"active": N_("active"), "suspended": N_("suspended"), "left": N_("left")}

MEMBER_ROLES = {
    "participant": N_("Participant"),
    "facilitator": N_("Facilitator"),
    "other": N_("Another role"),
    "unknown": N_("Role not known yet"),
}

ROLES = {
    Role.IT: N_("IT"),
    Role.PROGRAM_ADMIN: N_("Program administrator"),
    Role.STAFF: N_("Program staff"),
    Role.FACILITATOR: N_("Facilitator"),
    Role.AUDITOR: N_("Auditor"),
}

REFUSALS = {
    Refusal.UNKNOWN_TOPIC: N_(
        "The program file has no topic “%(topic)s”. Add it there, or change the course's ID number in Moodle."
    ),
    Refusal.UNKNOWN_REGION: N_(
        "The program file has no region “%(region)s”. Add it there, or change the course's ID number in Moodle."
    ),
    Refusal.COMMITMENT_NOT_SET: N_(
        "The topic “%(topic)s” needs an hour band of its own, and the program file doesn't state it yet."
        " Set its commitment there."
    ),
}

PASSWORD_FAULTS = {
    "too_short": N_("Use at least %(least)s characters."),
    "too_long": N_("Use at most %(most)s characters."),
    "is_email": N_("Your e-mail address can't be your password."),
    "differs": N_("The two entries differ: type the same password twice."),
}

ERRORS = {
    400: (N_("That form is out of date"), N_("Go back, load the page again, and send the form once more.")),
    401: (N_("Please sign in"), N_("This page is for people who are signed in.")),
    403: (
        N_("Your account has no access yet"),
        N_("You are signed in, but your account has no role for this page. Ask your program administrator for one."),
    ),
    404: (
        N_("There is nothing here for you"),
        N_("Either this page doesn't exist, or it lies outside of what your account covers."),
    ),
    405: (N_("That doesn't work on this page"), N_("Go back to the board and try again from there.")),
    413: (
        N_("That was too much at once"),
        N_("What you sent is larger than may be sent here. A file of attendance may have 20 MB: split it."),
    ),
    429: (
        N_("A little too often"),
        N_("There were too many requests from your network within a minute. Wait a minute, then try again."),
    ),
    503: (
        N_("We'll be right back"),
        N_("The database can't be reached just now. Nothing is lost: try again in a minute."),
    ),
}
SOMETHING_BROKE = (
    N_("Something went wrong on our side"),
    N_("It has been noted. Try again; if it happens once more, tell your IT staff the reference number."),
)


def plain(code: str) -> str:
    """A code that somebody made up, as it is read."""
    return code.replace("_", " ")


def _from(table: dict[Any, str]) -> Callable[[str], str]:
    """A function from a code to its words; a code that a program file brought along reads as it is."""

    def words(code: str) -> str:
        return _(table[code]) if code in table else plain(code)

    return words


component = _from(COMPONENTS)
mode = _from(MODES)
activity_kind = _from(ACTIVITY_KINDS)
nothing = _from(NOTHING)
ended = _from(ENDED)
standing = _from(STANDINGS)
member_status = _from(MEMBER_STATUS)
member_role = _from(MEMBER_ROLES)
way_words = _from(WAYS)


def roles(held: frozenset[Role]) -> str:
    """The roles of somebody who is signed in, for the head of the page."""
    return ", ".join(_(ROLES[role]) for role in Role if role in held)


def refusal(code: Refusal, topic: str, region: str) -> str:
    """Why a course became no community, and what to do about it."""
    return _(REFUSALS[code], topic=topic, region=region)


def password_fault(reason: str) -> str:
    """What is wrong with a new password."""
    return _(PASSWORD_FAULTS[reason], least=PASSWORD_LENGTH.start, most=PASSWORD_LENGTH.stop - 1)


def error(status: int) -> tuple[str, str]:
    """Title and text of the page for an HTTP status."""
    server = status >= 500
    title, text = ERRORS.get(status, SOMETHING_BROKE if server else ERRORS[404])
    return _(title), _(text)


def hours(minutes: int) -> str:
    """An amount of minutes as people read it: 11 h 30 min."""
    sign, (whole, rest) = ("−" if minutes < 0 else ""), divmod(abs(minutes), MINUTES)
    if not rest:
        return sign + _("%(hours)s h", hours=number(whole))
    if not whole:
        return sign + _("%(minutes)s min", minutes=rest)
    return sign + _("%(hours)s h %(minutes)s min", hours=number(whole), minutes=rest)


def band(low: int, high: int) -> str:
    """An hour band: 16–20 h."""
    if low == high:
        return hours(low)
    if low % MINUTES or high % MINUTES:
        return _("%(low)s to %(high)s", low=hours(low), high=hours(high))
    return _("%(low)s–%(high)s h", low=low // MINUTES, high=high // MINUTES)


def day(moment: datetime, timezone: str) -> str:
    """The day of a moment in a time zone: Nov 21, 2026."""
    return date_words(moment.astimezone(ZoneInfo(timezone)).date())


def date_words(day: date) -> str:
    """A day: Nov 21, 2026."""
    return format_date(day, format="medium", locale=i18n.locale_now())


def time_words(there: datetime) -> str:
    """The time of a moment on its own wall clock: 2:03 PM."""
    return format_time(there.time(), format="short", locale=i18n.locale_now()).replace(NARROW_SPACE, " ")


def moment(when: datetime, timezone: str) -> str:
    """A moment in a time zone: Nov 21, 2026, 2:03 PM PST."""
    return f"{bare_moment(when, timezone)} {when.astimezone(ZoneInfo(timezone)).tzname() or ''}"


def bare_moment(when: datetime, timezone: str) -> str:
    """A moment on a page that says once which time zone its times are of: Nov 21, 2026, 2:03 PM."""
    there = when.astimezone(ZoneInfo(timezone))
    return f"{date_words(there.date())}, {time_words(there)}"


def number(value: float) -> str:
    """A number as the language groups it: 10,000."""
    if isinstance(value, int) and 0 <= value < LEAST_GROUPED:
        # A table has hundreds of them, and Babel takes its time for each.
        return str(value)
    return format_decimal(value, locale=i18n.locale_now())


HELPERS: dict[str, Any] = {
    "activity_kind": activity_kind,
    "bare_moment": bare_moment,
    "component_words": component,
    "day": day,
    "ended_words": ended,
    "hours": hours,
    "hour_band": band,
    "member_role": member_role,
    "member_status": member_status,
    "mode_words": mode,
    "moment": moment,
    "nothing_words": nothing,
    "number": number,
    "refusal_words": refusal,
    "role_words": roles,
    "standing_words": standing,
    "way_words": way_words,
}
