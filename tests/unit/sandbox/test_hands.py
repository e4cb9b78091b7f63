"""Changes by hand, each seen in a course's setup, told by its events, and in them alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import setups
from sandbox.actions import ActionRefusedError
from sandbox.site import Site

BAY = "COP-EBWIESL-BAY"
PAGE, FORUM = "ACT-01", "ACT-03"
Change = Callable[[Site], Any]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


def setup(site: Site) -> dict[str, Any]:
    with site.store.read() as db:
        return setups.of_course(db, site.course(BAY))


def course(site: Site) -> int:
    return site.course(BAY)


def told(site: Site) -> list[str]:
    rows = site.rows("SELECT data FROM outbox ORDER BY id")
    return [json.loads(row["data"])["eventname"].rpartition("\\")[2] for row in rows]


def group(site: Site) -> int:
    return int(setup(site)["groups"][0]["id"])


def member(site: Site) -> int:
    sql = "SELECT userid FROM groups_members WHERE groupid = ? ORDER BY userid"
    return int(site.rows(sql, group(site))[0]["userid"])


def module(site: Site, idnumber: str = PAGE) -> int:
    return site.module(BAY, idnumber)


MODULE, COURSE = ["course_module_updated"], ["course_updated"]
CHANGES: dict[str, tuple[Change, str, list[str]]] = {
    "course renamed": (lambda s: s.silent.change_course(course(s), told=True, fullname="Other"), "course", COURSE),
    "course hidden": (lambda s: s.silent.change_course(course(s), told=True, visible=0), "course", COURSE),
    "dates moved": (lambda s: s.silent.change_course(course(s), told=True, startdate=1, enddate=2), "course", COURSE),
    "category": (lambda s: s.hands.move_course(course(s), 3), "course", COURSE),
    "completion off": (lambda s: s.hands.set_completion(course(s), on=False), "course", COURSE),
    "activity renamed": (lambda s: s.silent.change_module(module(s), told=True, name="O"), "activities", MODULE),
    "activity hidden": (lambda s: s.silent.change_module(module(s), told=True, visible=0), "activities", MODULE),
    "idnumber": (lambda s: s.silent.change_module(module(s), told=True, idnumber="X"), "activities", MODULE),
    "activity moved": (lambda s: s.hands.move(module(s), 3), "activities", MODULE),
    "rules": (lambda s: s.hands.set_rules(module(s, FORUM), "automatic", posts=3), "activities", MODULE),
    "tracking": (lambda s: s.hands.set_rules(module(s), "manual"), "activities", MODULE),
    "hours": (lambda s: s.silent.declare_hours(module(s), 5, "x", told=True), "activities", ["hours_updated"]),
    "activity added": (lambda s: s.silent.add_module(course(s), told=True), "activities", ["course_module_created"]),
    "section renamed": (
        lambda s: s.hands.change_section(course(s), 1, name="O"),
        "sections",
        ["course_section_updated"],
    ),
    "section added": (lambda s: s.hands.add_section(course(s), 4), "sections", ["course_section_created"]),
    "group renamed": (lambda s: s.hands.rename_group(group(s), "Other"), "groups", ["group_updated"]),
    "group left": (lambda s: s.hands.take_out_of_group(group(s), member(s)), "groups", ["group_member_removed"]),
    "group joined": (
        lambda s: s.hands.put_into_group(group(s), s.user("e0001")),
        *("groups", ["group_member_added"]),
    ),
    "method off": (lambda s: s.hands.switch_method(course(s), "manual", on=False), "enrolments", []),
    "unenrolled": (
        lambda s: s.act.leave(s.user("e0001"), course(s)),
        *("participants", ["role_unassigned", "user_enrolment_deleted"]),
    ),
    "self-enrolled": (
        lambda s: (s.hands.switch_method(course(s), "self", on=True), s.act.enrol(s.user("e0014"), course(s), "self")),
        *("enrolments participants", ["user_enrolment_created", "role_assigned"]),
    ),
}
"""What is done, where it is seen, and what is told."""


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_and_told(name: str, site: Site) -> None:
    change, seen, events = CHANGES[name]
    before = setup(site)
    change(site)
    after = setup(site)
    assert {key for key in after if after[key] != before[key]} == set(seen.split())
    assert told(site) == events


def test_a_hidden_section_hides_what_is_in_it_until_it_is_shown(site: Site) -> None:
    bay, before = site.course(BAY), setup(site)
    site.silent.change_module(module(site), visible=0)
    site.hands.change_section(bay, 1, visible=False)
    hidden = site.rows("SELECT visible FROM course_modules WHERE id = ?", module(site, FORUM))[0]["visible"]
    assert hidden == 0
    shown = {each["idnumber"]: each["visible"] for each in setup(site)["activities"]}
    assert (shown[PAGE], shown[FORUM]) == (False, True), "once the section is shown"
    site.hands.change_section(bay, 1, visible=True)
    site.silent.change_module(module(site), visible=1)
    assert setup(site) == before


def test_another_role_instead_of_the_one_held(site: Site) -> None:
    bay, user = site.course(BAY), site.user("e0001")
    site.hands.change_role(user, bay, 4, instead_of=5)
    assert [row["role"] for row in site.world().roles if (row["course"], row["user"]) == (bay, user)] == [4]
    assert told(site) == ["role_unassigned", "role_assigned"]
    with pytest.raises(ActionRefusedError):
        site.hands.change_role(user, bay, 4, instead_of=5)


def test_a_removed_group_leaves_its_members_enrolled(site: Site) -> None:
    before = setup(site)
    site.hands.remove_group(group(site))
    after = setup(site)
    assert after["groups"] == before["groups"][1:]
    assert after["participants"] == before["participants"]
    assert told(site)[-1] == "group_deleted"
    assert set(told(site)[:-1]) == {"group_member_removed"}
