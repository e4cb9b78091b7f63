"""Words about what is achieved together: how it stands, what was recorded, and why it can't be."""

from dataclasses import dataclass
from datetime import date, datetime

from mappings.earning import Milestone
from mappings.outcomes import DONE, Outcome, OutcomeStatus
from records.milestone_file import MAX_CYCLE, MAX_EVIDENCE
from records.models import MilestoneRow
from records.queries.milestone_overview import Why
from records.queries.milestone_subject import Gathering, Subject
from service import sentences, session_words, wording
from service.i18n import N_, _
from service.sentences import Teller

TITLES = {
    "organisation": N_("Schools and organisations"),
    "community": N_("Communities and teams"),
    "program": N_("The program"),
}
SUBJECTS = {
    "organisation": N_("Organisation"),
    "community": N_("Community"),
    "team": N_("Team"),
    "program": N_("Program"),
}
FAULTS = {
    "milestone": N_("The program has no such milestone here: choose one of the list."),
    "day": N_("Give the day on which it was reached, as YYYY-MM-DD."),
    "ahead": N_("That day has yet to come: a milestone is recorded once it is reached."),
    "early": N_("That day is before the session that it follows."),
    "cycle": N_("Give the label of the cycle, of at most %(most)s characters, such as 2026-1: its phases share it."),
    "session": N_("Choose the session that it follows, out of the list."),
    "evidence": N_(
        "Each piece is a link that begins with https://, without a user name or password in it; at most %(pieces)s,"
        " one a line."
    ),
    "note": N_("A note is one line of text, of at most %(text)s characters."),
    "subject": N_("More than one team of the community has this idnumber: give them different ones in Moodle."),
    "stale": N_("Somebody changed it meanwhile: this is how it is now."),
}
ACTIONS = {
    "new": N_("Recorded: %(what)s."),
    "changed": N_("Recorded anew: %(what)s. What it was before stays in its history."),
    "unchanged": N_("It was recorded so already: %(what)s."),
    "withdrawn": N_("Taken back: %(what)s. It stays in its history."),
    "restored": N_("It stands again: %(what)s."),
}
MAX_NOTE = 1333


@dataclass(frozen=True, slots=True)
class Cell:
    """How a requirement stands, in words. `css`: which of the styles for it."""

    words: str
    css: str
    have: str
    why: Why | None
    done: bool


@dataclass(frozen=True, slots=True)
class CycleTold:
    """A cycle of a subject. `phases`: (title, day; empty where it is missing, whether Moodle told it); `full`: None
    where the program doesn't say which phases make it a full one."""

    title: str
    label: str
    phases: list[tuple[str, str, bool]]
    full: bool | None


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return _(FAULTS[code], most=MAX_CYCLE, pieces=MAX_EVIDENCE, text=MAX_NOTE)


def cell(outcome: Outcome, teller: Teller, why: Why | None) -> Cell:
    """Met, waived, overdue since when, or due on which day."""
    words, due = sentences.outcome(outcome.status), teller.last_day(outcome.due) if outcome.due else ""
    if due and outcome.status is OutcomeStatus.OPEN:
        words = _("Due on %(day)s", day=due)
    elif due and outcome.status is OutcomeStatus.OVERDUE:
        words = _("Overdue since %(day)s", day=due)
    done = outcome.status in DONE
    css = "met" if done else "short" if outcome.status is OutcomeStatus.OVERDUE else "state"
    have = "" if outcome.status is OutcomeStatus.WAIVED else teller.have(outcome.have, outcome.need, outcome.unit)
    if outcome.status is OutcomeStatus.TO_BE_SET:
        have = _("due on %(day)s", day=due) if due else ""
    return Cell(words, css, have, why if outcome.status is OutcomeStatus.WAIVED else None, done)


def due(outcome: Outcome, teller: Teller) -> tuple[datetime, str] | None:
    """By when something is still to be done: the first instant too late, and the last day in words."""
    if outcome.due is None or outcome.status in DONE:
        return None
    return outcome.due, teller.last_day(outcome.due)


def what(row: MilestoneRow, teller: Teller, gatherings: dict[str, str]) -> str:
    """A recorded milestone: which, of which cycle, after which session."""
    title = teller.milestone(row.code)
    if row.cycle:
        return _("%(what)s, cycle %(label)s", what=title, label=row.cycle)
    if row.session_id:
        return _("%(what)s, after %(session)s", what=title, session=gatherings.get(str(row.session_id), ""))
    return title


def gathering(found: Gathering) -> str:
    """A session and its day."""
    day = wording.day(found.starts_at, found.timezone)
    return _("%(what)s, %(day)s", what=found.title or found.code, day=day)


def choice(milestone: Milestone, teller: Teller) -> str:
    """A milestone in a list to choose from: with its cycle, or what it follows."""
    title = teller.milestone(milestone.milestone)
    if milestone.cycle:
        return _("%(cycle)s: %(what)s", cycle=teller.cycle(milestone.cycle), what=title)
    if milestone.after:
        kind = session_words.kind(teller.program, milestone.after, teller.language)
        return _("%(what)s (after each session of the kind: %(kind)s)", what=title, kind=kind)
    return title


def cycles(found: Subject, teller: Teller) -> list[CycleTold]:
    """The cycles of a subject's own phases, those begun last first."""
    told: list[tuple[datetime, CycleTold]] = []
    own = {one.row.key for one in found.recorded}
    for cycle in found.program.cycles:
        phases = {m.phase: m for m in found.program.milestones if (m.of, m.cycle) == (found.of.kind, cycle.cycle)}
        codes = {m.milestone for m in phases.values()}
        reached = [r for r in found.reached if r.milestone in codes]
        for label in dict.fromkeys(r.cycle for r in reached):
            mine = {r.milestone: r for r in reached if r.cycle == label}
            there = {phase: mine.get(phases[phase].milestone) for phase in cycle.phases if phase in phases}
            full = None if isinstance(cycle.full, str) else all(there.get(phase) for phase in cycle.full)
            lines = [
                (teller.milestone(phases[phase].milestone), teller.day(r.happened_at) if r else "", _moodle(r, own))
                for phase, r in there.items()
            ]
            began = min(r.happened_at for r in mine.values())
            told.append((began, CycleTold(teller.cycle(cycle.cycle), label, lines, full)))
    return [one for _began, one in sorted(told, key=lambda pair: pair[0], reverse=True)]


def _moodle(reached: object, own: set[str]) -> bool:
    return reached is not None and getattr(reached, "key", "") not in own


def safe_link(address: str) -> bool:
    """Whether an address may be shown as a link: one of the web, and of no other kind."""
    return address.startswith(("https://", "http://"))


def designated(day: date) -> str:
    """A day as it is recorded, without a time zone."""
    return wording.date_words(day)
