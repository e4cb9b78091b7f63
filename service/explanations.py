"""An explanation in words, line by line: the same on a page and at the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mappings.credit import ADJUSTMENT, SELF_REPORT
from mappings.earning import Cap
from mappings.facts import Meeting
from mappings.limits import BEST_OF, CAP, ROUNDING
from mappings.outcomes import DONE, Outcome, OutcomeStatus
from mappings.standing import REACHED
from records.actor import Role
from records.queries.explained import GONE, Entry, Explained
from records.queries.person import InCommunity, Open
from service import attended_words, sentences, session_words, wording
from service.i18n import N_, _, ngettext
from service.sentences import Teller

PER = {
    "activity": N_("It holds for each activity or session."),
    "day": N_("It holds for each day."),
    "week": N_("It holds for each week from Monday."),
    "term": N_("It holds for each term."),
    "period": N_("It holds for the program's period."),
    "all": N_("It holds for everything together."),
}

OPEN = 20
"""So many things that would still earn hours are named."""


@dataclass(frozen=True, slots=True)
class LineTold:
    """A line, and the words for it."""

    line: Explained
    what: str
    detail: str
    notes: list[str]
    why: str
    """Why it earned nothing; empty where it earned something."""


@dataclass(frozen=True, slots=True)
class RequirementTold:
    """A requirement, and the words for it."""

    code: str
    title: str
    status: OutcomeStatus
    words: str
    have: str
    missing: str
    due: str
    """The last day; empty without one."""
    counted: list[str]
    passed_over: list[tuple[str, str]]
    """(What, why it didn't count)."""

    @property
    def done(self) -> bool:
        return self.status in DONE


@dataclass(frozen=True, slots=True)
class Told:
    """Everything about a person in one community, in words."""

    lines: list[LineTold]
    requirements: list[RequirementTold]
    to_do: list[str]
    """What is missing: hours first, then each requirement that is open."""
    open: list[tuple[str, str]]
    """What would still earn hours, the first ones: (what, when and how much)."""
    totals: list[tuple[str, str]]
    """(Amount, what it is) beside the sum of the lines, where there is more to say."""
    pace: str
    entries: list[str]
    """What each entry of the ledger is about."""
    taken_back: list[str]
    """How each of them came to be taken back; empty of those that take nothing back."""
    written: list[str]
    """Where the ledger's own net at a past moment was another one."""


def tell(found: InCommunity, language: str) -> Told:
    """Put an explanation into words."""
    teller = Teller(found.program, found.timezone, language)
    lines = [_line(line, found, language) for line in found.lines]
    names = _names(lines, found.meetings, teller)
    listed = {told.line.key: told.what for told in lines}
    requirements = [requirement(outcome, teller, names) for outcome in found.standing.outcomes]
    return Told(
        lines=lines,
        requirements=requirements,
        to_do=_to_do(found, requirements),
        open=[_open(one, teller) for one in found.open[:OPEN]],
        totals=_totals(found, teller),
        pace=_pace(found, teller),
        entries=[_entry(entry, listed, teller) for entry in found.entries],
        taken_back=[_taken_back(entry, listed, teller) if entry.reversal else "" for entry in found.entries],
        written=_written(found, {entry.key: _entry(entry, listed, teller) for entry in found.entries} | names),
    )


def requirement(outcome: Outcome, teller: Teller, names: Mapping[str, str]) -> RequirementTold:
    """A requirement in words. `names`: of lines, sessions and cycles, by what counted."""
    return RequirementTold(
        code=outcome.requirement,
        title=teller.requirement(outcome.requirement),
        status=outcome.status,
        words=sentences.outcome(outcome.status),
        have=teller.have(outcome.have, outcome.need, outcome.unit),
        missing=teller.lacking(outcome.missing),
        due=teller.last_day(outcome.due) if outcome.due else "",
        counted=[name for key in dict.fromkeys(outcome.counted) if (name := _name(key, names, teller))],
        passed_over=[
            (name, sentences.passed_over(why))
            for key, why in dict.fromkeys(outcome.passed_over)
            if (name := _name(key, names, teller))
        ],
    )


def _name(key: str, names: Mapping[str, str], teller: Teller) -> str:
    """What counted, or didn't: a line, a session, the milestone that a key begins with, or a cycle's label."""
    if key in names:
        return names[key]
    code = key.partition(":")[0]
    if code in teller.program.milestones_by_name:
        return teller.milestone(code)
    return "" if ":" in key else key


def named_meetings(meetings: Mapping[str, Meeting], teller: Teller) -> dict[str, str]:
    """What requirements call sessions, by item."""
    return {
        item: _dated(meeting.title or meeting.code, meeting.starts_at, teller) for item, meeting in meetings.items()
    }


def _dated(what: str, moment: datetime, teller: Teller) -> str:
    return _("%(what)s, %(day)s", what=what, day=teller.day(moment))


def _names(lines: list[LineTold], meetings: dict[str, Meeting], teller: Teller) -> dict[str, str]:
    found = {told.line.key: _dated(told.what, told.line.happened_at, teller) for told in lines}
    return named_meetings(meetings, teller) | found


def _entry(entry: Entry, names: Mapping[str, str], teller: Teller) -> str:
    """What a ledger entry is about. How it came about that minutes are taken back may have changed since."""
    rule, _colon, name = entry.rule.partition(":")
    if rule == CAP:
        return _("Above the cap “%(cap)s”", cap=teller.cap(name))
    if rule == ROUNDING:
        return _("Rounding")
    if rule == BEST_OF:
        return _("The lesser of several that stand for one thing")
    return names.get(entry.key) or _decided(rule, entry.reason) or _("No longer listed")


def _taken_back(entry: Entry, names: Mapping[str, str], teller: Teller) -> str:
    """How it came about that an entry was taken back."""
    if entry.ended:
        return wording.ended(entry.ended)
    undone = entry.undone
    if undone and (undone.approval or entry.key not in names):
        by = _(wording.ROLES[Role(undone.role)]) if undone.role in set(Role) else session_words.by(undone.role)
        said = {"role": by, "day": teller.day(undone.at), "reason": undone.reason}
        if undone.approval:
            return _("Its approval was taken back (%(role)s, %(day)s): %(reason)s", **said)
        return _("Taken back (%(role)s, %(day)s): %(reason)s", **said)
    return _("Taken back: something else counts instead.")


def _decided(rule: str | None, reason: str) -> str:
    """Minutes that somebody decided, by their rule; empty for another rule."""
    if rule == ADJUSTMENT:
        return _("Adjustment: %(reason)s", reason=reason) if reason else _("Adjustment")
    if rule == SELF_REPORT:
        return _("Reported: %(what)s", what=reason) if reason else _("Reported by the participant")
    return ""


def _line(line: Explained, found: InCommunity, language: str) -> LineTold:
    teller = Teller(found.programs.get(line.version, found.program), found.timezone, language)
    what, detail = _what(line, found.lines, teller)
    notes = _notes(line) + (attended_words.notes(line.attended, found.timezone) if line.attended else [])
    return LineTold(line, what, detail, notes, wording.nothing(line.nothing) if line.nothing else "")


def _what(line: Explained, lines: list[Explained], teller: Teller) -> tuple[str, str]:
    """(What it is, more about it)."""
    if decided := _decided(line.kind, line.what):
        return decided, ""
    if line.kind == GONE:
        return _("Stood when the period was closed, and isn't there any more"), ""
    if line.kind in FOLLOWED:
        return FOLLOWED[line.kind](line, lines, teller)
    if line.kind == "milestone":
        return teller.milestone(line.what), _("cycle %(label)s", label=line.detail) if line.detail else ""
    detail = wording.mode(line.detail) if line.kind == "attendance" else wording.activity_kind(line.detail)
    return (line.what, detail) if line.what else (_("An activity that Moodle has yet to describe"), "")


def _best_of(line: Explained, lines: list[Explained], _teller: Teller) -> tuple[str, str]:
    params = line.params
    by_key = {other.key: other for other in lines}
    best = by_key.get(str(params.get("best", "")))
    of = [by_key[key] for key in params.get("of", ()) if key in by_key]
    instead = _("“%(what)s” counts instead.", what=best.what) if best and best.what else ""
    if any(other.session for other in (*of, *((best,) if best else ()))):
        return ngettext(
            "The lesser of two ways to the same session", "The lesser ways to the same session", max(1, len(of))
        ), instead
    return ngettext(
        "The lesser of two that stand for one thing", "The lesser of several that stand for one thing", max(1, len(of))
    ), instead


def _cap(line: Explained, _lines: list[Explained], teller: Teller) -> tuple[str, str]:
    cap: Cap | None = next((cap for cap in teller.program.caps if cap.cap == line.what), None)
    if cap is None:
        return _("Above the cap “%(cap)s”", cap=teller.cap(line.what)), ""
    title = teller.cap(line.what)
    return _("Above the cap “%(cap)s” of %(hours)s", cap=title, hours=wording.hours(cap.minutes)), _(PER[cap.per])


def _rounding(line: Explained, _lines: list[Explained], _teller: Teller) -> tuple[str, str]:
    if "exact" not in line.params:
        return _("Rounding"), ""
    exact = int(line.params["exact"])
    rounded = wording.hours(exact + line.minutes)
    return _("Rounded from %(exact)s to %(rounded)s", exact=wording.hours(exact), rounded=rounded), ""


FOLLOWED = {BEST_OF: _best_of, CAP: _cap, ROUNDING: _rounding}


def _notes(line: Explained) -> list[str]:
    notes = []
    if line.continues:
        notes.append(_("Done in a copy of the course: it goes on with this activity, and both count once."))
    if line.from_moodle and line.nothing is None:
        notes.append(_("The hours are those that the activity's form in Moodle states."))
    if line.ended and line.nothing is None:
        notes.append(wording.ended(line.ended))
    if line.overridden:
        notes.append(_("Marked by somebody else in Moodle."))
    if line.exact is not None:
        notes.append(_("Rounded from %(exact)s.", exact=wording.hours(line.exact)))
    if line.late is not None and line.kind != GONE:
        now = wording.hours(line.late)
        notes.append(_("Late: its period is closed. By now it would be %(now)s; staff decide about it.", now=now))
    return notes


def _to_do(found: InCommunity, requirements: list[RequirementTold]) -> list[str]:
    standing = found.standing
    if not found.takes_part:
        return []
    short = max(0, (standing.band_min or 0) - standing.minutes)
    hours = [_("%(hours)s to go", hours=wording.hours(short))] if short else []
    return hours + [
        _("%(requirement)s: %(missing)s", requirement=told.title, missing=told.missing) if told.missing else told.title
        for told in requirements
        if not told.done
    ]


def _open(one: Open, teller: Teller) -> tuple[str, str]:
    earns = _("%(hours)s %(what)s", hours=wording.hours(one.minutes), what=wording.component(one.component))
    if one.starts_at is None:
        return one.title, earns
    return one.title, _("%(day)s: %(earns)s", day=teller.day(one.starts_at), earns=earns)


def _totals(found: InCommunity, teller: Teller) -> list[tuple[str, str]]:
    standing = found.standing
    totals = []
    if standing.minutes != standing.all_minutes:
        totals.append((wording.hours(standing.minutes), _span_words(found, teller)))
    if standing.carried:
        totals.append((wording.hours(standing.carried), _("of these carried over from the period before")))
    return totals


def _span_words(found: InCommunity, teller: Teller) -> str:
    start, end = found.period.start, found.period.end
    if start and end:
        return _("in the present period, %(start)s to %(end)s", start=teller.day(start), end=teller.last_day(end))
    return _("in the present period")


def _pace(found: InCommunity, teller: Teller) -> str:
    if found.forecast is None or found.standing.status in REACHED:
        return ""
    amount = wording.hours(found.forecast.minutes)
    return _("At this pace %(hours)s by %(day)s.", hours=amount, day=teller.last_day(found.forecast.until))


def _written(found: InCommunity, names: dict[str, str]) -> list[str]:
    written = found.written
    if written is None or not written.differing:
        return []
    said = [
        _(
            "The ledger itself held %(written)s then; computed today it is %(computed)s. Which activities earn what,"
            " and who has which role, is looked at as it is today: some of it was changed since. Or the ledger was"
            " written a moment later.",
            written=wording.hours(written.written),
            computed=wording.hours(written.computed),
        )
    ]
    for key, (then, now) in written.differing.items():
        what = names.get(key) or _("No longer listed")
        said.append(
            _("%(what)s: %(then)s then, %(now)s today", what=what, then=wording.hours(then), now=wording.hours(now))
        )
    return said
