"""What memberships would come to if something were decided about them: nothing is written of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from mappings.facts import Adjustment, Decisions
from records import answers
from records.answers import Inputs
from records.effects import Looked, falls_below_zero, look

Change = Callable[[Decisions], Decisions]


@dataclass(frozen=True, slots=True)
class Supposed:
    """A membership as it is, and as it would be."""

    inputs: Inputs
    before: Looked
    after: Looked

    @property
    def below_zero(self) -> bool:
        """Whether the hours become less than nothing by it, or still less."""
        return falls_below_zero(self.before, self.after)


def suppose(session: Session, changes: Mapping[UUID, Change], now: datetime) -> dict[UUID, Supposed]:
    """How memberships stand without and with a change of what was decided about each; of one that was merged into
    another, nothing."""
    ids, found = sorted(changes), {}
    for start in range(0, len(ids), answers.AT_ONCE):
        for item in answers.inputs_of(session, ids[start : start + answers.AT_ONCE]):
            changed = replace(item, decisions=changes[item.membership.id](item.decisions))
            found[item.membership.id] = Supposed(item, look(item, now), look(changed, now))
    return found


def adjusted(adjustment: Adjustment) -> Change:
    """With an adjustment more."""
    return lambda decided: replace(decided, adjustments=(*decided.adjustments, adjustment))


def waived(requirement: str, decision_id: UUID) -> Change:
    """With a requirement not being asked."""
    return lambda decided: replace(decided, waived={**decided.waived, requirement: str(decision_id)})


def approved(decision_ids: frozenset[str]) -> Change:
    """With reports and adjustments being approved."""

    def change(decided: Decisions) -> Decisions:
        return replace(
            decided,
            reports=tuple(replace(r, approved=r.approved or r.id in decision_ids) for r in decided.reports),
            adjustments=tuple(replace(a, approved=a.approved or a.id in decision_ids) for a in decided.adjustments),
        )

    return change
