"""What was decided about a participant, in words: a line of the history for each decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from records.actor import Role
from records.decisions import Kind
from records.queries.history import Event
from service import session_words, wording
from service.i18n import N_, _
from service.sentences import Teller
from service.wording import ROLES

KINDS: dict[str, str] = {
    Kind.ADJUSTMENT: N_("an adjustment"),
    Kind.SELF_REPORT: N_("reported hours"),
    Kind.APPROVAL: N_("an approval"),
    Kind.WAIVER: N_("a waiver"),
    Kind.RATIONALE: N_("a rationale"),
    Kind.TRANSFER: N_("a transfer"),
    Kind.ADMISSION: N_("the letting in of a late change"),
    Kind.PRESENCE: N_("a decision on attendance"),
    Kind.MERGE: N_("a merge of two people"),
}


@dataclass(frozen=True, slots=True)
class EventTold:
    """A decision, and the words for it."""

    event: Event
    what: str
    by: str
    """Who: the name for those who may see it, else the role alone."""
    moved: str
    """Hours before and after; empty where it moved none."""
    waits: bool


def tell(event: Event, teller: Teller, *, named: bool, waits: bool) -> EventTold:
    """Put a decision into words. `named`: whether who reads it may know who decided."""
    moved = ""
    if event.before is not None and event.after is not None:
        moved = _("from %(before)s to %(after)s", before=wording.hours(event.before), after=wording.hours(event.after))
    return EventTold(event, _what(event, teller), _by(event, named=named), moved, waits)


def _by(event: Event, *, named: bool) -> str:
    role = _(ROLES[Role(event.role)]) if event.role in set(Role) else session_words.by(event.role)
    if event.by == event.actor and event.actor in session_words.BY:
        return _("%(role)s, at the command line", role=role) if event.actor == "cli" else session_words.by(event.by)
    return _("%(name)s, %(role)s", name=event.by, role=role) if named and event.by != event.actor else role


def _what(event: Event, teller: Teller) -> str:
    found = WHAT.get(event.kind)
    return found(event, teller) if found else wording.plain(event.kind)


def _amount(event: Event) -> str:
    minutes, component = int(event.data["minutes"]), str(event.data["component"])
    return _("%(hours)s %(component)s", hours=wording.hours(abs(minutes)), component=wording.component(component))


def _adjustment(event: Event, _teller: Teller) -> str:
    amount = _amount(event)
    if int(event.data["minutes"]) < 0:
        return _("Adjusted: %(amount)s taken away", amount=amount)
    return _("Adjusted: %(amount)s given", amount=amount)


def _report(event: Event, teller: Teller) -> str:
    day = teller.day(datetime.fromisoformat(str(event.data["happened_at"])))
    return _("Reported by the participant: %(amount)s on %(day)s", amount=_amount(event), day=day)


def _approval(event: Event, _teller: Teller) -> str:
    return _("Reported hours were approved") if event.data.get("report") else _("A large adjustment was approved")


def _waiver(event: Event, teller: Teller) -> str:
    return _("Not asked any more: %(requirement)s", requirement=teller.requirement(str(event.data["requirement"])))


def _rationale(event: Event, teller: Teller) -> str:
    return _("Deviates from a guideline, with a rationale: %(notice)s", notice=teller.notice(str(event.data["notice"])))


def _transfer(_event: Event, _teller: Teller) -> str:
    return _("Goes on here with what was earned in another community")


def _admission(_event: Event, _teller: Teller) -> str:
    return _("A late change was let into a closed period")


def _presence(event: Event, _teller: Teller) -> str:
    minutes, title = event.data.get("minutes"), event.session
    if minutes is None:
        return _("Attendance decided: %(title)s", title=title)
    if not int(minutes):
        return _("Attendance decided: %(title)s, not there", title=title)
    return _("Attendance decided: %(title)s, %(hours)s", title=title, hours=wording.hours(int(minutes)))


def _undo(event: Event, _teller: Teller) -> str:
    what = _(KINDS[event.undid]) if event.undid in KINDS else wording.plain(event.undid)
    if event.data.get("refused"):
        return _("Not approved: %(what)s", what=what)
    return _("Took back: %(what)s", what=what)


WHAT: dict[str, Callable[[Event, Teller], str]] = {
    Kind.ADJUSTMENT: _adjustment,
    Kind.SELF_REPORT: _report,
    Kind.APPROVAL: _approval,
    Kind.WAIVER: _waiver,
    Kind.RATIONALE: _rationale,
    Kind.TRANSFER: _transfer,
    Kind.ADMISSION: _admission,
    Kind.PRESENCE: _presence,
    Kind.UNDO: _undo,
}
