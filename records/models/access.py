"""Who works in the console, with which role and scope; the audit trail; periodic jobs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, DateTime, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, Now, Words


class User(Base):
    """Somebody who signs in: program staff, a facilitator, IT. Participants stay in Moodle."""

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[Words]
    password_hash: Mapped[str | None] = mapped_column(String(200))
    """argon2; None until the set-up link was used."""
    active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    created_at: Mapped[Now]


class Grant(Base):
    """A role within a scope: everything, a program, a region of a program, or one community."""

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("user_id", "role", "scope_kind", "scope"),
        CheckConstraint("role IN ('it', 'program_admin', 'staff', 'facilitator', 'auditor')", name="role"),
        CheckConstraint("scope_kind IN ('all', 'program', 'region', 'community')", name="scope_kind"),
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(String(20))
    scope_kind: Mapped[str] = mapped_column(String(12))
    scope: Mapped[str] = mapped_column(String(100), server_default="")
    """`` for all, `<program>`, `<program>/<region>`, or a community's id."""


class SetupLink(Base):
    """A one-time link to set a password. Only its hash is kept."""

    __tablename__ = "setup_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignIn(Base):
    """A browser's session. Only the hash of its cookie is kept."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[Now]
    expires_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AuditEntry(Base):
    """Who did what, with before and after: opaque ids, never names. Only added to, like the ledger."""

    __tablename__ = "audit"

    id: Mapped[Key]
    at: Mapped[Now]
    actor: Mapped[str] = mapped_column(String(80))
    """A user's id, `cli`, or `system`."""
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    before: Mapped[Data | None]
    after: Mapped[Data | None]


class PeriodicJob(Base):
    """A periodic job, claimed by conditional UPDATE on the database's clock: any number of schedulers may run."""

    __tablename__ = "periodic_jobs"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    every_seconds: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[Now]
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
