"""The forms of acts: what was typed, the decision that it drafts, and what of it is shown before it is taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from mappings.program import Program
from records import deciding
from records.csv_file import Wrong, day
from records.deciding import By, DecisionError, Draft
from records.decision_faults import Why
from records.milestone_file import Evidence, evidence_of
from records.reached import Subject
from service import wording
from service.i18n import _, language_now
from service.pages import act_words
from service.sentences import Teller

NAMES = ("direction", "hours", "minutes", "component", "day", "link", "note", "code", "source", "reason")
"""The fields of all forms."""
MOST_HOURS_DIGITS, MOST_MINUTES_DIGITS, LONGEST = 4, 5, 2_000


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form, by field."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Typed":
        """Out of a form; whatever else it holds is left out."""
        return cls({name: form.get(name, "").strip()[:LONGEST] for name in NAMES})

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def amount(self) -> int:
        """Whole minutes, negative where they are taken. Raises DecisionError."""
        hours, minutes = self["hours"] or "0", self["minutes"] or "0"
        if not (_digits(hours, MOST_HOURS_DIGITS) and _digits(minutes, MOST_MINUTES_DIGITS)):
            raise DecisionError("An amount is of whole hours and minutes.", Why.AMOUNT)
        found = 60 * int(hours) + int(minutes)
        return -found if self["direction"] == "take" else found

    @property
    def day(self) -> date:
        """The day that was chosen. Raises DecisionError."""
        try:
            return day(self["day"])
        except Wrong as err:
            raise DecisionError("A day is chosen.", Why.AHEAD) from err

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """A link and a note, as far as they are there. Raises DecisionError."""
        try:
            found = evidence_of(self["link"])
        except Wrong as err:
            raise DecisionError("The evidence can't be taken.", Why.EVIDENCE) from err
        return (*found, ("note", self["note"])) if self["note"] else found


def _digits(text: str, most: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= most


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done: how it is drafted of what was typed, and what is shown of that."""

    name: str
    draft: Callable[[Session, By], Draft]
    told: list[tuple[str, str]] = field(default_factory=list)
    """(What, how it was filled in)."""


def of_membership(name: str, membership_id: UUID, typed: Typed, program: Program, timezone: str) -> Act:
    """An act about a membership. Raises DecisionError for what can't be understood."""
    teller = Teller(program, timezone, language_now())
    makers: Mapping[str, Callable[[UUID, Typed, Teller], Act]] = {
        "adjust": _adjust,
        "report": _report,
        "transfer": _transfer,
    }
    if name in makers:
        return makers[name](membership_id, typed, teller)
    return of_subject(name, ("participant", membership_id), None, typed, teller)


def of_subject(name: str, subject: Subject, program_id: UUID | None, typed: Typed, teller: Teller) -> Act:
    """A waiver or a rationale."""
    code, waives = typed["code"], name == "waive"
    make = deciding.waive if waives else deciding.explain
    what = (_("Requirement"), teller.requirement(code)) if waives else (_("Guideline"), teller.notice(code))
    return Act(name, lambda session, by: make(session, subject, program_id, code, now=by.now), [what])


def _adjust(membership_id: UUID, typed: Typed, _teller: Teller) -> Act:
    minutes, component = typed.amount, typed["component"]

    def draft(session: Session, by: By) -> Draft:
        return deciding.adjust(session, membership_id, minutes=minutes, component=component, now=by.now)

    told = [(_("Amount"), act_words.signed(minutes)), (_("Counts as"), wording.component(component))]
    return Act("adjust", draft, told)


def _report(membership_id: UUID, typed: Typed, _teller: Teller) -> Act:
    minutes, component, on, evidence = typed.amount, typed["component"], typed.day, typed.evidence

    def draft(session: Session, by: By) -> Draft:
        about = {"minutes": minutes, "component": component}
        return deciding.report(session, membership_id, **about, day=on, evidence=evidence, now=by.now)  # type: ignore[arg-type]

    told = [
        (_("Amount"), wording.hours(minutes)),
        (_("Counts as"), wording.component(component)),
        (_("Day"), wording.date_words(on)),
        *((_("Evidence"), value) for _kind, value in evidence),
    ]
    return Act("report", draft, told)


def _transfer(membership_id: UUID, typed: Typed, _teller: Teller) -> Act:
    try:
        source = UUID(typed["source"])
    except ValueError as err:
        raise DecisionError("A community is chosen.", Why.SAME) from err
    return Act("transfer", lambda session, _by: deciding.transfer(session, source, membership_id))
