"""Texts that a pattern matches, as far as they can be told: by them patterns are held against each other."""

import re
from dataclasses import dataclass
from functools import lru_cache

MOST = 200
SIGNS = {"d": list("0123456789"), "w": list("aZ0_"), "s": [" "]}
REPEATS = re.compile(r"\{(\d+)(?:,(\d+))?\}")
GROUP = re.compile(r"\(\?(?::|P<\w+>)|\((?!\?)")
RANGE = re.compile(r"([^\\\[\]^-])(?:-([^\\\[\]]))?|\\([^A-Za-z0-9])|\\(d)")


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts that a pattern matches; `complete`: it matches no others."""

    texts: tuple[str, ...]
    complete: bool


class _TooHard(Exception):
    """Something that isn't worth reading here, such as a look ahead."""


@lru_cache(maxsize=2048)
def examples(pattern: str) -> Examples:
    """Some of the texts, or all where there are few, that a valid pattern matches as a whole."""
    reader = _Reader(pattern)
    try:
        found = reader.choice()
    except _TooHard:
        return Examples((), False)
    # People are shown nothing that the pattern doesn't really match.
    texts = tuple(dict.fromkeys(text for text in found if re.fullmatch(pattern, text)))
    return Examples(texts, reader.complete)


class _Reader:
    """Reads the plain part of the language of patterns: signs, classes, groups, choices, repeats."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.complete = pattern, 0, True

    def choice(self) -> list[str]:
        found = self._sequence()
        while self._next("|"):
            found += self._sequence()
        return self._few(found)

    def _sequence(self) -> list[str]:
        found = [""]
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            found = self._joined(found, self._repeated(self._one()))
        return found

    def _joined(self, first: list[str], then: list[str]) -> list[str]:
        return self._few([a + b for a in first for b in then])

    def _few(self, found: list[str]) -> list[str]:
        """No more than there is room for, taken from all over."""
        if len(found) <= MOST:
            return found
        self.complete = False
        return found[:: len(found) // MOST + 1]

    def _next(self, sign: str) -> bool:
        if self.pattern.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def _one(self) -> list[str]:
        """What the next sign, class or group stands for."""
        if group := GROUP.match(self.pattern, self.at):
            self.at = group.end()
            found = self.choice()
            self.at += 1
            return found
        sign = self.pattern[self.at]
        self.at += 1
        if sign == "\\":
            return self._escaped()
        if sign == "[":
            return self._class()
        if sign == ".":
            self.complete = False
            return ["a", "0", "-"]
        if sign in "({*+?":
            raise _TooHard
        return [""] if sign in "^$" else [sign]

    def _escaped(self) -> list[str]:
        sign = self.pattern[self.at]
        self.at += 1
        if sign in SIGNS:
            # Letters and digits of other scripts match, too, and nobody writes them.
            self.complete &= sign == "d"
            return SIGNS[sign]
        if sign.isalnum():
            raise _TooHard
        return [sign]

    def _class(self) -> list[str]:
        found: list[str] = []
        while not self._next("]"):
            part = RANGE.match(self.pattern, self.at)
            if part is None:
                raise _TooHard
            self.at = part.end()
            first, last, escaped, digits = part.groups()
            if first:
                if ord(last or first) - ord(first) > MOST:
                    raise _TooHard
                found += map(chr, range(ord(first), ord(last or first) + 1))
            else:
                found += SIGNS["d"] if digits else [escaped]
        return found

    def _repeated(self, one: list[str]) -> list[str]:
        least, most = 1, 1
        if self._next("?"):
            least = 0
        elif self._next("*"):
            least, most, self.complete = 0, 2, False
        elif self._next("+"):
            most, self.complete = 2, False
        elif found := REPEATS.match(self.pattern, self.at):
            self.at = found.end()
            least, most = int(found[1]), int(found[2] or found[1])
            if most > 20:
                raise _TooHard
        # As few or as many as possible, it is the same texts.
        if self.pattern.startswith(("?", "+"), self.at) and (least, most) != (1, 1):
            self.at += 1
        texts, so_far = [""] if least == 0 else [], [""]
        for count in range(1, most + 1):
            so_far = self._joined(so_far, one)
            texts += so_far if count >= least else []
        return self._few(texts)
