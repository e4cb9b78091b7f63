"""What is sent to a participant: the text, filled in. Who words it is the service's business: see Writer."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from records.nudge_recipients import Recipient
from records.nudges import Text

ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is filled in. Its repr names nobody."""

    subject: str = field(repr=False)
    text: str = field(repr=False)

    @property
    def html(self) -> str:
        """The text for Moodle: whatever stood in it is text there, and addresses can be followed."""
        return "<br>".join(_linked(line) for line in self.text.splitlines())


Writer = Callable[[Recipient, Text, str, str], Letter]
"""Fills a text in for somebody: (recipient, text, whom to ask, the address at which to opt out)."""


def _linked(line: str) -> str:
    parts, at = [], 0
    for found in ADDRESS.finditer(line):
        address = html.escape(found[0])
        parts += [html.escape(line[at : found.start()]), f'<a href="{address}">{address}</a>']
        at = found.end()
    return "".join([*parts, html.escape(line[at:])])
