"""A person: every minute in every community in scope explained, and what earned nothing and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.facts import Ended, Fact, Line, Nothing, State
from mappings.program import Program, version_at
from mappings.standing import Standing
from records import ledger
from records.actor import Actor, in_scope
from records.models import Community, Decision, FactRow, LedgerEntry, Membership, ProgramVersionRow
from records.programs import newest
from records.queries.community import names_of


@dataclass(frozen=True, slots=True)
class Explained:
    """One line: what happened, and what it earned by which rule and version, or `nothing` and why."""

    kind: str
    """`completion`, `attendance` or `adjustment`."""
    what: str
    """The activity's name, the session's title, or the adjustment's reason; empty while it is unknown."""
    detail: str
    """The activity's kind or the session's mode."""
    happened_at: datetime
    minutes: int
    component: str | None
    rule: str | None
    version: int
    nothing: Nothing | None
    state: State | None
    ended: Ended | None
    overridden: bool
    """Somebody marked it in Moodle in the participant's place."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger. A reversal takes back an earlier one; `ended` says how that fact ended."""

    created_at: datetime
    happened_at: datetime
    what: str
    minutes: int
    component: str
    rule: str
    version: int
    reversal: bool
    ended: Ended | None


@dataclass(frozen=True, slots=True)
class InCommunity:
    """The person in one community."""

    community_id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    role: str
    status: str
    dirty: bool
    standing: Standing
    lines: list[Explained]
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class PersonPage:
    """All that a person's page shows; only the communities in the actor's scope."""

    id: UUID
    name: str
    account: int
    communities: list[InCommunity]


def person(session: Session, actor: Actor, person_id: UUID, now: datetime) -> PersonPage | None:
    """A person; None for nobody and for somebody without a community in the actor's scope alike.

    The lines come from the very functions that reconcile the ledger.
    """
    ids = list(
        session.scalars(
            select(Membership.id)
            .join(Community)
            .where(Membership.person_id == person_id, in_scope(actor))
            .order_by(Membership.created_at, Membership.id)
        )
    )
    if not ids:
        return None
    by_id = {item.membership.id: item for item in ledger.inputs_of(session, ids)}
    name, account = names_of(session, [person_id]).get(person_id, ("", 0))
    return PersonPage(person_id, name, account, [_in_community(session, by_id[i], now) for i in ids if i in by_id])


def _in_community(session: Session, item: ledger.Inputs, now: datetime) -> InCommunity:
    answer = ledger.answer(item, now)
    community = item.community
    reasons = _reasons(session, item.membership.id)
    overridden = _overridden(session, answer.lines)
    lines = [_explained(item, line, reasons, overridden) for line in answer.lines]
    named = {line.fact.key: _what(line.fact) for line in answer.lines if line.fact}
    named |= {f"decision:{decision}": reason for decision, reason in reasons.items()}
    return InCommunity(
        community.id,
        newest(item.versions),
        community.topic,
        community.region,
        community.timezone,
        answer.role,
        answer.status,
        item.membership.dirty_at is not None,
        answer.standing,
        lines,
        _entries(session, item.membership.id, named),
    )


def _reasons(session: Session, membership_id: UUID) -> dict[str, str]:
    rows = session.execute(select(Decision.id, Decision.reason).where(Decision.membership_id == membership_id))
    return {str(decision): reason for decision, reason in rows}


def _overridden(session: Session, lines: list[Line]) -> set[str]:
    facts = [UUID(line.fact.id) for line in lines if line.fact]
    if not facts:
        return set()
    rows = session.scalars(select(FactRow.id).where(FactRow.id.in_(facts), FactRow.overrideby.is_not(None)))
    return {str(fact) for fact in rows}


def _what(fact: Fact) -> str:
    if fact.session:
        return fact.session.title
    return fact.activity.name if fact.activity else ""


def _explained(item: ledger.Inputs, line: Line, reasons: Mapping[str, str], overridden: set[str]) -> Explained:
    credit, fact = line.credit, line.fact
    source = credit or fact
    if source is None:
        raise ValueError("a line of an explanation has a credit or a fact")
    happened_at = source.happened_at
    kind, what, detail = "adjustment", reasons.get(line.decision or "", ""), ""
    if fact:
        kind, what = str(fact.kind), _what(fact)
        detail = fact.session.mode if fact.session else fact.activity.kind if fact.activity else ""
    return Explained(
        kind=kind,
        what=what,
        detail=detail,
        happened_at=happened_at,
        minutes=credit.minutes if credit else 0,
        component=credit.component if credit else None,
        rule=credit.rule if credit else line.params.get("rule"),
        version=version_at(item.versions, happened_at).number,
        nothing=line.nothing,
        state=fact.state if fact else None,
        ended=fact.ended if fact else None,
        overridden=bool(fact and fact.id in overridden),
    )


def _entries(session: Session, membership_id: UUID, named: Mapping[str, str]) -> list[Entry]:
    """The ledger as it was written, the newest first."""
    rows = session.execute(
        select(LedgerEntry, ProgramVersionRow.number, FactRow.ended)
        .join(ProgramVersionRow, ProgramVersionRow.id == LedgerEntry.program_version_id)
        .outerjoin(FactRow, FactRow.id == LedgerEntry.fact_id)
        .where(LedgerEntry.membership_id == membership_id)
        .order_by(LedgerEntry.created_at.desc(), LedgerEntry.id.desc())
    )
    return [
        Entry(
            created_at=entry.created_at,
            happened_at=entry.happened_at,
            what=named.get(entry.credit_key, ""),
            minutes=entry.minutes,
            component=entry.component,
            rule=entry.rule,
            version=number,
            reversal=entry.reverses is not None,
            ended=Ended(ended) if ended and entry.reverses else None,
        )
        for entry, number, ended in rows
    ]
