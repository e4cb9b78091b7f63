"""A person: every minute in every community in scope explained, now or as it was known or true on a past day."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings import facts
from mappings.facts import Line, Meeting
from mappings.offers import remaining, still_open
from mappings.periods import Span
from mappings.program import Program, version_at
from mappings.standing import REACHED, Standing, Status, forecast, spans
from records import answers
from records.actor import Actor, in_scope
from records.counted import AsOf
from records.models import Community, Membership, Person
from records.queries.community import names_of
from records.queries.explained import AsWritten, Entry, Explained, as_written, by_component, entries, explained
from records.queries.look_back import PRESENT, LookBack, seen_at


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the present pace comes to. `until`: the first instant after the last day."""

    minutes: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """Something that would earn hours and isn't done yet. `starts_at`: of a session."""

    title: str
    minutes: int
    component: str
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class InCommunity:
    """The person in one community."""

    membership_id: UUID
    community_id: UUID
    program_id: UUID
    program: Program
    """As it was in force when it is looked at."""
    programs: dict[int, Program]
    """By version number: each line says by which of them it was credited."""
    topic: str
    region: str
    timezone: str
    role: str
    status: str
    dirty: bool
    as_of: AsOf
    seen_at: datetime
    period: Span
    """The program's period that the standing is about."""
    standing: Standing
    takes_part: bool
    """Whether anything is asked: of who left, was erased or isn't a participant nothing is."""
    forecast: Forecast | None
    open: list[Open]
    """What would still earn hours, where hours are missing."""
    lines: list[Explained]
    brought: dict[str, int]
    """Minutes of the memberships that this one continues, by component, over all."""
    meetings: dict[str, Meeting]
    """By item: what requirements name sessions by."""
    entries: list[Entry]
    written: AsWritten | None
    """Only when looking back at what was known."""


@dataclass(frozen=True, slots=True)
class PersonPage:
    """All that a person's page shows; only the communities in the actor's scope."""

    id: UUID
    name: str
    account: int
    erased_at: datetime | None
    """Given: the person was forgotten; the amounts stay."""
    communities: list[InCommunity]
    untold: int
    """How many communities aren't shown, since their program wasn't known yet at that time."""


def person(
    session: Session,
    actor: Actor,
    person_id: UUID,
    now: datetime,
    look: LookBack = PRESENT,
    only: Collection[UUID] | None = None,
) -> PersonPage | None:
    """A person, in some communities or all; None for nobody and for somebody without a community in the actor's scope
    alike. Raises LiesAhead.

    The lines come from the very functions that reconcile the ledger.
    """
    wanted = (
        select(Membership.id, Community.timezone)
        .join(Community)
        .where(Membership.person_id == person_id, Membership.merged_into.is_(None), in_scope(actor))
        .order_by(Membership.created_at, Membership.id)
    )
    if only is not None:
        wanted = wanted.where(Community.id.in_(only))
    rows = [(membership, timezone) for membership, timezone in session.execute(wanted)]
    if not rows:
        return None
    name, account = names_of(session, [person_id]).get(person_id, ("", 0))
    by_id = {found.membership_id: found for found in _seen(session, rows, look, now)}
    communities = [by_id[membership] for membership, _ in rows if membership in by_id]
    erased_at = session.scalar(select(Person.erased_at).where(Person.id == person_id))
    if erased_at:
        communities = [replace(one, takes_part=False, forecast=None, open=[]) for one in communities]
    return PersonPage(person_id, name, account, erased_at, communities, len(rows) - len(communities))


def _seen(session: Session, rows: Sequence[tuple[UUID, str]], look: LookBack, now: datetime) -> Iterator[InCommunity]:
    """A day ends at another instant in each time zone."""
    for timezone in dict.fromkeys(timezone for _, timezone in rows):
        as_of = look.as_of(timezone, now)
        ids = [membership for membership, there in rows if there == timezone]
        for item in answers.inputs_of(session, ids, as_of):
            yield _in_community(session, item, as_of, seen_at(as_of, now))


def _in_community(session: Session, item: answers.Inputs, as_of: AsOf, now: datetime) -> InCommunity:
    answer = answers.answer(item, now)
    version = version_at(item.versions, now)
    around = item.surroundings.by(version)
    period, run = spans(version.program, item.member, around, now)
    active = answer.status == "active"
    counted = active and answer.role == "participant"
    return InCommunity(
        membership_id=item.membership.id,
        community_id=item.community.id,
        program_id=item.community.program_id,
        program=version.program,
        programs={v.number: v.program for v in item.versions},
        topic=item.community.topic,
        region=item.community.region,
        timezone=item.community.timezone,
        role=answer.role,
        status=answer.status,
        dirty=item.membership.dirty_at is not None,
        as_of=as_of,
        seen_at=now,
        period=period,
        standing=answer.standing,
        # Of a role that isn't known yet it may be that something is asked.
        takes_part=counted or (active and answer.role == "unknown"),
        forecast=_forecast(version.program, answer, run, around, now) if counted else None,
        open=_open(item, answer, run, around, now) if counted else [],
        lines=explained(session, item, answer.lines, as_of),
        brought=by_component(item.brought),
        meetings={meeting.item: meeting for meeting in around.meetings},
        entries=entries(session, item.membership.id, as_of),
        written=as_written(session, item.membership.id, answer.lines, as_of) if as_of.known_on else None,
    )


def _open(
    item: answers.Inputs, answer: answers.Answer, run: Span, around: facts.Community, now: datetime
) -> list[Open]:
    standing = answer.standing
    if standing.minutes >= (standing.band_min or 0) or (run.end and run.end <= now):
        return []
    begins = {meeting.item: (meeting.title, meeting.starts_at) for meeting in around.meetings}
    names = {named: activity.name for named, activity, _ in item.surroundings.activities}
    found = []
    for offer in still_open(around.offers, answer.lines, now):
        title, starts_at = begins.get(offer.item, (names.get(offer.item, ""), None))
        found.append(Open(title, offer.minutes, offer.component, starts_at))
    return found


def _forecast(
    program: Program, answer: answers.Answer, run: Span, around: facts.Community, now: datetime
) -> Forecast | None:
    """Only for who is under way, where the program tells pace; no more than can still be reached."""
    standing = answer.standing
    done = standing.status in REACHED | {Status.CANNOT_REACH, Status.NO_COMMITMENT}
    if (
        program.pace is None
        or standing.band_min is None
        or done
        or not standing.minutes
        or run.end is None
        or now >= run.end
    ):
        return None
    expected = forecast(standing.minutes - standing.carried, run, now)
    if expected is None:
        return None
    return Forecast(min(expected + standing.carried, _reachable(standing, answer.lines, around, now)), run.end)


def _reachable(standing: Standing, lines: Sequence[Line], around: facts.Community, now: datetime) -> int:
    """The most minutes that there can be in the end. Where all that is offered doesn't come to what is asked, sessions
    are yet to be planned: then as many as the community asks for at most."""
    left, whole = remaining(around.offers, lines, now)
    reachable = standing.minutes + left
    return reachable if whole >= (standing.band_min or 0) else max(reachable, standing.band_max or 0)
