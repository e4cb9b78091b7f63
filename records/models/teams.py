"""Teams, and what is achieved together: milestones with their evidence; and periods that were closed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, Now, Words


class Team(Base):
    """A group of Moodle that the program file takes for a team; it stays a team when the group is renamed."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("site_id", "group_id"),)

    id: Mapped[Key]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"), index=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    group_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[Words]
    """What files name it by: the group's idnumber."""
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)


class MilestoneRow(Base):
    """A version of something that a person, a team or an organisation achieved: superseded, never overwritten."""

    __tablename__ = "milestones"
    __table_args__ = (
        UniqueConstraint("key", "version"),
        Index("uq_milestones_current", "key", unique=True, postgresql_where=text("superseded_at IS NULL")),
        Index(
            "ix_milestones_subject",
            "subject_kind",
            "subject_id",
            postgresql_where=text("superseded_at IS NULL"),
        ),
        CheckConstraint(
            "subject_kind IN ('participant', 'team', 'organisation', 'community', 'program')", name="subject_kind"
        ),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(200))
    """`<code>:<subject kind>:<subject id>:<cycle>:<session id>`: one of each."""
    version: Mapped[int]
    program_id: Mapped[UUID] = mapped_column(ForeignKey("programs.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))
    """The program file's name for it."""
    subject_kind: Mapped[str] = mapped_column(String(12))
    subject_id: Mapped[UUID]
    """A membership, team, organisation, community or program."""
    cycle: Mapped[str] = mapped_column(String(40), server_default="")
    """Which cycle a phase belongs to."""
    session_id: Mapped[UUID | None] = mapped_column(ForeignKey("sessions.id"))
    """The gathering that it follows."""
    happened_at: Mapped[Moment]
    evidence: Mapped[list[dict[str, str]]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Each with `kind` (link, file or note) and `value` (address, sha256 of a file, text)."""
    ended: Mapped[str | None] = mapped_column(String(12))
    """`withdrawn`: somebody took it back."""
    correlation_id: Mapped[UUID]
    recorded_by: Mapped[str] = mapped_column(String(80))
    recorded_at: Mapped[Now]
    superseded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Closing(Base):
    """A closed period of a program: a snapshot with a hash. Only added to."""

    __tablename__ = "closings"
    __table_args__ = (UniqueConstraint("program_id", "starts_at", "ends_at"),)

    id: Mapped[Key]
    program_id: Mapped[UUID] = mapped_column(ForeignKey("programs.id"))
    label: Mapped[Words]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    """The first instant that is outside."""
    sha256: Mapped[str] = mapped_column(String(64))
    """Over the canonical JSON of its members and credits."""
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decisions.id"))
    closed_at: Mapped[Moment]


class ClosedMember(Base):
    """A membership's standing and credits in a closed period. Only added to."""

    __tablename__ = "closed_members"

    closing_id: Mapped[UUID] = mapped_column(ForeignKey("closings.id"), primary_key=True)
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), primary_key=True, index=True)
    minutes: Mapped[int]
    status: Mapped[str] = mapped_column(String(20))
    credits: Mapped[list[Data]] = mapped_column(JSONB)
    """Each as mappings.facts.Credit; times as ISO 8601."""
