"""Who asks: every query takes an actor, and shows what lies in the scope of the actor's grants."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select, true

from records.models import Community, ProgramRow


class Role(StrEnum):
    """What somebody is to this installation. Which role may do what is decided in service/access.py."""

    IT = "it"
    PROGRAM_ADMIN = "program_admin"
    STAFF = "staff"
    FACILITATOR = "facilitator"
    AUDITOR = "auditor"


class Scope(StrEnum):
    """How far a grant reaches."""

    ALL = "all"
    PROGRAM = "program"
    REGION = "region"
    COMMUNITY = "community"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role within a scope: `` for all, `<program>`, `<program>/<region>`, or a community's id."""

    role: Role
    scope_kind: Scope = Scope.ALL
    scope: str = ""

    def __post_init__(self) -> None:
        if not _well_formed(self.scope_kind, self.scope):
            raise ValueError(f"'{self.scope}' is no scope of the kind '{self.scope_kind}'")


def _well_formed(kind: Scope, scope: str) -> bool:
    if kind is Scope.ALL:
        return scope == ""
    if kind is Scope.COMMUNITY:
        return _uuid(scope) is not None
    parts = scope.split("/")
    return all(parts) and len(parts) == (1 if kind is Scope.PROGRAM else 2)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks or acts. `user_id` is None for the command line and the system's own jobs."""

    user_id: UUID | None
    name: str
    """For the audit trail: the user's id, `cli` or `system`; never a person's name."""
    grants: tuple[Grant, ...]

    @classmethod
    def user(cls, user_id: UUID, grants: tuple[Grant, ...]) -> "Actor":
        """The actor that a signed-in user is."""
        return cls(user_id, str(user_id), grants)

    @property
    def roles(self) -> frozenset[Role]:
        """All roles, whatever their scopes."""
        return frozenset(grant.role for grant in self.grants)

    def only(self, roles: frozenset[Role]) -> "Actor":
        """The same actor with nothing but the grants of these roles: what they reach is what a permission reaches."""
        return replace(self, grants=tuple(grant for grant in self.grants if grant.role in roles))

    @property
    def unlimited(self) -> bool:
        """Whether some grant reaches everything."""
        return any(grant.scope_kind is Scope.ALL for grant in self.grants)

    def reaches(self, program: str, region: str, community: UUID | None = None) -> bool:
        """Whether a whole region of a program lies in scope, or the one community of it that is named."""
        within = {(Scope.ALL, ""), (Scope.PROGRAM, program), (Scope.REGION, f"{program}/{region}")}
        if community:
            within.add((Scope.COMMUNITY, str(community)))
        return any((grant.scope_kind, grant.scope) in within for grant in self.grants)


CLI = Actor(None, "cli", (Grant(Role.IT),))
"""Whoever runs `copbridge` on the server: the operating system decided about that."""
SYSTEM = Actor(None, "system", (Grant(Role.IT),))


def in_scope(actor: Actor) -> ColumnElement[bool]:
    """The condition on `communities` that limits a query to the actor's scope; nothing without a grant."""
    return or_(false(), *(_within(grant) for grant in actor.grants))


def _within(grant: Grant) -> ColumnElement[bool]:
    if grant.scope_kind is Scope.ALL:
        return true()
    if grant.scope_kind is Scope.COMMUNITY:
        return Community.id == UUID(grant.scope)
    program, _, region = grant.scope.partition("/")
    # A query that reads programs besides must not lend its rows to this one.
    of_program = Community.program_id.in_(select(ProgramRow.id).where(ProgramRow.code == program).correlate(None))
    return of_program & (Community.region == region) if region else of_program
