"""The words of a decision, in this one place: its kind, what became of it, what it says in short, and as a line of a
person's history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappings.program import Program
from records.actor import Role
from records.decisions import Kind
from records.queries import decided
from records.queries.history import Event
from service import session_words, wording
from service.i18n import N_, _, language_now
from service.sentences import Teller
from service.wording import ROLES

KINDS = {
    Kind.ADJUSTMENT: N_("Adjustment"),
    Kind.SELF_REPORT: N_("Reported hours"),
    Kind.APPROVAL: N_("Approval"),
    Kind.WAIVER: N_("Waiver"),
    Kind.RATIONALE: N_("Rationale"),
    Kind.TRANSFER: N_("Transfer"),
    Kind.RECALCULATION: N_("Recalculation"),
    Kind.CLOSING: N_("Closing of a period"),
    Kind.ADMISSION: N_("Late change let in"),
    Kind.BINDING: N_("Form of an activity"),
    Kind.ADOPTION: N_("Copy of a course"),
    Kind.PRESENCE: N_("Attendance"),
    Kind.MERGE: N_("Two people who are one"),
    Kind.UNDO: N_("Taken back"),
}
STATES = {
    decided.STANDS: N_("stands"),
    decided.UNDONE: N_("taken back"),
    decided.REFUSED: N_("refused"),
    decided.WAITS: N_("waits for approval"),
}
WITHIN: dict[str, str] = {
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
"""As a part of a sentence; of those that can be taken back or be in a person's history."""


def kind(code: str) -> str:
    """A kind of decision."""
    return _(KINDS[Kind(code)])


def state(code: str) -> str:
    """What became of a decision."""
    return _(STATES[code])


def signed(minutes: int) -> str:
    """An amount that is given or taken: +1 h 30 min."""
    return f"+{wording.hours(minutes)}" if minutes > 0 else wording.hours(minutes)


def described(of: str, data: Mapping[str, Any], program: Program | None, timezone: str) -> str:
    """What a decision of a kind says, in short: +1 h 30 min online, or what isn't asked; nothing of other kinds."""
    if of in (Kind.ADJUSTMENT, Kind.SELF_REPORT):
        return _amount(data, signed(int(data["minutes"])))
    teller = Teller(program, timezone, language_now()) if program else None
    return _named(data, teller) if of in (Kind.WAIVER, Kind.RATIONALE) else ""


def _amount(data: Mapping[str, Any], hours: str) -> str:
    return _("%(hours)s %(component)s", hours=hours, component=wording.component(str(data["component"])))


def _named(data: Mapping[str, Any], teller: Teller | None) -> str:
    """The requirement or guideline that a decision is about."""
    if "requirement" in data:
        code = str(data["requirement"])
        return teller.requirement(code) if teller else wording.plain(code)
    code = str(data["notice"])
    return teller.notice(code) if teller else wording.plain(code)


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


def _unsigned(event: Event) -> str:
    return _amount(event.data, wording.hours(abs(int(event.data["minutes"]))))


def _adjustment(event: Event, _teller: Teller) -> str:
    amount = _unsigned(event)
    if int(event.data["minutes"]) < 0:
        return _("Adjusted: %(amount)s taken away", amount=amount)
    return _("Adjusted: %(amount)s given", amount=amount)


def _report(event: Event, teller: Teller) -> str:
    day = teller.day(datetime.fromisoformat(str(event.data["happened_at"])))
    return _("Reported by the participant: %(amount)s on %(day)s", amount=_unsigned(event), day=day)


def _approval(event: Event, _teller: Teller) -> str:
    return _("Reported hours were approved") if event.data.get("report") else _("A large adjustment was approved")


def _waiver(event: Event, teller: Teller) -> str:
    return _("Not asked any more: %(requirement)s", requirement=_named(event.data, teller))


def _rationale(event: Event, teller: Teller) -> str:
    return _("Deviates from a guideline, with a rationale: %(notice)s", notice=_named(event.data, teller))


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
    what = _(WITHIN[event.undid]) if event.undid in WITHIN else wording.plain(event.undid)
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
