"""Times and durations as meeting products write them, in the exporter's language and zone."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

ORDERS = ("dmy", "mdy")
"""Of day and month in 03/04/2026."""
LONGEST = timedelta(hours=48)
"""That a report of one meeting spans: what tells 03/04 to 04/04 from April to March."""
YEARS = range(2000, 2101)
LONGEST_TEXT = 100
"""Characters of a time or a duration; what is longer is neither."""
LONGEST_STAY = 31 * 86_400
"""Seconds that a report may state of one person."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HALF = re.compile(r"\b([ap])\s?\.?\s?m\b\.?")
_TIME = re.compile(
    r"(?:(?P<day>.*?)(?:,\s*|\s+at\s+|\s+|(?<=\d)t(?=\d)))?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s?(?P<half>[ap]m)?\s?(?P<zone>z|(?:gmt|utc)?\s?[+-]\d{1,2}(?::?\d{2})?|gmt|utc)?"
)
_NUMBERS = re.compile(r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})\.?")
_NAMED = re.compile(
    r"(?:[a-z]+,?\s)?(?:(?P<m1>[a-z]{3,9})\.?\s(?P<d1>\d{1,2})|(?P<d2>\d{1,2})\s(?P<m2>[a-z]{3,9})\.?),?\s(?P<y>\d{4})"
)
_OFFSET = re.compile(r"(?:gmt|utc)?\s?([+-])(\d{1,2})(?::?(\d{2}))?")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s?([^\W\d]+)\.?,?\s*")
_HOURS = ("h", "std", "stunde", "godz", "or", "uur", "時間", "小时")
_SECONDS = ("s", "秒")
_MINUTES = ("m", "分")


@dataclass(frozen=True, slots=True)
class Written:
    """A time as it stands in a report."""

    clock: time
    numbers: tuple[int, int, int] | None = None
    """Day, month and year as their order has it; None: the report gives no date here."""
    order: str | None = None
    """Of the numbers, where their form tells: `ymd`, `dmy`, `mdy`. None: 03/04/2026."""
    zone: tzinfo | None = None
    """Stated with the time itself."""

    def day(self, order: str) -> date | None:
        """The day that is meant where the form doesn't tell and the order is this one; None: there is no such day."""
        if self.numbers is None:
            return None
        by = dict(zip(self.order or order, self.numbers, strict=True))
        year = by["y"] + 2000 if by["y"] < 100 else by["y"]
        try:
            return date(year, by["m"], by["d"]) if year in YEARS else None
        except ValueError:
            return None


def plain(text: str) -> str:
    """For comparing: compatible characters, lower case, single spaces. Intl's narrow spaces become plain ones."""
    return " ".join(unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold().split())


def written(text: str) -> Written | None:
    """The time that a text states; None: it states none that is understood."""
    match = _TIME.fullmatch(_HALF.sub(r"\1m", plain(text))) if len(text) <= LONGEST_TEXT else None
    if match is None:
        return None
    hour, half = int(match["hour"]), match["half"]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        clock = time(hour, int(match["minute"]), int(match["second"] or 0))
    except ValueError:
        return None
    zone = zone_named(match["zone"]) if match["zone"] else None
    if not match["day"]:
        return Written(clock, zone=zone)
    dated = _dated(match["day"])
    return Written(clock, *dated, zone=zone) if dated else None


def _dated(text: str) -> tuple[tuple[int, int, int], str | None] | None:
    """Numbers and their order, where the form tells it: dots are only ever day.month.year, four digits first a year."""
    if match := _NUMBERS.fullmatch(text):
        numbers = (int(match[1]), int(match[3]), int(match[4]))
        order = "ymd" if len(match[1]) == 4 else "dmy" if match[2] == "." else None
        return (numbers, order) if any(Written(time(), numbers, order).day(o) for o in ORDERS) else None
    if match := _NAMED.fullmatch(text):
        month = (match["m1"] or match["m2"])[:3]
        if month in _MONTHS:
            return (int(match["d1"] or match["d2"]), _MONTHS.index(month) + 1, int(match["y"])), "dmy"
    return None


def order_of(rows: Sequence[Sequence[Written]]) -> str | None:
    """Whether the file writes the day or the month first; None: nothing in it decides.

    What decides: a number over 12; that all of one meeting lies within LONGEST in one order and not in the other. An
    order that makes no difference is as good as any.
    """
    moot = [w for row in rows for w in row if w.numbers and not w.order]
    fits = [o for o in ORDERS if all(w.day(o) for w in moot)]
    if len(fits) == 1 or all(w.day("dmy") == w.day("mdy") for w in moot):
        return fits[0] if fits else None
    near = [o for o in fits if _within(rows, o)]
    return near[0] if len(near) == 1 else None


def _within(rows: Sequence[Sequence[Written]], order: str) -> bool:
    moments = [datetime.combine(d, w.clock) for row in rows for w in row if (d := w.day(order))]
    return max(moments) - min(moments) <= LONGEST


def zone_named(text: str) -> tzinfo | None:
    """UTC, an offset (GMT-7, UTC+05:30) or an IANA name; None: anything else. Abbreviations as CST mean several."""
    name = plain(text).strip("() ")
    if name in ("z", "utc", "gmt"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        span = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if span < timedelta(hours=15):
            return timezone(-span if match[1] == "-" else span)
        return None
    return ZoneInfo(text.strip("() ")) if text.strip("() ") in _zone_names() else None


@cache
def _zone_names() -> frozenset[str]:
    # It reads the directory of zones each time.
    return frozenset(available_timezones())


def moments(local: datetime, zone: tzinfo) -> list[datetime]:
    """The instants at which clocks of this zone show this, the earliest first: two where an hour comes twice, none
    where it is left out."""
    found = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(m for m in found if m.astimezone(zone).replace(tzinfo=None) == local)


def seconds_of(text: str) -> int | None:
    """A duration in seconds: `62` minutes, `1:02:03`, `1h 2m 3s`, `1 hr 2 min`, `59 Min. 3 Sek.`; None: none of these.

    `1:02` is none: it may be hours or minutes.
    """
    if len(text) > LONGEST_TEXT:
        return None
    seconds = _seconds(plain(text))
    return round(seconds) if seconds is not None and seconds <= LONGEST_STAY else None


def _seconds(value: str) -> float | None:
    if match := re.fullmatch(r"(\d+):(\d{2}):(\d{2})", value):
        return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])
    if re.fullmatch(r"\d+(?:[.,]\d+)?", value):
        return float(value.replace(",", ".")) * 60
    if not re.fullmatch(rf"(?:{_AMOUNT.pattern})+", value):
        return None
    seconds = 0.0
    for amount, unit in _AMOUNT.findall(value):
        factor = _factor(unit)
        if factor is None:
            return None
        seconds += float(amount.replace(",", ".")) * factor
    return seconds


def _factor(unit: str) -> int | None:
    for starts, factor in ((_HOURS, 3600), (_MINUTES, 60), (_SECONDS, 1)):
        if unit.startswith(starts):
            return factor
    return 86_400 if unit in ("d", "day", "days") else None
