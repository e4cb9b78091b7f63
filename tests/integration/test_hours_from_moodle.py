"""Hours stated in an activity's form in Moodle: on their way through bindings into the ledger."""

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.actor import CLI
from records.database import make_engine
from records.models import Binding, MirrorModule
from records.program_loading import load_version
from records.queries.community import Earning, community
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.community import ACTION_PLAN, AMARA, COURSE, HAO, PROGRAM, Place
from tests.support.readings import READ_AT, Reading, completion, module, settle, take_in
from tests.support.servers import Database, Servers

NEW = 50
"""An activity that no rule matches."""
LATER = READ_AT + timedelta(days=7)
BASE = PROGRAM.read_text(encoding="utf-8")


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture(scope="module")
def planned(servers: Servers, placed_template: tuple[str, Place]) -> Iterator[str]:
    """Name of the database of `place`."""
    source, held = placed_template
    name = f"{source}_planned"
    engine = make_engine(servers.create(name, source).url)
    take_in(engine, held.site_id, [completion(user, ACTION_PLAN, COURSE) for user in (AMARA, HAO)])
    engine.dispose()
    yield name
    servers.drop(name)


@pytest.fixture
def database(planned: str, servers: Servers) -> Iterator[Database]:
    name = f"{planned}_{secrets.token_hex(4)}"
    yield servers.create(name, planned)
    servers.drop(name)


@pytest.fixture
def place(placed: Place) -> Place:
    """Two people completed the action plan for 90 minutes."""
    return placed


def apply(place: Place, take: str, begins: str | None = None) -> None:
    """Another version of the program."""
    text = f"{BASE}\nhours_from_moodle: {{take: {take}, min_hours: 0.25, max_hours: 4}}\n"
    if begins:
        text = re.sub("(?m)^effective_from: .*$", f"effective_from: {begins}", text)
    with Session(place.engine) as session, session.begin():
        load_version(session, text, PROGRAM.name, actor=CLI, reason="A test")
    settle(place.engine)


def plan(minutes: int | None, component: str = "", at: datetime = LATER) -> Reading:
    """The action plan as the companion plugin reads it."""
    return module(ACTION_PLAN, COURSE, "ACT-10", kind="assign", name="Action plan", at=at, stated=(minutes, component))


def waiting(cli: Cli) -> list[tuple[object, ...]]:
    """Of each proposal: the rule and hours as they are and would be, and the credited minutes that it moves."""
    return [
        (p["now_rule"], p["now_hours"], p["then_rule"], p["then_hours"], p["change"])
        for p in cli("binding", "list", "--json").data
    ]


def decide(cli: Cli, engine: Engine, what: str) -> None:
    (proposal,) = cli("binding", "list", "--json").data
    assert cli("binding", what, proposal["id"], "--reason", "We talked about it.").code == 0
    settle(engine)
    assert cli("rebuild").code == 0


def hours(minutes: int, component: str = "") -> dict[str, object]:
    return {"minutes": minutes, "component": component}


def test_stated_hours_wait_until_staff_accept_them(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120, "face_to_face")])
    assert place.standing(AMARA) == (90, {"online": 90})
    assert waiting(cli) == [("action-plan", None, "action-plan", hours(120, "face_to_face"), 60)]
    shown = cli("binding", "list").out
    assert "2:00" in shown
    assert "stated" in shown
    decide(cli, engine, "accept")
    assert place.standing(AMARA) == (120, {"face_to_face": 120})
    assert waiting(cli) == []
    (told,) = cli("explain", f"moodle:{AMARA}", "--json").data["memberships"]
    (line,) = told["lines"]
    assert line["notes"] == ["The hours are those that the activity's form in Moodle states."]


def test_hours_that_are_withdrawn_wait_as_well(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120)])
    decide(cli, engine, "accept")
    take_in(engine, place.site_id, [plan(150, at=LATER + timedelta(1))])
    assert waiting(cli) == [("action-plan", hours(120), "action-plan", hours(150), 60)]
    take_in(engine, place.site_id, [plan(None, at=LATER + timedelta(2))])
    assert waiting(cli) == [("action-plan", hours(120), "action-plan", None, -60)]
    assert place.standing(AMARA)[0] == 120
    decide(cli, engine, "accept")
    assert place.standing(AMARA)[0] == 90
    assert waiting(cli) == []


def test_rejected_hours_are_asked_no_more(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120)])
    decide(cli, engine, "reject")
    take_in(engine, place.site_id, [plan(120, at=LATER + timedelta(1))])
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])


def test_a_sender_that_cannot_tell_changes_no_hours(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120)])
    decide(cli, engine, "accept")
    renamed = module(ACTION_PLAN, COURSE, "ACT-10", kind="assign", name="The plan", at=LATER + timedelta(1))
    take_in(engine, place.site_id, [renamed])
    with Session(engine) as session:
        held = session.scalars(select(MirrorModule).where(MirrorModule.module_id == ACTION_PLAN)).one()
        assert (held.name, held.minutes, held.hours_as_of) == ("The plan", 120, LATER)
    assert (place.standing(AMARA)[0], waiting(cli)) == (120, [])


def unruled(minutes: int | None, component: str = "online", at: datetime = READ_AT) -> list[Reading]:
    form = module(NEW, COURSE, "", kind="data", name="A collection", at=at, stated=(minutes, component))
    return [form, completion(AMARA, NEW, COURSE, at=at)]


