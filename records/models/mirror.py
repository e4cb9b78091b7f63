"""Moodle's present state, per site. Each row carries the stamp of the report that it stands for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Moment, MoodleId, MoodleKey, Words


class Stamped:
    """`as_of` on Moodle's clock, `rank` 1 for a reading and 0 for an event: the greater stands."""

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    present: Mapped[bool] = mapped_column(Boolean)
    as_of: Mapped[Moment]
    rank: Mapped[int] = mapped_column(SmallInteger)


class MirrorCourse(Stamped, Base):
    __tablename__ = "mirror_courses"

    course_id: Mapped[MoodleKey]
    shortname: Mapped[Words]
    fullname: Mapped[Words]
    idnumber: Mapped[Words]
    category_id: Mapped[int | None] = mapped_column(BigInteger)
    category_idnumber: Mapped[str] = mapped_column(Text, server_default="")
    fields: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    """Course custom fields by short name."""
    visible: Mapped[bool]
    startdate: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    enddate: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class MirrorModule(Stamped, Base):
    __tablename__ = "mirror_modules"
    __table_args__ = (Index("ix_mirror_modules_course", "site_id", "course_id"),)

    module_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]
    modname: Mapped[str] = mapped_column(String(50))
    name: Mapped[Words]
    idnumber: Mapped[Words]
    section_number: Mapped[int]
    section_name: Mapped[Words]
    visible: Mapped[bool]
    tracking: Mapped[int] = mapped_column(SmallInteger)
    minutes: Mapped[int | None]
    """What its form in Moodle declares, and the component that it names or an empty text: see records.declared."""
    component: Mapped[str] = mapped_column(String(100), server_default="")
    hours_as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """The latest reading that told them: many readings can't. None: nobody ever told."""


class MirrorAttendance(Base):
    """When the sessions of an attendance activity were last read: an older reading says nothing any more."""

    __tablename__ = "mirror_attendances"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    module_id: Mapped[MoodleKey]
    as_of: Mapped[Moment]


class MirrorRole(Stamped, Base):
    __tablename__ = "mirror_roles"

    role_id: Mapped[MoodleKey]
    shortname: Mapped[str] = mapped_column(String(100))


class MirrorParticipation(Base):
    """When all rows of one user in one course were last read: what was not listed then is gone."""

    __tablename__ = "mirror_participations"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    moodle_user_id: Mapped[MoodleKey]
    read_at: Mapped[Moment]


class MirrorEnrolment(Stamped, Base):
    __tablename__ = "mirror_enrolments"
    __table_args__ = (Index("ix_mirror_enrolments_pair", "site_id", "course_id", "moodle_user_id"),)

    enrolment_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]
    moodle_user_id: Mapped[MoodleId]
    method: Mapped[str] = mapped_column(String(50))
    status: Mapped[int] = mapped_column(SmallInteger)
    timestart: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    timeend: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class MirrorRoleAssignment(Stamped, Base):
    __tablename__ = "mirror_role_assignments"
    __table_args__ = (Index("ix_mirror_role_assignments_pair", "site_id", "course_id", "moodle_user_id"),)

    assignment_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]
    moodle_user_id: Mapped[MoodleId]
    role_id: Mapped[MoodleId]


class MirrorGroup(Stamped, Base):
    __tablename__ = "mirror_groups"

    group_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]
    name: Mapped[Words]
    idnumber: Mapped[Words]
    groupings: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'"))
    """Idnumbers, else names, of the groupings that the group is in."""


class MirrorGroupMember(Stamped, Base):
    __tablename__ = "mirror_group_members"
    __table_args__ = (Index("ix_mirror_group_members_pair", "site_id", "course_id", "moodle_user_id"),)

    group_id: Mapped[MoodleKey]
    moodle_user_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]


class MirrorCompletion(Base):
    """A row of mdl_course_modules_completion, folded: see mappings.completion for the rule."""

    __tablename__ = "mirror_completions"
    __table_args__ = (
        Index("ix_mirror_completions_pair", "site_id", "course_id", "moodle_user_id"),
        Index("ix_mirror_completions_present", "site_id", "module_id", postgresql_where=text("present")),
    )

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    module_id: Mapped[MoodleKey]
    moodle_user_id: Mapped[MoodleKey]
    course_id: Mapped[MoodleId]
    present: Mapped[bool]
    """Is the row there, by the latest report."""
    as_of: Mapped[Moment]
    rank: Mapped[int] = mapped_column(SmallInteger)
    trusted: Mapped[bool]
    state: Mapped[int | None] = mapped_column(SmallInteger)
    """The state when the row was last seen there, with that report's stamp."""
    state_as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    state_rank: Mapped[int | None] = mapped_column(SmallInteger)
    state_trusted: Mapped[bool | None]
    timemodified: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    overrideby: Mapped[int | None] = mapped_column(BigInteger)
    first_complete: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    first_passed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    first_failed: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    confirmed: Mapped[bool]
