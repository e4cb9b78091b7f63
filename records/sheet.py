"""The sign-in sheet of a session: the short code of each line, and what somebody types who reads a filled one."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from records.matching_people import folded

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""32 characters that aren't taken for one another in handwriting: no I, L, O, U."""
CODE_LENGTH = 4
READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0"})
"""What people type for what they see."""
MOST_LINES = 500
MOST_MINUTES = 6_000
DASHES = "-\u2212\u2013\u2014"
AMOUNT = re.compile(rf"(?P<sign>[{DASHES}]?)(?P<minutes>\d{{1,4}})", re.ASCII)
CLOCK = r"(\d{1,2})[:.](\d{2})"
CLOCKS = re.compile(rf"{CLOCK}\s*[{DASHES}]\s*{CLOCK}$", re.ASCII)


class Wrong(StrEnum):
    """What is wrong with a line."""

    NOBODY = "nobody"
    """Nobody on the roster has the code or name."""
    SEVERAL = "several"
    """More than one person has."""
    TWICE = "twice"
    """An earlier line is about the same person, and says something else."""
    LENGTH_UNKNOWN = "length_unknown"
    """Nobody said how long the session is: minutes or times have to be given."""
    NO_TIME = "no_time"
    """There is no such time of day, or the clocks leave it out that day."""
    TOO_LONG = "too_long"
    NO_STATUS = "no_status"
    """The program counts statuses here: one of them has to be given."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a line says of somebody; nothing of it: there all the time."""

    minutes: int | None = None
    early: int | None = None
    """Gone so many minutes before the end."""
    clocks: tuple[int, int, int, int] | None = None
    """Hour and minute of coming, and of going."""
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was read: who, as typed, and what it says."""

    number: int
    text: str
    who: str
    spec: Spec


def code_of(session_id: UUID, account_id: UUID) -> str:
    """The code of somebody's line: the same at every printing, and tells nothing. Two people may have one."""
    number = int.from_bytes(hashlib.sha256(session_id.bytes + account_id.bytes).digest()[:8], "big")
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LENGTH))


def as_code(text: str) -> str | None:
    """What somebody typed, as a code; None where it can't be one."""
    code = text.strip().upper().translate(READ_AS)
    return code if len(code) == CODE_LENGTH and all(letter in ALPHABET for letter in code) else None


def read_lines(text: str, statuses: Collection[str] = ()) -> list[Line]:
    """The lines that aren't empty, numbered as they stand. `statuses`: those that the program weighs, if it does."""
    lines = enumerate(text.splitlines()[:MOST_LINES], start=1)
    return [_line(number, raw.strip(), statuses) for number, raw in lines if raw.strip()]


def _line(number: int, text: str, statuses: Collection[str]) -> Line:
    clocks = CLOCKS.search(text)
    if clocks and text[: clocks.start()].strip():
        hours = tuple(int(part) for part in clocks.groups())
        return Line(number, text, text[: clocks.start()].strip(" ,;\t"), Spec(clocks=(*hours,)))  # type: ignore[arg-type]
    who, _, last = text.replace("\t", " ").rpartition(" ")
    who = who.strip(" ,;")
    amount = AMOUNT.fullmatch(last)
    if who and amount:
        minutes = int(amount["minutes"])
        return Line(number, text, who, Spec(early=minutes) if amount["sign"] else Spec(minutes=minutes))
    status = next((status for status in statuses if status.casefold() == last.casefold()), None)
    if who and status:
        return Line(number, text, who, Spec(status=status))
    return Line(number, text, text.strip(" ,;"), Spec())


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a line means; or why nobody can tell."""

    account_id: UUID | None
    wrong: Wrong | None = None


class Names:
    """The people of a roster, by code and by name."""

    def __init__(self, session_id: UUID, names: Mapping[UUID, str]) -> None:
        self._by_code: dict[str, set[UUID]] = {}
        for account in names:
            self._by_code.setdefault(code_of(session_id, account), set()).add(account)
        self._words = {account: folded(name) for account, name in names.items()}

    def find(self, typed: str) -> Found:
        """Whom a code, or a name or a part of one, stands for. A whole name goes before parts of others."""
        name, code = folded(typed), as_code(typed)
        coded = self._by_code.get(code, set()) if code else set()
        named = {account for account, words in self._words.items() if name and words == name}
        named = named or {account for account, words in self._words.items() if name and name in words}
        meant = coded or named
        if not meant:
            return Found(None, Wrong.NOBODY)
        # A short name can be somebody else's code.
        sure = len(meant | named) == 1
        return Found(next(iter(meant)) if sure else None, None if sure else Wrong.SEVERAL)


class NoSuchTime(ValueError):
    """The day has no such time."""


def moments(clocks: tuple[int, int, int, int], starts_at: datetime, timezone: str) -> tuple[datetime, datetime]:
    """From when until when, in UTC: of all days, the one on which coming lies nearest to the session's beginning;
    going lies after it. Raises NoSuchTime."""
    try:
        came, went = time(*clocks[:2]), time(*clocks[2:])
    except ValueError as err:
        raise NoSuchTime(str(err)) from err
    zone = ZoneInfo(timezone)
    day = starts_at.astimezone(zone).date()
    near = [_moment(day + timedelta(days=days), came, zone) for days in (-1, 0, 1)]
    since = min((moment for moment in near if moment), key=lambda moment: abs(moment - starts_at), default=None)
    if since is None:
        raise NoSuchTime(str(came))
    first = since.astimezone(zone).date()
    later = [_moment(first + timedelta(days=days), went, zone) for days in (0, 1)]
    until = next((moment for moment in later if moment and moment > since), None)
    if until is None:
        raise NoSuchTime(str(went))
    return since, until


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    local = datetime.combine(day, clock, zone)
    moment = local.astimezone(UTC)
    # A time that the clocks leave out comes back as another one.
    return moment if moment.astimezone(zone).time() == clock else None
