"""All that is stored about a person, table by table; and of each table that isn't exported, why.

Other people aren't in it: whoever decided, recorded or overrode something is left out, and where a row names
another Moodle user the id is taken out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from records.erasure import decided_about
from records.forgotten import held_about
from records.keys import among
from records.merged import persons_behind
from records.models import (
    Account,
    AuditEntry,
    Base,
    ClosedMember,
    Community,
    Decision,
    Dispute,
    FactRow,
    LedgerEntry,
    Membership,
    MilestoneRow,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorModule,
    MirrorParticipation,
    MirrorRoleAssignment,
    Nudge,
    NudgeMessage,
    OptOut,
    Organisation,
    Person,
    Presence,
    ProgramRow,
    Reread,
    SessionRow,
    Site,
    StandingRow,
    ToldPresence,
    ToldStanding,
    Welcome,
)
from records.people import AccountKey

Row = dict[str, Any]
INBOX = "inbox"
"""The one part that is found by what payloads say."""


class Why(StrEnum):
    """Why a table isn't exported as one about people."""

    NOBODYS = "nobodys"
    """It holds nothing about any participant."""
    NAMED = "named"
    """Nothing about any participant; what the exported rows point to is named beside them."""
    STAFF = "staff"
    """It is about those who work in the console."""
    HASHED = "hashed"
    """A keyed hash that nobody can lead back, kept so that an erased person isn't taken in again."""
    OTHERS = "others"
    """It holds what many people did in one piece; what it says of each is in the exported rows."""
    PASSING = "passing"
    """Lists of work that name people by ids until it is done."""


LEFT_OUT: dict[str, Why] = {
    "sites": Why.NAMED,
    "organisations": Why.NAMED,
    "programs": Why.NAMED,
    "communities": Why.NAMED,
    "sessions": Why.NAMED,
    "mirror_courses": Why.NAMED,
    "mirror_modules": Why.NAMED,
    "nudges": Why.NAMED,
    "users": Why.STAFF,
    "grants": Why.STAFF,
    "setup_links": Why.STAFF,
    "sign_ins": Why.STAFF,
    "sign_in_failures": Why.STAFF,
    "identities": Why.STAFF,
    "identity_providers": Why.STAFF,
    "api_tokens": Why.STAFF,
    "idempotency_keys": Why.PASSING,
    "mails": Why.STAFF,
    "erased_accounts": Why.HASHED,
    "attendance_reports": Why.OTHERS,
    "sweeps": Why.PASSING,
    "long_jobs": Why.PASSING,
    "provision_people": Why.PASSING,
    "provision_files": Why.NOBODYS,
    "provisioned_courses": Why.NOBODYS,
    "provision_runs": Why.NOBODYS,
    "site_secrets": Why.NOBODYS,
    "ignored_counts": Why.NOBODYS,
    "mirror_attendances": Why.NOBODYS,
    "mirror_roles": Why.NOBODYS,
    "mirror_groups": Why.NOBODYS,
    "drift_counts": Why.NOBODYS,
    "course_copies": Why.NOBODYS,
    "continued_modules": Why.NOBODYS,
    "program_versions": Why.NOBODYS,
    "community_courses": Why.NOBODYS,
    "bindings": Why.NOBODYS,
    "shared_sessions": Why.NOBODYS,
    "session_changes": Why.NOBODYS,
    "teams": Why.NOBODYS,
    "closings": Why.NOBODYS,
    "told_courses": Why.NOBODYS,
    "periodic_jobs": Why.NOBODYS,
}
SOMEBODY_ELSE = frozenset({"actor", "recorded_by", "withdrawn_by", "undone_by"})
"""Columns that say who of the staff it was: left out."""
IN_MOODLE = frozenset({"overrideby"})
"""Columns that name a Moodle user, the person or another one."""


@dataclass(frozen=True, slots=True)
class Whose:
    """What the rows about a person are found by."""

    persons: Sequence[UUID]
    """The person, and whoever was merged into him or her."""
    accounts: Sequence[UUID]
    users: frozenset[AccountKey]
    memberships: Sequence[UUID]

    @property
    def subjects(self) -> list[str]:
        """What the audit trail calls them."""
        return [str(key) for key in (*self.persons, *self.accounts, *self.memberships)]


def _of_account(column: Any) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: among(column, whose.accounts)


def _of_membership(column: Any) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: among(column, whose.memberships)


def _of_person(column: Any) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: among(column, whose.persons)


def _of_user(table: Any) -> Callable[[Whose], ColumnElement[bool]]:
    return lambda whose: among((table.site_id, table.moodle_user_id), whose.users)


def _milestones(whose: Whose) -> ColumnElement[bool]:
    return (MilestoneRow.subject_kind == "participant") & among(MilestoneRow.subject_id, whose.memberships)


