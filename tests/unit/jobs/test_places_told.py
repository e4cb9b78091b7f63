"""What readings tell of a course's place and of its groups is mirrored by its stamp, and handed on."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.kinds.batch import Batch, Source
from jobs.kinds.course import course_reading
from jobs.kinds.events import READERS
from jobs.wire import CourseReading, reading_adapter
from records import mirror, sites
from records.actor import CLI
from records.claims import CourseSeen
from records.models import MirrorCourse, MirrorGroup, uuid7
from tests.support.readings import READ_AT, course, enrolment, group, take_in

COURSE, USER = 2, 11
LATER = READ_AT + timedelta(hours=1)


@pytest.fixture
def site_id(engine: Engine) -> UUID:
    with Session(engine) as session, session.begin():
        return sites.add_site(session, "moodle", "Moodle", "https://moodle.example.org", actor=CLI).id


def mirrored(engine: Engine) -> tuple[bool, str, dict[str, object]]:
    """(present, category's idnumber, custom fields) of the course."""
    with Session(engine) as session:
        row = session.scalars(select(MirrorCourse)).one()
        return row.present, row.category_idnumber, row.fields


def groupings(engine: Engine) -> dict[int, list[str]]:
    with Session(engine) as session:
        return {row.group_id: row.groupings for row in session.scalars(select(MirrorGroup))}


def member_of(groups: Iterable[dict[str, Any]], user: int = USER, hours: int = 0) -> dict[str, Any]:
    return enrolment(user, COURSE, at=READ_AT + timedelta(hours=hours), groups=groups)


@pytest.mark.parametrize("order", [*permutations(range(3)), "together"])
def test_the_latest_reading_of_a_course_stands(engine: Engine, site_id: UUID, order: Any) -> None:
    readings = [
        course(COURSE, "", category_idnumber="COP", fields={"cycle": "1", "region": "Bay"}),
        course(COURSE, "", category_idnumber="COP-BAY", fields={"cycle": "2"}, at=LATER),
        course(COURSE, "", category_idnumber="OLD", fields={"county": "x"}, at=READ_AT - timedelta(days=1)),
    ]
    if order == "together":
        take_in(engine, site_id, readings)
    else:
        for place in order:
            take_in(engine, site_id, [readings[place]])
    assert mirrored(engine) == (True, "COP-BAY", {"cycle": "2"})


def test_what_a_reading_leaves_out_is_empty(engine: Engine, site_id: UUID) -> None:
    take_in(engine, site_id, [course(COURSE, ""), member_of([{"id": 1, "name": "A"}])])
    assert mirrored(engine) == (True, "", {})
    assert groupings(engine) == {1: []}
    take_in(engine, site_id, [course(COURSE, "", fields={"cycle": "1"}, at=LATER)])
    take_in(engine, site_id, [course(COURSE, "", at=LATER + timedelta(hours=1))])
    assert mirrored(engine) == (True, "", {})


@pytest.mark.parametrize("together", [False, True])
def test_a_deleted_course_keeps_what_was_known_of_it(engine: Engine, site_id: UUID, together: bool) -> None:
    known = course(COURSE, "", category_idnumber="COP", fields={"cycle": "1"})
    deleted = {
        "eventname": "\\core\\event\\course_deleted",
        "timecreated": int(LATER.timestamp()),
        "objectid": COURSE,
        "courseid": COURSE,
        "contextlevel": 50,
        "contextinstanceid": 1,
        "relateduserid": None,
    }
    other = course(COURSE + 1, "", fields={"cycle": "2"})
    if not together:
        take_in(engine, site_id, [known])
    take_in(engine, site_id, [known, other] if together else [other], events=[deleted])
    with Session(engine) as session:
        row, beside = session.scalars(select(MirrorCourse).order_by(MirrorCourse.course_id))
        assert not row.present
        if not together:
            assert (row.category_idnumber, row.fields) == ("COP", {"cycle": "1"})
        assert beside.fields == {"cycle": "2"}


def test_groupings_of_several_groups_are_kept_with_the_latest_reading(engine: Engine, site_id: UUID) -> None:
    first = [group(1, "A", "", ["TEAMS", "Evening"]), group(2, "B"), group(3, "C", "", ["TEAMS"])]
    take_in(engine, site_id, [course(COURSE, ""), member_of(first)])
    assert groupings(engine) == {1: ["Evening", "TEAMS"], 2: [], 3: ["TEAMS"]}
    take_in(engine, site_id, [member_of([group(1, "A", "", ["Older"])], user=12, hours=-1)])
    assert groupings(engine)[1] == ["Evening", "TEAMS"]
    take_in(engine, site_id, [member_of([group(1, "A"), group(2, "B", "", ["TEAMS"])], user=12, hours=1)])
    assert groupings(engine) == {1: [], 2: ["TEAMS"], 3: ["TEAMS"]}


def test_the_same_groupings_in_another_order_are_no_news(engine: Engine, site_id: UUID) -> None:
    take_in(engine, site_id, [course(COURSE, ""), member_of([group(1, "A", "", ["X", "Y"])])])
    batch = Batch()
    reading = reading_adapter.validate_python(member_of([group(1, "A", "", ["Y", "X", "Y"])], hours=1))
    READERS["enrolment"](batch, Source(site_id, uuid7(), trusted=True), reading)
    with Session(engine) as session, session.begin():
        assert mirror.stand(session, MirrorGroup, batch.groups) == set()
        moved = [batch.groups[0] | {"groupings": ["X"], "as_of": LATER + timedelta(hours=1)}]
        assert mirror.stand(session, MirrorGroup, moved) == {(site_id, 1)}


def test_other_fields_of_a_course_are_news(engine: Engine, site_id: UUID) -> None:
    take_in(engine, site_id, [course(COURSE, "", fields={"cycle": "1"})])
    batch = Batch()
    for cycle in ("1", "2"):
        told = course(COURSE, "", fields={"cycle": cycle}, at=LATER)
        course_reading(batch, Source(site_id, uuid7(), trusted=True), CourseReading.model_validate(told))
    with Session(engine) as session:
        assert [mirror.is_news(session, MirrorCourse, [row]) for row in batch.courses] == [False, True]


def test_a_course_is_seen_with_all_that_can_place_it() -> None:
    batch = Batch()
    site = uuid7()
    told = course(COURSE, "C-1", category_idnumber="COP", fields={"cycle": "1"}, shortname="C1")
    course_reading(batch, Source(site, uuid7(), trusted=True), CourseReading.model_validate(told))
    (seen,) = batch.courses_seen
    assert seen == CourseSeen((site, COURSE), "C-1", READ_AT, "C1", "COP", {"cycle": "1"})
    # It can be kept in a set, and two that differ in their fields alone are two.
    other = CourseSeen((site, COURSE), "C-1", READ_AT, "C1", "COP", {"cycle": "2"})
    assert len({seen, other}) == 2
