"""Decisions that come twice, at once or in whatever order: each counts once, and the ledger says what was decided."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from records import approving, closings, deciding, late_changes
from records.actor import CLI, Actor, Grant, Role
from records.closings import closings as closed_periods
from records.deciding import By, DecisionError, Draft
from records.decisions import Kind
from records.effects import settle
from records.models import Account, Decision, LedgerEntry, Membership, Person
from records.programs import add_version
from records.queries import approvals
from service.context import EXTENSION, Context
from tests.integration.test_approvals import LIMITED, adjust, report, somebody
from tests.support.at_once import at_once
from tests.support.deciding_pages import hidden, page, post
from tests.support.deeds import AMARA, HAO, community_id, membership_id, net
from tests.support.house import House
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def house(deeds: House, engine: Engine) -> House:
    with Session(engine) as session, session.begin():
        add_version(session, LIMITED.replace("2025-07-01", "2026-03-01"), "deeds.yaml")
    deeds.now = datetime.now(UTC)
    return deeds


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    with application(house.settings) as app:
        here = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = Context(here.settings, here.engine, here.redis, lambda: datetime.now(UTC))
        yield app


@pytest.fixture
def client(app: Flask, house: House) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        sign_in(made, house.engine, [Grant(Role.STAFF)])
        yield made


def work(house: House) -> None:
    house.now = datetime.now(UTC)
    house.work()
    assert house.differences() == []


def another_window(app: Flask, client: FlaskClient) -> FlaskClient:
    """A second window of the same browser."""
    other = app.test_client()
    for name in ("copbridge", "copbridge-form"):
        cookie = client.get_cookie(name)
        assert cookie
        other.set_cookie(name, cookie.value)
    return other


def test_a_form_that_is_sent_twice_at_once_decides_once(house: House, app: Flask, client: FlaskClient) -> None:
    path = f"/memberships/{membership_id(house, HAO)}/acts"
    status, seen = post(client, f"{path}/adjust", path, hours="1", component="online", reason="The fire")
    assert status == 200
    form = hidden(seen) | {"step": "do"}
    windows = [another_window(app, client) for _ in range(2)]
    token = {"csrf_token": seen.partition('name="csrf_token" value="')[2].partition('"')[0]}

    def send(window: FlaskClient) -> Callable[[], int]:
        return lambda: window.post(f"{path}/adjust", data=form | token).status_code

    assert at_once(house.engine, membership_id(house, HAO), [send(window) for window in windows]) == [303, 303]
    work(house)
    assert net(house, HAO) == 60


def decided(house: House, actor: Actor, draft: Callable[[Session], Draft]) -> Callable[[], str]:
    """Decides in a transaction of its own; what came of it."""

    def act() -> str:
        try:
            with Session(house.engine) as session, session.begin():
                settle(session, draft(session), By(actor, Role.STAFF, "Seen", datetime.now(UTC)))
        except DecisionError as err:
            return str(err.why)
        return "done"

    return act


def test_of_two_who_approve_or_undo_at_once_one_does(house: House) -> None:
    kim, lee, max_ = somebody(house), somebody(house, "Lee"), somebody(house, "Max")
    large = adjust(house, kim, HAO, 90)
    hao = membership_id(house, HAO)

    def approve(actor: Actor) -> Callable[[], str]:
        return decided(house, actor, lambda session: approving.approve(session, large, actor=actor))

    def undo(actor: Actor) -> Callable[[], str]:
        return decided(house, actor, lambda session: deciding.undo(session, large))

    assert sorted(at_once(house.engine, hao, [approve(lee), approve(max_)])) == ["approved", "done"]
    work(house)
    assert net(house, HAO) == 90
    assert sorted(at_once(house.engine, hao, [undo(lee), undo(max_)])) == ["done", "undone"]
    work(house)
    assert net(house, HAO) == 0
    other = adjust(house, kim, HAO, 80)
    refuse = decided(house, max_, lambda session: approving.refuse(session, other, actor=max_))
    yes = decided(house, lee, lambda session: approving.approve(session, other, actor=lee))
    outcome = at_once(house.engine, hao, [yes, refuse])
    assert sorted(outcome) in (["approved", "done"], ["done", "undone"])
    work(house)
    assert net(house, HAO) == (80 if outcome[0] == "done" else 0)


def test_who_approves_several_holds_nobody_while_waiting(house: House, app: Flask, client: FlaskClient) -> None:
    """Or else he and somebody with a bulk act would wait for each other."""
    kim = somebody(house)
    ids = [report(house, kim, AMARA), report(house, kim, HAO)]
    asked = [membership_id(house, AMARA), membership_id(house, HAO)]
    with Session(house.engine) as session, session.begin():
        persons = select(Membership.person_id).where(Membership.id.in_(asked))
        rows = session.scalars(select(Membership).where(Membership.person_id.in_(persons)).order_by(Membership.id))
        lowest = rows.first()
        assert lowest
        held = lowest.id
        # Whoever doesn't come first by the memberships does so as a person.
        other = session.scalars(persons.where(Membership.person_id != lowest.person_id)).one()
        early = UUID(int=5)
        session.add(Person(id=early))
        session.flush()
        for table in (Account, Membership):
            session.execute(update(table).where(table.person_id == other).values(person_id=early))

    def others_are_free(holding: Session) -> None:
        wanted = select(Membership.id).where(Membership.id.in_(asked)).with_for_update(nowait=True)
        assert len(holding.execute(wanted).all()) == 2

    page(client, "/approvals")
    window = another_window(app, client)

    def approve() -> int:
        return post(window, "/approvals/approve", "/approvals", decision=ids, reason="Seen", together=1)[0]

    assert at_once(house.engine, held, [approve], others_are_free) == [303]


def test_what_was_taken_back_isnt_done_again_by_the_same_form(house: House, client: FlaskClient) -> None:
    path = f"/several?community={community_id(house, 'BAY')}"
    form = {"membership": [membership_id(house, HAO)], "act": "adjust", "minutes": "30", "component": "online"}
    seen = post(client, "/several/preview", path, **form, reason="R")[1]
    do = hidden(seen) | {"membership": form["membership"]}
    there = post(client, "/several/do", path, **do)[1]
    assert post(client, f"{there}/undo", there, reason="A mistake")[0] == 303
    assert post(client, "/several/do", path, **do) == (303, there)
    work(house)
    assert net(house, HAO) == 0
    assert "All of it was taken back." in page(client, there)


def test_a_batch_is_taken_back_where_it_was_decided_and_nowhere_else(house: House, client: FlaskClient) -> None:
    """Presences hang on a decision about them: undone as if it were an adjustment, they would count on."""
    batch = uuid4()
    with Session(house.engine) as session, session.begin():
        draft = Draft(Kind.PRESENCE, {"batch": str(batch)}, membership_id(house, HAO))
        deciding.write(session, draft, By(CLI, Role.IT, "R", house.now))
    for address, form in ((f"/several/{batch}/undo", {}), ("/approvals/undo", {"batch": batch})):
        assert post(client, address, "/approvals", reason="R", **form)[0] == 404
    path = f"/several?community={community_id(house, 'BAY')}"
    chosen = {"membership": [membership_id(house, HAO)], "act": "adjust", "minutes": "30", "component": "online"}
    seen = post(client, "/several/preview", path, **chosen, reason="R")[1]
    there = post(client, "/several/do", path, **hidden(seen) | {"membership": chosen["membership"]})[1]
    assert post(client, "/approvals/undo", "/approvals", batch=there.rpartition("/")[2])[0] == 404
    with Session(house.engine) as session:
        assert session.scalar(select(func.count()).where(Decision.undoes.is_not(None))) == 0


@dataclass
class Office:
    """Two of staff decide whatever comes to mind about Amara and Hao."""

    house: House
    by: tuple[Actor, Actor]
    chance: random.Random
    adjusted: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """Whose and how many minutes, of adjustments that nobody took back."""
    entered: dict[UUID, Actor] = field(default_factory=dict)
    """By whom, of all that stands."""
    approved: dict[UUID, UUID] = field(default_factory=dict)
    """By which decision."""

    def adjust(self) -> None:
        who, user = self.chance.choice(self.by), self.chance.choice((AMARA, HAO))
        minutes = self.chance.choice((-90, -30, 20, 60, 61, 150))
        made = adjust(self.house, who, user, minutes)
        self.adjusted[made], self.entered[made] = (user, minutes), who

    def report(self) -> None:
        who = self.chance.choice(self.by)
        self.entered[report(self.house, who, self.chance.choice((AMARA, HAO)))] = who

    def approve(self) -> None:
        waiting = [one for one in self._waiting() if one not in self.approved]
        if waiting:
            one = self.chance.choice(waiting)
            other = next(who for who in self.by if who != self.entered[one])
            assert (
                decided(self.house, self.entered[one], lambda s: approving.approve(s, one, actor=self.entered[one]))()
                == "own"
            )
            self.approved[one] = self._write(other, lambda s: approving.approve(s, one, actor=other))

    def disapprove(self) -> None:
        if self.approved:
            one = self.chance.choice(list(self.approved))
            self._undo(self.approved.pop(one))

    def undo(self) -> None:
        if self.entered:
            one = self.chance.choice(list(self.entered))
            self._undo(one)
            for table in (self.adjusted, self.entered, self.approved):
                table.pop(one, None)

    def close(self) -> None:
        """Close the next month that isn't closed yet."""
        work(self.house)
        with Session(self.house.engine) as session, session.begin():
            month = 1 + len(closed_periods(session))
            if month > 5:
                return
            last = date(2026, month + 1, 1) - timedelta(days=1)
            made = closings.begin(session, "deeds", date(2026, month, 1), last, f"Month {month}", self.house.now)
            for _ in closings.fill(session, made, self.house.now):
                pass
            closings.close(session, made, actor=CLI, role="it", reason="Over", now=self.house.now)

    def admit(self) -> None:
        work(self.house)
        for who in self.by:
            with Session(self.house.engine) as session, session.begin():
                late = late_changes.waiting(session, who).changes
                assert all(one.own == (self._author(session, one.change.decision) == who.name) for one in late)
                by = By(who, Role.STAFF, "After all", self.house.now)
                admitted = late_changes.admit_chosen(session, who, [one.change for one in late], by)
                assert admitted == sum(not one.own for one in late)

    def _author(self, session: Session, decision: str | None) -> str:
        return session.get_one(Decision, UUID(decision)).actor if decision else ""

    def _waiting(self) -> list[UUID]:
        return [one for one in self.entered if one not in self.adjusted or abs(self.adjusted[one][1]) > 60]

    def _undo(self, one: UUID) -> None:
        self._write(self.chance.choice(self.by), lambda s: deciding.undo(s, one))

    def _write(self, who: Actor, draft: Callable[[Session], Draft]) -> UUID:
        with Session(self.house.engine) as session, session.begin():
            return settle(session, draft(session), By(who, Role.STAFF, "So be it", datetime.now(UTC)))

    def check(self) -> None:
        """The ledger says what would be computed anew, and adjustments count as they were decided."""
        work(self.house)
        waiting = set(self._waiting()) - set(self.approved)
        for user in (AMARA, HAO):
            counts = [
                minutes for one, (whose, minutes) in self.adjusted.items() if whose == user and one not in waiting
            ]
            assert adjusted_minutes(self.house, user) == sum(counts), user
        with Session(self.house.engine) as session:
            for who in self.by:
                assert approvals.how_many(session, who) == sum(self.entered[one] != who for one in waiting)
            assert all(intact for _row, _program, intact in closed_periods(session))


def adjusted_minutes(house: House, user: int) -> int:
    """Of the ledger, what came of adjustments."""
    wanted = select(func.sum(LedgerEntry.minutes)).where(
        LedgerEntry.membership_id == membership_id(house, user), LedgerEntry.component == "online"
    )
    with Session(house.engine) as session:
        return int(session.scalar(wanted) or 0) - (60 if user == AMARA else 0)


def test_in_whatever_order_the_ledger_says_what_was_decided(house: House) -> None:
    office = Office(house, (somebody(house), somebody(house, "Lee")), random.Random(3))
    often = [office.adjust] * 4 + [office.report] * 2 + [office.approve] * 4 + [office.undo, office.disapprove]
    for step in range(30):
        office.chance.choice([*often, office.close, office.admit])()
        if step % 15 == 14:
            office.check()
