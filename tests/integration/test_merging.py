"""Two people who are one: merged, each thing counts once; unmerged, all is again as it was, to the minute."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import closings, deciding, erasure, merging
from records.actor import CLI, Actor, Grant, Role, Scope
from records.deciding import DecisionError
from records.merge_plan import plan_merge
from records.models import Account, ClosedMember, Community, Decision, Membership, Person, uuid7
from records.settings import Settings
from tests.support.deeds import BAY, LA, community_id, membership_id, net
from tests.support.house import House
from tests.support.readings import enrolment
from tests.support.settings import ENCRYPTION_KEY
from tests.support.two_people import (
    BOTH,
    MEETINGS,
    ONE,
    OTHER,
    PROGRAM,
    REGIONS,
    THIRD,
    Books,
    adjust,
    attend,
    books,
    by,
    close,
    decide,
    finish,
    furnish,
    merge,
    nets,
    person,
    present,
    report,
    transfer,
    undo,
    waive,
)


@pytest.fixture
def house(settings: Settings, engine: Engine, redis: Redis) -> House:
    return House(settings, engine, redis, program=PROGRAM)


def refused(says: str, what: Callable[[], object]) -> None:
    with pytest.raises(DecisionError, match=says):
        what()


def total(house: House) -> int:
    return sum(sum(of.values()) for of in nets(house).values())


DEEDS_OF_ANYBODY: dict[str, Callable[[House, int, int], object]] = {
    "finish one": lambda house, user, place: finish(house, user, place, 0),
    "finish two": lambda house, user, place: finish(house, user, place, 1, day=30),
    "attend": attend,
    "attend two": lambda house, user, place: attend(house, user, place, MEETINGS[1], 50 + user),
    "adjust": adjust,
    "report": report,
    "waive": waive,
    "present": present,
}
DEEDS = st.sets(
    st.tuples(st.sampled_from(sorted(DEEDS_OF_ANYBODY)), st.sampled_from([ONE, OTHER]), st.sampled_from([BAY, LA])),
    max_size=9,
)
PLACES = st.sets(st.tuples(st.sampled_from([ONE, OTHER]), st.sampled_from([BAY, LA])), min_size=1)


def do(house: House, deeds: set[tuple[str, int, int]], enrolled: set[tuple[int, int]]) -> None:
    for what, user, place in sorted(deeds):
        if (user, place) in enrolled:
            DEEDS_OF_ANYBODY[what](house, user, place)
    house.work()


def as_one(deeds: set[tuple[str, int, int]], enrolled: set[tuple[int, int]], place: int) -> int:
    """What one person has in a community, by hand: each thing once, the longer attendance, quizzes up to the cap."""
    done = {(what, user) for what, user, where in deeds if where == place and (user, where) in enrolled}
    kinds = {what for what, _ in done}
    quizzes = min(100, 60 * len(kinds & {"finish one", "finish two"}))
    there = 90 * ("attend" in kinds) + max((50 + user for what, user in done if what == "attend two"), default=0)
    each = sum({"adjust": 40, "report": 25}.get(what, 0) for what, _ in done)
    return quizzes + there + each + 30 * ("present" in kinds)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    enrolled=PLACES,
    deeds=DEEDS,
    late=DEEDS,
    since=DEEDS,
    closed=st.booleans(),
    transferred=st.sampled_from([None, ONE, OTHER]),
)
@example(
    enrolled=set(itertools.product([ONE, OTHER], [BAY, LA])),
    deeds=set(itertools.product(DEEDS_OF_ANYBODY, [ONE, OTHER], [BAY])),
    late=set(),
    since={("finish one", ONE, LA), ("attend", OTHER, LA)},
    closed=False,
    transferred=ONE,
)
def test_merged_and_unmerged_all_is_as_it_was(
    house: House,
    owner_engine: Engine,
    enrolled: set[tuple[int, int]],
    deeds: set[tuple[str, int, int]],
    late: set[tuple[str, int, int]],
    since: set[tuple[str, int, int]],
    closed: bool,
    transferred: int | None,
) -> None:
    house.reset(owner_engine)
    furnish(house, sorted(enrolled))
    do(house, deeds, enrolled)
    if closed:
        close(house)
        do(house, late - deeds, enrolled)
    if transferred and {(transferred, BAY), (transferred, LA)} <= enrolled:
        transfer(house, transferred)
    before = books(house)
    decision = merge(house, ONE, OTHER)
    merged = books(house)
    one = person(house, OTHER)
    for membership, (_, who, role, status, _, into) in merged.members.items():
        if into:
            assert (membership in merged.nets, role, status) == (False, "unknown", "left")
        else:
            assert who == one or membership not in merged.nets
    if not closed:
        for place in (BAY, LA):
            assert in_place(house, merged, place) == as_one(deeds, enrolled, place), place
    undo(house, decision)
    assert books(house) == before
    # Once more, and meanwhile more arrives: it is with whose account it is.
    decision = merge(house, ONE, OTHER)
    arrived = {deed for deed in since - deeds - late if deed[0].startswith(("finish", "attend"))}
    do(house, arrived, enrolled)
    undo(house, decision)
    after = books(house)
    assert (after.members, after.accounts) == (before.members, before.accounts)
    owners = {str(account): who for account, who in after.accounts.items()}
    for membership, (_, who, *_) in after.members.items():
        now, was = after.nets.get(membership, {}), before.nets.get(membership, {})
        assert {key: now.get(key) for key in was if not follows(key)} == {
            k: v for k, v in was.items() if not follows(k)
        }
        new = {key for key in now.keys() - was.keys() if not follows(key)}
        assert all(owners[key.rpartition(":")[2]] == who for key in new)


def follows(key: str) -> bool:
    """Whether a line of the ledger follows from others."""
    return key.startswith(("cap:", "best-of:"))


def in_place(house: House, found: Books, place: int) -> int:
    community = community_id(house, REGIONS[place])
    return sum(sum(of.values()) for m, of in found.nets.items() if found.members[m][0] == community)


def test_a_closed_period_keeps_what_both_had(house: House) -> None:
    furnish(house, [(ONE, BAY), (OTHER, BAY)])
    for user in (ONE, OTHER):
        attend(house, user, BAY)
        finish(house, user, BAY, 0)
        finish(house, user, BAY, 1)
    close(house)
    before = books(house)
    assert in_place(house, before, BAY) == 2 * (90 + 100)
    ids = person(house, ONE), person(house, OTHER)
    with Session(house.engine) as session:
        (bay,) = plan_merge(session, *ids, actor=CLI, now=house.now).communities
    assert (bay.twice, bay.less) == ((), 0)
    decision = merge(house, ONE, OTHER)
    merged = books(house)
    (keys,) = merged.nets.values()
    # The cap took 20 back from each, under one key.
    assert [minutes for key, minutes in keys.items() if key.startswith("cap:")] == [-40]
    assert sum(keys.values()) == 2 * (90 + 100)
    attend(house, OTHER, BAY, "S2")
    house.work()
    assert total(house) == 2 * (90 + 100)
    with Session(house.engine) as session:
        ((late, *_), *_) = [found for found, _, _ in closings.late(session, "deeds")]
        (admitted,) = [late]
        assert (admitted.held, admitted.would_be) == (0, 90)
    undo(house, decision)
    assert books(house).nets == before.nets


def test_a_period_that_is_closed_meanwhile_cannot_be_torn_apart(house: House) -> None:
    furnish(house, [(ONE, BAY), (OTHER, BAY)])
    finish(house, ONE, BAY)
    house.work()
    decision = merge(house, ONE, OTHER)
    close(house)
    refused("The period 'January' was closed since", lambda: undo(house, decision))
    with Session(house.engine) as session:
        held = session.scalars(select(ClosedMember.membership_id)).all()
    assert held == [membership_id(house, OTHER)]


def test_chains_are_undone_the_later_one_first(house: House) -> None:
    furnish(house, [(ONE, BAY), (OTHER, LA), (THIRD, BAY), (THIRD, LA)])
    for user, place in ((ONE, BAY), (OTHER, LA), (THIRD, BAY)):
        finish(house, user, place)
        adjust(house, user, place)
    before = books(house)
    first = merge(house, ONE, OTHER)
    one = books(house)
    assert len({who for _, who, *_ in one.members.values()}) == 2
    second = merge(house, OTHER, THIRD)
    assert in_place(house, books(house), BAY) == 60 + 40 + 40
    assert membership_id(house, ONE) == membership_id(house, THIRD)
    refused(f"merged on since, by {second}: undo that one first", lambda: undo(house, first))
    undo(house, second)
    assert books(house) == one
    undo(house, first)
    assert books(house) == before
    refused("was undone already", lambda: undo(house, first))
    # Into hours that came along with another one.
    first, second = merge(house, ONE, OTHER), merge(house, THIRD, OTHER)
    refused(f"same hours since, by {second}", lambda: undo(house, first))
    undo(house, second)
    undo(house, first)
    assert books(house) == before


def test_what_arrives_meanwhile_is_with_whose_account_it_is(house: House) -> None:
    furnish(house, [(ONE, BAY), (OTHER, BAY)])
    decision = merge(house, ONE, OTHER)
    # Enrolled in one more, and at a session of it: by the account that goes back, and by the other one.
    house.post([], [enrolment(ONE, LA)])
    finish(house, ONE, LA)
    house.work()
    attend(house, ONE, LA)
    house.work()
    assert net(house, OTHER, "LA") == 150
    since = adjust(house, ONE, LA)
    house.work()
    undo(house, decision)
    books(house)
    assert (net(house, ONE, "LA"), set(nets(house))) == (190, {membership_id(house, ONE, "LA")})
    assert decide(house, lambda s: deciding.undo(s, since))
    # Who only comes to a session is a member by that.
    decision = merge(house, OTHER, ONE)
    attend(house, OTHER, LA)
    house.work()
    undo(house, decision)
    books(house)
    assert membership_id(house, OTHER, "LA") != membership_id(house, ONE, "LA")


def test_decisions_go_where_the_hours_are(house: House) -> None:
    furnish(house, [(ONE, BAY), (OTHER, BAY), (ONE, LA), (OTHER, LA)])
    mine = membership_id(house, ONE)
    before = adjust(house, ONE, BAY)
    present(house, ONE, BAY)
    present(house, OTHER, BAY)
    house.work()
    decision = merge(house, ONE, OTHER)
    house.work()
    assert (net(house, OTHER), set(nets(house))) == (40 + 30, {membership_id(house, OTHER)})
    # Undone while it counts elsewhere, and decided of the membership that was.
    decide(house, lambda s: deciding.undo(s, before))
    decide(house, lambda s: deciding.adjust(s, mine, minutes=7, component="online", now=house.now))
    house.work()
    assert net(house, OTHER) == 30 + 7
    moved = transfer(house, OTHER)
    undo(house, decision)
    assert {m: sum(of.values()) for m, of in books(house).nets.items()} == {
        mine: 30,
        membership_id(house, OTHER): 37,
    }
    decide(house, lambda s: deciding.undo(s, moved))
    back = (membership_id(house, ONE, "LA"), membership_id(house, ONE))
    transfer(house, OTHER)
    decide(house, lambda s: deciding.transfer(s, *back))
    refused("go round in a circle", lambda: merge(house, ONE, OTHER))


def test_who_cannot_be_merged(house: House) -> None:
    furnish(house, BOTH)
    one, other, third = (person(house, user) for user in (ONE, OTHER, THIRD))
    with Session(house.engine) as session, session.begin():
        nobody = Person(id=uuid7())
        session.add(nobody)
        session.flush()
        la = session.scalars(select(Community.id).where(Community.region == "LA")).one()
        bay = session.scalars(select(Community.id).where(Community.region == "BAY")).one()
        for pair, says in (
            ((one, one), "one person already"),
            ((one, uuid7()), "There is no person"),
            ((one, nobody.id), "has no account"),
        ):
            refused(says, partial(merging.prepare, session, *pair, CLI))
        within = {
            place: Actor.user(uuid7(), (Grant(Role.PROGRAM_ADMIN, Scope.COMMUNITY, str(place)),)) for place in (bay, la)
        }
        refused("that you don't look after", lambda: merging.prepare(session, one, other, within[bay]))
        refused("There is no person", lambda: merging.prepare(session, one, other, within[la]))
        refused("needs a reason", lambda: merging.merge(session, one, other, replace(by(house), reason=" ")))
        session.rollback()
    decision = merge(house, ONE, OTHER)
    with Session(house.engine) as session, session.begin():
        refused("merged into .* already", lambda: merging.prepare(session, third, one, CLI))
        refused("merged into .* already", lambda: merging.prepare(session, one, third, CLI))
    forget(house, other)
    with Session(house.engine) as session, session.begin():
        refused("was erased", lambda: merging.prepare(session, third, other, CLI))
    refused("The person was erased since", lambda: undo(house, decision))


def forget(house: House, whom: UUID) -> None:
    with Session(house.engine) as session, session.begin():
        erasure.erase(session, whom, actor=CLI, reason="Asked for it", encryption_key=ENCRYPTION_KEY, now=house.now)


def test_erasing_forgets_all_accounts_and_keeps_the_amounts(house: House) -> None:
    furnish(house, BOTH)
    for user in (ONE, OTHER):
        finish(house, user, BAY)
        adjust(house, user, BAY)
    merge(house, ONE, OTHER)
    before = books(house)
    one, other = (before.members[m][1] for m in (membership_id(house, ONE), membership_id(house, OTHER)))
    assert one == other
    with Session(house.engine) as session, session.begin():
        first = session.scalars(select(Membership.person_id).where(Membership.merged_into.is_not(None))).one()
        with pytest.raises(erasure.ErasureError, match="was merged into"):
            erasure.plan_erasure(session, first, "Asked for it")
    forget(house, one)
    with Session(house.engine) as session:
        held = session.execute(select(Account.email, Account.moodle_user_id).where(Account.person_id == one)).all()
        assert [(email, user < 0) for email, user in held] == [("", True), ("", True)]
        assert session.scalars(select(Decision.reason).where(Decision.kind != "undo")).all() == [""] * 3
        assert session.get_one(Person, first).erased_at is not None
    assert books(house) == before
