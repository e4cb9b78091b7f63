"""Sessions, and what each way of recording says of who was there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, MoodleKey, Now, Words


class SessionRow(Base):
    """A meeting of a community. Named `sessions` in the database."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("community_id", "code"),
        # An activity that stood for two sessions would count for both; one of mod_attendance holds many by itself.
        Index(
            "uq_sessions_module",
            "community_id",
            "module_site_id",
            "module_id",
            unique=True,
            postgresql_where=text("module_id IS NOT NULL AND source = ''"),
        ),
        Index(
            "uq_sessions_source",
            "module_site_id",
            "source",
            "source_id",
            "community_id",
            unique=True,
            postgresql_where=text("source_id IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    code: Mapped[str] = mapped_column(String(80))
    """What files name it by; unique in its community."""
    title: Mapped[Words]
    starts_at: Mapped[Moment]
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    timezone: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(40), server_default="")
    """One of the program's session kinds, such as `gathering`; empty: none was stated."""
    planned_minutes: Mapped[int | None]
    """What is meant to count, breaks left out; None: nobody said."""
    place: Mapped[str] = mapped_column(Text, server_default="")
    link: Mapped[str] = mapped_column(Text, server_default="")
    capacity: Mapped[int | None]
    required: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whoever misses it is shown to staff."""
    series: Mapped[str] = mapped_column(String(80), server_default="")
    """What the sessions of a series share."""
    makes_up: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id"), index=True)
    """The session that it is held again for: whoever was at both is credited for the better one."""
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revision: Mapped[int] = mapped_column(server_default="0")
    """Counts its changes: what a calendar goes by."""
    check_in_opened_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    check_in_ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    module_site_id: Mapped[UUID | None]
    module_id: Mapped[int | None] = mapped_column(BigInteger)
    """The Moodle activity that stands for this session: an alternative, the best of both counts."""
    source: Mapped[str] = mapped_column(String(20), server_default="")
    """`mod_attendance`: it was read from that activity; empty: somebody entered it here."""
    source_id: Mapped[int | None] = mapped_column(BigInteger)
    """Its id there."""
    created_at: Mapped[Now]


class SharedSession(Base):
    """Another community that a session is a meeting of, too."""

    __tablename__ = "shared_sessions"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"), primary_key=True, index=True)


class SessionChange(Base):
    """That a session was made, moved, cancelled, held after all, or described otherwise. Only added to."""

    __tablename__ = "session_changes"
    __table_args__ = (
        CheckConstraint("what IN ('made', 'moved', 'cancelled', 'restored', 'changed')", name="what"),
        Index("ix_session_changes_session_id", "session_id"),
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"))
    what: Mapped[str] = mapped_column(String(12))
    before: Mapped[Data]
    """The columns that changed, as they were; moments as ISO 8601."""
    after: Mapped[Data]
    reason: Mapped[Words]
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[Moment]


class AttendanceReport(Base):
    """A file of attendance: what it was, how far it is taken in, and whether it was undone."""

    __tablename__ = "attendance_reports"
    __table_args__ = (
        CheckConstraint("status IN ('uploaded', 'due', 'running', 'done', 'failed', 'undone')", name="status"),
        Index("ix_attendance_reports_due", "id", postgresql_where=text("status IN ('due', 'running')")),
        Index("ix_attendance_reports_community_id", "community_id"),
    )

    id: Mapped[Key]
    community_id: Mapped[UUID | None] = mapped_column(ForeignKey("communities.id"))
    """Where it was uploaded; None: it may be about any."""
    format: Mapped[str] = mapped_column(String(20))
    """`table` (CSV or XLSX with columns of ours), `zoom`, `teams`, `meet`."""
    name: Mapped[Words]
    """The file's; gone with the payload."""
    sha256: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
    """As it was uploaded, until its retention is over."""
    options: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    """How it is read: which column is what, the time zone of its times, the session that it is about."""
    status: Mapped[str] = mapped_column(String(10), server_default="uploaded")
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    total: Mapped[int] = mapped_column(Integer, server_default="0")
    """Rows taken in, of how many."""
    result: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    """Counts, and what is wrong with which line; the lines go with the payload."""
    error: Mapped[str] = mapped_column(String(200), server_default="")
    actor: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[Now]
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_by: Mapped[str] = mapped_column(String(80), server_default="")


class Presence(Base):
    """What one way of recording says of somebody at a session: see records.presences. Only added to and withdrawn."""

    __tablename__ = "presences"
    __table_args__ = (
        Index("ix_presences_session", "session_id", "account_id"),
        Index("ix_presences_account_id", "account_id"),
        Index("ix_presences_report_id", "report_id"),
        Index(
            "ix_presences_due",
            "session_id",
            "account_id",
            postgresql_where=text("folded_at IS NULL AND account_id IS NOT NULL"),
        ),
        Index(
            "ix_presences_open",
            "session_id",
            postgresql_where=text("withdrawn_at IS NULL AND (account_id IS NULL OR held IS NOT NULL)"),
        ),
    )

    id: Mapped[Key]
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    """None: nobody could tell yet who it is; `who` says what is known."""
    way: Mapped[str] = mapped_column(String(20))
    """See records.presences.Way."""
    report_id: Mapped[UUID | None] = mapped_column(ForeignKey("attendance_reports.id"))
    report_line: Mapped[int | None]
    decision_id: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"))
    minutes: Mapped[int | None]
    """None: the intervals or the status say it, or nothing does yet."""
    status: Mapped[str | None] = mapped_column(String(20))
    mode: Mapped[str | None] = mapped_column(String(20))
    intervals: Mapped[list[list[str | None]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """[from, until] each, ISO 8601 in UTC; until null: still there, as far as is known."""
    who: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """What was said of who it is (`name`, `email`, `idnumber`, `user`): gone with the payloads once it is matched."""
    held: Mapped[str | None] = mapped_column(String(20))
    """Why it waits for staff and doesn't count, such as `device`; None: it counts."""
    device: Mapped[str | None] = mapped_column(String(64))
    """A hash of the browser that checked in."""
    reason: Mapped[str] = mapped_column(Text, server_default="")
    correlation_id: Mapped[UUID]
    recorded_by: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[Now]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[str] = mapped_column(String(80), server_default="")
    folded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """None: the fact that is made of it isn't up to date yet."""


class Dispute(Base):
    """That ways of recording disagree on what somebody earns at a session, and nobody decided, or something else was
    reported after the decision. Derived: records.presences.fold keeps it."""

    __tablename__ = "disputes"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)


class ToldPresence(Base):
    """That Moodle was told that somebody was at a session, as the completion of the session's activity."""

    __tablename__ = "told_presences"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    module_id: Mapped[MoodleKey]
    present: Mapped[bool]
    outcome: Mapped[str] = mapped_column(String(20))
    """What Moodle answered: see records.telling_presence. After `changed_since` nothing is told any more."""
    facts: Mapped[str] = mapped_column(String(32))
    """A hash of the facts that it was told of: others are told anew."""
    told_at: Mapped[Moment]
