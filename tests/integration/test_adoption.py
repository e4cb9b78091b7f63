"""Copies of courses: what they earn while nobody has decided, and what each decision makes of them."""

import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mappings.facts import Nothing
from records.actor import CLI
from records.adopting import AdoptionError, Wanted
from records.adoption_preview import preview
from records.adoptions import Status
from records.deciding import By, DecisionError, undo
from records.models import AuditEntry, Base, ContinuedModule, CourseCopy, Decision, MirrorCourse, SessionRow
from records.queries.person import person
from records.surroundings import surroundings
from tests.support.bench import Bench
from tests.support.copies import (
    AMARA,
    COPIED,
    HAO,
    LATER,
    LOG,
    NEW,
    NEWCOMER,
    NEWER,
    OLD,
    PAGE,
    QUIZ,
    activities,
    adopt,
    copied,
    key,
    minutes,
    old_completion,
    original,
    restored,
)
from tests.support.house import House
from tests.support.kept import Beginnings
from tests.support.places import snapshot, take_in
from tests.support.readings import completion, course, enrolment, module

EARNED = {AMARA: 105, HAO: 50}


def places(house: House) -> list[str]:
    return sorted(snapshot(house)["communities"])


@pytest.fixture(scope="module")
def beginnings(bench: Bench) -> Beginnings:
    return Beginnings(bench)


@pytest.fixture
def both(beginnings: Beginnings) -> House:
    """The original and a copy that waits."""
    return beginnings.house("both", lambda house: take_in(house, *original(), *copied(), restored()))


@pytest.mark.parametrize("told", [[restored()], []], ids=["event", "reading"])
def test_a_copy_of_a_community_earns_nothing(house: House, told: list[dict[str, Any]]) -> None:
    readings = copied() if told else copied(copy_of=OLD)
    take_in(house, *original(), *readings, *told)
    assert (places(house), minutes(house)) == (["lab/2"], EARNED)
    with Session(house.engine) as session:
        row = session.scalars(select(CourseCopy)).one()
    assert (row.original_id, row.status) == (OLD, "proposed")
    assert row.copied_at == (COPIED if told else LATER)


@pytest.mark.parametrize(
    "told",
    [restored(target=1), restored(samesite=False), restored(source=NEW), restored(source=NEWER), restored(source=3)],
    ids=["into a course", "from another site", "of itself", "of a later one", "of no community"],
)
def test_what_is_no_copy_of_a_community_is_a_course_like_any_other(house: House, told: dict[str, Any]) -> None:
    take_in(house, *original(), *copied(), told)
    assert places(house) == ["lab/2", "lab/20"]
    assert minutes(house) == {user: 2 * earned for user, earned in EARNED.items()}


PARTS = {
    "the original": [course(OLD, "COP-EBWI-BAY")],
    "its people": [item for item in original() if item["kind"] != "course"],
    "the copy": [course(NEW, "COP-IDL-LA", at=LATER)],
    "the copy's people": [item for item in copied() if item["kind"] != "course"],
    "the report": [restored()],
}
CHOICES = [None, Status.CONTINUATION, Status.NEW_COMMUNITY, Status.IGNORED]


def outcome(bench: Bench, order: tuple[str, ...], status: Status | None) -> dict[str, Any]:
    """What the books say when these came one after another, each worked off, and then somebody decided."""
    house = bench.emptied()
    for name in order:
        take_in(house, *PARTS[name])
    if status:
        adopt(house, status)
    assert house.differences() == []
    assert house.waiting() == []
    # A community that was believed in for a while may have left a standing of nothing.
    found = {name: part for name, part in house.books().items() if name != "standings"}
    return found | {"places": snapshot(house)}


@pytest.mark.parametrize("status", CHOICES)
def test_any_order_gives_the_same_books(bench: Bench, status: Status | None) -> None:
    expected = outcome(bench, tuple(PARTS), status)
    orders = list(itertools.permutations(PARTS))
    for order in random.Random(str(status)).sample(orders, 5):
        assert outcome(bench, order, status) == expected, order


def test_a_copy_of_a_copy_waits_too(house: House) -> None:
    newest = copied(NEWER, 100, "COP-IDL-BAY")
    take_in(house, *newest, restored(NEWER, NEW), *copied(), *original())
    assert places(house) == ["lab/2", "lab/20"]
    take_in(house, restored())
    assert (places(house), minutes(house)) == (["lab/2"], EARNED)


