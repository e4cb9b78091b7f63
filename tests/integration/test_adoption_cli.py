"""`copbridge adoption`, the notice on the community's page, and groups that are communities."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import CLI
from records.adoptions import Status
from records.models import Community, CourseCopy
from records.queries.community import CommunityPage, community
from tests.support.bench import Bench, open_bench
from tests.support.cli import Cli
from tests.support.copies import AMARA, HAO, LATER, NEW, OLD, adopt, copied, key, minutes, original, restored
from tests.support.house import House
from tests.support.places import PLACES, pair, snapshot, take_in
from tests.support.readings import READ_AT, completion, course, group, module
from tests.support.servers import Servers

T = READ_AT.timestamp()


@pytest.fixture
def both(house: House) -> House:
    take_in(house, *original(), *copied(fullname="The autumn's course"), restored())
    return house


@pytest.fixture
def cli(both: House) -> Cli:
    return Cli(both.settings)


def test_what_waits_is_listed(cli: Cli, both: House) -> None:
    (copy,) = cli("adoption", "list", "--json").data
    assert (copy["site"], copy["course_id"], copy["original_id"], copy["waits"]) == ("lab", NEW, OLD, True)
    assert (copy["people"], copy["completions"], copy["communities"]) == (2, 3, ["lab EBWI BAY"])
    assert "The autumn's course" in cli("adoption", "list").out
    adopt(both, Status.IGNORED)
    assert cli("adoption", "list", "--json").data == []
    assert "No copy of a course waits" in cli("adoption", "list").out
    (copy,) = cli("adoption", "list", "--all", "--json").data
    assert (copy["status"], copy["waits"]) == ("ignored", True)


def test_one_is_shown_with_its_pairs(cli: Cli, both: House) -> None:
    take_in(both, module(340, NEW, "", kind="forum", name="Only here"), module(35, OLD, "", name="Only there"))
    shown = cli("adoption", "show", "lab", str(NEW), "--json").data
    assert shown["pairs"] == {"310": 31, "320": 32, "330": 33}
    assert (shown["only_new"], shown["only_old"]) == ({"340": "forum / Only here"}, {"35": "page / Only there"})
    words = cli("adoption", "show", "lab", str(NEW)).out
    assert all(part in words for part in ("Nobody has decided", "earns nothing", "Only here", "Only there"))


def test_a_decision_says_what_it_changes_and_asks(cli: Cli, both: House) -> None:
    take_in(both, completion(HAO, 320, NEW, at=LATER))
    call = ("adoption", "decide", "lab", str(NEW), "continuation", "--reason", "The autumn")
    asked = cli(*call)
    assert (asked.code, "1 would have more hours and 0 fewer" in asked.out) == (1, True)
    assert both.differences() == []
    assert sorted(snapshot(both)["communities"]) == ["lab/2"]
    done = cli(*call, "--unmap", "330", "--map", "320=32", "--yes")
    assert (done.code, "Course 20 is: lab EBWI BAY." in done.out) == (0, True)
    both.work()
    assert minutes(both) == {AMARA: 105, HAO: 95}
    words = cli("adoption", "show", "lab", str(NEW)).out
    assert all(part in words for part in ("by cli: continuation (The autumn)", "Goes on with, as decided"))
    assert "continuation: course 20" in cli("decision", "list", "--kind", "adoption").out
    assert cli(*call[:4], "undo", "--reason", "A mistake", "--yes").code == 0
    both.work()
    assert minutes(both) == {AMARA: 105, HAO: 50}


def test_a_new_community_without_a_name_is_told_which_it_needs(house: House) -> None:
    take_in(house, *original(), *copied(idnumber=""), restored())
    said = Cli(house.settings)("adoption", "decide", "lab", str(NEW), "new-community", "--reason", "Why", "--yes")
    assert said.code == 0
    assert "No program claims the course as it is called now (idnumber ''" in said.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["decide", "lab", "2", "ignore", "--reason", "x", "--yes"], 1, "isn't known as a copy"),
        (["decide", "lab", "20", "ignore", "--reason", " ", "--yes"], 1, "needs a reason"),
        (["decide", "lab", "20", "undo", "--reason", "x", "--yes"], 1, "nothing to undo"),
        (["decide", "lab", "20", "continuation", "--reason", "x", "--map", "3-4"], 2, "--map NEW=OLD"),
        (["decide", "lab", "20", "continuation", "--reason", "x", "--map", "320=9"], 1, "has no activity 9"),
        (["decide", "lab", "20", "ignore", "--reason", "x", "--map", "320=32"], 1, "for a continuation only"),
        (["show", "nowhere", "20"], 1, "nowhere"),
    ],
)
def test_errors_say_what_to_do(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    answer = cli("adoption", *arguments)
    assert (answer.code, said in answer.err) == (code, True), answer.err


def test_the_communitys_page_tells_of_copies_and_counts_no_activity_twice(both: House) -> None:
    (waiting,) = _page(both).copies
    assert (waiting.name, waiting.people, waiting.completions) == ("The autumn's course", 2, 3)
    adopt(both, Status.CONTINUATION)
    page = _page(both)
    assert page.copies == []
    assert sorted(a.earning.minutes for a in page.activities if a.earning and not a.continues) == [45, 50, 60]
    assert sorted(a.earning.minutes for a in page.activities if a.earning and a.continues) == [45, 50, 60]


def _page(house: House) -> CommunityPage:
    with Session(house.engine) as session:
        found = community(session, CLI, session.scalars(select(Community.id)).one())
    assert found
    return found


@pytest.fixture(scope="module")
def many(servers: Servers, template: str) -> Iterator[Bench]:
    with open_bench(servers, template, PLACES) as opened:
        yield opened


@pytest.mark.parametrize("late", [False, True], ids=["groups first", "decision first"])
def test_groups_go_with_groups_of_the_same_name(many: Bench, late: bool) -> None:
    house = many.emptied()
    take_in(
        house,
        course(4, "GROUPS"),
        module(32, 4, ""),
        pair(AMARA, 4, T, group(1, "Bay", "EBWI-BAY"), group(3, "Art", "IDL-LA")),
        pair(HAO, 4, T, group(2, "LA", "EBWI-LA")),
        course(40, "GROUPS", at=LATER),
        module(320, 40, "", at=LATER),
        restored(40, 4),
    )
    groups = [
        pair(AMARA, 40, LATER.timestamp(), group(11, "Other", "EBWI-BAY")),
        pair(HAO, 40, LATER.timestamp(), group(12, "LA", "")),
        completion(HAO, 320, 40, at=LATER),
    ]
    assert sorted(snapshot(house)["communities"]) == ["lab/4/1", "lab/4/2", "lab/4/3"]
    if not late:
        take_in(house, *groups)
    adopt(house, Status.CONTINUATION, of=40)
    if late:
        take_in(house, *groups)
    assert sorted(snapshot(house)["communities"]) == ["lab/4/1 lab/40/11", "lab/4/2 lab/40/12", "lab/4/3"]
    assert minutes(house) == {HAO: 30}
    assert house.differences() == []
    with Session(house.engine) as session:
        assert session.get_one(CourseCopy, key(house, 40)).status == "continuation"
    shown = Cli(house.settings)("adoption", "show", "lab", "40", "--json").data
    assert shown["groups_without_like"] == ["Art"]
