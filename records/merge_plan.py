"""What merging two people would change: carried out within a savepoint, looked at, and rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from mappings.credit import credits_of
from mappings.facts import Fact
from mappings.limits import closing_of
from mappings.program import Program
from records import answers
from records.actor import Actor
from records.keys import among
from records.merging import Merge, prepare
from records.models import Account, Site
from records.programs import newest


@dataclass(frozen=True, slots=True)
class AccountShown:
    """An account as pages show it to who decides."""

    site: str
    """The site's slug."""
    site_name: str
    moodle_user_id: int
    name: str
    username: str
    email: str
    idnumber: str
    present: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """How a membership stands, in whole minutes."""

    role: str
    status: str
    minutes: int
    standing: str
    band_min: int | None
    band_max: int | None


@dataclass(frozen=True, slots=True)
class Twice:
    """Something that both have been credited for, and the one person is credited for once."""

    what: str
    """`session`, `activity` or `milestone`."""
    title: str
    minutes: int
    """The lesser of both."""


@dataclass(frozen=True, slots=True)
class InCommunity:
    """A community of either. `theirs`: of who is merged into the other; None: not a member."""

    community_id: UUID
    program: Program
    topic: str
    region: str
    theirs: Looked | None
    own: Looked | None
    after: Looked
    twice: tuple[Twice, ...]

    @property
    def less(self) -> int:
        """How many minutes fewer the one has than both together."""
        return sum(looked.minutes for looked in (self.theirs, self.own) if looked) - self.after.minutes


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merge would change. `from_accounts` go over to the person of `into_accounts`."""

    from_person: UUID
    into_person: UUID
    from_accounts: list[AccountShown]
    into_accounts: list[AccountShown]
    communities: list[InCommunity]


@dataclass(frozen=True, slots=True)
class _Seen:
    item: answers.Inputs
    person: UUID
    """Whose it is when it is looked at: the row is read anew afterwards."""
    live: bool
    """Not merged into another one."""
    looked: Looked
    earned: Mapping[str, tuple[Fact, int]]
    """The facts that are credited, by what they are about."""


def plan_merge(session: Session, from_person: UUID, into_person: UUID, *, actor: Actor, now: datetime) -> MergePlan:
    """What a merge would change; nothing of it is kept. Raises MergeError.

    The transaction must not have changed anything yet, and holds the memberships of both until it ends.
    """
    merge = prepare(session, from_person, into_person, actor)
    shown = accounts_of(session, (from_person, into_person))
    before = _look(session, merge.moves, now)
    after = _carried_out(session, merge, now)
    theirs, own = (
        {seen.item.community.id: seen for seen in before.values() if seen.live and seen.person == person}
        for person in (from_person, into_person)
    )
    found = [
        _community(theirs.get(seen.item.community.id), own.get(seen.item.community.id), seen)
        for seen in after.values()
        if seen.live
    ]
    found.sort(key=lambda one: (one.program.program, one.region, one.topic, str(one.community_id)))
    return MergePlan(from_person, into_person, shown[from_person], shown[into_person], found)


def accounts_of(
    session: Session, persons: Sequence[UUID], *, only: Sequence[UUID] | None = None
) -> dict[UUID, list[AccountShown]]:
    """The accounts of people, all or some, by site and Moodle's id."""
    found: dict[UUID, list[AccountShown]] = {person: [] for person in persons}
    rows = session.execute(
        select(Account, Site.slug, Site.name)
        .join(Site, Site.id == Account.site_id)
        .where(among(Account.person_id, persons), true() if only is None else among(Account.id, only))
        .order_by(Site.slug, Account.moodle_user_id)
        .execution_options(populate_existing=True)
    )
    for a, slug, site in rows:
        name = f"{a.firstname} {a.lastname}".strip()
        shown = AccountShown(slug, site or slug, a.moodle_user_id, name, a.username, a.email, a.idnumber, a.present)
        found[a.person_id].append(shown)
    return found


def _carried_out(session: Session, merge: Merge, now: datetime) -> dict[UUID, _Seen]:
    savepoint = session.begin_nested()
    try:
        merge.carry_out(session)
        return _look(session, merge.moves, now)
    finally:
        savepoint.rollback()


def _look(session: Session, memberships: Sequence[UUID], now: datetime) -> dict[UUID, _Seen]:
    found = {}
    for item in answers.inputs_of(session, memberships):
        answer = answers.answer(item, now)
        standing = answer.standing
        looked = Looked(
            answer.role,
            answer.status,
            sum(credit.minutes for credit in credits_of(answer.lines)),
            str(standing.status),
            standing.band_min,
            standing.band_max,
        )
        earned: dict[str, tuple[Fact, int]] = {}
        for line in answer.lines:
            if line.fact and line.credit:
                about, minutes = _about(line.fact), line.credit.minutes
                if about not in earned or earned[about][1] < minutes:
                    earned[about] = (line.fact, minutes)
        m = item.membership
        found[m.id] = _Seen(item, m.person_id, m.merged_into is None, looked, earned)
    return found


def _about(fact: Fact) -> str:
    """What a fact is about, whosever it is."""
    if fact.milestone:
        # The key of a participant's milestone names the participant.
        return f"milestone:{fact.milestone.code}:{fact.milestone.cycle}:{fact.milestone.session or ''}"
    return fact.alternative or fact.item


def _community(theirs: _Seen | None, own: _Seen | None, after: _Seen) -> InCommunity:
    twice = []
    if theirs and own:
        for about in sorted(theirs.earned.keys() & own.earned.keys()):
            (fact, minutes), (_, others) = theirs.earned[about], own.earned[about]
            # A closed period keeps what both had.
            if closing_of(after.item.decisions.closings, fact.happened_at) is None:
                twice.append(Twice(*_title(fact), min(minutes, others)))
    community = after.item.community
    return InCommunity(
        community.id,
        newest(after.item.versions),
        community.topic,
        community.region,
        theirs.looked if theirs else None,
        own.looked if own else None,
        after.looked,
        tuple(twice),
    )


def _title(fact: Fact) -> tuple[str, str]:
    if fact.session:
        return "session", fact.session.title
    if fact.milestone:
        return "milestone", fact.milestone.code
    return "activity", fact.activity.name if fact.activity else ""
