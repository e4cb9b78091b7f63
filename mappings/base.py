"""What every part of a program file is made of: codes, patterns, words by language, open settings."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, TypeVar, dataclass_transform
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
"""A short key that appears in addresses, files and course idnumbers: letters, digits, - and _."""
Text = dict[Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")], str]
"""Words for people, by language code."""
Mode = Literal["face_to_face", "virtual", "hybrid"]
ToBeSet = Literal["to_be_set"]
"""A figure that the program office has yet to state: what depends on it waits, and the check says so."""
T = TypeVar("T")
Count = Annotated[int, Field(ge=1, le=1_000)]
Minutes = Annotated[int, Field(ge=0, le=10_000)]
Hours = Annotated[float, Field(gt=0, le=10_000)]


class Misplaced(ValueError):
    """What doesn't fit together; `place` is the path to the part that has to change, `needs` names the other
    top-level keys that it was held against."""

    def __init__(self, message: str, *place: str | int, needs: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.place = place
        self.needs = needs


class Disorder(ValueError):
    """All that doesn't fit together in a program."""

    def __init__(self, problems: tuple[Misplaced, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as err:
        raise ValueError(f"is not a regular expression: {err}") from err
    return text


@cache
def timezones() -> frozenset[str]:
    """The names of all time zones."""
    # Asking for them reads hundreds of files.
    return frozenset(available_timezones())


def _timezone(name: str) -> str:
    if name not in timezones():
        raise ValueError(f"'{name}' is not a time zone name such as America/Los_Angeles")
    return name


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression that has to match the whole text."""
Timezone = Annotated[str, AfterValidator(_timezone)]


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass of which mypy alone knows that it is frozen: held to it at run time, an object would take three
    times as long to make, and a rebuild makes millions."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)


def words(text: dict[str, str], language: str) -> str:
    """The text in a language, else in English, else in the first that there is."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")
