"""One act about many people: the preview, all of them or nobody, one batch, and its undoing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from records import bulk, deciding
from records.actor import CLI, Actor, Grant, Role, Scope
from records.bulk import Act, LeftOut
from records.deciding import By, DecisionError
from records.decision_faults import Why
from records.decisions import Kind
from records.models import AuditEntry, Decision, Membership
from service.context import EXTENSION, Context
from tests.support.deciding_pages import hidden, page, post
from tests.support.deeds import AMARA, BAY, HAO, LENA, TEACHER, community_id, membership_id, net, standing
from tests.support.house import House
from tests.support.readings import account, enrolment
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        here = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = Context(here.settings, here.engine, here.redis, lambda: datetime.now(UTC))
        sign_in(made, house.engine, [Grant(Role.STAFF)])
        yield made


def settle(house: House) -> None:
    house.now = datetime.now(UTC)
    house.work()
    assert house.differences() == []


def everybody(house: House) -> list[UUID]:
    return [membership_id(house, user) for user in (AMARA, HAO, TEACHER)]


def test_many_are_adjusted_at_once_and_taken_back(house: House, client: FlaskClient) -> None:
    assert "Choose the people first" in page(client, "/several")
    path = f"/several?community={community_id(house, 'BAY')}&who=everybody"
    shown = page(client, path)
    assert "3 people are chosen." in shown
    form = {"membership": everybody(house), "act": "adjust", "hours": "1", "component": "online", "reason": "The fire"}
    status, seen = post(client, "/several/preview", path, **form)
    assert status == 200
    for words in ("+1 h online for 2 people", "1 person is left out", "not a participant", "Do it for all 2 people"):
        assert words in seen
    taken = post(client, "/several/preview", path, **form, direction="take")[1]
    assert ("less than nothing" in taken, "Do it all the same" in taken) == (True, True)
    assert "less than nothing" not in seen
    # Hao has begun then; of Amara something else is asked besides.
    assert "The standing of 1 person becomes another one." in seen
    do = hidden(seen) | {"membership": everybody(house)}
    status, there = post(client, "/several/do", path, **do)
    assert post(client, "/several/do", path, **do) == (303, there)
    settle(house)
    assert (net(house, AMARA), net(house, HAO), standing(house, AMARA)[1]) == (120, 60, "in_progress")
    with Session(house.engine) as session:
        rows = session.scalars(select(Decision)).all()
        assert {str(row.data["batch"]) for row in rows} == {there.rpartition("/")[2]}
        assert [(row.reason, row.actor_role) for row in rows] == [("The fire", "staff")] * 2
        audited = session.execute(select(AuditEntry.action, func.count()).group_by(AuditEntry.action)).all()
        assert {("decision.adjustment", 2), ("decision.moved", 2)} <= {tuple(row) for row in audited}
    done = page(client, there)
    assert "2 people were decided about." in done
    assert "one of several" not in done, "all of them are"
    status, told = post(client, f"{there}/undo", there, reason=" ")
    assert (status, "Say why" in told) == (400, True)
    assert post(client, f"{there}/undo", there, reason="A false alarm")[0] == 303
    assert_told_back(house)
    settle(house)
    assert (net(house, AMARA), net(house, HAO)) == (60, 0)
    assert "All of it was taken back." in page(client, there)
    assert post(client, f"{there}/undo", there, reason="Again")[0] == 404


def assert_told_back(house: House) -> None:
    """The audit trail says what undoing moved: the reverse of what the act did."""
    with Session(house.engine) as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "decision.moved")).all()
        undoing = {str(one) for one in session.scalars(select(Decision.id).where(Decision.undoes.is_not(None)))}
    done = [(row.before, row.after) for row in rows if row.subject not in undoing]
    back = [(row.after, row.before) for row in rows if row.subject in undoing]
    assert done
    assert sorted(done, key=str) == sorted(back, key=str)


def test_a_requirement_is_waived_for_many(house: House, client: FlaskClient) -> None:
    path = f"/several?community={community_id(house, 'BAY')}"
    form = {"membership": everybody(house)[:2], "act": "waive", "code": "artifact", "reason": "No room for it"}
    for wrong, says in (({"code": "none"}, "could be done"), ({"reason": ""}, "Say why")):
        status, told = post(client, "/several/preview", path, **form | wrong)
        assert says in told, (status, wrong)
    seen = post(client, "/several/preview", path, **form)[1]
    assert post(client, "/several/do", path, **hidden(seen) | {"membership": form["membership"]})[0] == 303
    settle(house)
    assert [standing(house, user)[2] for user in (AMARA, HAO)] == [{"artifact": "waived"}] * 2
    assert "is waived already" in post(client, "/several/preview", path, **form)[1]


def test_what_changed_since_the_preview_stops_all_of_it(house: House, client: FlaskClient) -> None:
    path = f"/several?community={community_id(house, 'BAY')}"
    form = {"membership": everybody(house), "act": "adjust", "minutes": "30", "component": "online", "reason": "R"}
    with Session(house.engine) as session, session.begin():
        onward = deciding.transfer(session, membership_id(house, AMARA), membership_id(house, AMARA, "LA"))
        deciding.write(session, onward, By(CLI, Role.IT, "She moved", house.now))
    seen = post(client, "/several/preview", path, **form)[1]
    assert seen.count("These hours go on in") == 1
    with Session(house.engine) as session, session.begin():
        draft = deciding.adjust(session, everybody(house)[1], minutes=7, component="online", now=house.now)
        deciding.write(session, draft, By(CLI, Role.IT, "Meanwhile", house.now))
    status, again = post(client, "/several/do", path, **hidden(seen) | {"membership": everybody(house)})
    assert (status, "Something else changed meanwhile" in again) == (200, True)
    with Session(house.engine) as session:
        assert session.scalar(select(func.count(Decision.id))) == 2
    for wrong in ({"minutes": "x"}, {"minutes": ""}):
        assert post(client, "/several/preview", path, **form | wrong)[0] == 400


def test_nobody_beyond_the_scope_and_no_more_than_there_is_room_for(house: House) -> None:
    la = Actor.user(uuid4(), (Grant(Role.STAFF, Scope.REGION, "deeds/LA"),))
    act = Act(Kind.ADJUSTMENT, minutes=5, component="online")
    with Session(house.engine) as session:
        for actor, ids, why in (
            (la, everybody(house), Why.NOT_THERE),
            (CLI, [uuid4()], Why.NOT_THERE),
            (CLI, [uuid4() for _ in range(bulk.AT_ONCE + 1)], Why.AMOUNT),
        ):
            with pytest.raises(DecisionError) as refused:
                bulk.plan(session, actor, ids, act, house.now)
            assert refused.value.why is why
    with application(house.settings) as app, app.test_client() as client:
        sign_in(client, house.engine, list(la.grants), "la@example.org")
        many = [uuid4() for _ in range(bulk.AT_ONCE + 1)]
        status, told = post(client, "/several", "/several", membership=many)
        assert (status, "more than 500 people at once" in told) == (400, True)
        form = {"act": "adjust", "minutes": "5", "component": "online", "reason": "R"}
        for endpoint in ("/several", "/several/preview"):
            assert post(client, endpoint, "/several", membership=everybody(house), **form)[0] in (400, 404)
        assert page(client, f"/several?community={community_id(house, 'BAY')}").count("Choose the people first") == 1
        assert client.get(f"/several/{uuid4()}").status_code == 404


def test_each_is_left_out_for_a_reason_and_queries_dont_grow(house: House) -> None:
    people = range(201, 221)
    house.post([], [*(account(user, f"X{user}") for user in people), *(enrolment(user, BAY) for user in people)])
    house.work()
    with Session(house.engine) as session:
        bay = community_id(house, "BAY")
        ids = list(session.scalars(select(Membership.id).where(Membership.community_id == bay)))
    seen = list[str]()
    event.listen(house.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    counts = []
    for some in (everybody(house), ids):
        seen.clear()
        with Session(house.engine) as session:
            plan = bulk.plan(session, CLI, some, Act(Kind.ADJUSTMENT, minutes=5, component="online"), house.now)
        counts.append(len(seen))
        assert [why for _, why in plan.left_out] == [LeftOut.NOT_A_PARTICIPANT]
    assert len(plan.lines) == 22
    assert counts[0] == counts[1]
    with Session(house.engine) as session:
        plan = bulk.plan(session, CLI, everybody(house), Act(Kind.WAIVER, requirement="none"), house.now)
        assert {why for _, why in plan.left_out} == {LeftOut.NOT_ASKED, LeftOut.NOT_A_PARTICIPANT}
    assert LENA