def test_hours_of_a_very_first_reading_wait(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, unruled(30))
    assert place.standing(AMARA)[0] == 90
    assert waiting(cli) == [(None, None, "moodle:hours", hours(30, "online"), 30)]
    assert "earns nothing" in cli("binding", "list").out
    decide(cli, engine, "accept")
    assert place.standing(AMARA)[0] == 120


def test_rejected_hours_of_what_no_rule_matches_leave_it_as_it_was(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, unruled(30))
    decide(cli, engine, "reject")
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])
    # A form that a rule matches goes on to count by itself.
    ruled = module(NEW, COURSE, "ACT-06", kind="quiz", name="Check", at=LATER)
    take_in(engine, place.site_id, [ruled])
    assert place.standing(AMARA)[0] > 90
    assert cli("rebuild").code == 0


@pytest.mark.parametrize(
    ("minutes", "component", "why"),
    [
        (241, "online", "more than the program's max_hours"),
        (14, "online", "fewer than the program's min_hours"),
        (30, "unheard", "the program has no such component"),
        (30, "", "no component, and no rule matches"),
    ],
)
@pytest.mark.parametrize("take", ["propose", "accept"])
def test_what_is_never_taken_is_told(
    cli: Cli, place: Place, engine: Engine, take: str, minutes: int, component: str, why: str
) -> None:
    apply(place, take)
    take_in(engine, place.site_id, unruled(minutes, component))
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])
    (refused,) = cli("binding", "refused", "--json").data
    assert (refused["module_id"], refused["hours"]) == (NEW, hours(minutes, component))
    assert why in cli("binding", "refused").out
    assert "never taken: 1" in cli("binding", "list").out
    assert cli("rebuild").code == 0


def test_accepted_hours_stay_while_moodle_states_what_is_never_taken(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120)])
    decide(cli, engine, "accept")
    take_in(engine, place.site_id, [plan(9_000, at=LATER + timedelta(1))])
    assert (place.standing(AMARA)[0], waiting(cli)) == (120, [])
    assert len(cli("binding", "refused", "--json").data) == 1


def test_accept_counts_what_is_stated_now(cli: Cli, place: Place, engine: Engine) -> None:
    apply(place, "accept")
    take_in(engine, place.site_id, [plan(120, "face_to_face"), *unruled(30)])
    assert place.standing(AMARA) == (150, {"face_to_face": 120, "online": 30})
    for minutes, earned in ((60, 90), (9_000, 120), (None, 120)):
        at = LATER + timedelta(minutes=minutes or 10_000)
        take_in(engine, place.site_id, [plan(minutes, at=at)])
        assert place.standing(AMARA)[0] == earned
        assert waiting(cli) == []
        assert cli("rebuild").code == 0
    take_in(engine, place.site_id, unruled(None, at=LATER))
    assert place.standing(AMARA)[0] == 90


def test_ignored_hours_are_never_looked_at(cli: Cli, place: Place, engine: Engine) -> None:
    apply(place, "ignore")
    take_in(engine, place.site_id, [plan(120), *unruled(9_000)])
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])
    assert "No hours in Moodle are refused." in cli("binding", "refused").out


def test_another_version_changes_what_becomes_of_hours(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120), *unruled(30)])
    assert len(waiting(cli)) == 2
    apply(place, "ignore")
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])
    apply(place, "accept")
    assert (place.standing(AMARA)[0], waiting(cli)) == (150, [])
    assert cli("rebuild").code == 0
    with Session(engine) as session:
        bound = session.scalars(select(Binding).where(Binding.module_id == NEW, Binding.status == "active")).one()
        assert (bound.rule, bound.minutes) == ("moodle:hours", None)


def test_a_version_from_a_later_day_leaves_what_was_done_before(cli: Cli, place: Place, engine: Engine) -> None:
    take_in(engine, place.site_id, [plan(120)])
    apply(place, "accept", begins=(LATER + timedelta(days=2)).date().isoformat())
    assert (place.standing(AMARA)[0], waiting(cli)) == (90, [])
    assert cli("rebuild").code == 0


def test_the_page_of_the_community_says_which_hours_are_stated_in_moodle(place: Place, engine: Engine) -> None:
    apply(place, "accept")
    take_in(engine, place.site_id, [plan(120, "face_to_face"), *unruled(30)])
    with Session(engine) as session:
        found = community(session, CLI, place.community_id)
    assert found
    told = {line.name: line.earning for line in found.activities}
    assert told["Action plan"] == Earning("action-plan", 120, "face_to_face", from_moodle=True)
    assert told["A collection"] == Earning("moodle:hours", 30, "online", from_moodle=True)
    assert not told["Session 1"] or not told["Session 1"].from_moodle


def test_a_preview_tells_whom_taking_hours_would_move(cli: Cli, place: Place, engine: Engine, tmp_path: Path) -> None:
    take_in(engine, place.site_id, [plan(120), *unruled(30)])
    file = tmp_path / "calpro-regional.yaml"
    file.write_text(f"{BASE}\nhours_from_moodle: {{take: accept}}\n", encoding="utf-8")
    told = cli("program", "preview", str(file), "--json").data
    assert told["net_after"] - told["net_before"] == 2 * 30 + 30
