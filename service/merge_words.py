"""What pages say where two people can't be merged, or a merge can't be undone."""

from records.deciding import DecisionError
from records.merging import Fault, MergeError
from records.unmerging import Entangled, StillEntangled
from service.i18n import N_, _

FAULTS = {
    Fault.NOT_THERE: N_("One of them isn't there any more."),
    Fault.SAME: N_("This is one person already: choose two."),
    Fault.MERGED: N_("One of them was merged into another person already: take that one."),
    Fault.ERASED: N_("One of them was erased: nobody can tell any more who it was."),
    Fault.NO_ACCOUNT: N_("One of them has no account in Moodle: there is nothing to merge."),
    Fault.BEYOND: N_("One of them is in a community that you don't look after, too: ask somebody who does."),
    Fault.TRANSFERS: N_(
        "Both have hours that were transferred between communities, and as one person's they would count twice or"
        " nowhere: undo one of the transfers first."
    ),
}
ENTANGLED = {
    Entangled.ERASED: N_("The person was erased since: whose account was which is nowhere any more."),
    Entangled.MERGED_ON: N_("There was another merge about these hours since: undo that one first."),
    Entangled.CLOSED: N_(
        "A period was closed since, and what each of them has in it can't be told apart any more: adjust the hours"
        " instead."
    ),
    Entangled.DECIDED: N_(
        "Something was decided since about the hours of both, a transfer or a late change: undo that one first."
    ),
}
KEYS = {"email": N_("the same e-mail"), "idnumber": N_("the same ID number")}
TWICE = {"session": N_("Session"), "activity": N_("Activity"), "milestone": N_("Milestone")}


def why_not(error: DecisionError) -> str:
    """The reason why nothing was done, in words."""
    if isinstance(error, MergeError):
        return _(FAULTS[error.fault])
    cause = error.__cause__
    if isinstance(cause, StillEntangled):
        return _(ENTANGLED[cause.why])
    return _("It was undone already.")


def key_words(key: str) -> str:
    """What two accounts have in common."""
    return _(KEYS[key])


def twice_words(what: str) -> str:
    """What kind of thing counts once."""
    return _(TWICE[what])
