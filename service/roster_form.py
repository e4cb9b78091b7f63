"""What the roster's page sends: changes as JSON from its script, or the fields of its form where no script runs."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from records.models import uuid7
from records.roster import Group, RosterPerson
from records.roster_saving import Change, What

MOST = 500
"""Changes at once."""
Whole = Annotated[int, Field(ge=0, le=100_000, strict=True)]


class SentChange(BaseModel):
    """A change as the script sends it."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    account: UUID
    what: What
    seen: UUID | None = None
    minutes: Whole | None = None
    late: Whole = 0
    left: Whole = 0
    status: Annotated[str, Field(max_length=20)] | None = None
    mode: Annotated[str, Field(max_length=20)] | None = None

    @property
    def change(self) -> Change:
        return Change(
            self.id, self.account, self.what, self.seen, self.minutes, self.late, self.left, self.status, self.mode
        )


class Sent(BaseModel):
    """What the script posts."""

    model_config = ConfigDict(extra="forbid")

    changes: Annotated[list[SentChange], Field(max_length=MOST)]
    reason: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = ""


Form = Mapping[str, str]


def written(choice: Mapping[str, Any]) -> str:
    """A choice as the form says it, and says back: what is the same hasn't been touched."""
    what = choice["what"]
    parts: list[Any] = [what]
    if what == What.PART:
        parts += [choice["late"], choice["left"]]
    elif what == What.MINUTES:
        parts.append(choice["minutes"])
    elif what == What.STATUS:
        parts.append(choice["status"])
    if what and what != What.ABSENT:
        parts.append(choice["mode"] or "")
    return "|".join(map(str, parts))


def changes_of(form: Form, people: Iterable[RosterPerson]) -> list[Change]:
    """The changes that a form holds about people: those whose fields were touched; and with its button for all,
    everybody as present of whom nothing is recorded. What is no number counts as none."""
    made = []
    for person in people:
        account = str(person.account_id)
        choice = _choice(form, account)
        if "all" in form and not choice["what"] and person.group is Group.PARTICIPANT and not person.recorded:
            choice["what"] = str(What.PRESENT)
        if f"was-{account}" in form and written(choice) != form[f"was-{account}"]:
            made.append(_change(form, person.account_id, choice))
    return made


def _choice(form: Form, account: str) -> dict[str, Any]:
    what, _, status = form.get(f"what-{account}", "").partition(":")
    return {
        "what": what if what in set(What) else "",
        "status": status or None,
        "late": number(form.get(f"late-{account}")) or 0,
        "left": number(form.get(f"left-{account}")) or 0,
        "minutes": number(form.get(f"minutes-{account}")),
        "mode": form.get(f"mode-{account}") or form.get("mode") or None,
    }


def _change(form: Form, account: UUID, choice: Mapping[str, Any]) -> Change:
    what = What(choice["what"] or What.CLEARED)
    minutes = choice["minutes"] if what is What.MINUTES else number(form.get("whole"))
    return Change(
        identifier(form.get(f"id-{account}")) or uuid7(),
        account,
        what,
        identifier(form.get(f"seen-{account}")),
        minutes,
        choice["late"],
        choice["left"],
        choice["status"],
        choice["mode"],
    )


def number(text: str | None) -> int | None:
    """Whole minutes as somebody typed them; None for anything else."""
    stripped = (text or "").strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < len("100000") else None


def identifier(text: str | None) -> UUID | None:
    """An id out of a form; None for anything else."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
