"""Which facts count in which membership, as the engine reads them.

A query a table rather than one join over all: each goes by an index whatever the planner knows of the
tables, and a module that a thousand facts are about is read once. Ids are text here, but for memberships
and programs: see `records.keys.as_text`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from mappings.facts import Activity, Ended, Fact, FactKind, Hours, State, hours_of
from mappings.facts import Session as Meeting
from mappings.program import ProgramVersion, version_at
from records.adoptions import Copy, copies_above
from records.claims import CourseKey
from records.continuing import Continued, continued
from records.copied import came_along
from records.keys import among, as_text
from records.memberships import participations, role_in
from records.models import (
    Account,
    Binding,
    Community,
    CommunityCourse,
    FactRow,
    Membership,
    MirrorModule,
    SessionRow,
    SharedSession,
    Site,
)
from records.programs import newest
from records.surroundings import item_of

ModuleKey = tuple[str, int]
ThingKey = tuple[str, int | None, int | None, str | None]
"""(site, course, module, session), as rows of facts name what they are about."""
Versions = Mapping[UUID, tuple[ProgramVersion, ...]]
KINDS = {kind.value: kind for kind in FactKind}
STATES: dict[int | None, State | None] = {None: None, **{state.value: state for state in State}}
ENDS: dict[str | None, Ended | None] = {None: None, **{ended.value: ended for ended in Ended}}


@dataclass(frozen=True, slots=True)
class AsOf:
    """A look back. `known_on`: only what was recorded until then; `true_on`: only what had happened until then."""

    known_on: datetime | None = None
    true_on: datetime | None = None


NOW = AsOf()


def recorded(table: Any, as_of: AsOf) -> ColumnElement[bool]:
    """The versions of a versioned table that were known at a moment; the current ones without one."""
    if as_of.known_on is None:
        known: ColumnElement[bool] = table.superseded_at.is_(None)
    else:
        known = (table.recorded_at <= as_of.known_on) & (
            table.superseded_at.is_(None) | (table.superseded_at > as_of.known_on)
        )
    return known if as_of.true_on is None else known & (table.happened_at <= as_of.true_on)


@dataclass(slots=True)
class Places:
    """Where facts count: the communities of courses and sessions, and who is in which."""

    members: dict[str, list[tuple[UUID, str]]] = field(default_factory=dict)
    """(membership, community) of those asked for, by account."""
    courses: dict[tuple[str, int | None], set[str]] = field(default_factory=dict)
    sessions: dict[str, set[str]] = field(default_factory=dict)
    meetings: dict[str, Meeting] = field(default_factory=dict)
    tied: set[tuple[str, ModuleKey]] = field(default_factory=set)
    """(community, activity) where an activity stands for a session that wasn't cancelled."""
    many: dict[ModuleKey, set[str]] = field(default_factory=dict)
    """The communities in which an activity stands for several sessions."""
    by_module: dict[ModuleKey, dict[str, str]] = field(default_factory=dict)
    """The occasion of the session that an activity stands for, by community."""
    made_up: dict[str, str] = field(default_factory=dict)
    """The session that another one is held again for."""
    own_users: dict[str, list[int]] = field(default_factory=dict)
    """As whom completions were written into Moodle from here, by site."""
    copies: dict[CourseKey, Copy] = field(default_factory=dict)
    """Of the courses, those that were copied from others."""
    goes_on: Continued = field(default_factory=Continued)
    """Which activities go on with others."""
    of_person: dict[str, set[str]] = field(default_factory=dict)
    """All communities of an account's person; only where one of several has to be chosen."""
    ranks: dict[str, tuple[UUID, str, datetime]] = field(default_factory=dict)
    """Of these communities: program, region, since when."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What facts are about: an activity or a session."""

    item: str
    """The activity or session; of an activity that goes on with another one that one."""
    there: set[str]
    """The communities that it belongs to."""
    alternatives: Mapping[str, str]
    """The session that it is or stands for, by community: one session credits one person once, whichever account
    or activity reported it."""
    activity: Activity | None = None
    meeting: Meeting | None = None
    continues: bool = False
    per_session: Set[str] = frozenset()
    """The communities in which it stands for several sessions, each of which counts by itself."""


