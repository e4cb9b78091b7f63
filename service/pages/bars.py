"""Bars: how many hours of which component, against the band. Geometry in percent, words beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service import wording
from service.i18n import _

HEADROOM = 1.25
"""The scale ends this far beyond the band, so that the band's end is seen as one."""
PATTERNS = ("solid", "hatch", "dots", "cross", "lines")
"""By the component's place in the program file; told apart without colours, too."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component's stretch of a bar. `x` and `width` are percentages, as SVG takes them."""

    component: str
    pattern: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar ready to draw. `text` says in words what it shows."""

    parts: tuple[Part, ...]
    band: tuple[str, str] | None
    """Where the band begins, and how wide it is."""
    band_end: str
    text: str


def scale_for(totals: Iterable[int], band_max: int | None) -> int:
    """The minutes at the right end of all bars that are to be compared."""
    return max([60, round((band_max or 0) * HEADROOM), *totals])


def patterns(components: Iterable[str]) -> dict[str, str]:
    """Which pattern each component of a program is drawn in."""
    return {code: PATTERNS[n % len(PATTERNS)] for n, code in enumerate(components)}


def bar(by_component: Mapping[str, int], drawn: Mapping[str, str], scale: int, band: tuple[int, int] | None) -> Bar:
    """A bar of minutes by component, in the order of `drawn`."""
    parts, at = [], 0
    for code in sorted(by_component, key=lambda c: (list(drawn).index(c) if c in drawn else len(drawn), c)):
        # Minutes that were taken away can't be drawn; the words beside the bar say them.
        length = max(0, min(by_component[code], scale - at))
        if length:
            parts.append(Part(code, drawn.get(code, PATTERNS[-1]), _percent(at, scale), _percent(length, scale)))
        at += length
    place = (_percent(band[0], scale), _percent(band[1] - band[0], scale)) if band else None
    return Bar(tuple(parts), place, _percent(band[1], scale) if band else "0%", describe(by_component, band))


def describe(by_component: Mapping[str, int], band: tuple[int, int] | None) -> str:
    """11 h 30 min of 16–20 h: online 4 h, face-to-face 7 h 30 min."""
    total = wording.hours(sum(by_component.values()))
    start = _("%(total)s of %(band)s", total=total, band=wording.band(*band)) if band else total
    if not by_component:
        return start
    pieces = (
        _("%(component)s %(hours)s", component=wording.component(code), hours=wording.hours(minutes))
        for code, minutes in by_component.items()
    )
    return _("%(summary)s: %(parts)s", summary=start, parts=", ".join(pieces))


def _percent(minutes: int, scale: int) -> str:
    return f"{100 * minutes / scale:.2f}%"
