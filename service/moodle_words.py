"""Words about readings of Moodle: what they found that no event had told, why one failed, and what to do."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from records.drift import Drift
from records.queries.drift import Failure
from service import commands
from service.i18n import N_, _
from service.wording import plain

MOODLE_SAID = re.compile(r"\w+: (?P<reason>\w+)(?: \((?P<code>.*)\))?")
"""What a failed call says: function, reason, Moodle's own code."""


@dataclass(frozen=True, slots=True)
class Told:
    """What happened, what to do about it, and the command that IT staff do it with; empty where there is none."""

    what: str
    to_do: str
    command: str


DRIFT = {
    Drift.MISSED_COMPLETION: (
        N_("Finished activities"),
        N_("Somebody finished an activity, and no event told. The hours are right now."),
    ),
    Drift.MISSED_UNCOMPLETION: (
        N_("Activities marked as not done"),
        N_("Somebody's activity was marked as not done again, and no event told. The hours are right now."),
    ),
    Drift.RESET: (
        N_("Completion that was reset"),
        N_("Completion was reset or unlocked in Moodle, which sends no event for it. The hours follow the program."),
    ),
    Drift.CHANGED_COMPLETION: (
        N_("Another kind of completion"),
        N_("An activity is now passed, failed or marked by somebody else. The hours are right now."),
    ),
    Drift.MISSED_ENROLMENT: (
        N_("New participants"),
        N_("Somebody was enrolled, and no event told. The person and the hours are here now."),
    ),
    Drift.LOST_ENROLMENT: (
        N_("Participants who left"),
        N_("Somebody's enrolment is gone, and no event told. The person has left here, too; hours follow the program."),
    ),
    Drift.CHANGED_ENROLMENT: (
        N_("Enrolments suspended, ended or active again"),
        N_("An enrolment that begins or ends by its dates sends no event. It is right now."),
    ),
    Drift.CHANGED_ROLE: (
        N_("Roles"),
        N_("Somebody has another role in the course, and no event told. Who counts as a participant is right now."),
    ),
    Drift.CHANGED_GROUP: (
        N_("Groups"),
        N_("Somebody is in another group, and no event told. Teams and communities of groups are right now."),
    ),
    Drift.NEW_ACTIVITY: (
        N_("New activities"),
        N_("An activity was added to the course, and no event told. It counts where a rule of the program matches it."),
    ),
    Drift.DELETED_ACTIVITY: (
        N_("Deleted activities"),
        N_("An activity was deleted, and no event told. What it earned follows the program."),
    ),
    Drift.CHANGED_ACTIVITY: (
        N_("Changed activities"),
        N_("An activity has another name, section, visibility or way of completion. It earns what it earned before."),
    ),
    Drift.CHANGED_IDNUMBER: (
        N_("Changed ID numbers"),
        N_("The course or an activity has another ID number. Rules and communities are told apart by it."),
    ),
    Drift.COPIED_COURSE: (
        N_("Copies of this course"),
        N_(
            "The course was restored or duplicated as another one. The copy earns nothing before staff decide about it."
        ),
    ),
    Drift.NEW_COURSE: (N_("New course"), N_("The course was made, and no event told. It is a community here now.")),
    Drift.DELETED_COURSE: (
        N_("Deleted course"),
        N_("The course was deleted, and no event told. What it earned follows the program."),
    ),
    Drift.CHANGED_COURSE: (
        N_("Changes of the course"),
        N_("The course has another name, category, visibility, or other dates or fields. It is right here now."),
    ),
    Drift.CHANGED_ACCOUNT: (
        N_("Accounts"),
        N_("Somebody's name, e-mail address or account changed, and no event told. It is right here now."),
    ),
}
"""Of each kind: what it is, and what it was."""