Found = list[tuple[Fact, str]]
"""Facts with their correlation ids."""


def counted(
    session: Session, membership_ids: Sequence[UUID], versions: Versions, as_of: AsOf = NOW
) -> dict[UUID, Found]:
    """By membership: completions of the person's accounts in the community's courses, and attendances of its
    sessions."""
    places = _places(session, membership_ids, versions)
    # Columns of the table: attributes would be looked up in each row once more.
    f = FactRow.__table__.c
    rows = session.execute(
        select(
            as_text(f.id), f.key, f.kind, as_text(f.account_id),
            as_text(f.site_id), f.course_id, f.module_id, as_text(f.session_id),
            f.happened_at, f.state, f.minutes, f.presence, f.mode, f.ended, f.overrideby, f.provisional,
            as_text(f.correlation_id),
        ).where(among(f.account_id, places.members), recorded(f, as_of))
    ).all()  # fmt: skip
    things = _things(session, {(row[4], row[5], row[6], row[7]) for row in rows}, places)
    copied = _copied(session, rows, places, as_of) if places.copies else {}
    found: dict[UUID, Found] = {membership: [] for membership in membership_ids}
    accounts = Counter(m for own in places.members.values() for m, _ in own)
    of_account = {a: [(found[m], c, accounts[m] > 1) for m, c in own] for a, own in places.members.items()}
    # Unpacked, for this runs a million times in a rebuild.
    for (
        fact_id, key, kind, account, site, course, module, meeting,
        happened_at, state, minutes, presence, mode, ended, overrideby, provisional, cause,
    ) in rows:  # fmt: skip
        thing = things[(site, course, module, meeting)]
        passed = _elsewhere(account, happened_at, thing.there, places, versions) if places.ranks else ()
        for facts, community, several in of_account[account]:
            if community in thing.there:
                fact = Fact(
                    id=fact_id,
                    key=key,
                    kind=KINDS[kind],
                    happened_at=copied.get(fact_id) or happened_at,
                    state=STATES[state],
                    minutes=minutes,
                    presence=presence,
                    ended=ENDS[ended],
                    overridden=overrideby is not None,
                    ours=overrideby is not None and overrideby in places.own_users.get(site, ()),
                    provisional=provisional,
                    activity=thing.activity,
                    session=_held_as(thing.meeting, mode),
                    item=thing.item,
                    alternative=thing.alternatives.get(community),
                    elsewhere=community in passed,
                    continues=thing.continues,
                    per_session=community in thing.per_session,
                    several=several,
                    copied=fact_id in copied and copied[fact_id] is None,
                )
                facts.append((fact, cause))
    return found


def _held_as(meeting: Meeting | None, mode: str | None) -> Meeting | None:
    """A session as somebody was there: at one that is held in several modes each person's own counts."""
    return replace(meeting, mode=mode) if meeting and mode else meeting


def _things(session: Session, keys: set[ThingKey], places: Places) -> dict[ThingKey, Thing]:
    """What facts are about, each once."""
    modules = {(site, module) for site, _, module, _ in keys if module is not None}
    goes_on = places.goes_on = continued(session, modules | places.by_module.keys())
    activities = _activities(session, map(goes_on.root, modules))
    many: dict[ModuleKey, set[str]] = {}
    for own, communities in places.many.items():
        many.setdefault(goes_on.root(own), set()).update(communities)
    by_root = _by_root(places.by_module, goes_on)
    found = {}
    for key in keys:
        site, course, module, meeting = key
        if meeting is not None:
            there = places.sessions.get(meeting, set())
            occasion = places.made_up.get(meeting, meeting)
            thing = Thing(meeting, there, dict.fromkeys(there, occasion), meeting=places.meetings.get(meeting))
        elif module is not None:
            there = places.courses.get((site, course), set())
            root = goes_on.root((site, module))
            stands_for = by_root.get(root, {})
            thing = Thing(
                item_of(*root),
                there,
                stands_for,
                activities.get(root),
                continues=root != (site, module),
                per_session=many.get(root, frozenset()),
            )
        found[key] = thing
    return found


