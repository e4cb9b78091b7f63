"""How two looks at the mirror differ: each kind, what is on its way, and what is no drift."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from records.drift import ON_ITS_WAY, Drift, Look, Swept, count, look, tally
from records.models import DriftCount, MirrorCourse, Site, Sweep, uuid7

SITE = UUID(int=1)
COURSE, MODULE, USER = 2, 201, 11
READ_AT = datetime(2026, 2, 1, 17, 0, tzinfo=UTC)
LONG_AGO = READ_AT - timedelta(days=1)
COURSE_FORM = ("COP", None, ("name",))
MODULE_FORM = ("ACT-1", ("name", 1))
STUDENT: Any = ({0}, {5}, {7})


def differs(part: str, was: Any, now: Any) -> list[tuple[Drift, int, int]]:
    """(Kind, course, module) of how one thing differs."""
    keys: dict[str, Any] = {
        "courses": (SITE, COURSE),
        "modules": (SITE, MODULE),
        "accounts": (SITE, USER),
        "pairs": (SITE, COURSE, USER),
        "completions": (SITE, MODULE, USER),
    }
    swept = Swept()
    values = {"modules": COURSE, "completions": (COURSE, READ_AT)}
    held = getattr(swept, part)
    if part in values:
        held[keys[part]] = values[part]
    else:
        held.add(keys[part])
    before, after = (Look(**({part: {keys[part]: it}} if it is not None else {})) for it in (was, now))
    found = tally(swept, before, after)
    assert all(times == 1 and site == SITE for (site, *_), times in found.items())
    return [(kind, course, module) for _, course, kind, module in found]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (COURSE_FORM, COURSE_FORM, []),
        (None, COURSE_FORM, [Drift.NEW_COURSE]),
        (COURSE_FORM, None, [Drift.DELETED_COURSE]),
        (COURSE_FORM, ("OTHER", *COURSE_FORM[1:]), [Drift.CHANGED_IDNUMBER]),
        (COURSE_FORM, ("COP", None, ("another name",)), [Drift.CHANGED_COURSE]),
        (("COP", 9, ("name",)), ("COP", 9, ("name",)), []),
    ],
)
def test_courses(was: Any, now: Any, kinds: list[Drift]) -> None:
    assert differs("courses", was, now) == [(kind, COURSE, 0) for kind in kinds]


@pytest.mark.parametrize("was", [None, COURSE_FORM], ids=["new", "known"])
def test_a_copy_is_counted_for_the_course_that_it_is_of(was: Any) -> None:
    assert differs("courses", was, ("COP", 9, ("name",))) == [(Drift.COPIED_COURSE, 9, 0)]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (MODULE_FORM, MODULE_FORM, []),
        (None, None, []),
        (None, MODULE_FORM, [Drift.NEW_ACTIVITY]),
        (MODULE_FORM, None, [Drift.DELETED_ACTIVITY]),
        (MODULE_FORM, ("ACT-1", ("another name", 1)), [Drift.CHANGED_ACTIVITY]),
        (MODULE_FORM, ("ACT-2", ("name", 2)), [Drift.CHANGED_IDNUMBER, Drift.CHANGED_ACTIVITY]),
    ],
)
def test_activities(was: Any, now: Any, kinds: list[Drift]) -> None:
    assert differs("modules", was, now) == [(kind, COURSE, MODULE) for kind in kinds]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (("a",), ("a",), []),
        # Nobody could have told of an account before anybody asked for it.
        (None, ("a",), []),
        (("a",), ("b",), [Drift.CHANGED_ACCOUNT]),
        (("a",), None, [Drift.CHANGED_ACCOUNT]),
    ],
)
def test_accounts(was: Any, now: Any, kinds: list[Drift]) -> None:
    assert differs("accounts", was, now) == [(kind, 0, 0) for kind in kinds]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (STUDENT, STUDENT, []),
        (None, (set(), set(), set()), []),
        # Roles and groups come and go with the enrolment.
        (None, STUDENT, [Drift.MISSED_ENROLMENT]),
        (STUDENT, (set(), set(), set()), [Drift.LOST_ENROLMENT]),
        (STUDENT, ({1}, {5}, {7}), [Drift.CHANGED_ENROLMENT]),
        (({1}, {5}, {7}), ({0, 1}, {5}, {7}), [Drift.CHANGED_ENROLMENT]),
        # A second enrolment beside one that is active lets nobody in who wasn't.
        (STUDENT, ({0, 1}, {5}, {7}), []),
        (STUDENT, ({0}, {5, 3}, {7}), [Drift.CHANGED_ROLE]),
        (STUDENT, ({0}, {5}, set()), [Drift.CHANGED_GROUP]),
        (STUDENT, ({1}, {3}, {8}), [Drift.CHANGED_ENROLMENT, Drift.CHANGED_ROLE, Drift.CHANGED_GROUP]),
    ],
)
def test_people(was: Any, now: Any, kinds: list[Drift]) -> None:
    assert differs("pairs", was, now) == [(kind, COURSE, 0) for kind in kinds]


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        (None, None, []),
        (None, (1, None, LONG_AGO), [Drift.MISSED_COMPLETION]),
        ((0, None, LONG_AGO), (1, None, LONG_AGO), [Drift.MISSED_COMPLETION]),
        ((1, None, LONG_AGO), (0, None, LONG_AGO), [Drift.MISSED_UNCOMPLETION]),
        # A row that says "not done", of somebody of whom nothing was known.
        (None, (0, None, LONG_AGO), []),
        ((1, None, LONG_AGO), None, [Drift.RESET]),
        ((1, None, LONG_AGO), (2, None, LONG_AGO), [Drift.CHANGED_COMPLETION]),
        ((1, None, LONG_AGO), (1, 3, LONG_AGO), [Drift.CHANGED_COMPLETION]),
        # Only the reading tells when the row changed.
        ((1, None, None), (1, None, LONG_AGO), []),
    ],
)
def test_completions(was: Any, now: Any, kinds: list[Drift]) -> None:
    assert differs("completions", was, now) == [(kind, COURSE, MODULE) for kind in kinds]


@pytest.mark.parametrize(("before", "counted"), [(ON_ITS_WAY - timedelta(seconds=1), False), (ON_ITS_WAY, True)])
def test_what_changed_just_now_may_still_be_told_by_an_event(before: timedelta, counted: bool) -> None:
    kinds = differs("completions", None, (1, None, READ_AT - before))
    assert bool(kinds) is counted


def test_every_kind_can_be_found() -> None:
    pieces: list[tuple[str, Any, Any]] = [
        ("courses", COURSE_FORM, ("X", 9, ("y",))),
        ("courses", None, COURSE_FORM),
        ("courses", COURSE_FORM, None),
    ]
    pieces += [("modules", MODULE_FORM, ("X", ("y",))), ("modules", None, MODULE_FORM), ("modules", MODULE_FORM, None)]
    pieces += [("accounts", ("a",), ("b",)), ("pairs", None, STUDENT), ("pairs", STUDENT, None)]
    pieces += [("pairs", STUDENT, ({1}, {3}, {8})), ("completions", None, (1, None, LONG_AGO))]
    pieces += [
        ("completions", (1, None, LONG_AGO), state) for state in ((0, None, LONG_AGO), (2, None, LONG_AGO), None)
    ]
    assert {kind for piece in pieces for kind, _, _ in differs(*piece)} == set(Drift)


def course(fullname: str) -> dict[str, Any]:
    return {"course_id": COURSE, "idnumber": "COP", "shortname": "s", "fullname": fullname, "visible": True}


@pytest.mark.parametrize("swept_before", [False, True])
def test_a_first_sweep_counts_nothing(engine: Engine, swept_before: bool) -> None:
    site, cause = uuid7(), uuid7()
    with Session(engine) as session, session.begin():
        session.add(Site(id=site, slug="s", name="S", wwwroot="https://moodle.example.org"))
        session.flush()
        done = {"site_id": site, "course_id": COURSE, "reason": "scheduled", "status": "done"}
        session.add(Sweep(id=cause, **done, finished_at=func.now()))
        if swept_before:
            session.add(Sweep(**done, finished_at=func.now()))
        session.add(MirrorCourse(site_id=site, present=True, as_of=READ_AT, rank=1, **course("old")))
        session.flush()
        swept = Swept(courses={(site, COURSE)}, causes={cause})
        before = look(session, swept)
        session.execute(update(MirrorCourse).values(fullname="new"))
        found = count(session, swept, before)
        rows = [(row.course_id, row.kind, row.count) for row in session.scalars(select(DriftCount))]
    assert found == Counter({(site, COURSE, Drift.CHANGED_COURSE, 0): 1} if swept_before else {})
    assert rows == ([(COURSE, "changed_course", 1)] if swept_before else [])
