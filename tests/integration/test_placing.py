"""Courses and groups become communities and teams, by whatever a program looks at, in any order."""

import itertools
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import process
from records import inbox
from records.actor import CLI
from records.affiliations import job_roles
from records.attendance_lookup import Lookup, Unknown
from records.models import Membership
from records.organisation_links import link_organisations
from records.program_loading import load_version
from records.queries.board import board
from tests.support.bench import Bench, open_bench
from tests.support.house import House
from tests.support.places import (
    PLACES,
    add_organisations,
    moved,
    pair,
    person,
    put_in,
    second_site,
    snapshot,
    take_in,
)
from tests.support.readings import READ_AT, completion, course, group, module
from tests.support.servers import Servers

T = READ_AT.timestamp()
AMARA, HAO = 6, 7
EXAMPLES = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def bench(servers: Servers, template: str) -> Iterator[Bench]:
    with open_bench(servers, template, PLACES) as opened:
        with Session(opened.house.engine) as session, session.begin():
            second_site(session)
        yield opened


@pytest.fixture
def other_site(house: House) -> Any:
    with Session(house.engine) as session:
        return second_site(session)


def what(house: House) -> dict[str, tuple[object, ...]]:
    """Topic, region and key of each community, by what it consists of."""
    return {name: tuple(details[1:4]) for name, details in snapshot(house)["communities"].items()}


@pytest.mark.parametrize(
    ("reading", "found"),
    [
        (course(2, "COP-EBWI-BAY"), ("EBWI", "BAY", "")),
        (course(2, "any", shortname="Net IDL 3", category_idnumber="REGION-LA"), ("IDL", "LA", "")),
        (course(2, "any", shortname="Net IDL 3", category_idnumber="PLACE-LA"), None),
        (course(2, "any", shortname="Web IDL", category_idnumber="REGION-LA"), None),
        (course(2, "", fields={"cop": "IDL", "area": "BAY", "other": "x"}), ("IDL", "BAY", "")),
        (course(2, "", fields={"cop": "IDL"}), None),
        (course(2, "ONLY-EBWI-BAY"), None),
        (course(2, "COP-EBRI-BAY"), None),
    ],
)
def test_what_a_course_is(house: House, reading: dict[str, Any], found: tuple[str, ...] | None) -> None:
    take_in(house, reading)
    assert what(house) == ({"lab/2": found} if found else {})


def test_a_match_may_hold_on_one_site_only(house: House, other_site: Any) -> None:
    take_in(house, course(2, "ONLY-EBWI-BAY"))
    take_in(house, course(2, "ONLY-EBWI-BAY"), site=other_site)
    assert what(house) == {"other/2": ("EBWI", "BAY", "")}


def test_courses_of_one_name_are_one_community_on_all_sites(house: House, other_site: Any) -> None:
    take_in(house, course(2, "JOINT-EBWI-BAY-1-a"), pair(AMARA, 2, T))
    take_in(house, course(3, "JOINT-EBWI-BAY-1-b"), pair(AMARA, 3, T), pair(HAO, 3, T))
    take_in(house, course(4, "JOINT-EBWI-BAY-2-a"))
    take_in(house, course(2, "JOINT-EBWI-BAY-1-c"), pair(9, 2, T), site=other_site)
    assert what(house) == {
        "lab/2 lab/3 other/2": ("EBWI", "BAY", "EBWI/BAY/1"),
        "lab/4": ("EBWI", "BAY", "EBWI/BAY/2"),
    }
    assert [name.split()[-1] for name in sorted(snapshot(house)["members"])] == ["6", "7", "9"]


def test_groups_are_communities_of_their_own(house: House) -> None:
    bay, la = group(1, "Bay", "EBWI-BAY"), group(2, "LA", "EBWI-LA")
    take_in(
        house,
        course(4, "GROUPS"),
        module(32, 4, ""),
        pair(AMARA, 4, T, bay, la),
        pair(HAO, 4, T, bay),
        pair(8, 4, T, group(3, "No community", "x")),
        completion(AMARA, 32, 4),
        completion(8, 32, 4),
    )
    assert what(house) == {"lab/4/1": ("EBWI", "BAY", ""), "lab/4/2": ("EBWI", "LA", "")}
    members = snapshot(house)["members"]
    assert {name: (role, status) for name, (role, status, _, _) in members.items()} == {
        "lab/4/1 6": ("participant", "active"),
        "lab/4/1 7": ("participant", "active"),
        "lab/4/2 6": ("participant", "active"),
    }
    take_in(house, moved(AMARA, 4, 2, int(T) + 9, member=False), moved(8, 4, 1, int(T) + 9, member=True))
    members = snapshot(house)["members"]
    assert members["lab/4/2 6"][:2] == ("participant", "left")
    assert members["lab/4/1 8"][:3] == ("participant", "active", 30)
    with Session(house.engine) as session:
        assert sorted(line.title for line in board(session, CLI).communities) == ["GROUPS: Bay", "GROUPS: LA"]