TABLES: dict[type[Base], Callable[[Whose], ColumnElement[bool]]] = {
    Person: _of_person(Person.id),
    Account: _of_person(Account.person_id),
    Membership: _of_person(Membership.person_id),
    StandingRow: _of_membership(StandingRow.membership_id),
    LedgerEntry: _of_membership(LedgerEntry.membership_id),
    FactRow: _of_account(FactRow.account_id),
    Presence: _of_account(Presence.account_id),
    Dispute: _of_account(Dispute.account_id),
    Decision: lambda whose: decided_about(whose.memberships, whose.persons),
    ClosedMember: _of_membership(ClosedMember.membership_id),
    MilestoneRow: _milestones,
    NudgeMessage: _of_membership(NudgeMessage.membership_id),
    OptOut: _of_person(OptOut.person_id),
    MirrorEnrolment: _of_user(MirrorEnrolment),
    MirrorRoleAssignment: _of_user(MirrorRoleAssignment),
    MirrorGroupMember: _of_user(MirrorGroupMember),
    MirrorParticipation: _of_user(MirrorParticipation),
    MirrorCompletion: _of_user(MirrorCompletion),
    Reread: _of_user(Reread),
    Welcome: _of_user(Welcome),
    ToldStanding: _of_account(ToldStanding.account_id),
    ToldPresence: _of_account(ToldPresence.account_id),
    AuditEntry: lambda whose: AuditEntry.subject.in_(whose.subjects),
}
"""Every table with rows about people, and which of them are about one."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored about a person. Values are as JSON has them: ids and moments (ISO 8601) are text."""

    person_id: UUID
    tables: dict[str, list[Row]]
    """By table, in the order of TABLES; the last one is the inbox."""
    named: dict[str, list[Row]]
    """What the rows point to by its id: communities, sessions, activities, texts of messages."""

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.tables.items() if rows}


def stored_about(session: Session, person_id: UUID) -> Stored:
    """Everything about a person and whoever was merged into him or her. For who may export all of it: it isn't
    limited to a scope."""
    persons = [person_id, *persons_behind(session, person_id)]
    accounts = session.execute(
        select(Account.id, Account.site_id, Account.moodle_user_id).where(among(Account.person_id, persons))
    ).all()
    memberships = session.scalars(select(Membership.id).where(among(Membership.person_id, persons))).all()
    users = frozenset((row.site_id, row.moodle_user_id) for row in accounts)
    whose = Whose(persons, [row.id for row in accounts], users, memberships)
    tables = {model.__tablename__: _rows(session, model, where(whose), whose) for model, where in TABLES.items()}
    tables[INBOX] = [_as_json(row) for row in held_about(session, whose.users)]
    return Stored(person_id, tables, _named(session, tables))


def _rows(session: Session, model: type[Base], where: ColumnElement[bool], whose: Whose) -> list[Row]:
    table = Base.metadata.tables[model.__tablename__]
    columns = [column for column in table.columns if column.name not in SOMEBODY_ELSE]
    order = list(table.primary_key.columns)
    found = session.execute(select(*columns).where(where).order_by(*order))
    own = {user for _, user in whose.users}
    return [_as_json(_without_others(dict(row), own)) for row in found.mappings()]


def _without_others(row: Row, own: set[int]) -> Row:
    return {
        name: None if name in IN_MOODLE and value is not None and value not in own else value
        for name, value in row.items()
    }


def _as_json(row: Mapping[str, Any]) -> Row:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def _named(session: Session, tables: Mapping[str, Iterable[Row]]) -> dict[str, list[Row]]:
    """What ids in the rows stand for."""
    ids = _ids(tables)
    modules = {(UUID(str(r["site_id"])), r["module_id"]) for r in _rows_with(tables, "module_id") if r.get("site_id")}
    courses = {(UUID(str(r["site_id"])), r["course_id"]) for r in _rows_with(tables, "course_id") if r.get("site_id")}
    m, c = MirrorModule, MirrorCourse
    wanted = {
        "sites": select(Site.id, Site.name, Site.wwwroot).where(among(Site.id, ids("site_id"))),
        "communities": select(Community.id, ProgramRow.code.label("program"), Community.topic, Community.region)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(among(Community.id, ids("community_id"))),
        "organisations": select(Organisation.id, Organisation.code, Organisation.name).where(
            among(Organisation.id, ids("organisation_id"))
        ),
        "sessions": select(
            SessionRow.id, SessionRow.code, SessionRow.title, SessionRow.starts_at, SessionRow.mode
        ).where(among(SessionRow.id, ids("session_id"))),
        "courses": select(c.site_id, c.course_id, c.fullname).where(among((c.site_id, c.course_id), courses)),
        "activities": select(m.site_id, m.module_id, m.name, m.modname).where(among((m.site_id, m.module_id), modules)),
        "messages": select(Nudge.id, Nudge.channel, Nudge.subject, Nudge.body, Nudge.created_at).where(
            among(Nudge.id, ids("nudge_id"))
        ),
    }
    return {name: [_as_json(dict(row)) for row in session.execute(query).mappings()] for name, query in wanted.items()}


def _ids(tables: Mapping[str, Iterable[Row]]) -> Callable[[str], set[UUID]]:
    return lambda column: {UUID(str(row[column])) for row in _rows_with(tables, column)}


def _rows_with(tables: Mapping[str, Iterable[Row]], column: str) -> Iterable[Row]:
    return (row for name, rows in tables.items() if name != INBOX for row in rows if row.get(column) is not None)
