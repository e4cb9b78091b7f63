"""Work that is done beside the request that asked for it: periodic jobs, and long work that somebody asked for."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from records.models.base import Base, Data, Key, Now


class PeriodicJob(Base):
    """A periodic job, claimed by conditional UPDATE on the database's clock: any number of schedulers may run."""

    __tablename__ = "periodic_jobs"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    every_seconds: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[Now]
    claimed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LongJob(Base):
    """Work that takes longer than a request: asked for in the console, done by a worker, seen by its progress."""

    __tablename__ = "long_jobs"
    __table_args__ = (
        CheckConstraint("status IN ('due', 'running', 'done', 'failed')", name="status"),
        Index("ix_long_jobs_due", "id", postgresql_where=text("status IN ('due', 'running')")),
    )

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(40))
    """What is done: a key of jobs.long_work.KINDS."""
    asked: Mapped[Data]
    """Its arguments, as its kind says. Ids and codes; no names."""
    actor: Mapped[str] = mapped_column(String(80))
    actor_role: Mapped[str] = mapped_column(String(20))
    scope: Mapped[Data]
    """Whose it is to see: `program`, `region` and `community`, as far as it is within one."""
    status: Mapped[str] = mapped_column(String(10), server_default="due")
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Deaths of workers; set back when it gets further."""
    result: Mapped[Data] = mapped_column(server_default=text("'{}'"))
    error: Mapped[str] = mapped_column(String(400), server_default="")
    created_at: Mapped[Now]
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
