"""Who signs in: lists and single accounts, as far as an actor's scope reaches.

An actor without limits sees everybody. Anybody else sees those who have a role within the own scope, and of their roles
those that lie in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from mappings.program import Program
from records import models
from records.actor import Actor, Grant, Role, Scope, in_scope
from records.granting import can_give, covers, gives_all_of, lies_within, looks_after
from records.models import (
    AuditEntry,
    Community,
    Identity,
    IdentityProvider,
    Mail,
    ProgramRow,
    SetupLink,
    SignIn,
    User,
)
from records.programs import newest, versions_by_program
from records.queries.deciders import names_of
from records.secret_tokens import digest

A_PAGE = 50
CHANGES = 30
TOLD = (
    *("user.created", "user.switched_off", "user.switched_on", "grant.given", "grant.withdrawn"),
    *("setup_link.made", "setup_link.used", "password.changed", "account.saved"),
)
"""What of the audit trail is told of an account: not each sign-in."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for. `words`: a part of a name or an address; `role`: with this role; `off`: switched
    off; `after`, `before`: the user beside whom the page begins or ends."""

    words: str = ""
    role: Role | None = None
    off: bool = False
    after: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class UserLine:
    """Somebody in the list. Times are aware UTC."""

    id: UUID
    name: str
    email: str
    active: bool
    grants: tuple[Grant, ...]
    """Those in the actor's scope."""
    elsewhere: int
    """How many more there are out of it."""
    last_sign_in: datetime | None
    invited: bool
    """Has never set a password, and never signed in."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of users, by name; the users beside whom the pages before and after lie."""

    lines: list[UserLine]
    before: UUID | None
    after: UUID | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done to an account, in codes. `by`: who, by name; empty where it wasn't a user."""

    at: datetime
    action: str
    actor: str
    by: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """A district's sign-in that somebody is known by."""

    provider: str
    since: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenSignIn:
    """A browser that somebody is signed in with. `way`: as in records/sign_ins.py."""

    way: str
    since: datetime
    seen_at: datetime
    present: bool
    """It is the one that asks."""


@dataclass(frozen=True, slots=True)
class UserPage:
    """One account, and what the actor may do with it."""

    line: UserLine
    created_at: datetime
    language: str | None
    has_password: bool
    ways: list[Way]
    link_until: datetime | None
    """Until when an open link can be used; None: there is none."""
    mail: tuple[str, str] | None
    """Status and error of the latest invitation or reset by mail."""
    changes: list[Change]
    taken: frozenset[Grant]
    """Those of the grants that the actor may take."""
    looked_after: bool
    """May be switched off and on, and have links sent."""
    shown_links: bool
    """A link of this user opens nothing that the actor couldn't have given."""


@dataclass(frozen=True, slots=True)
class Places:
    """What words for scopes are made of: the newest programs by code, and communities as (program, topic, region)."""

    programs: Mapping[str, Program]
    communities: Mapping[UUID, tuple[str, str, str]]


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `users` that the actor may know of them."""
    if actor.unlimited or actor.user_id is None:
        return true()
    table = models.Grant
    return exists().where(table.user_id == User.id, lies_within(actor)).correlate(User)


def listed(session: Session, actor: Actor, wanted: Wanted, *, size: int = A_PAGE) -> Listed:
    """A page of the users whom the actor may know of. Four statements, however many there are."""
    key = tuple_(func.lower(User.name), User.id)
    asked: Select[Any] = select(User).where(visible(actor), *_filters(actor, wanted))
    edge = wanted.before or wanted.after
    if edge is not None:
        beside = select(func.lower(User.name), User.id).where(User.id == edge).scalar_subquery()
        asked = asked.where(key < beside if wanted.before else key > beside)
    backwards = wanted.before is not None
    order = (func.lower(User.name).desc(), User.id.desc()) if backwards else (func.lower(User.name), User.id)
    found = list(session.scalars(asked.order_by(*order).limit(size + 1)))
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    lines = _lines(session, actor, found)
    first, last = (lines[0].id, lines[-1].id) if lines else (None, None)
    return Listed(
        lines,
        before=first if (more if backwards else wanted.after) else None,
        after=last if (more or backwards) else None,
    )


def _filters(actor: Actor, wanted: Wanted) -> list[ColumnElement[bool]]:
    table = models.Grant
    found: list[ColumnElement[bool]] = [User.active.is_(not wanted.off)]
    if wanted.words.strip():
        words = wanted.words.strip()
        found.append(or_(User.name.icontains(words, autoescape=True), User.email.icontains(words, autoescape=True)))
    if wanted.role:
        of_role = exists().where(table.user_id == User.id, table.role == str(wanted.role), lies_within(actor))
        found.append(of_role.correlate(User))
    return found


def _lines(session: Session, actor: Actor, users: Sequence[User]) -> list[UserLine]:
    ids = [user.id for user in users]
    inside, elsewhere = _grants(session, actor, ids)
    signed = (select(SignIn.user_id, func.max(SignIn.created_at)).where(SignIn.user_id.in_(ids))).group_by(
        SignIn.user_id
    )
    last = {row[0]: row[1] for row in session.execute(signed)}
    return [
        UserLine(
            user.id,
            user.name,
            user.email,
            user.active,
            tuple(inside.get(user.id, ())),
            elsewhere.get(user.id, 0),
            last.get(user.id),
            user.password_hash is None and user.id not in last,
        )
        for user in users
    ]


def _grants(session: Session, actor: Actor, users: Collection[UUID]) -> tuple[dict[UUID, list[Grant]], dict[UUID, int]]:
    table = models.Grant
    rows = session.execute(
        select(table.user_id, table.role, table.scope_kind, table.scope, lies_within(actor).label("inside"))
        .where(table.user_id.in_(users))
        .order_by(table.role, table.scope_kind, table.scope)
    )
    inside: dict[UUID, list[Grant]] = {}
    elsewhere: dict[UUID, int] = {}
    for user_id, role, kind, scope, is_inside in rows:
        if is_inside or actor.user_id is None:
            inside.setdefault(user_id, []).append(Grant(Role(role), Scope(kind), scope))
        else:
            elsewhere[user_id] = elsewhere.get(user_id, 0) + 1
    return inside, elsewhere


def one(session: Session, actor: Actor, user_id: UUID, now: datetime) -> UserPage | None:
    """An account; None for one that isn't there, or isn't the actor's to know."""
    user = session.scalars(select(User).where(User.id == user_id, visible(actor))).one_or_none()
    if user is None:
        return None
    (line,) = _lines(session, actor, [user])
    own = user_id == actor.user_id
    open_link = (SetupLink.user_id == user_id, SetupLink.used_at.is_(None), SetupLink.expires_at > now)
    latest = (
        select(Mail.status, Mail.error)
        .where(Mail.user_id == user_id, Mail.kind.in_(("invitation", "reset")))
        .order_by(Mail.id.desc())
    )
    mail = session.execute(latest.limit(1)).one_or_none()
    return UserPage(
        line=line,
        created_at=user.created_at,
        language=user.language,
        has_password=user.password_hash is not None,
        ways=ways(session, user_id),
        link_until=session.scalar(select(func.max(SetupLink.expires_at)).where(*open_link)),
        mail=(mail.status, mail.error) if mail else None,
        changes=_changes(session, actor, user_id),
        taken=frozenset() if own else frozenset(g for g in line.grants if can_give(session, actor, g)),
        looked_after=not own and looks_after(session, actor, user_id),
        shown_links=not own and gives_all_of(session, actor, user_id),
    )