def test_a_program_that_comes_later_lets_no_copy_in(house: House) -> None:
    take_in(house, *(item | {"idnumber": ""} if item["kind"] == "course" else item for item in original()))
    take_in(house, *copied(copy_of=OLD))
    assert places(house) == ["lab/20"]
    take_in(house, course(OLD, "COP-EBWI-BAY", at=LATER))
    assert places(house) == ["lab/2"]


def test_a_continuation_earns_once_what_was_copied(both: House) -> None:
    adopt(both, Status.CONTINUATION)
    assert (places(both), minutes(both)) == (["lab/2 lab/20"], EARNED)
    take_in(both, completion(HAO, PAGE * 10, NEW, at=LATER), enrolment(NEWCOMER, NEW, at=LATER))
    take_in(both, completion(NEWCOMER, LOG * 10, NEW, at=LATER))
    assert minutes(both) == {AMARA: 105, HAO: 95, NEWCOMER: 60}
    assert both.differences() == []


def test_a_continuation_earns_by_the_old_activitys_form(house: House) -> None:
    changed = activities(NEW, 10, page="Look around", log="ACT-LOG")
    take_in(house, *original(), *copied(), *changed, restored())
    adopt(house, Status.CONTINUATION, put={PAGE * 10: PAGE})
    take_in(house, completion(HAO, PAGE * 10, NEW, at=LATER))
    assert minutes(house) == {AMARA: 105, HAO: 95}
    take_in(house, module(PAGE * 10, NEW, "", kind="forum", name="Other", at=LATER))
    assert [b[3] for b in house.books()["bindings"] if b[0] == PAGE * 10] == ["active"]
    adopt(house, Status.CONTINUATION, at=1, taken=frozenset({PAGE * 10}))
    # What came along counts in the original; what was done in the copy by its own form.
    assert minutes(house) == {AMARA: 105, HAO: 70}


def test_what_is_unmapped_is_an_activity_of_its_own(house: House) -> None:
    take_in(house, *original(), *copied(), module(340, NEW, "", kind="feedback", name="New here"), restored())
    decided = adopt(house, Status.CONTINUATION)
    take_in(house, completion(AMARA, 340, NEW, at=LATER))
    assert minutes(house)[AMARA] == 105 + 35
    with Session(house.engine) as session:
        assert session.get_one(Decision, decided.decision_id).data["modules"] == {"310": 31, "320": 32, "330": 33}


def test_an_activity_that_is_read_later_earns_nothing_for_what_came_along(house: House) -> None:
    late = module(PAGE * 10, NEW, "", name="Read: why write", section="Week 1", at=LATER)
    readings = [item for item in copied() if item.get("module") != PAGE * 10]
    take_in(house, *original(), *readings, restored())
    adopt(house, Status.CONTINUATION)
    take_in(house, late, old_completion(AMARA, PAGE * 10, NEW))
    assert minutes(house) == EARNED


def test_a_chain_of_continuations_earns_once(both: House) -> None:
    take_in(both, *copied(NEWER, 100, "COP-IDL-BAY"), restored(NEWER, NEW))
    with pytest.raises(AdoptionError, match="decide about that one first"):
        adopt(both, Status.CONTINUATION, of=NEWER)
    adopt(both, Status.CONTINUATION)
    adopt(both, Status.CONTINUATION, of=NEWER, at=1)
    assert (places(both), minutes(both)) == (["lab/2 lab/20 lab/200"], EARNED)
    take_in(both, completion(AMARA, QUIZ * 100, NEWER, at=LATER))
    assert minutes(both) == EARNED | {AMARA: 155}
    adopt(both, Status.NEW_COMMUNITY, at=2)
    # The newest goes on with a community in which what came along doesn't count.
    assert places(both) == ["lab/2", "lab/20 lab/200"]
    assert minutes(both) == EARNED | {AMARA: 155}
    adopt(both, Status.PROPOSED, at=3)
    assert (places(both), minutes(both)) == (["lab/2"], EARNED)


