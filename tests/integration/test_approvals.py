"""Reported hours and large adjustments wait for a second person: the queue, its acts, the hub, and the order of it."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from records import approving, deciding
from records.actor import CLI, Actor, Grant, Role, Scope
from records.deciding import By, DecisionError
from records.decision_faults import Why
from records.models import Decision, Membership
from records.programs import add_version
from records.queries import approvals
from records.users import create_user
from service.context import EXTENSION, Context
from tests.support.cli import Cli
from tests.support.deciding_pages import page, post, steps
from tests.support.deeds import AMARA, DEEDS, HAO, membership_id, net, standing
from tests.support.house import House
from tests.support.seed import sign_in
from tests.support.web import application

LIMITED = DEEDS.replace(
    "self_reported: [own_work]\n", "self_reported: [own_work]\nadjustments: {approval_above_minutes: 60}\n"
)


@pytest.fixture
def house(deeds: House, engine: Engine) -> House:
    with Session(engine) as session, session.begin():
        add_version(session, LIMITED.replace("2025-07-01", "2026-03-01"), "deeds.yaml")
    deeds.now = datetime.now(UTC)
    return deeds


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        here = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = Context(here.settings, here.engine, here.redis, lambda: datetime.now(UTC))
        sign_in(made, house.engine, [Grant(Role.STAFF)])
        yield made


def somebody(house: House, name: str = "Kim Castellanos") -> Actor:
    """Another member of staff."""
    with Session(house.engine) as session, session.begin():
        grants = [Grant(Role.STAFF)]
        user = create_user(session, CLI, f"{name.split()[0].lower()}@example.org", name, grants)
    return Actor.user(user, tuple(grants))


def adjust(house: House, actor: Actor, user: int, minutes: int, at: datetime | None = None) -> UUID:
    by = By(actor, Role.STAFF, f"A talk of {minutes} minutes", at or house.now)
    with Session(house.engine) as session, session.begin():
        draft = deciding.adjust(session, membership_id(house, user), minutes=minutes, component="online", now=by.now)
        return deciding.write(session, draft, by)


def report(house: House, actor: Actor, user: int, minutes: int = 45) -> UUID:
    by = By(actor, Role.STAFF, "As was said", house.now)
    with Session(house.engine) as session, session.begin():
        more = {"minutes": minutes, "component": "own_work"}
        evidence = (("link", "https://example.org/log"),)
        day = date(2026, 3, 20)
        draft = deciding.report(session, membership_id(house, user), **more, day=day, evidence=evidence, now=by.now)  # type: ignore[arg-type]
        return deciding.write(session, draft, by)


def settle(house: House) -> None:
    house.now = datetime.now(UTC)
    house.work()
    assert house.differences() == []


def waits(house: House, actor: Actor) -> int:
    with Session(house.engine) as session:
        return approvals.how_many(session, actor)


def test_a_large_adjustment_counts_once_somebody_else_approved_it(house: House) -> None:
    kim, lee = somebody(house), somebody(house, "Lee")
    small, large, taken = (adjust(house, kim, AMARA, minutes) for minutes in (60, 61, -90))
    # The version in force on its day didn't ask for anybody else.
    early = adjust(house, kim, AMARA, 100, datetime(2026, 2, 1, tzinfo=UTC))
    settle(house)
    assert net(house, AMARA) == 60 + 60 + 100
    assert (waits(house, lee), waits(house, kim)) == (2, 0)
    with Session(house.engine) as session:
        for decision, actor, why in (
            (large, kim, Why.OWN),
            (small, lee, Why.COUNTS),
            (early, lee, Why.COUNTS),
            (UUID(int=1), lee, Why.NOT_THERE),
        ):
            for act in (approving.approve, approving.refuse):
                with pytest.raises(DecisionError) as refused:
                    act(session, decision, actor=actor)
                assert refused.value.why is why
    by = By(lee, Role.STAFF, "Seen", house.now)
    with Session(house.engine) as session, session.begin():
        for decision in (large, taken):
            deciding.write(session, approving.approve(session, decision, actor=lee), by)
    settle(house)
    assert (net(house, AMARA), waits(house, lee)) == (60 + 60 + 100 + 61 - 90, 0)
    with Session(house.engine) as session, session.begin():
        row = session.scalars(
            select(Decision).where(Decision.kind == "approval", Decision.data["adjustment"].as_string() == str(taken))
        )
        deciding.write(session, deciding.undo(session, row.one().id), by)
    settle(house)
    assert (net(house, AMARA), waits(house, lee)) == (60 + 60 + 100 + 61, 1)


def test_the_limit_comes_with_the_version_and_goes_with_it(house: House) -> None:
    kim = somebody(house)
    adjust(house, kim, AMARA, 90)
    settle(house)
    assert net(house, AMARA) == 60
    # A correction with the same date: what it lets one person decide counts, and what it doesn't waits.
    for limit, counts in ((100, 150), (80, 60)):
        with Session(house.engine) as session, session.begin():
            text = LIMITED.replace("2025-07-01", "2026-03-01").replace("minutes: 60}\n", f"minutes: {limit}}}\n")
            add_version(session, text, "deeds.yaml")
            deciding.write(
                session,
                deciding.adjust(session, membership_id(house, HAO), minutes=1, component="online", now=house.now),
                By(CLI, Role.IT, "x", house.now),
            )
            draft = deciding.adjust(session, membership_id(house, AMARA), minutes=1, component="online", now=house.now)
            deciding.write(
                session,
                deciding.undo(session, deciding.write(session, draft, By(CLI, Role.IT, "x", house.now))),
                By(CLI, Role.IT, "y", house.now),
            )
        settle(house)
        assert (net(house, AMARA), waits(house, CLI)) == (counts, int(counts == 60))


def test_the_command_line_says_that_it_waits(house: House) -> None:
    cli = Cli(house.settings)
    words = (
        "decision",
        "adjust",
        "lab:11",
        "COP-MATH-BAY",
        "--component",
        "online",
        "--minutes",
        "2:00",
        "--reason",
        "R",
    )
    answer = cli(*words, "--yes")
    assert (answer.code, "It counts once somebody else has approved it" in answer.out) == (0, True), answer.err
    (row,) = cli("decision", "list", "--json").data
    assert row["state"] == "waits"
    own = cli("decision", "approve", row["id"], "--reason", "R", "--yes")
    assert (own.code, "somebody else has to" in own.err) == (1, True)
    more_than_there_is = (words[0], words[1], "lab:12", *words[3:6], "--minutes=-0:30", *words[8:], "--dry-run")
    assert "less than nothing" in cli(*more_than_there_is).out
    assert cli(*more_than_there_is, "--json").data["below_zero"] is True


def test_the_queue_shows_what_waits_and_takes_what_is_decided(house: House, client: FlaskClient) -> None:
    assert "Nothing waits" in page(client, "/approvals")
    kim = somebody(house)
    reported, large = report(house, kim, HAO), adjust(house, kim, AMARA, 70)
    shown = page(client, "/approvals")
    for words in ("Kim Castellanos", "https://example.org/log", "45 min", "+1 h 10 min", "As was said", "2 h 10 min"):
        assert words in shown
    # The oldest first.
    assert shown.index(str(reported)) < shown.index(str(large))
    hub = page(client, "/to-decide")
    assert "Hours to approve" in hub
    assert "the oldest since today" in hub
    for reason, act in ((" ", "approve"), ("", "refuse")):
        status, told = post(client, f"/approvals/{act}", "/approvals", decision=reported, reason=reason)
        assert (status, "Say why: it is kept" in told) == (400, True)
    status, there = post(client, "/approvals/approve", "/approvals", decision=reported, reason="Seen the log")
    assert status == 303
    settle(house)
    assert (net(house, HAO), net(house, AMARA)) == (45, 60)
    done = page(client, there)
    assert "Approved: it counts now." in done
    status, _ = post(client, "/approvals/undo", there, batch=there.rpartition("batch=")[2])
    assert status == 303
    settle(house)
    assert net(house, HAO) == 0
    with Session(house.engine) as session:
        whose = session.get_one(Membership, membership_id(house, HAO)).person_id
    ledger = page(client, f"/people/{whose}").partition("The ledger: ")[2]
    assert re.search(r"Its approval was taken back \(Program staff, [^)]+\): ", ledger)
    assert "something else counts instead" not in ledger
    assert post(client, "/approvals/refuse", "/approvals", decision=reported, reason="No such log")[0] == 303
    status, told = post(client, "/approvals/approve", "/approvals", decision=reported, reason="After all")
    assert (status, "It was taken back already." in told) == (400, True)
    with Session(house.engine) as session:
        refusal = session.scalars(select(Decision).where(Decision.undoes == reported)).one()
        assert (refusal.data, refusal.reason) == ({"refused": True}, "No such log")
    assert "refused" in page(client, "/decisions")
    for odd, status in (("x", 404), (UUID(int=1), 404)):
        assert post(client, "/approvals/approve", "/approvals", decision=odd, reason="R")[0] == status


def test_several_are_approved_at_once_and_never_ones_own(house: House, client: FlaskClient) -> None:
    kim = somebody(house)
    ids = [report(house, kim, HAO), report(house, kim, HAO, 30), adjust(house, kim, AMARA, -70)]
    with Session(house.engine) as session, session.begin():
        onward = deciding.transfer(session, membership_id(house, AMARA), membership_id(house, AMARA, "LA"))
        deciding.write(session, onward, By(CLI, Role.IT, "She moved", house.now))
    path = f"/memberships/{membership_id(house, HAO)}/acts"
    steps(client, f"{path}/adjust", path, hours="3", component="online", reason="My own")
    with Session(house.engine) as session:
        mine = session.scalars(select(Decision.id).order_by(Decision.id.desc())).first()
    assert str(mine) not in page(client, "/approvals")
    assert str(mine) in page(client, "/approvals?own=1")
    status, seen = post(client, "/approvals/preview", "/approvals", decision=[*ids, mine])
    assert (status, "1 of them doesn't wait for you" in seen) == (200, True)
    assert "1 h 15 min" in seen
    for told in (seen, page(client, "/approvals")):
        assert told.count("These hours go on in") == 1
        assert "less than nothing" in told
    assert "Do it all the same" in seen
    assert str(mine) not in seen
    status, told = post(
        client, "/approvals/approve", "/approvals", decision=[*ids, mine], reason="All seen", together=1
    )
    assert (status, "You entered it yourself" in told) == (400, True)
    settle(house)
    assert net(house, HAO) == 0, "all of them or none"
    status, there = post(client, "/approvals/approve", "/approvals", decision=ids, reason="All seen", together=1)
    settle(house)
    assert (status, net(house, HAO), net(house, AMARA), standing(house, AMARA)[0]) == (303, 75, -10, -10)
    post(client, "/approvals/undo", there, batch=there.rpartition("batch=")[2])
    settle(house)
    assert (net(house, HAO), net(house, AMARA)) == (0, 60)
    assert post(client, "/approvals/preview", "/approvals")[0] == 400


def test_another_region_neither_sees_nor_approves(house: House) -> None:
    kim = somebody(house)
    reported = report(house, kim, HAO)
    with application(house.settings) as app, app.test_client() as client:
        sign_in(client, house.engine, [Grant(Role.STAFF, Scope.REGION, "deeds/LA")], "la@example.org")
        assert str(reported) not in page(client, "/approvals")
        for act in ("approve", "refuse", "preview"):
            assert post(client, f"/approvals/{act}", "/approvals", decision=reported, reason="R")[0] == 404


def test_the_bar_asks_little_however_much_waits(house: House) -> None:
    kim, lee = somebody(house), somebody(house, "Lee")
    seen = list[str]()
    for several in (1, 20):
        for _ in range(several):
            report(house, kim, HAO)
        seen.clear()
        event.listen(house.engine, "before_cursor_execute", lambda *args: seen.append(args[2]), once=False)
        assert waits(house, lee) >= several
        assert len(set(seen)) <= 2, seen