def test_groups_are_found_when_their_course_becomes_one_that_is_looked_into(house: House) -> None:
    take_in(house, course(4, "later"), pair(AMARA, 4, T, group(1, "Bay", "EBWI-BAY")))
    assert what(house) == {}
    take_in(house, course(4, "GROUPS", at=READ_AT + timedelta(hours=1)))
    assert list(snapshot(house)["members"]) == ["lab/4/1 6"]


def test_what_is_refused_is_on_the_board(house: House) -> None:
    take_in(house, course(2, "COP-EBRI-BAY"), course(4, "GROUPS"), pair(AMARA, 4, T, group(1, "Art", "ART-BAY")))
    with Session(house.engine) as session:
        refused = board(session, CLI).refused
    assert [(line.fullname, line.idnumber, line.refusal) for line in refused] == [
        ("COP-EBRI-BAY", "COP-EBRI-BAY", "commitment_not_set"),
        ("GROUPS: Art", "ART-BAY", "unknown_topic"),
    ]


def test_a_community_has_its_hosts_and_time_zone(house: House) -> None:
    take_in(
        house,
        course(2, "COP-EBWI-EAST"),
        course(4, "GROUPS"),
        pair(AMARA, 4, T, group(1, "Bay", "EBWI-BAY@sfusd")),
    )
    assert [d[4:6] for d in snapshot(house)["communities"].values()] == [
        ("America/New_York", None),
        ("America/Los_Angeles", None),
    ]
    with Session(house.engine) as session, session.begin():
        add_organisations(session, "NYC", "SFUSD")
        link_organisations(session)
    assert [d[4:6] for d in snapshot(house)["communities"].values()] == [
        ("America/New_York", "NYC"),
        ("America/Los_Angeles", "SFUSD"),
    ]


def test_teams_are_groups_of_an_idnumber_in_a_grouping(house: House) -> None:
    team, loose = group(5, "Team", "TEAM-SD1", ["TEAMS"]), group(6, "Loose", "TEAM-SD1")
    take_in(house, course(2, "COP-EBWI-BAY"), pair(AMARA, 2, T, team, loose), pair(HAO, 2, T, team))
    assert snapshot(house)["teams"] == {5: ("lab/2", "TEAM-SD1", None, [AMARA, HAO])}
    with Session(house.engine) as session, session.begin():
        add_organisations(session, "SD1")
        link_organisations(session)
    take_in(house, moved(AMARA, 2, 5, int(T) + 9, member=False))
    assert snapshot(house)["teams"] == {5: ("lab/2", "TEAM-SD1", "SD1", [HAO])}
    take_in(house, pair(HAO, 2, T + 20, group(5, "Renamed", "none", [])))
    assert snapshot(house)["teams"] == {5: ("lab/2", "none", None, [HAO])}


def test_a_group_change_has_the_whole_team_computed_again(house: House) -> None:
    team = group(5, "Team", "TEAM-SD1", ["TEAMS"])
    take_in(house, course(2, "COP-EBWI-BAY"), pair(AMARA, 2, T, team), pair(HAO, 2, T), pair(8, 2, T))
    put_in(house, [moved(HAO, 2, 5, int(T) + 9, member=True)])
    process.drain(house.engine, house.settings.encryption_key)
    with Session(house.engine) as session:
        dirty = session.scalars(select(Membership.person_id).where(Membership.dirty_at.is_not(None))).all()
    assert len(dirty) == 2


def test_where_people_work_is_read_from_their_profiles(house: House) -> None:
    take_in(
        house,
        course(2, "COP-EBWI-BAY"),
        course(3, "COP-IDL-BAY"),
        pair(AMARA, 2, T),
        pair(HAO, 2, T),
        person(AMARA, T, agency=" sd1 ", job="Leader"),
        person(HAO, T, agency="nowhere", job="Cook"),
    )
    with Session(house.engine) as session, session.begin():
        add_organisations(session, "SD1", "SD2")
        link_organisations(session)
    # A later membership has it at once.
    take_in(house, pair(AMARA, 3, T))
    works = {name: details[3] for name, details in snapshot(house)["members"].items()}
    assert works == {"lab/2 6": "SD1", "lab/3 6": "SD1", "lab/2 7": None}
    take_in(house, person(HAO, T + 5, agency="SD2", job="Cook"), person(AMARA, T + 5))
    works = {name: details[3] for name, details in snapshot(house)["members"].items()}
    assert works == {"lab/2 6": None, "lab/3 6": None, "lab/2 7": "SD2"}
    with Session(house.engine) as session:
        members = list(session.scalars(select(Membership.id)))
        assert sorted(job_roles(session, members).values()) == ["Cook"]


