"""What the companion plugin was told last: never more than a hash, since the plugin holds the rest."""

from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Moment, MoodleKey


class ToldStanding(Base):
    """How somebody stands, as the plugin shows it to an account in a course."""

    __tablename__ = "told_standings"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[Moment]
    """`standings.computed_at` of what was told, or found to be the same."""


class ToldCourse(Base):
    """A community's names, components and freshness, as the plugin shows them in a course."""

    __tablename__ = "told_courses"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    course_id: Mapped[MoodleKey]
    digest: Mapped[str] = mapped_column(String(64))
