"""What goes over the wire: the bases of requests and answers, and fields that many share."""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from records.session_checks import FIRST_DAY, LAST_DAY

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
MAX_PAGE = 200
PAGE = 50
MAX_INT = 2**31 - 1


class Given(BaseModel):
    """What a client sends: nothing but what is named."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Given):
    """Where a list goes on, and how much of it is wanted."""

    limit: int = Field(default=PAGE, ge=1, le=MAX_PAGE, description="At most so many.")
    cursor: str | SkipJsonSchema[None] = Field(
        default=None, max_length=100, description="`next` of the page before; nothing else works."
    )


class NoQuery(Given):
    """An address without parameters."""


class Page(Told):
    """A piece of a list."""

    next: str | None = Field(description="The `cursor` of what comes after; null: that was all.")


def _text_only(value: Any) -> Any:
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise ValueError("a moment is written 2026-05-01T16:00:00-07:00, with its distance from UTC")
    return value


def _near(value: Any) -> Any:
    if not FIRST_DAY.year <= value.year <= LAST_DAY.year:
        raise ValueError(f"a day from {FIRST_DAY} to {LAST_DAY}")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text_only), AfterValidator(_near)]
"""An aware moment, as RFC 3339 writes it."""
Whole = Annotated[int, Field(strict=True)]
Yes = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(max_length=200)]
Reason = Annotated[str, Field(max_length=2000, pattern=r"\S", description="Why: it is kept.")]


class CommunityPath(BaseModel):
    """Which community."""

    community_id: UUID


class MembershipPath(BaseModel):
    """Which membership."""

    membership_id: UUID


class SessionPath(BaseModel):
    """Which session."""

    session_id: UUID


class PersonPath(BaseModel):
    """Which person."""

    person_id: UUID
