"""The sessions of a community, and one session: who was there by what each way says, and what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from mappings.attending import WAYS, Said, component_at, earned_at, rule_of, worth
from mappings.facts import Meeting, Nothing
from mappings.occasions import Occasion, occasions
from mappings.program import Program, ProgramVersion, version_at
from records import late_changes, presences
from records.actor import Actor, in_scope
from records.keys import among
from records.models import (
    Account,
    Community,
    Dispute,
    FactRow,
    Membership,
    MirrorModule,
    Presence,
    SessionChange,
    SessionRow,
    SharedSession,
    User,
)
from records.presences import Held, Stated
from records.programs import newest, versions_by_program
from records.queries.community import names_of
from records.roster import best
from records.sessions import communities_of, find, visible_people

NOT_THERE = (Nothing.NOT_LONG_ENOUGH, Nothing.STATUS_WITHOUT_WEIGHT)
NO_MODULE = f"{None}:{None}"
DONE = (1, 2)
"""Moodle's states of a completed and of a passed activity."""


@dataclass(frozen=True, slots=True)
class Place:
    """A community by name, as pages show it."""

    id: UUID
    program: Program
    topic: str
    region: str
    in_scope: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A session in the list. `present`: how many people were there; `missed`: of a required one that is over how many
    active participants weren't, at none of the sessions that make it up either; None: nobody asks."""

    row: SessionRow
    component: str | None
    present: int
    missed: int | None
    open: int
    """What waits for staff: people whom ways disagree about, and reports that nobody could tell whom they mean."""
    makes_up: str = ""
    """The title of the session that it is held again for."""
    of_other: bool = False
    """It is another community's, which shares it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The sessions of a community."""

    place: Place
    timezone: str
    calendar_revision: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Name:
    """Somebody, as pages name people: see `m.name` of macros.html."""

    person_id: UUID
    name: str
    account: int


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody at a session, by what each way says. `stands` None: nothing that is said can stand yet."""

    who: Name
    said: list[Stated]
    stands: Said | None
    minutes: int
    component: str
    disputed: bool
    late: int | None = None
    """It came late for a closed period, and counts only once it is let in: as these minutes."""


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a session's history."""

    what: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    reason: str
    by: str
    """The name of who signed in; else `cli` or `system`."""
    at: datetime


@dataclass(slots=True)
class SessionPage:
    """All that a session's page shows."""

    row: SessionRow
    place: Place
    shared_with: list[Place]
    people: list[Attendee] = field(default_factory=list)
    elsewhere: int = 0
    """So many more were there, of communities out of the actor's scope."""
    unknown: int = 0
    """Reports that nobody could tell yet whom they mean."""
    missed: list[Name] = field(default_factory=list)
    asked: bool = False
    """Whether it is over and required, so that whoever isn't among the people missed it."""
    history: list[Change] = field(default_factory=list)
    made_up: SessionRow | None = None
    makes_up: list[SessionRow] = field(default_factory=list)
    """What makes this one up."""
    activity: str = ""
    named: dict[str, str] = field(default_factory=dict)
    """What ids in the history stand for: titles of sessions, names of activities."""
    mentioned: list[Place] = field(default_factory=list)
    """The communities in the history."""


def listed(session: Session, actor: Actor, community_id: UUID, now: datetime) -> Listed | None:
    """A community's sessions, the next ones first; None for one that isn't there or out of scope."""
    row = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if row is None:
        return None
    versions = versions_by_program(session)[row.program_id]
    rows = of_community(session, community_id)
    there = attended(session, rows, versions)
    missed = _missed(session, community_id, rows, there, now)
    waiting = _open(session, [each.id for each in rows])
    titles = {each.id: each.title for each in rows}
    lines = [
        Line(
            each,
            component_at(version_at(versions, each.starts_at).program, each.kind, each.mode),
            len(there[each.id]),
            len(missed[each.id]) if each.id in missed else None,
            waiting.get(each.id, 0),
            titles.get(each.makes_up, "") if each.makes_up else "",
            each.community_id != community_id,
        )
        for each in rows
    ]
    place = Place(row.id, newest(versions), row.topic, row.region)
    return Listed(place, row.timezone, row.calendar_revision, lines)


def of_community(session: Session, community_id: UUID) -> Sequence[SessionRow]:
    """Its sessions by time, those that others share with it among them."""
    shared = select(SharedSession.session_id).where(SharedSession.community_id == community_id)
    wanted = or_(SessionRow.community_id == community_id, SessionRow.id.in_(shared))
    return session.scalars(select(SessionRow).where(wanted).order_by(SessionRow.starts_at, SessionRow.code)).all()