def test_a_new_community_counts_only_what_was_done_there(both: House) -> None:
    adopt(both, Status.NEW_COMMUNITY)
    assert (places(both), minutes(both)) == (["lab/2", "lab/20"], EARNED)
    take_in(both, completion(AMARA, QUIZ * 10, NEW, at=LATER), completion(HAO, QUIZ * 10, NEW, at=LATER))
    # Hao did it once more: the row was last changed there.
    assert minutes(both) == {AMARA: 155, HAO: 100}
    assert both.differences() == []
    take_in(both, completion(HAO, QUIZ * 10, NEW, at=LATER + timedelta(1)) | {"state": 0})
    assert minutes(both) == {AMARA: 155, HAO: 50}


def test_the_words_say_why_something_came_along_and_what_continues(both: House) -> None:
    adopt(both, Status.NEW_COMMUNITY)
    with Session(both.engine) as session:
        owner = session.execute(text("SELECT person_id FROM accounts WHERE moodle_user_id = 7")).scalar_one()
        page = person(session, CLI, owner, both.now)
        assert page
        lines = {c.region: c.lines for c in page.communities}
    assert [line.nothing for line in lines["LA"]] == [Nothing.COPIED]
    adopt(both, Status.CONTINUATION, at=1)
    with Session(both.engine) as session:
        page = person(session, CLI, owner, both.now)
        assert page
        (here,) = (c for c in page.communities if c.region == "BAY")
    assert sorted(line.continues for line in here.lines if line.fact) == [False, True]
    assert sum(line.minutes for line in here.lines) == 50


def test_an_earlier_report_of_the_copy_lets_more_count(house: House) -> None:
    done = completion(HAO, PAGE * 10, NEW, at=COPIED + timedelta(days=1))
    take_in(house, *original(), *copied(copy_of=OLD), done)
    adopt(house, Status.NEW_COMMUNITY)
    assert minutes(house) == EARNED
    take_in(house, restored())
    assert minutes(house) == EARNED | {HAO: 95}
    assert house.differences() == []


def test_what_is_ignored_earns_nothing_and_the_latest_decision_stands(both: House) -> None:
    for at, (status, found) in enumerate(
        [
            (Status.IGNORED, ["lab/2"]),
            (Status.CONTINUATION, ["lab/2 lab/20"]),
            (Status.NEW_COMMUNITY, ["lab/2", "lab/20"]),
            (Status.CONTINUATION, ["lab/2 lab/20"]),
            (Status.PROPOSED, ["lab/2"]),
        ]
    ):
        adopt(both, status, at=at)
        assert (places(both), minutes(both)) == (found, EARNED), status
    with Session(both.engine) as session:
        assert session.scalars(select(ContinuedModule)).all() == []
        actions = select(func.count()).where(AuditEntry.action == "decision.adoption")
        assert session.scalar(actions) == 5
        first = session.scalars(select(Decision.id)).first()
        assert first
        with pytest.raises(DecisionError, match="Decide about that course again"):
            undo(session, first)
    with pytest.raises(AdoptionError, match="nothing to undo"):
        adopt(both, Status.PROPOSED, at=9)


def test_a_new_community_that_comes_back_has_its_sessions(both: House) -> None:
    (made,) = adopt(both, Status.NEW_COMMUNITY).communities
    with Session(both.engine) as session, session.begin():
        meeting = SessionRow(community_id=made, code="S1", title="S1", starts_at=LATER, timezone="UTC", mode="virtual")
        session.add(meeting)
    adopt(both, Status.IGNORED, at=1)
    assert places(both) == ["lab/2"]
    assert adopt(both, Status.NEW_COMMUNITY, at=2).communities == (made,)


def test_a_new_community_that_nobody_claims_waits_for_a_name(house: House) -> None:
    take_in(house, *original(), *copied(idnumber=""), restored())
    assert adopt(house, Status.NEW_COMMUNITY).communities == ()
    take_in(house, course(NEW, "COP-IDL-LA", at=LATER + timedelta(1)))
    assert places(house) == ["lab/2", "lab/20"]
    assert house.differences() == []


def test_the_original_may_go(both: House) -> None:
    adopt(both, Status.CONTINUATION)
    gone = {"eventname": r"\core\event\course_deleted", "courseid": OLD, "objectid": OLD, "contextlevel": 50}
    modules = [
        {"eventname": r"\core\event\course_module_deleted", "courseid": OLD, "objectid": m, "contextlevel": 70}
        for m in (LOG, PAGE, QUIZ)
    ]
    take_in(both, *(e | {"timecreated": int(LATER.timestamp()) + 60} for e in [*modules, gone]))
    assert minutes(both) == EARNED
    take_in(both, completion(HAO, LOG * 10, NEW, at=LATER))
    assert minutes(both) == EARNED | {HAO: 110}
    assert both.differences() == []
    with Session(both.engine) as session:
        assert session.scalars(select(MirrorCourse.present).where(MirrorCourse.course_id == OLD)).one() is False


