"""How decisions, and what they move, are told at the terminal."""

from uuid import UUID

from records.effects import Effect
from records.queries.decisions import Shown
from service.cli.output import counted, hours, say, say_json, table
from service.wording import plain

SHOWN = 40
"""So many memberships are named before a decision."""


def tell(moved: Effect, *, as_json: bool, decision: UUID | None) -> None:
    """What a decision would move, or moved."""
    if as_json:
        say_json(effect_as_data(moved) | {"decision": decision})
        return
    if moved.below_zero:
        say("It takes away more than there is: a total is less than nothing by it. Look at the amount once more.")
    rows = [
        (
            m.membership_id,
            m.community,
            hours(m.before.minutes),
            hours(m.after.minutes),
            hours(m.before.counting),
            hours(m.after.counting),
            f"{m.before.status} -> {m.after.status}",
            said(m.outcomes),
        )
        for m in moved.moved[:SHOWN]
    ]
    if rows:
        numbers = ("credited", "then", "counting", "then ")
        columns = ("membership", "community", *numbers, "standing", "requirements")
        table("", columns, rows, right=numbers)
    if len(moved.moved) > SHOWN:
        say(f"And {counted(len(moved.moved) - SHOWN, 'membership')} more.")
    if moved.looked_at:
        total = sum(m.after.minutes - m.before.minutes for m in moved.moved)
        sign = "+" if total > 0 else ""
        changed = sum(m.after != m.before for m in moved.moved)
        say(f"{changed} of {counted(moved.looked_at, 'membership')} would change; {sign}{hours(total)} hours in all.")
    if moved.subject:
        say(f"Beside that: {said(moved.subject)}.")
    if not moved.looked_at and not moved.subject:
        say("It moves no hours, and no requirement stands otherwise for now.")


def said(outcomes: dict[str, tuple[str, str]]) -> str:
    """Statuses by requirement, before and after."""
    return ", ".join(f"{code}: {before or '-'} -> {after or '-'}" for code, (before, after) in outcomes.items())


def effect_as_data(moved: Effect) -> dict[str, object]:
    """Pairs are (before, after); minutes are whole."""
    return {
        "looked_at": moved.looked_at,
        "moved": [
            {
                "membership": m.membership_id,
                "community": m.community_id,
                "minutes": [m.before.minutes, m.after.minutes],
                "counting": [m.before.counting, m.after.counting],
                "standing": [m.before.status, m.after.status],
                "requirements": m.outcomes,
            }
            for m in moved.moved
        ],
        "subject": moved.subject,
        "below_zero": moved.below_zero,
    }


def what(shown: Shown) -> str:
    """What was decided, in short."""
    data = shown.data
    if shown.undoes:
        return f"undoes {shown.undoes}"
    if "choice" in data:
        return f"{plain(data['choice'])}: course {str(data['course']).rpartition(':')[2]}"
    if "pointed" in data:
        return f"{counted(len(data['accounts']), 'account')} of {data['from']} to {data['into']}"
    if "said" in data:
        value = hours(int(data["minutes"])) if data["minutes"] is not None else str(data["status"])
        return f"{value} at the session {data['session']}" + (f", as {data['chosen']} says" if data["chosen"] else "")
    if "minutes" in data:
        return f"{hours(int(data['minutes']))} {data['component']}"
    return " ".join(str(value) for name, value in data.items() if name not in ("subject_kind", "subject_id"))


def shown_as_data(shown: Shown) -> dict[str, object]:
    """A decision in JSON."""
    return {
        "id": shown.id,
        "kind": shown.kind,
        "state": shown.state,
        "decided_at": shown.decided_at.isoformat(),
        "actor": shown.actor,
        "role": shown.role,
        "reason": shown.reason,
        "membership": shown.membership_id,
        "about": shown.about,
        "data": dict(shown.data),
        "undoes": shown.undoes,
    }