def test_a_version_places_groups_teams_and_people_that_are_known(servers: Servers, template: str) -> None:
    blind = PLACES.replace("^GROUPS$", "^LATER$").replace("^TEAMS$", "^LATER$").replace("agency", "later")
    with open_bench(servers, template, blind) as opened:
        house = opened.house
        with Session(house.engine) as session, session.begin():
            add_organisations(session, "SD1")
        take_in(
            house,
            course(2, "COP-EBWI-BAY"),
            course(4, "GROUPS"),
            pair(AMARA, 2, T, group(5, "Team", "TEAM-SD1", ["TEAMS"])),
            pair(AMARA, 4, T, group(1, "Bay", "EBWI-BAY")),
            person(AMARA, T, agency="SD1"),
        )
        before = snapshot(house)
        assert (list(before["communities"]), before["teams"]) == (["lab/2"], {})
        with Session(house.engine) as session, session.begin():
            assert load_version(session, PLACES, "places.yaml", actor=CLI, reason="A test").placed == 1
        house.work()
        found = snapshot(house)
    assert set(found["members"]) == {"lab/2 6", "lab/4/1 6"}
    assert {details[3] for details in found["members"].values()} == {"SD1"}
    assert found["teams"] == {5: ("lab/2", "TEAM-SD1", "SD1", [AMARA])}


