"""Messages to participants in Moodle: whether they can be sent. Looked at only where some were."""

from collections.abc import Iterator

from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look
from moodle_client import NEEDS, Function


def messages(look: Look) -> Iterator[Finding]:
    """The function, and the capabilities by what became of the latest messages: Moodle tells nobody's."""
    ordered, refused = look.books.messages
    if not ordered:
        return
    if not look.has(Function.SEND_INSTANT_MESSAGES):
        yield Finding(Code.MESSAGES_UNSENDABLE, {"functions": [str(Function.SEND_INSTANT_MESSAGES)]})
    elif refused:
        capabilities = list(NEEDS[Function.SEND_INSTANT_MESSAGES])
        yield Finding(Code.MESSAGES_REFUSED, {"count": refused, "capabilities": capabilities})
