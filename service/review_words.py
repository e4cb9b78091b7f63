"""What the review queue says, in words."""

from collections.abc import Iterable

from records.matching_people import Reason
from records.review_acts import Fault
from records.review_items import Side, Waits
from service.i18n import N_, _
from service.roster_words import by_values
from service.wording import mode

KINDS = {
    Waits.UNMATCHED: N_("People nobody knows"),
    Waits.CONFLICT: N_("Reports that disagree"),
    Waits.HELD: N_("Held back"),
    Waits.WALK_IN: N_("Not enrolled yet"),
}
ABOUT = {
    Waits.UNMATCHED: N_(
        "A report names them, and no account here has that e-mail or ID number. They count once somebody says who it"
        " is, or once Moodle knows them."
    ),
    Waits.CONFLICT: N_("The ways of recording say different things. The least counts until somebody decides."),
    Waits.HELD: N_("Recorded, and not counted until somebody has looked at it."),
    Waits.WALK_IN: N_("They came, and aren't enrolled in Moodle. Their minutes count as soon as they are."),
}
REASONS = {
    Reason.SAME_NAME: N_("the same name"),
    Reason.TURNED_NAME: N_("the same name, turned round"),
    Reason.NICKNAME: N_("the same with the name in brackets"),
    Reason.SIMILAR_NAME: N_("a similar name"),
    Reason.SAME_MAILBOX: N_("the e-mail is the same before the @"),
}
HELD = {"device": N_("One device checked in more than one person.")}
FAULTS = {
    Fault.DEALT_WITH: N_("Somebody has dealt with it already."),
    Fault.NO_REASON: N_("Say why: it is kept."),
    Fault.CANCELLED: N_("The session was cancelled: nobody was there. Restore it first, if it was held after all."),
    Fault.FORGOTTEN: N_("What was reported of who it is has been deleted by now: correct the attendance instead."),
}
FAULTS_BY_NAME = {fault.name.lower(): text for fault, text in FAULTS.items()} | {
    "undecided": N_("It can't be decided so: a reason is needed, and what was reported may have changed. Look again.")
}
DONE = {
    "matched": N_("It is counted for this person now."),
    "accepted": N_("It counts now."),
    "dismissed": N_("It was dismissed."),
    "decided": N_("It was decided."),
    "undone": N_("That was taken back."),
}
UNDONE_WHY = N_("Taken back right after it was decided.")


def reasons(found: Iterable[Reason]) -> str:
    """Why somebody is suggested."""
    return ", ".join(_(REASONS[reason]) for reason in found)


def held(code: str) -> str:
    """Why something doesn't count yet."""
    return _(HELD[code]) if code in HELD else code


def side(one: Side) -> str:
    """What a way says of somebody."""
    if one.open:
        return _("came, and wasn't seen to leave")
    said = by_values(one.said.minutes, one.said.status)
    return f"{said} · {mode(one.said.mode)}" if one.said.mode else said