def _by_root(by_module: dict[ModuleKey, dict[str, str]], goes_on: Continued) -> dict[ModuleKey, dict[str, str]]:
    """The session that an activity, and all that goes on with it, stands for, by community: its own comes first."""
    if not goes_on.above:
        return by_module
    found: dict[ModuleKey, dict[str, str]] = {}
    for module in sorted(by_module, key=lambda key: (key in goes_on.above, key)):
        found[goes_on.root(module)] = by_module[module] | found.get(goes_on.root(module), {})
    return found


def _copied(session: Session, rows: Sequence[Any], places: Places, as_of: AsOf) -> dict[str, datetime | None]:
    """The completions that came along with a copy of their course, and when each was done again there."""
    done = [(row[0], row[4], row[5], row[6], row[8]) for row in rows if row[6] is not None]
    found = came_along(session, places.copies, places.goes_on, done)
    until = as_of.true_on
    return {fact: again if again and (until is None or again <= until) else None for fact, again in found.items()}


def _places(session: Session, membership_ids: Sequence[UUID], versions: Versions) -> Places:
    places = Places()
    members = session.execute(
        select(Membership.id, as_text(Membership.community_id), as_text(Account.id), Community.program_id)
        .join(Account, Account.person_id == Membership.person_id)
        .join(Community, Community.id == Membership.community_id)
        .where(among(Membership.id, membership_ids))
    ).all()
    for membership, community, account, _ in members:
        places.members.setdefault(account, []).append((membership, community))
    communities = {community for _, community, _, _ in members}
    _read_courses(session, communities, places)
    _read_meetings(session, communities, places)
    written = select(as_text(Site.id), Site.own_users).where(func.cardinality(Site.own_users) > 0)
    places.own_users = {site: users for site, users in session.execute(written)}  # noqa: C416 - rows aren't tuples
    choosing = {program: versions[program] for _, _, _, program in members if _chooses(versions[program])}
    if choosing:
        _read_others(session, [account for _, _, account, p in members if p in choosing], choosing, places)
    return places


def _chooses(versions: tuple[ProgramVersion, ...]) -> bool:
    """Whether some version has a thing count in one community only."""
    return any(v.program.shared and v.program.shared.counts_in == "one" for v in versions)


def _read_courses(session: Session, communities: set[str], places: Places) -> None:
    c = CommunityCourse
    rows = select(as_text(c.community_id), as_text(c.site_id), c.course_id).where(among(c.community_id, communities))
    for community, site, course in session.execute(rows):
        places.courses.setdefault((site, course), set()).add(community)
    places.copies = copies_above(session, [(UUID(site), course) for site, course in places.courses if course])


def _read_meetings(session: Session, communities: set[str], places: Places) -> None:
    shared = SharedSession
    shares = select(as_text(shared.session_id), as_text(shared.community_id)).where(
        among(shared.community_id, communities)
    )
    for session_id, community in session.execute(shares):
        places.sessions.setdefault(session_id, set()).add(community)
    s = SessionRow
    rows = session.execute(
        select(
            as_text(s.id), as_text(s.community_id), as_text(s.module_site_id), s.module_id,
            s.title, s.mode, s.code, s.kind, s.planned_minutes, as_text(s.makes_up), s.cancelled_at.is_not(None),
        ).where(or_(among(s.community_id, communities), among(s.id, set(places.sessions))))
    )  # fmt: skip
    for session_id, own, site, module, title, mode, code, kind, planned, makes_up, cancelled in rows:
        if own in communities:
            places.sessions.setdefault(session_id, set()).add(own)
        places.meetings[session_id] = Meeting(title, mode, code, kind, planned)
        if makes_up:
            places.made_up[session_id] = makes_up
        if module is not None:
            _tie(places, (site, module), session_id, makes_up or session_id, cancelled=cancelled)
    for key, several in places.many.items():
        places.by_module[key] = {c: item for c, item in places.by_module[key].items() if c not in several}


