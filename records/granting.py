"""Who gives which role to whom, and who looks after whose account.

Nobody gives what lies outside of the own scope, changes the own roles, or takes the last administrator away. IT gives
`it` alone: it never gives roles that see people's hours. docs/users.md tells all of it.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, delete, false, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import api_tokens, audit, models, sign_ins
from records.actor import Actor, Grant, Role, Scope, in_scope
from records.models import Community, SetupLink, User, uuid7
from records.sign_ins import grants_of

GIVES: dict[Role, frozenset[Role]] = {
    Role.PROGRAM_ADMIN: frozenset({Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR, Role.AUDITOR}),
    Role.IT: frozenset({Role.IT}),
}
"""Which roles each role gives on the pages of users. Staff give `facilitator` too: in a community, on its page."""
LOOKED_AFTER = (Role.PROGRAM_ADMIN, Role.IT)
"""Of each of these somebody without limits is always left: nobody else could give the role again."""


class Fault(StrEnum):
    """Why an act isn't done."""

    UNKNOWN = "unknown"
    """There is no such user or grant, or it isn't the actor's to know."""
    OUTSIDE = "outside"
    """The role or its scope isn't the actor's to give or take."""
    OWN = "own"
    """Nobody changes the own roles, or switches the own account off."""
    LAST = "last"
    """Nobody without limits would be left in the role."""
    OFF = "off"
    """The account is switched off."""
    THERE = "there"
    """The user has this role there already."""


class GrantError(Exception):
    """An act on an account isn't done; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def lies_within(actor: Actor) -> ColumnElement[bool]:
    """The condition on `grants` that their scopes lie within the actor's; nothing without a grant."""
    return or_(false(), *(_inside(grant) for grant in actor.grants), _community_inside(actor))


def _inside(own: Grant) -> ColumnElement[bool]:
    kind, scope = models.Grant.scope_kind, models.Grant.scope
    if own.scope_kind is Scope.ALL:
        return true()
    if own.scope_kind is Scope.PROGRAM:
        of_program = (kind == str(Scope.PROGRAM)) & (scope == own.scope)
        return of_program | ((kind == str(Scope.REGION)) & scope.startswith(f"{own.scope}/", autoescape=True))
    return (kind == str(own.scope_kind)) & (scope == own.scope)


def _community_inside(actor: Actor) -> ColumnElement[bool]:
    inside = select(cast(Community.id, String)).where(in_scope(actor)).correlate(None)
    return (models.Grant.scope_kind == str(Scope.COMMUNITY)) & models.Grant.scope.in_(inside)


def can_give(session: Session, actor: Actor, grant: Grant) -> bool:
    """Whether an actor, with the grants that carry MANAGE_USERS, gives and takes a role in a scope."""
    if actor.user_id is None:
        # The command line: the operating system decided about that.
        return True
    carrying = [own for own in actor.grants if grant.role in GIVES.get(own.role, ())]
    return any(covers(session, own, grant) for own in carrying)


def covers(session: Session, own: Grant, other: Grant) -> bool:
    """Whether one grant's scope holds the whole of another's; a community that isn't there is held by none."""
    if other.scope_kind is Scope.COMMUNITY:
        reached = in_scope(Actor(None, "", (own,)))
        return session.scalar(select(Community.id).where(Community.id == UUID(other.scope), reached)) is not None
    if own.scope_kind is Scope.ALL:
        return True
    if own.scope_kind is Scope.PROGRAM:
        return other.scope_kind is not Scope.ALL and other.scope.partition("/")[0] == own.scope
    return (own.scope_kind, own.scope) == (other.scope_kind, other.scope)


def looks_after(session: Session, actor: Actor, user_id: UUID) -> bool:
    """Whether an actor switches somebody's account off and on, and has links sent to him or her.

    IT without limits: everybody's. Who gives roles: of those whose every role lies with him or her.
    """
    if actor.user_id is None or any(g.role is Role.IT and g.scope_kind is Scope.ALL for g in actor.grants):
        return True
    return gives_all_of(session, actor, user_id)


def gives_all_of(session: Session, actor: Actor, user_id: UUID) -> bool:
    """Whether an actor could have given all that somebody is: then a link of that user opens nothing new to the
    actor. Somebody without a role is everybody's who reaches everything."""
    held = grants_of(session, user_id)
    return all(can_give(session, actor, grant) for grant in held) if held else actor.unlimited


def give(session: Session, actor: Actor, user_id: UUID, grant: Grant) -> None:
    """Give somebody a role. Raises GrantError."""
    if not can_give(session, actor, grant):
        raise GrantError(Fault.OUTSIDE)
    add(session, actor, user_id, grant)