Delivery = Sequence[dict[str, Any]]
COURSES = ["COP-EBWI-BAY", "JOINT-IDL-LA-1-a", "JOINT-IDL-LA-2-a", "COP-IDL-EAST", "", "COP-EBRI-BAY"]
GROUPS = ["EBWI-BAY", "EBWI-LA-7", "IDL-BAY-7@SD1", "IDL-BAY-7", "", "odd"]
TEAMS = [("TEAM-SD1", ["TEAMS"]), ("TEAM-SD2", ["TEAMS"]), ("TEAM-SD1", []), ("", ["TEAMS"])]


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Readings and events, one a second, about a course that is renamed, one that shares a community with it, and
    one whose groups are communities."""
    items: list[dict[str, Any]] = [
        course(3, "JOINT-IDL-LA-1-b"),
        course(4, "GROUPS"),
        *(module(30 + number, number, "") for number in (2, 3, 4)),
        *(completion(user, 30 + number, number) for user in (AMARA, HAO) for number in (2, 3, 4)),
    ]
    return items + [happening(draw, second) for second in range(1, draw(st.integers(3, 14)))]


def happening(draw: st.DrawFn, second: int) -> dict[str, Any]:
    """One thing that is read or happens."""
    user, at, member = draw(st.sampled_from([AMARA, HAO])), T + second, draw(st.booleans())
    groups = [group(n, f"Group {n}", draw(st.sampled_from(GROUPS))) for n in sorted(draw(st.sets(st.integers(1, 2))))]
    idnumber, groupings = draw(st.sampled_from(TEAMS))
    return draw(
        st.sampled_from(
            [
                course(2, draw(st.sampled_from(COURSES)), at=READ_AT + timedelta(seconds=second)),
                pair(user, 2, at),
                pair(user, 3, at, group(5, "Team", idnumber, groupings)),
                pair(user, 4, at, *groups),
                moved(user, 4, draw(st.integers(1, 2)), int(at), member=member),
                moved(user, 3, 5, int(at), member=member),
                person(user, at, agency=draw(st.sampled_from(["SD1", "sd2", ""]))),
            ]
        )
    )


@st.composite
def deliveries(draw: st.DrawFn, items: list[dict[str, Any]]) -> list[Delivery]:
    """The items in another order, some of them twice, cut into batches."""
    again = draw(st.lists(st.sampled_from(items), max_size=4))
    order = draw(st.permutations(items + again))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=6)) | {0, len(order)})
    return [order[a:b] for a, b in itertools.pairwise(cuts)]


def outcome(bench: Bench, parts: Sequence[Delivery], pauses: Collection[int] = ()) -> dict[str, Any]:
    house = bench.emptied()
    with Session(house.engine) as session, session.begin():
        add_organisations(session, "SD1", "SD2", "NYC")
    for turn, part in enumerate(parts):
        put_in(house, part)
        if turn in pauses:
            house.work()
    house.work()
    assert house.differences() == []
    return snapshot(house)


@EXAMPLES
@given(data=st.data(), items=streams())
def test_any_order_repetition_and_batching_gives_the_same_places(
    bench: Bench, data: st.DataObject, items: list[dict[str, Any]]
) -> None:
    expected = outcome(bench, [items])
    assert outcome(bench, data.draw(deliveries(items)), data.draw(st.sets(st.integers(0, 6)))) == expected


def undated(found: dict[str, Any]) -> dict[str, Any]:
    """Without since when: of a group that was known before its course was looked into, only the last reading is."""
    return found | {"communities": {name: details[:-1] for name, details in found["communities"].items()}}


def side_by_side(house: House, first: list[int], second: list[int]) -> None:
    """Process `second` while the transaction of `first` is open, and both to the end."""
    key = house.settings.encryption_key
    thread = threading.Thread(target=lambda: process.process(house.engine, key, second))

    def begin(*, alone: bool) -> None:
        with Session(house.engine) as session, session.begin():
            process.work_off(session, key, inbox.take(session, first), alone=alone)
            thread.start()
            thread.join(0.4)

    try:
        begin(alone=False)
    except process.NeedsToBeAlone:
        begin(alone=True)
    thread.join()
    house.work()


def test_two_sites_that_name_one_community_at_once_make_one(house: House, other_site: Any) -> None:
    first = put_in(house, [course(2, "JOINT-EBWI-BAY-1-a"), pair(AMARA, 2, T)])
    second = put_in(house, [course(2, "JOINT-EBWI-BAY-1-b"), pair(9, 2, T)], other_site)
    side_by_side(house, first, [item for item in second if item not in first])
    assert list(what(house)) == ["lab/2 other/2"]
    assert set(snapshot(house)["members"]) == {"lab/2 other/2 6", "lab/2 other/2 9"}


BAY = group(1, "Bay", "EBWI-BAY")
AT_ONCE = {
    "a group that becomes a community, and who comes into it": (
        [course(4, "GROUPS"), pair(HAO, 4, T, group(1, "Bay"))],
        [pair(AMARA, 4, T + 1, BAY)],
        [moved(HAO, 4, 1, int(T) + 2, member=True)],
    ),
    "a course that is looked into from now on, and who comes into a group": (
        [course(4, ""), pair(HAO, 4, T, BAY)],
        [course(4, "GROUPS", at=READ_AT + timedelta(seconds=3))],
        [pair(AMARA, 4, T + 1, BAY)],
    ),
    "who comes into a team, and a team-mate": (
        [course(2, "COP-EBWI-BAY"), pair(HAO, 2, T, group(5, "T", "TEAM-SD1", ["TEAMS"]))],
        [moved(AMARA, 2, 5, int(T) + 1, member=True), pair(8, 2, T + 1)],
        [moved(8, 2, 5, int(T) + 2, member=True), pair(HAO, 2, T + 2), moved(AMARA, 2, 5, int(T) + 4, member=False)],
    ),
    "where somebody works, and a new membership": (
        [course(2, "COP-EBWI-BAY")],
        [person(AMARA, T, agency="SD1")],
        [pair(AMARA, 2, T)],
    ),
}


@pytest.mark.parametrize("turned", [False, True], ids=["one-other", "other-one"])
@pytest.mark.parametrize("name", AT_ONCE)
def test_two_at_once_are_as_good_as_one_after_another(bench: Bench, name: str, turned: bool) -> None:
    before, *parts = AT_ONCE[name]
    expected = outcome(bench, [before, *parts], {0, 1})
    house = bench.emptied()
    with Session(house.engine) as session, session.begin():
        add_organisations(session, "SD1")
    take_in(house, *before)
    first = put_in(house, parts[0])
    second = [item for item in put_in(house, parts[1]) if item not in first]
    side_by_side(house, *((second, first) if turned else (first, second)))
    assert undated(snapshot(house)) == undated(expected)


def test_a_file_names_communities_by_course_group_or_id(house: House) -> None:
    readings = [course(2, "COP-EBWI-BAY"), course(4, "GROUPS")]
    take_in(house, *readings, pair(AMARA, 4, T, group(1, "Bay", "EBWI-BAY"), group(2, "LA", "IDL-LA")))
    with Session(house.engine) as session:
        lookup = Lookup(session, ["lab"])

        def region(name: str) -> tuple[str, str]:
            found = lookup.community(house.site_id, name)
            return found.topic, found.region

        assert [region(name) for name in ("COP-EBWI-BAY", "IDL-LA")] == [("EBWI", "BAY"), ("IDL", "LA")]
        assert region(str(lookup.community(house.site_id, "IDL-LA").id)) == ("IDL", "LA")
        with pytest.raises(Unknown, match="'GROUPS' is the idnumber of 2 communities"):
            lookup.community(house.site_id, "GROUPS")
        with pytest.raises(Unknown, match="no community has a course or group of the idnumber 'x'"):
            lookup.community(house.site_id, "x")
