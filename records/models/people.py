"""People: the only tables (beside payloads with a retention) that hold names, e-mails and keys."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Now, Words


class Person(Base):
    """A human. Names come from the accounts; what is credited hangs on the person."""

    __tablename__ = "persons"

    id: Mapped[Key]
    created_at: Mapped[Now]
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """Given: the person asked to be forgotten. The amounts stay, and nothing here leads back to a name."""


class ErasedAccount(Base):
    """A keyed hash of a site's user id, or of another key of the account: what a sweep or an event says of an erased
    person is dropped."""

    __tablename__ = "erased_accounts"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    erased_at: Mapped[Now]


class Account(Base):
    """A user of one Moodle site: the mirror of mdl_user, and the exact key that people are matched by."""

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("site_id", "moodle_user_id"),
        Index("ix_accounts_idnumber", "site_id", "idnumber", postgresql_where=text("idnumber <> ''")),
    )

    id: Mapped[Key]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    moodle_user_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    present: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    suspended: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    username: Mapped[str] = mapped_column(String(1333), server_default="")
    idnumber: Mapped[str] = mapped_column(String(1333), server_default="")
    email: Mapped[str] = mapped_column(String(1333), server_default="")
    firstname: Mapped[str] = mapped_column(String(1333), server_default="")
    lastname: Mapped[str] = mapped_column(String(1333), server_default="")
    profile: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """None: only known by its id so far."""
    rank: Mapped[int] = mapped_column(SmallInteger, server_default="0")


class Organisation(Base):
    """An agency, school, district, SELPA or county office."""

    __tablename__ = "organisations"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(80), unique=True)
    """What files and profile fields name it by."""
    name: Mapped[Words]
    kind: Mapped[str] = mapped_column(String(40))
    level: Mapped[str | None] = mapped_column(String(40))
    """ES, MS, HS where it is a school."""
    designation: Mapped[str | None] = mapped_column(String(40))
    designated_on: Mapped[date | None] = mapped_column(Date)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)


class Membership(Base):
    """A person in a community. `dirty_at` is the mark that its inputs changed since it was reconciled."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("community_id", "person_id"),
        Index("ix_memberships_dirty", "dirty_at", postgresql_where=text("dirty_at IS NOT NULL")),
        Index("ix_memberships_person_id", "person_id"),
    )

    id: Mapped[Key]
    community_id: Mapped[UUID] = mapped_column(ForeignKey("communities.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    role: Mapped[str] = mapped_column(String(12), server_default="unknown")
    """`participant`, `facilitator`, `other`, or `unknown` while Moodle's role isn't."""
    status: Mapped[str] = mapped_column(String(12), server_default="active")
    """`active`, `suspended` (also: before or after the enrolment's dates) or `left`."""
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    """The affiliation; derived from the profile field that the program names."""
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"), index=True)
    """The person turned out to be another one: what was decided about this membership counts in that one."""
    created_at: Mapped[Now]
    dirty_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), server_default=text("now()"))