def add(session: Session, actor: Actor, user_id: UUID, grant: Grant) -> None:
    """Give a role that the caller knows to be the actor's to give. Raises GrantError."""
    _lock(session, actor, user_id, wants_active=True)
    made = session.scalar(
        insert(models.Grant)
        .values(id=uuid7(), user_id=user_id, role=str(grant.role), scope_kind=str(grant.scope_kind), scope=grant.scope)
        .on_conflict_do_nothing()
        .returning(models.Grant.id)
    )
    if made is None:
        raise GrantError(Fault.THERE)
    audit.record(session, actor, "grant.given", str(user_id), after=told(grant))


def told(grant: Grant) -> dict[str, str]:
    """A grant, for the audit trail."""
    return {"role": str(grant.role), "scope_kind": str(grant.scope_kind), "scope": grant.scope}


def withdraw(session: Session, actor: Actor, user_id: UUID, grant: Grant) -> None:
    """Take a role from somebody; what he or she does next is refused. Raises GrantError."""
    if not can_give(session, actor, grant):
        raise GrantError(Fault.OUTSIDE)
    remove(session, actor, user_id, grant)


def remove(session: Session, actor: Actor, user_id: UUID, grant: Grant) -> None:
    """Take a role that the caller knows to be the actor's to take. Raises GrantError."""
    _lock(session, actor, user_id)
    if grant.scope_kind is Scope.ALL and session.scalar(select(User.active).where(User.id == user_id)):
        _leave_one(session, user_id, [grant.role])
    table = models.Grant
    gone = session.scalar(
        delete(table)
        .where(
            table.user_id == user_id,
            table.role == str(grant.role),
            table.scope_kind == str(grant.scope_kind),
            table.scope == grant.scope,
        )
        .returning(table.id)
    )
    if gone is None:
        raise GrantError(Fault.UNKNOWN)
    audit.record(session, actor, "grant.withdrawn", str(user_id), before=told(grant))


def switch_off(session: Session, actor: Actor, user_id: UUID, now: datetime) -> None:
    """Switch an account off: sign-ins, links and tokens end at once; what he or she did stays. Raises GrantError."""
    if not looks_after(session, actor, user_id):
        raise GrantError(Fault.OUTSIDE)
    _lock(session, actor, user_id, wants_active=True)
    unlimited = [grant.role for grant in grants_of(session, user_id) if grant.scope_kind is Scope.ALL]
    _leave_one(session, user_id, unlimited)
    session.execute(update(User).where(User.id == user_id).values(active=False))
    ended = sign_ins.end_all(session, user_id, now)
    links = (SetupLink.user_id == user_id, SetupLink.used_at.is_(None))
    session.execute(update(SetupLink).where(*links).values(used_at=now))
    after = {
        "active": False,
        "sign_ins_ended": ended,
        "tokens_ended": api_tokens.revoke_all(session, actor, user_id, now),
    }
    audit.record(session, actor, "user.switched_off", str(user_id), before={"active": True}, after=after)


def switch_on(session: Session, actor: Actor, user_id: UUID) -> None:
    """Let somebody sign in again, in the same roles; ended sign-ins and tokens stay ended. Raises GrantError."""
    if not looks_after(session, actor, user_id):
        raise GrantError(Fault.OUTSIDE)
    _lock(session, actor, user_id)
    changed = session.scalar(
        update(User).where(User.id == user_id, User.active.is_(False)).values(active=True).returning(User.id)
    )
    if changed is None:
        raise GrantError(Fault.THERE)
    audit.record(session, actor, "user.switched_on", str(user_id), before={"active": False}, after={"active": True})


def _lock(session: Session, actor: Actor, user_id: UUID, *, wants_active: bool = False) -> None:
    """Have the user's row to oneself. Raises GrantError."""
    if user_id == actor.user_id:
        raise GrantError(Fault.OWN)
    active = session.scalar(select(User.active).where(User.id == user_id).with_for_update())
    if active is None:
        raise GrantError(Fault.UNKNOWN)
    if wants_active and not active:
        raise GrantError(Fault.OFF)


def _leave_one(session: Session, user_id: UUID, roles: Iterable[Role]) -> None:
    """Raises GrantError where nobody without limits would be left in one of these roles."""
    wanted = [str(role) for role in roles if role in LOOKED_AFTER]
    if not wanted:
        return
    table = models.Grant
    unlimited = (table.scope_kind == str(Scope.ALL), table.role.in_(wanted))
    # Locked first, in one order, and read afterwards: of two that would take each other away, the second finds the
    # first gone.
    session.execute(select(table.id).where(*unlimited).order_by(table.id).with_for_update()).all()
    rows = session.execute(select(table.role, table.user_id).join(User).where(*unlimited, User.active)).all()
    mine = {role for role, whose in rows if whose == user_id}
    others = {role for role, whose in rows if whose != user_id}
    if mine - others:
        raise GrantError(Fault.LAST)