def ways(session: Session, user_id: UUID) -> list[Way]:
    """The districts' sign-ins that somebody is known by."""
    rows = session.execute(
        select(IdentityProvider.name, Identity.created_at, Identity.used_at)
        .join(Identity, Identity.provider_id == IdentityProvider.id)
        .where(Identity.user_id == user_id)
        .order_by(IdentityProvider.name)
    )
    return [Way(name, since, used) for name, since, used in rows]


def open_sign_ins(session: Session, user_id: UUID, cookie: str, now: datetime, idle_minutes: int) -> list[OpenSignIn]:
    """Where somebody is signed in now, the present browser first, then whichever was used last."""
    present = or_(SignIn.token_hash == digest(cookie), SignIn.former_hash == digest(cookie))
    lasting = (SignIn.ended_at.is_(None), SignIn.expires_at > now)
    rows = session.execute(
        select(SignIn.way, SignIn.created_at, SignIn.seen_at, func.coalesce(present, False).label("present"))
        .where(SignIn.user_id == user_id, *lasting, SignIn.seen_at > now - timedelta(minutes=idle_minutes))
        .order_by(func.coalesce(present, False).desc(), SignIn.seen_at.desc())
        .limit(A_PAGE)
    )
    return [OpenSignIn(row.way, row.created_at, row.seen_at, row.present) for row in rows]


def _changes(session: Session, actor: Actor, user_id: UUID) -> list[Change]:
    rows = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject == str(user_id), AuditEntry.action.in_(TOLD))
        .order_by(AuditEntry.id.desc())
        .limit(CHANGES)
    ).all()
    if not actor.unlimited:
        rows = [row for row in rows if all(_reaches(session, actor, said) for said in (row.before, row.after))]
    names = names_of(session, (row.actor for row in rows))
    return [
        Change(row.at, row.action, row.actor, names.get(row.actor, ""), row.before or {}, row.after or {})
        for row in rows
    ]


def _reaches(session: Session, actor: Actor, said: Mapping[str, Any] | None) -> bool:
    """Whether all grants that an entry names lie in scope."""
    named = said.get("grants", [said] if "scope_kind" in said else []) if said else []
    grants = [Grant(Role(each["role"]), Scope(each["scope_kind"]), each["scope"]) for each in named]
    return all(any(covers(session, own, grant) for own in actor.grants) for grant in grants)


def places(session: Session, grants: Iterable[Grant]) -> Places:
    """What the scopes of grants are called."""
    programs = {newest(versions).program: newest(versions) for versions in versions_by_program(session).values()}
    wanted = {UUID(grant.scope) for grant in grants if grant.scope_kind is Scope.COMMUNITY}
    rows = session.execute(
        select(Community.id, ProgramRow.code, Community.topic, Community.region)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(Community.id.in_(wanted))
    )
    return Places(programs, {row.id: (row.code, row.topic, row.region) for row in rows})


def timezone(session: Session, actor: Actor) -> str:
    """Where somebody's clock hangs: in the time zone of the first community in scope; UTC where there is none."""
    return session.scalar(select(Community.timezone).where(in_scope(actor)).order_by(Community.id).limit(1)) or "UTC"
