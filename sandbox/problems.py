"""What the companion plugin refuses: in a row by a code, of a whole call as an error."""

from __future__ import annotations

from sandbox.parameters import MoodleError


class ProblemError(MoodleError):
    """Refused, with a code for programs and a sentence for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__("local_copbridge\\local\\provision\\problem", f"provision_{code}", reason)
        self.code = code
        self.reason = reason
