"""Sweeps of Moodle's state, what they found that no event had told, and courses that are copies of others."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Key, Moment, MoodleKey, Now


class Sweep(Base):
    """One reading of a course's whole state, or of a site's list of courses. Open ones are there once each."""

    __tablename__ = "sweeps"
    __table_args__ = (
        CheckConstraint("status IN ('due', 'running', 'done', 'failed')", name="status"),
        Index(
            "uq_sweeps_open",
            "site_id",
            "course_id",
            unique=True,
            postgresql_where=text("status IN ('due', 'running')"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_sweeps_finished", "site_id", "course_id", "finished_at"),
        Index("ix_sweeps_due", "due_at", postgresql_where=text("status IN ('due', 'running')")),
    )

    id: Mapped[Key]
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    course_id: Mapped[int | None] = mapped_column(BigInteger)
    """None: the site's list of courses and categories."""
    reason: Mapped[str] = mapped_column(String(20))
    """`scheduled`, `asked` or `event`."""
    status: Mapped[str] = mapped_column(String(8), server_default="due")
    allow_absences: Mapped[bool] = mapped_column(server_default=text("false"))
    """Somebody said that it is right where many people are gone."""
    asked_at: Mapped[Now]
    due_at: Mapped[Now]
    holder: Mapped[UUID | None]
    """The fencing token of the process that is at it: whoever holds another one may not write any more."""
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    way: Mapped[str] = mapped_column(String(10), server_default="")
    """`core` or `plugin`: by which functions the site was read."""
    total: Mapped[int] = mapped_column(Integer, server_default="0")
    """People to read; 0 until that is known."""
    pending: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """The Moodle user ids that are still to be read, in that order; None: course and people weren't read yet."""
    highest_course: Mapped[int | None] = mapped_column(BigInteger)
    """Of a site's list: a course with a higher id is newer than it."""
    done: Mapped[int] = mapped_column(Integer, server_default="0")
    calls: Mapped[int] = mapped_column(Integer, server_default="0")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[str] = mapped_column(String(200), server_default="")
    """The reason of the latest failure: a code and the function's name, never Moodle's text."""


class DriftCount(Base):
    """What sweeps found that no event had told, counted a day: nobody's id is in it."""

    __tablename__ = "drift_counts"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    """See records.drift.Drift."""
    module_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, server_default=text("0"))
    """0: not about an activity."""
    count: Mapped[int] = mapped_column(Integer)


class CourseCopy(Base):
    """A course that was restored or duplicated from another one of its site.

    While the original is a community it earns nothing until a decision adopts it.
    """

    __tablename__ = "course_copies"
    __table_args__ = (
        CheckConstraint("status IN ('proposed', 'continuation', 'new_community', 'ignored')", name="status"),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    original_id: Mapped[int] = mapped_column(BigInteger)
    """The Moodle id of the course that it was copied from."""
    copied_at: Mapped[Moment]
    """The earliest report of the copy: completions of before it were copied, too."""
    status: Mapped[str] = mapped_column(String(16), server_default="proposed")
    decision_id: Mapped[UUID | None] = mapped_column(ForeignKey("decisions.id"))
    found_at: Mapped[Now]


class ContinuedModule(Base):
    """An activity of an adopted continuation, and the one of the original course that it goes on with."""

    __tablename__ = "continued_modules"
    __table_args__ = (Index("ix_continued_modules_original", "site_id", "original_id"),)

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    module_id: Mapped[MoodleKey]
    original_id: Mapped[int] = mapped_column(BigInteger)
    course_id: Mapped[int] = mapped_column(BigInteger)
    """The copy that it is in."""
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decisions.id"))
