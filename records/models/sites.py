"""The Moodle sites of this installation, their secrets, and the inbox of what they sent."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Key, Moment, Now, Words


class Site(Base):
    __tablename__ = "sites"

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    """The site's part of the webhook address."""
    name: Mapped[Words]
    wwwroot: Mapped[str] = mapped_column(String(255), unique=True)
    epoch: Mapped[UUID | None]
    """The sender's epoch: taken from its first batch; another one is a copy until IT confirms it."""
    refused_epoch: Mapped[UUID | None]
    """The latest unconfirmed sender, with its wwwroot and time, so that IT sees whom to confirm."""
    refused_wwwroot: Mapped[str | None] = mapped_column(String(255))
    refused_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    own_users: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """The Moodle users that we have written completions as: what they overrode never earns."""
    created_at: Mapped[Now]


class SiteSecret(Base):
    """A secret of a site, encrypted at rest. Several may be active at once, for rotation."""

    __tablename__ = "site_secrets"

    id: Mapped[Key]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    """See records.secrets.Purpose."""
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Now]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class InboxItem(Base):
    """One event or reading as it was sent. The queue of truth: Redis only says when to look."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index(
            "uq_inbox_item", "site_id", "sender", "item_id", unique=True, postgresql_where=text("item_id IS NOT NULL")
        ),
        Index("ix_inbox_pending", "due_at", "id", postgresql_where=text("status = 'pending'")),
        Index("ix_inbox_waiting", "site_id", "waits_for", postgresql_where=text("status = 'waiting'")),
        Index("ix_inbox_stuck", "status", postgresql_where=text("status IN ('quarantined', 'dead')")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    sender: Mapped[str] = mapped_column(String(20))
    """`wire`, `local_webhooks`, `xapi`, `tool_trigger` or `sweep`."""
    kind: Mapped[str] = mapped_column(String(40))
    """`event`, or `reading.<kind>`."""
    item_id: Mapped[str | None] = mapped_column(String(64))
    """An event's id; unique only to save work: idempotence comes from the facts."""
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    """As sent, in bytes: jsonb refuses \\u0000 and lone surrogates."""
    correlation_id: Mapped[UUID]
    received_at: Mapped[Now]
    status: Mapped[str] = mapped_column(String(12), server_default="pending")
    """`pending`, `waiting`, `quarantined`, `done`, `dead`."""
    reason: Mapped[str | None] = mapped_column(String(200))
    waits_for: Mapped[str | None] = mapped_column(String(60))
    """`course:<id>`, `module:<id>` or `account:<hash of a key>`; of an unconfirmed copy's item
    `epoch:<uuid>@<hash of its wwwroot>`."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Begun; counted in a commit of its own before the work."""
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Ended with an error. An attempt without one died with its process."""
    due_at: Mapped[Now]
    processed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class IgnoredCount(Base):
    """What was sent and isn't ours to keep: counted a day, not stored."""

    __tablename__ = "ignored_counts"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class Reread(Base):
    """Something whose present state only Moodle knows: to be read again."""

    __tablename__ = "rereads"
    __table_args__ = (
        Index(
            "uq_rereads_open",
            "site_id",
            "course_id",
            "moodle_user_id",
            "module_id",
            "reason",
            unique=True,
            postgresql_where=text("done_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Key]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    course_id: Mapped[int] = mapped_column(BigInteger)
    moodle_user_id: Mapped[int | None] = mapped_column(BigInteger)
    """None: everybody in the course."""
    module_id: Mapped[int | None] = mapped_column(BigInteger)
    """Given: that user's completion of this module. None: how the user takes part in the course."""
    as_of: Mapped[Moment]
    """The time of the latest report that raised the question: a reading not before it answers."""
    reason: Mapped[str] = mapped_column(String(40))
    asked_at: Mapped[Now]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