def _tie(places: Places, module: ModuleKey, session_id: str, occasion: str, *, cancelled: bool) -> None:
    """An activity stands for a session in its communities. One of mod_attendance may stand for several; a session that
    was cancelled is none beside another one."""
    held = places.by_module.setdefault(module, {})
    for community in places.sessions[session_id]:
        if cancelled:
            held.setdefault(community, occasion)
            continue
        if (community, module) in places.tied:
            places.many.setdefault(module, set()).add(community)
        places.tied.add((community, module))
        held[community] = occasion


def _read_others(
    session: Session, accounts: list[str], programs: Mapping[UUID, tuple[ProgramVersion, ...]], places: Places
) -> None:
    """All communities that these people take part in, of programs that make things count in one of them."""
    c = CommunityCourse
    rows = session.execute(
        select(
            as_text(Account.id),
            as_text(Community.id),
            Community.program_id,
            Community.region,
            as_text(c.site_id),
            c.course_id,
            c.basis_as_of,
            Membership.id,
        )
        .join(Membership, Membership.person_id == Account.person_id)
        .join(Community, Community.id == Membership.community_id)
        .join(c, c.community_id == Community.id)
        .where(among(Account.id, accounts), Community.program_id.in_(list(programs)))
    ).all()
    roles = _roles(session, {row[-1]: programs[row[2]] for row in rows})
    for account, community, program, region, site, course, since, membership in rows:
        if roles[membership] != "participant":
            continue
        places.of_person.setdefault(account, set()).add(community)
        earliest = min(since, places.ranks[community][2]) if community in places.ranks else since
        places.ranks[community] = (program, region, earliest)
        places.courses.setdefault((site, course), set()).add(community)
    others = set(places.ranks)
    s, shared = SessionRow, SharedSession
    own = select(as_text(s.id), as_text(s.community_id)).where(among(s.community_id, others))
    of = select(as_text(shared.session_id), as_text(shared.community_id)).where(among(shared.community_id, others))
    for session_id, community in (*session.execute(own), *session.execute(of)):
        places.sessions.setdefault(session_id, set()).add(community)


def _roles(session: Session, memberships: Mapping[UUID, tuple[ProgramVersion, ...]]) -> dict[UUID, str]:
    """The role of each membership, as Moodle has it now: the one on the row may be about to be computed."""
    seen = participations(session, memberships)
    return {membership: role_in(newest(of), seen[membership]) for membership, of in memberships.items()}


def _elsewhere(account: str, moment: datetime, there: set[str], places: Places, versions: Versions) -> set[str]:
    """The communities in which a fact doesn't count, since the program has it count in another one."""
    mine = there & places.of_person.get(account, set())
    by_program: dict[UUID, list[str]] = {}
    for community in mine:
        by_program.setdefault(places.ranks[community][0], []).append(community)
    passed: set[str] = set()
    for program, communities in by_program.items():
        shared = version_at(versions[program], moment).program.shared
        if len(communities) > 1 and shared and shared.counts_in == "one":
            passed |= set(communities) - {min(communities, key=partial(_rank, places, shared.prefer))}
    return passed


def _rank(places: Places, prefer: tuple[str, ...], community: str) -> tuple[int, datetime, str]:
    _, region, since = places.ranks[community]
    return prefer.index(region) if region in prefer else len(prefer), since, community


def _activities(session: Session, modules: Iterable[ModuleKey]) -> dict[ModuleKey, Activity]:
    """The form of each module that counts: the bound one, else the present one."""
    keys = list(modules)
    found: dict[ModuleKey, Activity] = {}
    declared: dict[ModuleKey, Hours | None] = {}
    for table, counts in ((MirrorModule, true()), (Binding, Binding.status == "active")):
        t: Any = table
        columns = (as_text(t.site_id), t.module_id, t.idnumber, t.modname, t.section_name, t.name)
        forms = select(*columns, t.minutes, t.component).where(among((t.site_id, t.module_id), keys), counts)
        for site, module, idnumber, kind, section, name, minutes, component in session.execute(forms):
            hours, key = hours_of(minutes, component), (site, module)
            if table is MirrorModule:
                declared[key], hours = hours, None
            found[key] = Activity(idnumber, kind, section, name, hours, declared.get(key))
    return found
