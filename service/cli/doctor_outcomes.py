"""How the companion plugin's sending ended, by its own codes: words for them, and what helps."""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an outcome means, within a sentence, and what to do."""

    says: str
    remedy: str


_SETTINGS = "In Moodle: {admin} > Plugins > Local plugins > CoP Bridge"
_AGAIN = "It is tried again by itself. If it stays: "
_RIGHT = _SETTINGS + ": the address has to be {address}"
OTHER = Outcome("it told no reason that is known here", _SETTINGS + ": status and deliveries tells which.")
OUTCOMES: MappingProxyType[str, Outcome] = MappingProxyType(
    {
        "unset": Outcome(
            "its address or its secret is missing",
            _SETTINGS + ": address {address}, and a secret of: copbridge site secret add {site}",
        ),
        "copy": Outcome(
            "Moodle's address isn't the one that it was set up under",
            _SETTINGS + ": status and deliveries: say there which site it is.",
        ),
        "backing_off": Outcome("it waits after an earlier failure", _SETTINGS + ": status and deliveries tells of it."),
        "busy": Outcome("another process of Moodle is sending just now", "Try again in a minute."),
        "refused": Outcome(
            "the signature was refused here",
            _RIGHT + ", and the secret an active one of this site, which copbridge"
            " site secret add {site} makes. The clocks must agree.",
        ),
        "unconfirmed": Outcome(
            "it is taken for a copy of the site here",
            "If it is the site itself: copbridge site list prints the command that confirms it.",
        ),
        "given_up": Outcome(
            "what it sent was taken, and this event put aside", "copbridge replay --list --site {site} says why."
        ),
        "unreachable": Outcome("its address can't be reached", _RIGHT + ", which has to answer from Moodle's machine."),
        "timeout": Outcome("the answer took too long", _AGAIN + "see that the web processes here aren't overloaded."),
        "tls": Outcome(
            "Moodle's machine doesn't trust the certificate of its address",
            "Give {address} a certificate that Moodle's PHP trusts, with its whole chain.",
        ),
        "blocked": Outcome(
            "Moodle's own HTTP security doesn't let it call the address",
            "In Moodle: {admin} > General > Security > HTTP security: cURL blocked hosts list, and cURL allowed ports"
            " list, have to let through {address}",
        ),
        "redirected": Outcome("its address redirects", _RIGHT),
        "http": Outcome(
            "its address answers with an HTTP error",
            _RIGHT + ". A proxy before it may have the error, too.",
        ),
        "nonsense": Outcome(
            "something else than CoP Bridge answers at the address",
            _SETTINGS
            + ": the address has to be {address}. A proxy or a sign-in page of the network may be in between.",
        ),
        "malformed": Outcome(
            "what it sends isn't understood here",
            "Plugin and service may not fit each other: install both of one release (copbridge plugin build).",
        ),
        "too_large": Outcome("even a small batch is too large", "Let a proxy before CoP Bridge take requests of 1 MB."),
        "unavailable": Outcome("nothing could be taken here just then", _AGAIN + "is the database here up?"),
    }
)
"""By the plugin's code; `given_up` is ours, for an event that was sent and is kept by the plugin all the same."""


def outcome_of(code: str) -> Outcome:
    """An outcome in words."""
    return OUTCOMES.get(code, OTHER)