EVENTS_ARE_LOST = N_("So many are no accident: Moodle's events get lost on their way. IT staff find out why with this:")
BY_DATES_OR_LOST = N_(
    "If these enrolments don't begin or end by their dates, Moodle's events get lost on their way. IT staff find out"
    " why with this:"
)
COURSE_IS_REBUILT = N_("Somebody is rebuilding the course: look below whether its activities earn what they should.")
ON_PURPOSE = N_("Ask whoever looks after the course in Moodle whether this was on purpose.")
LOST = frozenset(
    {
        Drift.MISSED_COMPLETION,
        Drift.MISSED_UNCOMPLETION,
        Drift.MISSED_ENROLMENT,
        Drift.LOST_ENROLMENT,
        Drift.CHANGED_ROLE,
        Drift.CHANGED_GROUP,
        Drift.CHANGED_ACCOUNT,
    }
)
REBUILT = frozenset({Drift.NEW_ACTIVITY, Drift.DELETED_ACTIVITY, Drift.CHANGED_ACTIVITY, Drift.CHANGED_IDNUMBER})

UNKNOWN_TOKEN = N_("Moodle doesn't know the token of its web services any more.")
WRONG_ADDRESS = N_("What answers at the site's address isn't Moodle, or Moodle is elsewhere.")
REFUSED = N_("Moodle doesn't let the token of its web services see what has to be read.")
ODD_ANSWER = N_("Moodle answered in a way that can't be used.")
TOO_BUSY = N_("Moodle has too much to do just now.")
AWAY = N_("Moodle couldn't be reached.")
FAILURES: dict[str, tuple[str, Callable[[str], str] | None]] = {
    "invalid_token": (UNKNOWN_TOKEN, commands.new_token),
    "invalid_login": (UNKNOWN_TOKEN, commands.new_token),
    "no_access": (REFUSED, commands.doctor),
    "no_permission": (REFUSED, commands.doctor),
    "not_found": (N_("Moodle doesn't have what was asked for."), commands.doctor),
    "invalid_parameter": (ODD_ANSWER, commands.doctor),
    "conflict": (ODD_ANSWER, commands.doctor),
    "partly_failed": (ODD_ANSWER, commands.doctor),
    "maintenance": (N_("Moodle is in maintenance."), None),
    "web_services_off": (N_("Moodle's web services are switched off."), commands.doctor),
    "unreachable": (AWAY, commands.doctor),
    "untrusted": (N_("The certificate of the Moodle site can't be verified."), commands.doctor),
    "busy": (TOO_BUSY, None),
    "server_failed": (N_("The Moodle server failed."), commands.doctor),
    "broken": (N_("Moodle's own code failed over it."), commands.doctor),
    "redirected": (WRONG_ADDRESS, commands.doctor),
    "too_large": (ODD_ANSWER, commands.doctor),
    "not_moodle": (WRONG_ADDRESS, commands.doctor),
    "other": (ODD_ANSWER, commands.doctor),
}
"""By the reason of a failed call: what it means, and the command that helps, of a site."""


def kind(drift: Drift) -> tuple[str, str]:
    """What a kind of drift is, and what it was."""
    title, sentence = DRIFT[drift]
    return _(title), _(sentence)


def hint(drift: Drift, site: str) -> tuple[str, str]:
    """What to do about a kind of drift that is frequent, and the command for it; empty where there is none."""
    doctor = commands.doctor(site)
    if drift in LOST:
        return _(EVENTS_ARE_LOST), doctor
    if drift is Drift.CHANGED_ENROLMENT:
        return _(BY_DATES_OR_LOST), doctor
    return _(COURSE_IS_REBUILT) if drift in REBUILT else _(ON_PURPOSE), ""


def failure(found: Failure, community: str) -> Told:
    """Why a reading failed, in words. `community`: its id, for a course without an idnumber."""
    if found.gone:
        gone, before = found.gone
        return Told(
            _(
                "%(gone)s of the %(before)s participants can't be seen in Moodle any more. That may be a right that"
                " the token lost, so that nobody was taken out.",
                gone=gone,
                before=before,
            ),
            _("If they have really left the course, IT staff say so:"),
            commands.they_are_gone(found.course or community),
        )
    said = MOODLE_SAID.fullmatch(found.error)
    reason = said["reason"] if said else ""
    what, command = FAILURES.get(reason, FAILURES["other"])
    told = f"{_(what)} ({plain(reason)})" if reason == "other" else _(what)
    if command is None:
        return Told(told, "", "")
    why = command is commands.doctor
    to_do = _("IT staff find out why with this:") if why else _("IT staff mend it with this:")
    return Told(told, to_do, command(found.site))
