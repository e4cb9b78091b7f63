"""Programs and their versions, the communities they run as, bindings, sessions, facts, decisions, ledger, standing."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, MoodleId, MoodleKey, Now, Words


class ProgramRow(Base):
    __tablename__ = "programs"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)


class ProgramVersionRow(Base):
    """One program file as it was loaded. Never changed: another file is another version."""

    __tablename__ = "program_versions"
    __table_args__ = (UniqueConstraint("program_id", "number"), UniqueConstraint("program_id", "sha256"))

    id: Mapped[Key]
    program_id: Mapped[UUID] = mapped_column(ForeignKey("programs.id"))
    number: Mapped[int]
    effective_from: Mapped[date]
    source: Mapped[Words]
    sha256: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[Now]
    applied_by: Mapped[str] = mapped_column(String(80), server_default="")
    """A user's id, or `cli`."""
    reason: Mapped[str] = mapped_column(Text, server_default="")


class Community(Base):
    __tablename__ = "communities"
    __table_args__ = (
        Index("ix_communities_program_id", "program_id"),
        Index("uq_communities_key", "program_id", "key", unique=True, postgresql_where=text("key <> ''")),
    )

    id: Mapped[Key]
    program_id: Mapped[UUID] = mapped_column(ForeignKey("programs.id"))
    topic: Mapped[str] = mapped_column(String(40))
    region: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(Text, server_default="")
    """What several courses or groups of one community share; empty: a community of one course or group."""
    timezone: Mapped[str] = mapped_column(String(64))
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    calendar_revision: Mapped[int] = mapped_column(server_default="0")
    """Goes into the secret address of its calendar: another number makes another address."""
    created_at: Mapped[Now]


class CommunityCourse(Base):
    """Which course, or which group in it, is which community; it stays when the course is renamed."""

    __tablename__ = "community_courses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["site_id", "course_id"],
            ["mirror_courses.site_id", "mirror_courses.course_id"],
            name="fk_community_courses_course",
        ),
        Index("ix_community_courses_community_id", "community_id"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    course_id: Mapped[MoodleKey]
    group_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, server_default="0")
    """The group that is the community; 0: everybody in the course."""
    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    basis_as_of: Mapped[Moment]
    """The earliest reading that placed it: a later rename moves nobody's hours."""


class Binding(Base):
    """A form that a module has had: what rules look at, and `basis_as_of`, when it was first read so.

    Exactly one form of a module may be `active`: the earliest that a rule matched, unless somebody
    decided otherwise. The present form, where it would earn something else, is `proposed` and changes
    no minute until somebody decides. The rest is `seen`.
    """

    __tablename__ = "bindings"
    __table_args__ = (
        Index("uq_bindings_active", "site_id", "module_id", unique=True, postgresql_where=text("status = 'active'")),
        Index(
            "uq_bindings_proposed", "site_id", "module_id", unique=True, postgresql_where=text("status = 'proposed'")
        ),
        UniqueConstraint("site_id", "module_id", "form"),
        CheckConstraint("status IN ('active', 'proposed', 'seen', 'rejected')", name="status"),
    )

    id: Mapped[Key]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    module_id: Mapped[MoodleId]
    course_id: Mapped[MoodleId]
    form: Mapped[str] = mapped_column(String(64))
    """A hash over what rules look at."""
    status: Mapped[str] = mapped_column(String(12))
    rule: Mapped[str | None] = mapped_column(String(40))
    """The rule that it matched when it was bound; None: it earns nothing."""
    idnumber: Mapped[Words]
    modname: Mapped[str] = mapped_column(String(50))
    section_name: Mapped[Words]
    name: Mapped[Words]
    minutes: Mapped[int | None]
    """The hours that the form in Moodle declares, where they are a part of what is decided; None: they aren't."""
    component: Mapped[str] = mapped_column(String(100), server_default="")
    basis_as_of: Mapped[Moment]
    decision_id: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"))
    created_at: Mapped[Now]