def attended(
    session: Session, rows: Sequence[SessionRow], versions: tuple[ProgramVersion, ...]
) -> dict[UUID, set[UUID]]:
    """Who was at which session, as facts say; by persons."""
    found: dict[UUID, set[UUID]] = {row.id: set() for row in rows}
    by_id = {row.id: row for row in rows}
    f = FactRow
    facts = session.execute(
        select(SessionRow.id, f.minutes, f.presence, Account.person_id)
        .join(Account, Account.id == f.account_id)
        .join(SessionRow, SessionRow.id == f.session_id)
        .where(among(f.session_id, found), f.superseded_at.is_(None), f.ended.is_(None))
    )
    for session_id, minutes, status, person in facts:
        row = by_id[session_id]
        rule = rule_of(version_at(versions, row.starts_at).program, row.kind)
        earned = worth(rule, minutes, status, row.planned_minutes)
        if earned not in NOT_THERE and (minutes or (earned and not isinstance(earned, Nothing))):
            found[session_id].add(person)
    return found


def _missed(
    session: Session,
    community_id: UUID,
    rows: Sequence[SessionRow],
    there: Mapping[UUID, set[UUID]],
    now: datetime,
) -> dict[UUID, set[UUID]]:
    """Of required sessions that are over which active participants missed them, whatever makes them up included; under
    the first session of each occasion."""
    required = {str(row.id) for row in rows if row.required}
    asked = [
        occasion
        for occasion in occasions(map(_meeting, rows))
        if occasion.starts_at <= now and any(meeting.item in required for meeting in occasion.meetings)
    ]
    if not asked:
        return {}
    m = Membership
    active = select(m.person_id).where(
        m.community_id == community_id, m.role == "participant", m.status == "active", m.merged_into.is_(None)
    )
    everybody = set(session.scalars(active))
    did = _did(session, rows)
    return {UUID(occasion.item): everybody - _at(occasion, there) - _at(occasion, did) for occasion in asked}


def _at(occasion: Occasion, people: Mapping[UUID, set[UUID]]) -> set[UUID]:
    return {person for item in occasion.items for person in people.get(UUID(item), ())}


def _did(session: Session, rows: Sequence[SessionRow]) -> dict[UUID, set[UUID]]:
    """Who completed the activity that stands for a session."""
    # One of mod_attendance holds many sessions by itself.
    tied = {(row.module_site_id, row.module_id): row.id for row in rows if row.module_site_id and not row.source}
    found: dict[UUID, set[UUID]] = {}
    if tied:
        f = FactRow
        done = session.execute(
            select(f.site_id, f.module_id, Account.person_id)
            .join(Account, Account.id == f.account_id)
            .where(among((f.site_id, f.module_id), tied), f.superseded_at.is_(None), f.ended.is_(None))
            .where(f.state.in_(DONE))
        )
        for site, module, person in done:
            found.setdefault(tied[(site, module)], set()).add(person)
    return found


def _meeting(row: SessionRow) -> Meeting:
    makes_up = str(row.makes_up) if row.makes_up else None
    cancelled = row.cancelled_at is not None
    return Meeting(
        str(row.id), row.code, row.title, row.starts_at, row.mode, row.kind, row.planned_minutes, makes_up, cancelled
    )


def _open(session: Session, session_ids: Iterable[UUID]) -> dict[UUID, int]:
    ids = list(session_ids)
    p, d = Presence, Dispute
    unknown = select(p.session_id, func.count()).where(
        among(p.session_id, ids), p.withdrawn_at.is_(None), or_(p.account_id.is_(None), p.held.is_not(None))
    )
    disputed = select(d.session_id, func.count()).where(among(d.session_id, ids))
    found: dict[UUID, int] = {}
    for wanted, by in ((unknown, p.session_id), (disputed, d.session_id)):
        for session_id, number in session.execute(wanted.group_by(by)):
            found[session_id] = found.get(session_id, 0) + number
    return found


def one(session: Session, actor: Actor, session_id: UUID, now: datetime) -> SessionPage | None:
    """A session; None for one that isn't there or out of scope."""
    row = find(session, actor, session_id)
    if row is None:
        return None
    places = _places(session, actor, communities_of(session, row))
    shared = [place for key, place in places.items() if key != row.community_id]
    page = SessionPage(row, places[row.community_id], shared)
    _read_people(session, page, [key for key, place in places.items() if place.in_scope])
    s = SessionRow
    page.made_up = session.get(s, row.makes_up) if row.makes_up else None
    page.makes_up = list(session.scalars(select(s).where(s.makes_up == row.id).order_by(s.starts_at, s.code)))
    page.unknown = (
        session.scalar(
            select(func.count())
            .select_from(Presence)
            .where(
                Presence.session_id == row.id,
                Presence.withdrawn_at.is_(None),
                or_(Presence.account_id.is_(None), Presence.held.is_not(None)),
            )
        )
        or 0
    )
    if places[row.community_id].in_scope:
        rows = of_community(session, row.community_id)
        versions = versions_by_program(session)[_program_id(session, row.community_id)]
        missed = _missed(session, row.community_id, rows, attended(session, rows, versions), now)
        page.asked = row.id in missed
        page.missed = _named(session, missed.get(row.id, ()))
    _read_history(session, actor, page)
    return page


