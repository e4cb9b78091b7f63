"""What there is to say about an attendance beside its minutes, in words: on the person's page and at the terminal."""

from records.queries.attended import Attended, Choice, Value
from service.i18n import _
from service.wording import day, hours, plain, way_words


def notes(found: Attended, timezone: str) -> list[str]:
    """Which ways reported it, that they disagree, and what was decided, the latest first."""
    said = []
    if found.ways:
        said.append(_("Recorded by: %(ways)s.", ways=", ".join(way_words(str(way)) for way in found.ways)))
    if found.disputed:
        said.append(_("These disagree: the least counts until somebody decides."))
    return [*said, *(_choice(one, timezone) for one in found.decided)]


def _choice(one: Choice, timezone: str) -> str:
    values = {"by": one.by or _("an administrator"), "day": day(one.at, timezone), "after": _value(one.after)}
    if one.before is None:
        text = _("Decided by %(by)s on %(day)s: %(after)s.", **values)
    else:
        text = _("Decided by %(by)s on %(day)s: %(after)s in place of %(before)s.", before=_value(one.before), **values)
    return f"{text} {one.reason}".strip()


def _value(value: Value) -> str:
    if value.minutes is None:
        return plain(value.status) if value.status else _("nothing")
    return hours(value.minutes)