class FactRow(Base):
    """A version of something achieved: superseded, never overwritten."""

    __tablename__ = "facts"
    __table_args__ = (
        UniqueConstraint("key", "version"),
        Index("uq_facts_current", "key", unique=True, postgresql_where=text("superseded_at IS NULL")),
        Index("ix_facts_account", "account_id", "course_id", postgresql_where=text("superseded_at IS NULL")),
        Index("ix_facts_session_id", "session_id", postgresql_where=text("session_id IS NOT NULL")),
        CheckConstraint("(kind = 'completion') = (module_id IS NOT NULL)", name="completion_has_module"),
        CheckConstraint("(kind = 'attendance') = (session_id IS NOT NULL)", name="attendance_has_session"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(120))
    """`completion:<site>:<module>:<account>` or `attendance:<session>:<account>`: ids of ours and of
    modules, never of people in Moodle, since the ledger repeats it for ever."""
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    course_id: Mapped[int | None] = mapped_column(BigInteger)
    module_id: Mapped[int | None] = mapped_column(BigInteger)
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id"))
    happened_at: Mapped[Moment]
    state: Mapped[int | None] = mapped_column(SmallInteger)
    minutes: Mapped[int | None] = mapped_column(Integer)
    presence: Mapped[str | None] = mapped_column(String(20))
    """An attendance's status code (such as `P` or `late`), where the program weighs it."""
    mode: Mapped[str | None] = mapped_column(String(20))
    """How somebody was there, at a session that is held in several modes."""
    ended: Mapped[str | None] = mapped_column(String(12))
    overrideby: Mapped[int | None] = mapped_column(BigInteger)
    provisional: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    correlation_id: Mapped[UUID]
    recorded_at: Mapped[Now]
    superseded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Decision(Base):
    """Whatever a person decided: an input like a fact; undone by another decision."""

    __tablename__ = "decisions"
    __table_args__ = (
        # What may wait for approval, beside thousands of other decisions: reports, and adjustments by their size.
        Index(
            "ix_decisions_unsettled",
            "kind",
            text("abs((data ->> 'minutes')::integer)"),
            postgresql_where=text("kind IN ('self_report', 'adjustment') AND NOT settled"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    """What was decided: see records.decisions.Kind, which says what `data` holds for each."""
    program_id: Mapped[UUID | None] = mapped_column(ForeignKey("programs.id"), index=True)
    membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    """A user's id, or `cli`."""
    actor_role: Mapped[str] = mapped_column(String(20))
    reason: Mapped[Words]
    data: Mapped[Data]
    undoes: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    settled: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    """Of reported and adjusted hours: approved, refused or taken back; kept by records.settled, of the rest false."""
    decided_at: Mapped[Moment]
    correlation_id: Mapped[UUID]


class LedgerEntry(Base):
    """Credited minutes. Only added to: the application's role may not UPDATE, DELETE or TRUNCATE."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("membership_id", "credit_key", "ordinal"),)

    id: Mapped[Key]
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    credit_key: Mapped[str] = mapped_column(String(220))
    ordinal: Mapped[int]
    minutes: Mapped[int]
    component: Mapped[str] = mapped_column(String(40))
    rule: Mapped[str] = mapped_column(String(60))
    program_version_id: Mapped[UUID] = mapped_column(ForeignKey("program_versions.id"))
    fact_id: Mapped[UUID | None] = mapped_column(ForeignKey("facts.id"))
    decision_id: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"))
    reverses: Mapped[UUID | None] = mapped_column(ForeignKey("ledger.id"), unique=True)
    happened_at: Mapped[Moment]
    correlation_id: Mapped[UUID]
    """Of the fact or decision; a reversal carries that of what caused it."""
    created_at: Mapped[Now]


class StandingRow(Base):
    """The answer for a membership; derived, recomputed when dirty or when `valid_until` has come."""

    __tablename__ = "standings"
    __table_args__ = (
        Index("ix_standings_valid_until", "valid_until", postgresql_where=text("valid_until IS NOT NULL")),
        Index("ix_standings_late", "membership_id", postgresql_where=text("late > 0")),
    )

    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), primary_key=True)
    minutes: Mapped[int]
    all_minutes: Mapped[int] = mapped_column(server_default="0")
    """`minutes` counts within the commitment's present period; this one over all."""
    by_component: Mapped[dict[str, int]] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(String(20))
    band_min: Mapped[int | None]
    band_max: Mapped[int | None]
    on_their_way: Mapped[int]
    missing: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """What is still to do: codes and parameters, as mappings.requirements.Missing."""
    outcomes: Mapped[list[dict[str, object]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Each requirement: see mappings.requirements.Outcome."""
    late: Mapped[int] = mapped_column(server_default="0")
    """How many changes came late for closed periods, and wait for somebody."""
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    computed_at: Mapped[Moment]
