"""Changed activities: what a rename or a move would change waits for a decision, with a preview."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.models import AuditEntry, Binding, Decision
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.community import ACTION_PLAN, AMARA, COURSE, HAO, Place
from tests.support.readings import READ_AT, completion, module, settle, take_in

LATER = READ_AT + timedelta(days=7)


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture
def place(engine: Engine, placed: Place) -> Place:
    """The action plan, which two people completed for 90 minutes, lost its idnumber and became a forum's reflection."""
    take_in(engine, placed.site_id, [completion(user, ACTION_PLAN, COURSE) for user in (AMARA, HAO)])
    changed = module(ACTION_PLAN, COURSE, "", kind="forum", name="Peer reflection on the plan", at=LATER)
    take_in(engine, placed.site_id, [changed])
    return placed


def test_a_change_is_listed_with_the_minutes_it_would_move(cli: Cli, place: Place) -> None:
    (proposal,) = cli("binding", "list", "--json").data
    assert proposal["module_id"] == ACTION_PLAN
    assert (proposal["now_rule"], proposal["then_rule"]) == ("action-plan", "reflection")
    assert (proposal["members"], proposal["minutes_before"], proposal["minutes_after"]) == (2, 180, 120)
    assert proposal["change"] == -60
    # Nothing has moved yet.
    assert place.standing(AMARA)[0] == 90
    assert "reflection" in cli("binding", "list").out


def test_accepting_moves_the_minutes(cli: Cli, place: Place, engine: Engine) -> None:
    (proposal,) = cli("binding", "list", "--json").data
    assert cli("binding", "accept", proposal["id"], "--reason", "The forum replaces the plan.").code == 0
    settle(engine)
    assert place.standing(AMARA) == (60, {"online": 60})
    assert cli("binding", "list", "--json").data == []
    with Session(engine) as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.kind, decision.actor, decision.reason) == ("binding", "cli", "The forum replaces the plan.")
        assert session.get_one(Binding, decision.data["binding"]).decision_id == decision.id
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("binding."))).all() == [
            "binding.accepted"
        ]
    assert cli("rebuild").code == 0
    # A later reading of the same form changes nothing any more.
    again = module(ACTION_PLAN, COURSE, "", kind="forum", name="Peer reflection on the plan", at=LATER + timedelta(1))
    take_in(engine, place.site_id, [again])
    assert place.standing(AMARA)[0] == 60


def test_rejecting_keeps_what_counts_and_asks_no_more(cli: Cli, place: Place, engine: Engine) -> None:
    (proposal,) = cli("binding", "list", "--json").data
    assert cli("binding", "reject", proposal["id"], "--reason", "A mistake in Moodle.").code == 0
    settle(engine)
    again = module(ACTION_PLAN, COURSE, "", kind="forum", name="Peer reflection on the plan", at=LATER + timedelta(1))
    take_in(engine, place.site_id, [again])
    assert place.standing(AMARA) == (90, {"online": 90})
    assert cli("binding", "list", "--json").data == []
    assert "No change" in cli("binding", "list").out


def test_a_decided_or_unknown_change_is_refused(cli: Cli, place: Place) -> None:
    (proposal,) = cli("binding", "list", "--json").data
    empty = cli("binding", "accept", proposal["id"], "--reason", " ")
    assert (empty.code, "needs a reason" in empty.err) == (1, True)
    assert place.standing(AMARA)[0] == 90
    cli("binding", "reject", proposal["id"], "--reason", "No.")
    twice = cli("binding", "accept", proposal["id"], "--reason", "Yes.")
    assert (twice.code, "doesn't wait for a decision" in twice.err) == (1, True)
    unknown = cli("binding", "accept", str(uuid4()), "--reason", "Yes.")
    assert (unknown.code, "There is no change" in unknown.err) == (1, True)
