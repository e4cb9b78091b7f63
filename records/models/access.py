"""Who works in the console, with which role and scope, and how they show who they are; the audit trail."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
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
    language: Mapped[str | None] = mapped_column(String(8))
    """Chosen by the user; None: as the browser asks."""
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
    """A browser's session. Only hashes of its cookies are kept."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    former_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The cookie before the present one: requests that were under way with it are still answered for a moment."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    way: Mapped[str] = mapped_column(String(12), server_default="password")
    """`password`, `setup_link` or `provider`."""
    created_at: Mapped[Now]
    rotated_at: Mapped[Now]
    seen_at: Mapped[Now]
    """To the minute or so: written at most once in a while."""
    expires_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignInFailures(Base):
    """Wrong passwords in a row for an address, whether anybody has it or not."""

    __tablename__ = "sign_in_failures"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Keyed hash of the address, or of the network that asks."""
    failures: Mapped[int] = mapped_column(SmallInteger)
    last_at: Mapped[Moment]
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class IdentityProvider(Base):
    """A district's sign-in that is trusted to say who somebody is: OpenID Connect."""

    __tablename__ = "identity_providers"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    """In its address here."""
    name: Mapped[Words]
    """On the button."""
    issuer: Mapped[Words]
    client_id: Mapped[Words]
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted; None for a public client."""
    domains: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Domains of verified e-mail addresses by which it may name somebody for the first time; none: by any."""
    active: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    created_at: Mapped[Now]


class Identity(Base):
    """Who somebody is to an identity provider."""

    __tablename__ = "identities"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_providers.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    """The provider's own, unchanging name for the user."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[Now]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ApiToken(Base):
    """A token of the REST API: acts as its user, as far as its scopes go. Only its hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[Words]
    """What it is for."""
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    created_at: Mapped[Now]
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class IdempotencyKey(Base):
    """What a write of the REST API was answered: a repetition is told the same, and does nothing."""

    __tablename__ = "idempotency_keys"

    token_id: Mapped[UUID] = mapped_column(ForeignKey("api_tokens.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    """Of method, path and body: the same key with something else is refused."""
    status: Mapped[int | None]
    """None while the first of them is under way."""
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Now]


class AuditEntry(Base):
    """Who did what, with before and after: opaque ids, never names. Only added to, like the ledger."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject"),)

    id: Mapped[Key]
    at: Mapped[Now]
    actor: Mapped[str] = mapped_column(String(80))
    """A user's id, `cli`, or `system`."""
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    before: Mapped[Data | None]
    after: Mapped[Data | None]
