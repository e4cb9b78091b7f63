"""Words for the audit trail: what was done, by the name that the entry has."""

import re
from datetime import datetime

from records.decisions import Kind
from service import decided_words, session_words, wording
from service.i18n import N_, _

TIMEZONE = "UTC"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*")
DECISION, SESSION = "decision", "session"
"""What begins the names of many actions that are told alike."""

ACTIONS = {
    "account.saved": N_("An account's settings changed"),
    "api_token.made": N_("A token of the API made"),
    "api_token.revoked": N_("A token of the API ended"),
    "attendance.import": N_("Attendance taken in from a file"),
    "attendance.paper": N_("Attendance entered from a sign-in sheet"),
    "attendance.roster": N_("Attendance recorded in the roster"),
    "attendance.undo": N_("A file of attendance taken back"),
    "binding.accepted": N_("An activity's new form accepted"),
    "binding.rejected": N_("An activity's new form turned down"),
    "calendar.renewed": N_("A calendar's address renewed"),
    "check_in.ended": N_("Check-in ended"),
    "check_in.let_in_again": N_("Somebody struck off let in again"),
    "check_in.opened": N_("Check-in opened"),
    "check_in.struck": N_("Somebody struck off at the check-in"),
    "decision.moved": N_("What a decision moved"),
    "grant.given": N_("A role given"),
    "grant.withdrawn": N_("A role withdrawn"),
    "identity.linked": N_("A district's sign-in linked to an account"),
    "identity.unlinked": N_("A district's sign-in parted from an account"),
    "inbox.replayed": N_("What was put aside tried again"),
    "late.admitted": N_("A late change let into a closed period"),
    "milestone.recorded": N_("A milestone recorded"),
    "milestone.restored": N_("A milestone put back"),
    "milestone.withdrawn": N_("A milestone withdrawn"),
    "milestones.import": N_("Milestones taken in from a file"),
    "nudge.called_off": N_("A message called off"),
    "nudge.ordered": N_("A message to participants sent off"),
    "nudge.sent_again": N_("A message sent again to those it didn't reach"),
    "opt_out.said": N_("Somebody wants no messages, or wants them again"),
    "organisations.import": N_("Organisations taken in from a file"),
    "password.changed": N_("A password changed"),
    "period.closed": N_("A period closed"),
    "person.erased": N_("A person erased"),
    "person.exported": N_("All that is stored about a person taken as a file"),
    "personal_links.exported": N_("Participants' own links for the check-in taken as a file"),
    "presence.accepted": N_("An attendance that was held let count"),
    "presence.dismissed": N_("An attendance put aside as nobody's"),
    "presence.held": N_("An attendance held again"),
    "presence.matched": N_("An attendance matched to a person"),
    "presence.restored": N_("An attendance put aside taken up again"),
    "presence.unmatched": N_("An attendance parted from a person again"),
    "program.loaded": N_("A program's file loaded"),
    "provider.added": N_("A district's sign-in added"),
    "provider.held": N_("A district's sign-in held to other domains"),
    "provider.switched": N_("A district's sign-in switched on or off"),
    "provision.applied": N_("A provision file applied in Moodle"),
    "provision.people": N_("A file of people for a provision file uploaded"),
    "provision.saved": N_("A provision file saved"),
    "setup_link.made": N_("A link to set a password made"),
    "setup_link.used": N_("A password set by a link"),
    "sign_in.began": N_("A sign-in"),
    "sign_in.ended": N_("A sign-out"),
    "sign_in.locked": N_("Sign-ins locked after too many wrong passwords"),
    "sign_ins.ended": N_("All other sign-ins ended"),
    "site.add": N_("A Moodle site added"),
    "site.confirm": N_("A Moodle site's sender confirmed"),
    "site.move": N_("A Moodle site moved to another address"),
    "site.secret.added": N_("A site's secret or token added"),
    "site.secret.retired": N_("A site's secret or token retired"),
    "sweep.asked": N_("Moodle asked to be read"),
    "user.created": N_("An account made"),
    "user.switched_off": N_("An account switched off"),
    "user.switched_on": N_("An account switched on again"),
}


def action(name: str) -> str:
    """What was done; a name that has no words stands for itself."""
    if name in ACTIONS:
        return _(ACTIONS[name])
    group, _dot, what = name.partition(".")
    if group == DECISION and what in set(Kind):
        return _("Decision: %(kind)s", kind=decided_words.kind(what))
    if group == SESSION and what in session_words.ACTS:
        return _("Session: %(change)s", change=_(session_words.ACTS[what]))
    return name


def value(found: object) -> str:
    """A value of an entry's before or after, as it is read: moments in UTC; codes stay as they are."""
    if isinstance(found, dict):
        return "; ".join(f"{name}: {value(of)}" for name, of in found.items()) or _("nothing")
    if isinstance(found, list):
        return (" · " if any(isinstance(one, dict) for one in found) else ", ").join(map(value, found)) or _("nothing")
    if isinstance(found, bool):
        return _("yes") if found else _("no")
    if isinstance(found, str) and MOMENT.fullmatch(found):
        return _moment(found)
    return _("nothing") if found is None or found == "" else str(found)


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return wording.bare_moment(moment, TIMEZONE) if moment.tzinfo else text