@pytest.mark.parametrize("tied", [PAGE, PAGE * 10])
def test_a_session_that_an_activity_stands_for_counts_once(both: House, tied: int) -> None:
    (community,) = adopt(both, Status.CONTINUATION).communities
    with Session(both.engine) as session, session.begin():
        meeting = SessionRow(
            community_id=community, code="S1", title="S1", starts_at=LATER, timezone="UTC", mode="face_to_face"
        )
        meeting.module_site_id, meeting.module_id, meeting.planned_minutes = both.site_id, tied, 240
        session.add(meeting)
        session.flush()
        account = session.execute(text("SELECT id FROM accounts WHERE moodle_user_id = 6")).scalar_one()
        session.execute(
            text(
                "INSERT INTO facts (id, key, version, kind, account_id, site_id, session_id, happened_at, minutes,"
                " correlation_id) VALUES (gen_random_uuid(), 'attendance:x', 1, 'attendance', :account, :site,"
                " :meeting, now(), 240, gen_random_uuid())"
            ),
            {"account": account, "site": both.site_id, "meeting": meeting.id},
        )
        session.execute(text("UPDATE memberships SET dirty_at = now()"))
    both.work()
    assert minutes(both)[AMARA] == 60 + 240
    assert both.differences() == []


def test_nothing_is_offered_twice(both: House) -> None:
    (community,) = adopt(both, Status.CONTINUATION).communities
    with Session(both.engine) as session:
        around = surroundings(session, [community])[community]
    assert sorted(item.split(":")[1] for item, _, _ in around.activities) == ["31", "32", "33"]


def counts(house: House) -> dict[str, int]:
    with Session(house.engine) as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("status", [Status.CONTINUATION, Status.NEW_COMMUNITY, Status.IGNORED])
def test_the_preview_says_what_comes_and_leaves_nothing_behind(both: House, status: Status) -> None:
    take_in(both, completion(HAO, PAGE * 10, NEW, at=LATER), enrolment(NEWCOMER, NEW, at=LATER))
    take_in(both, completion(NEWCOMER, LOG * 10, NEW, at=LATER))
    before, rows = both.books(), counts(both)
    found = preview(both.engine, key(both), Wanted(status), By(CLI, "it", "Why", both.now))
    assert (both.books(), counts(both)) == (before, rows)
    assert (found.minutes_before, found.people) == (155, 3)
    adopt(both, status)
    assert found.minutes_after == sum(minutes(both).values())
    assert (found.gains, found.loses) == ((0, 0) if status is Status.IGNORED else (2, 0))
    back = preview(both.engine, key(both), Wanted(Status.PROPOSED), By(CLI, "it", "Why", both.now))
    assert (back.minutes_before, back.minutes_after) == (found.minutes_after, 155)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(Status.CONTINUATION, {999: 31}), "The copy has no activity 999"),
        (Wanted(Status.CONTINUATION, {310: 999}), "The original course has no activity 999"),
        (Wanted(Status.CONTINUATION, {310: 31}, frozenset({310})), "mapped and unmapped at once"),
        (Wanted(Status.IGNORED, {310: 31}), "for a continuation only"),
    ],
)
def test_what_cant_be_is_refused(both: House, wanted: Wanted, said: str) -> None:
    with pytest.raises(AdoptionError, match=said):
        adopt(both, wanted.status, put=wanted.put, taken=wanted.taken)
    with pytest.raises(AdoptionError, match="isn't known as a copy"):
        adopt(both, Status.IGNORED, of=OLD)


def test_a_course_of_no_community_cant_be_continued(house: House) -> None:
    take_in(house, course(OLD, "TEMPLATE"), *activities(OLD), *copied(), restored())
    assert places(house) == ["lab/20"]
    with pytest.raises(AdoptionError, match="is no community"):
        adopt(house, Status.CONTINUATION)
    assert adopt(house, Status.NEW_COMMUNITY).communities
    assert minutes(house) == {}
