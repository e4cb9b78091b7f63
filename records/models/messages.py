"""What is sent to people: mail to those who sign in, and messages to participants who fall behind."""

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
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, Now, Words


class Mail(Base):
    """A mail to somebody who signs in. Its text may hold a one-time link: encrypted, and gone when it was sent."""

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'sent', 'failed')", name="status"),
        Index("ix_mails_due", "due_at", postgresql_where=text("status = 'waiting'")),
    )

    id: Mapped[Key]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """`invitation` or `reset`."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Subject and text, encrypted; None once it was sent or given up."""
    status: Mapped[str] = mapped_column(String(10), server_default="waiting")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    error: Mapped[str] = mapped_column(String(60), server_default="")
    """A code; never what a server said."""
    created_at: Mapped[Now]
    due_at: Mapped[Now]
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Nudge(Base):
    """A text that staff send to a number of participants."""

    __tablename__ = "nudges"
    __table_args__ = (
        CheckConstraint("channel IN ('moodle', 'mail')", name="channel"),
        CheckConstraint("status IN ('due', 'done', 'cancelled')", name="status"),
        Index("ix_nudges_due", "due_at", postgresql_where=text("status = 'due'")),
    )

    id: Mapped[Key]
    channel: Mapped[str] = mapped_column(String(10))
    template: Mapped[str] = mapped_column(String(40))
    """Which of the ready-made texts it began with."""
    subject: Mapped[Words]
    body: Mapped[Words]
    """With placeholders for what differs from one participant to the next: it names nobody."""
    asked: Mapped[Data]
    """Whom it was for, as it was asked: filters as in the board's address."""
    actor: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(10), server_default="due")
    created_at: Mapped[Now]
    due_at: Mapped[Moment]
    """Until then it can be called off."""
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class NudgeMessage(Base):
    """A nudge's message to one participant."""

    __tablename__ = "nudge_messages"
    __table_args__ = (
        UniqueConstraint("nudge_id", "membership_id"),
        CheckConstraint("status IN ('waiting', 'sending', 'sent', 'failed', 'skipped')", name="status"),
        Index("ix_nudge_messages_open", "nudge_id", postgresql_where=text("status IN ('waiting', 'sending')")),
    )

    id: Mapped[Key]
    nudge_id: Mapped[UUID] = mapped_column(ForeignKey("nudges.id"))
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), index=True)
    status: Mapped[str] = mapped_column(String(10), server_default="waiting")
    """`sending` is what a message stays whose worker died meanwhile: nobody knows whether it went out."""
    reason: Mapped[str] = mapped_column(String(60), server_default="")
    """A code: why it was skipped or failed."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    tried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class OptOut(Base):
    """A person who wants no nudges, or wants them again: the latest word of it."""

    __tablename__ = "opt_outs"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), primary_key=True)
    actor: Mapped[str] = mapped_column(String(80))
    """A user's id, or `participant`."""
    at: Mapped[Now]
    stands: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    """False: it was taken back."""
    note: Mapped[str] = mapped_column(Text, server_default="")
    """Staff's words on it; they go with the person."""