def _program_id(session: Session, community_id: UUID) -> UUID:
    return session.get_one(Community, community_id).program_id


def _places(session: Session, actor: Actor, communities: set[UUID]) -> dict[UUID, Place]:
    within = set(session.scalars(select(Community.id).where(among(Community.id, communities), in_scope(actor))))
    versions = versions_by_program(session)
    rows = session.scalars(select(Community).where(among(Community.id, communities)).order_by(Community.id))
    return {
        row.id: Place(row.id, newest(versions[row.program_id]), row.topic, row.region, row.id in within) for row in rows
    }


def _read_people(session: Session, page: SessionPage, communities: Sequence[UUID]) -> None:
    """Everybody of whom something is said, but for those of communities out of scope only."""
    p = Presence
    wanted = select(p.account_id).where(p.session_id == page.row.id, p.withdrawn_at.is_(None), p.held.is_(None))
    keys = [(page.row.id, account) for account in session.scalars(wanted.distinct()) if account]
    said = presences.stated(session, keys)
    held = presences.held(session, [page.row.id])[page.row.id]
    owners = session.execute(select(Account.id, Account.person_id).where(among(Account.id, [a for _, a in keys])))
    persons = {account: person for account, person in owners}  # noqa: C416 - rows aren't tuples
    shown = visible_people(session, set(persons.values()), held.communities, communities)
    names = {name.person_id: name for name in _named(session, shown)}
    d = Dispute
    disputed = set(session.scalars(select(d.account_id).where(d.session_id == page.row.id)))
    late = late_changes.at_session(session, page.row, names)
    of_person: dict[UUID, dict[UUID, list[Stated]]] = {}
    for (_, account), of in said.items():
        of_person.setdefault(persons[account], {})[account] = of
    for person, mine in of_person.items():
        if person in names:
            found = _attendee(held, names[person], list(mine.values()), disputed=bool(disputed & set(mine)))
            page.people.append(replace(found, late=late.get(person)))
        else:
            page.elsewhere += 1
    page.people.sort(key=lambda each: (each.who.name.casefold(), each.who.account))


def _named(session: Session, persons: Iterable[UUID]) -> list[Name]:
    names = names_of(session, persons)
    found = [Name(person, *names.get(person, ("", 0))) for person in persons]
    return sorted(found, key=lambda name: (name.name.casefold(), name.account))


def _attendee(held: Held, who: Name, of_accounts: Sequence[Sequence[Stated]], *, disputed: bool) -> Attendee:
    verdict = best(held, of_accounts)
    stands = verdict.stands if verdict else None
    minutes, component = earned_at(held.program, held.meeting)(stands) if stands else (0, "")
    said = sorted((one for said in of_accounts for one in said), key=lambda one: WAYS.index(one.said.way))
    return Attendee(who, said, stands, minutes, component, disputed)


def _read_history(session: Session, actor: Actor, page: SessionPage) -> None:
    c = SessionChange
    rows = session.scalars(select(c).where(c.session_id == page.row.id).order_by(c.at.desc(), c.id.desc())).all()
    users = session.execute(
        select(User.id, User.name).where(among(User.id, [u for r in rows if (u := _uuid(r.actor))]))
    )
    names = {str(user): name for user, name in users}
    page.history = [Change(r.what, r.before, r.after, r.reason, names.get(r.actor, r.actor), r.at) for r in rows]
    values = [values for row in rows for values in (row.before, row.after)]
    sessions = [UUID(str(each["makes_up"])) for each in values if each.get("makes_up")]
    titles = select(SessionRow.id, SessionRow.title).where(among(SessionRow.id, sessions))
    page.named = {str(key): title for key, title in session.execute(titles)}
    modules = {str(each["module"]) for each in values if each.get("module")}
    own = f"{page.row.module_site_id}:{page.row.module_id}"
    m = MirrorModule
    keys = [(UUID(site), int(module)) for site, module in (each.split(":") for each in modules | {own} - {NO_MODULE})]
    names_of_modules = select(m.site_id, m.module_id, m.name).where(among((m.site_id, m.module_id), keys))
    page.named |= {f"{site}:{module}": name for site, module, name in session.execute(names_of_modules)}
    page.activity = page.named.get(own, "")
    shared = {UUID(str(each)) for one_of in values for each in _listed(one_of.get("shared_with"))}
    page.mentioned = list(_places(session, actor, shared).values())


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
