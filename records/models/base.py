"""What every table shares: naming convention, UUIDv7 keys, aware UTC times."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column


def uuid7() -> UUID:
    """A time-ordered public id."""
    return uuid_utils.compat.uuid7()


Key = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
MoodleId = Annotated[int, mapped_column(BigInteger)]
MoodleKey = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
Words = Annotated[str, mapped_column(Text)]
Data = Annotated[dict[str, object], mapped_column(JSONB)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
