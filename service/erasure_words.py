"""Words for the erasure of a person: what goes, what stays, why it is refused."""

from records.erasure import Fault
from service.i18n import N_

WORD = N_("erase")
COUNTED = {
    "accounts": N_("Accounts: names, e-mail addresses, user names, ID numbers, profile"),
    "completions": N_("Completions"),
    "enrolments": N_("Enrolments"),
    "role assignments": N_("Roles"),
    "courses taken part in": N_("Courses taken part in"),
    "group memberships": N_("Group memberships"),
    "completions set in another's place": N_("Completions that this person set for others"),
    "questions to Moodle": N_("Questions to Moodle"),
    "reasons of decisions": N_("Reasons and notes of decisions"),
    "attendances' details": N_("Details of attendance: names, devices, reasons"),
    "attendance reports": N_("Uploaded files of attendance that name the person"),
    "milestones' evidence": N_("Evidence of milestones"),
    "messages to be sent": N_("Messages that weren't sent yet"),
    "wishes about messages": N_("The wish to get no messages"),
}
"""What plan_erasure counts."""
UNLINKED = frozenset(
    {
        *("completions", "enrolments", "role assignments", "courses taken part in", "group memberships"),
        "completions set in another's place",
    }
)
"""Of these the rows stay, under a number that leads to nobody."""
FAULTS = {
    Fault.MERGED: N_("This person was merged into another one: erase that one."),
    Fault.ERASED: N_("Somebody erased this person already."),
    Fault.BUSY: N_("Somebody else is changing this person: try again."),
    Fault.NO_REASON: N_("Say why, without saying who: it is kept for ever."),
    Fault.NAMES: N_("The reason says who the person is, and is kept for ever: say it without name, address or number."),
}
