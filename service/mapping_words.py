"""Words of the pages about what an activity's form earns, and about copied courses."""

from collections.abc import Mapping

from mappings.matching import HoursRefused
from records.adoptions import Status
from service.i18n import N_, _

REFUSED = {
    HoursRefused.TOO_FEW: N_("fewer hours than the program takes"),
    HoursRefused.TOO_MANY: N_("more hours than the program takes"),
    HoursRefused.UNKNOWN_COMPONENT: N_("hours of a kind that the program doesn't have"),
    HoursRefused.NO_COMPONENT: N_("no kind of hours, and no rule of the program says one"),
}
FAULTS = {
    "reason": N_("Say why: it is kept with the decision."),
    "choice": N_("Say what the course is."),
    "gone": N_("Somebody has decided about it in the meantime, or it was changed back in Moodle."),
    "pairs": N_("One of the activities isn't there any more: look at the pairs again."),
    "original": N_(
        "The original is no community by now, or is a copy that waits itself: nothing can go on with it. Decide about"
        " the original first, or choose something else."
    ),
    "beyond": N_("Not all that it is, or would be, lies in your scope: somebody who is over all of it decides."),
    "nothing": N_("Nothing is decided about it: there is nothing to take back."),
}
DONE = {
    "accepted": N_("Accepted: the hours follow within a minute."),
    "rejected": N_("Rejected: it counts on as before, and this change isn't proposed again."),
    "gone": FAULTS["gone"],
    "decided": N_("Decided: the hours follow within a minute."),
}
STATUSES: Mapping[Status, str] = {
    Status.PROPOSED: N_("Waits"),
    Status.CONTINUATION: N_("Goes on with the original"),
    Status.NEW_COMMUNITY: N_("A community of its own"),
    Status.IGNORED: N_("Nothing: it earns nothing"),
}
CHOICES: Mapping[Status, tuple[str, str]] = {
    Status.CONTINUATION: (
        N_("It goes on with the original"),
        N_(
            "The same community in another course: its activities count as the old ones, and each pair once, the better"
            " of the two."
        ),
    ),
    Status.NEW_COMMUNITY: (
        N_("It is a community of its own"),
        N_("Other people, or another round, begin anew: what came along with the copy doesn't count in it."),
    ),
    Status.IGNORED: (
        N_("It is nothing"),
        N_("A backup, or a try: it goes on earning nothing, and isn't asked about again."),
    ),
}
TAKEN_BACK = (N_("Take the decision back"), N_("The copy waits again, and earns nothing until then."))


def fault(code: str) -> str:
    """What is wrong, and what to do; for a code without words, that it isn't any more as it was shown."""
    text = FAULTS.get(code, FAULTS["gone"])
    return _(text)


def refused(why: HoursRefused) -> str:
    """Why hours in Moodle aren't taken."""
    return _(REFUSED[why])


def status(what: Status) -> str:
    """What a copy is."""
    return _(STATUSES[what])
