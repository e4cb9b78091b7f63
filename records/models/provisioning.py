"""Provisioning: files as saved, the courses that were made by them, and what became of each application."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Moment, MoodleKey, Now, Words


class ProvisionFile(Base):
    """A version of a provision file. The newest one is what drift is held against."""

    __tablename__ = "provision_files"
    __table_args__ = (UniqueConstraint("code", "number"),)

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40))
    """`provision` in the file: its own code, for good."""
    number: Mapped[int]
    """1 for the first version."""
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    text: Mapped[Words]
    """The YAML."""
    sha256: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(80))
    saved_at: Mapped[Now]


class ProvisionPeople(Base):
    """A file of people that was uploaded for a provision file: encrypted, and gone after its retention."""

    __tablename__ = "provision_people"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(250), primary_key=True)
    """As the provision file names it."""
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """Sealed with ENCRYPTION_KEY."""
    actor: Mapped[str] = mapped_column(String(80))
    uploaded_at: Mapped[Now]


class ProvisionedCourse(Base):
    """A course that was made by a provision file, or adopted into it, and how far it is."""

    __tablename__ = "provisioned_courses"
    __table_args__ = (
        UniqueConstraint("code", "key"),
        UniqueConstraint("site_id", "course_id"),
        CheckConstraint("stage IN ('copying', 'copied', 'verified', 'ready', 'closed')", name="stage"),
    )

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40))
    """Of the provision file."""
    key: Mapped[str] = mapped_column(String(130))
    """Of the community in the file: TOPIC/REGION."""
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    course_id: Mapped[int | None] = mapped_column(BigInteger)
    """Moodle's id; none while it isn't known whether the copy was made."""
    stage: Mapped[str] = mapped_column(String(10))
    """copying: Moodle was asked for the copy; copied: it is there; verified: it holds what the template holds, and
    people may enter; ready: all of the file is done; closed: the term is over."""
    shortname: Mapped[Words]
    """Under which the copy was asked for: by it the copy of a call without an answer is found."""
    asked_at: Mapped[Moment]
    """When Moodle was last asked for the copy."""
    content: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    """Sections and activities as they were verified: what drift is held against."""
    fault: Mapped[str] = mapped_column(String(60), server_default="")
    """Why the last application stopped at this course; empty: it didn't."""
    params: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    """What the fault's sentence needs. Ids and codes; no names of people."""
    changed_at: Mapped[Now]


class ProvisionRun(Base):
    """One application of a provision file."""

    __tablename__ = "provision_runs"

    id: Mapped[Key]
    file_id: Mapped[UUID] = mapped_column(ForeignKey("provision_files.id"), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    began_at: Mapped[Now]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """None: it goes on, or was killed; a further run goes on from there."""
    reads: Mapped[int] = mapped_column(server_default="0")
    writes: Mapped[int] = mapped_column(server_default="0")
    """Calls of Moodle's functions, by whether they write."""
    result: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    """Counts, by what was done."""


class Welcome(Base):
    """A welcome message to somebody who was enrolled: written before it is sent, so that nobody gets it twice."""

    __tablename__ = "provision_welcomes"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    moodle_user_id: Mapped[MoodleKey]
    asked_at: Mapped[Now]
    outcome: Mapped[str] = mapped_column(String(10), server_default="")
    """sent, refused; empty: nobody knows whether it arrived."""
