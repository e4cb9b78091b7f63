"""The sign-in sheet of a session: the short code of each line, and what somebody types who reads a filled one."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
BEFORE, AFTER, UNKNOWN_END = timedelta(hours=2), timedelta(hours=4), timedelta(hours=12)
"""Times that don't touch a session with so much before and after it aren't of it; where its end isn't known, after its
beginning."""
LONGEST = timedelta(hours=12)
"""Between coming and going."""
HALF, EVENING = 12, 18
SHORT_VALUE = 2
"""So many letters are tried as a value, such as a status that the program doesn't weigh."""
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
    """More minutes than a day has."""
    VALUE = "value"
    """The person is known, and what stands behind the name can't be read."""
    ENDS_BEFORE = "ends_before"
    """It ends before it begins, and the session doesn't go over midnight."""
    OTHER_TIME = "other_time"
    """The times are far from the session's, or too far apart."""
    HALF_DAY = "half_day"
    """Only with twelve hours more would it be at the session."""
    LONGER = "longer"
    """Gone earlier by more than the session's length."""
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
    unread: str = ""
    """What stands behind the name, and says nothing."""


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
    """The people of a roster, by code and by name. `also`: their other accounts, whose codes may be printed, too."""

    def __init__(
        self, session_id: UUID, names: Mapping[UUID, str], also: Mapping[UUID, Collection[UUID]] | None = None
    ) -> None:
        self._by_code: dict[str, set[UUID]] = {}
        for account in names:
            for one in {account, *(also or {}).get(account, ())}:
                self._by_code.setdefault(code_of(session_id, one), set()).add(account)
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

    def find_line(self, line: Line) -> tuple[Found, Line]:
        """Whom a line stands for; where that is clear but for words at the end, those are what can't be read."""
        found, words = self.find(line.who), line.who.split()
        if found.wrong is not Wrong.NOBODY or line.spec != Spec():
            return found, line
        for at in range(len(words) - 1, 0, -1):
            who, rest = " ".join(words[:at]).strip(" ,;"), " ".join(words[at:])
            shorter = self.find(who)
            is_value = len(rest) <= SHORT_VALUE or any(letter.isdigit() for letter in rest) or self._is_code(who)
            if is_value and shorter.wrong is not Wrong.NOBODY:
                return shorter, replace(line, who=who, spec=Spec(unread=rest))
        return found, line

    def _is_code(self, typed: str) -> bool:
        return as_code(typed) in self._by_code


class NoSuchTime(ValueError):
    """Times that can't be somebody's at a session. `instead`: what was meant, perhaps."""

    def __init__(self, wrong: Wrong, instead: str = "") -> None:
        super().__init__(str(wrong))
        self.wrong, self.instead = wrong, instead


def moments(
    clocks: tuple[int, int, int, int], starts_at: datetime, timezone: str, ends_at: datetime | None = None
) -> tuple[datetime, datetime]:
    """From when until when, in UTC: of all days, the one on which coming lies nearest to the session's beginning.
    Going is on the same day; where the session goes over midnight, perhaps on the next. `ends_at` None: nobody knows.
    Raises NoSuchTime."""
    try:
        came, went = time(*clocks[:2]), time(*clocks[2:])
    except ValueError as err:
        raise NoSuchTime(Wrong.NO_TIME) from err
    times = _Times(starts_at, ends_at, ZoneInfo(timezone))
    try:
        return times.of(came, went)
    except NoSuchTime as err:
        instead = times.half_a_day_later(came, went) if err.wrong is not Wrong.NO_TIME else ""
        raise NoSuchTime(Wrong.HALF_DAY, instead) if instead else err from None


@dataclass(frozen=True, slots=True)
class _Times:
    """When a session is, to tell times of day from those of other hours."""

    starts_at: datetime
    ends_at: datetime | None
    zone: ZoneInfo

    @property
    def _over_midnight(self) -> bool:
        begins = self.starts_at.astimezone(self.zone)
        if self.ends_at is None:
            return begins.hour >= EVENING
        return (self.ends_at - timedelta(microseconds=1)).astimezone(self.zone).date() > begins.date()

    def of(self, came: time, went: time) -> tuple[datetime, datetime]:
        """The moments; raises NoSuchTime."""
        day = self.starts_at.astimezone(self.zone).date()
        near = [_moment(day + timedelta(days=days), came, self.zone) for days in (-1, 0, 1)]
        since = min(filter(None, near), key=lambda moment: abs(moment - self.starts_at), default=None)
        if since is None:
            raise NoSuchTime(Wrong.NO_TIME)
        first = since.astimezone(self.zone).date()
        later = [_moment(first + timedelta(days=days), went, self.zone) for days in (0, 1)[: 1 + self._over_midnight]]
        if not any(later):
            raise NoSuchTime(Wrong.NO_TIME)
        until = next((moment for moment in later if moment and moment > since), None)
        if until is None or (went <= came and until - since > LONGEST):
            raise NoSuchTime(Wrong.ENDS_BEFORE)
        if until - since > LONGEST or not self._touches(since, until):
            raise NoSuchTime(Wrong.OTHER_TIME)
        return since, until

    def _touches(self, since: datetime, until: datetime) -> bool:
        last = self.ends_at + AFTER if self.ends_at else self.starts_at + UNKNOWN_END
        return until > self.starts_at - BEFORE and since < last

    def half_a_day_later(self, came: time, went: time) -> str:
        """The times by a clock of 24 hours, if they are at the session when read as in the afternoon; else empty."""
        for more in ((HALF, HALF), (0, HALF), (HALF, 0)):
            hours = came.hour + more[0], went.hour + more[1]
            if max(hours) >= 2 * HALF:
                continue
            clocks = came.replace(hour=hours[0]), went.replace(hour=hours[1])
            try:
                since, _ = self.of(*clocks)
            except NoSuchTime:
                continue
            if since >= self.starts_at - BEFORE:
                return f"{clocks[0]:%H:%M}-{clocks[1]:%H:%M}"
        return ""


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime | None:
    local = datetime.combine(day, clock, zone)
    moment = local.astimezone(UTC)
    # A time that the clocks leave out comes back as another one.
    return moment if moment.astimezone(zone).time() == clock else None
