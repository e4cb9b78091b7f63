"""Whether a house that swept says the same as Moodle itself, and as a house that was told everything.

What no sweep can know is left out by rule, not by trial:

- a completion row that is gone: it ended as it was when it was last reported, which may be never;
- an undone completion whose being complete was never reported: it earns nothing, known or not;
- a copy of a course: until somebody decides what it is its people are none of ours;
- who left, and was never reported to have been there: core's lists don't name them;
- the time of a first completion: Moodle keeps the latest change only, so that it may be found later than it was.
"""

from collections import defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.models import (
    Account,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorModule,
    MirrorRoleAssignment,
)
from tests.support.books import unix
from tests.support.sweeping import Scene, Sweeper

Found = dict[str, dict[Any, Any]]


def of_moodle(scene: Scene, courses: set[int]) -> Found:
    """What Moodle holds of these courses, as far as its core web services tell."""
    world = scene.site.world()
    tracked = {row["module"] for row in world.modules if row["tracking"]}
    people: dict[Any, list[set[int]]] = defaultdict(lambda: [set(), set(), set()])
    for place, (rows, value) in enumerate(
        ((world.enrolments, "active"), (world.roles, "role"), (world.groups, "group"))
    ):
        for row in rows:
            if row["course"] in courses:
                people[row["course"], row["user"]][place].add(int(row[value]))
    there = {pair: parts for pair, parts in people.items() if parts[0]}
    return {
        "courses": {
            row["course"]: (
                *(row[name] for name in ("shortname", "fullname", "idnumber", "category", "category_idnumber")),
                *(bool(row["visible"]), row["startdate"], row["enddate"], row["fields"]),
            )
            for row in world.courses
            if row["course"] in courses
        },
        "modules": {
            row["module"]: (
                *(row[name] for name in ("course", "modname", "name", "idnumber", "section_number", "section_name")),
                *(bool(row["visible"]), row["tracking"]),
            )
            for row in world.modules
            if row["course"] in courses
        },
        "people": {pair: (1 in active, roles, groups) for pair, (active, roles, groups) in there.items()},
        "accounts": {
            row["user"]: (
                *(row[name] for name in ("username", "idnumber", "email", "firstname", "lastname")),
                *(bool(row["suspended"]), {"agency": row["agency"]}),
            )
            for row in world.accounts
            if any(user == row["user"] for _, user in there)
        },
        "completions": {
            (row["module"], row["user"]): (row["state"], row["overrideby"], row["timemodified"])
            for row in world.completions
            if row["course"] in courses and row["module"] in tracked
        },
    }


def of_mirror(sweeper: Sweeper, courses: set[int]) -> Found:
    """The same as the mirror has it."""
    c, m, a, r = MirrorCourse, MirrorModule, Account, MirrorCompletion
    # The rows of an activity that is gone went with it, and nobody says so of each.
    there = select(m.module_id).where(m.present, m.tracking > 0, m.course_id.in_(courses))
    people = _people(sweeper, courses)
    with Session(sweeper.house.engine) as session:
        return {
            "courses": {
                row.course_id: (
                    *(row.shortname, row.fullname, row.idnumber, row.category_id, row.category_idnumber),
                    *(row.visible, unix(row.startdate) or 0, unix(row.enddate) or 0, row.fields),
                )
                for row in session.scalars(select(c).where(c.present, c.course_id.in_(courses)))
            },
            "modules": {
                row.module_id: (
                    *(row.course_id, row.modname, row.name, row.idnumber, row.section_number, row.section_name),
                    *(row.visible, row.tracking),
                )
                for row in session.scalars(select(m).where(m.present, m.course_id.in_(courses)))
            },
            "people": people,
            "accounts": {
                row.moodle_user_id: (
                    *(row.username, row.idnumber, row.email, row.firstname, row.lastname),
                    *(row.suspended, row.profile),
                )
                for row in session.scalars(select(a).where(a.present))
                if any(user == row.moodle_user_id for _, user in people)
            },
            "completions": {
                (row.module_id, row.moodle_user_id): (row.state, row.overrideby, unix(row.timemodified))
                for row in session.scalars(select(r).where(r.present, r.module_id.in_(there)))
            },
        }


def _people(sweeper: Sweeper, courses: set[int]) -> dict[Any, Any]:
    e, a, g = MirrorEnrolment, MirrorRoleAssignment, MirrorGroupMember
    found: dict[Any, list[set[int]]] = defaultdict(lambda: [set(), set(), set()])
    now = sweeper.house.clock()
    with Session(sweeper.house.engine) as session:
        for row in session.scalars(select(e).where(e.present, e.course_id.in_(courses))):
            active = row.status == 0 and not (row.timeend and row.timeend < now)
            found[row.course_id, row.moodle_user_id][0].add(int(active))
        tables: tuple[tuple[Any, Any], ...] = ((a, a.role_id), (g, g.group_id))
        for place, (table, value) in enumerate(tables, start=1):
            rows = select(table.course_id, table.moodle_user_id, value)
            for course, user, number in session.execute(rows.where(table.present, table.course_id.in_(courses))):
                found[course, user][place].add(number)
    return {pair: (1 in active, roles, groups) for pair, (active, roles, groups) in found.items() if active}


def known_people(sweeper: Sweeper) -> set[tuple[int, int]]:
    """(course, user) of whom something was ever reported."""
    found: set[tuple[int, int]] = set()
    with Session(sweeper.house.engine) as session:
        for table in (MirrorEnrolment, MirrorCompletion):
            rows: Any = session.execute(select(table.course_id, table.moodle_user_id))
            found |= {(course, user) for course, user in rows}
    return found


def last_states(sweeper: Sweeper, courses: set[int]) -> dict[str, int | None]:
    """By `module/user`: the state that a row was last reported with, be it gone since."""
    r = MirrorCompletion
    with Session(sweeper.house.engine) as session:
        rows = session.execute(select(r.module_id, r.moodle_user_id, r.state).where(r.course_id.in_(courses)))
        return {f"{module}/{user}": state for module, user, state in rows}


def assert_mirrors_moodle(scene: Scene, courses: set[int], known: set[tuple[int, int]]) -> None:
    """`known`: of whom the house knew before it swept; of others who aren't there any more it can't."""
    mirror, moodle = of_mirror(scene.swept, courses), of_moodle(scene, courses)
    of_module = {module: row[0] for module, row in moodle["modules"].items()}
    moodle["completions"] = {
        (module, user): row
        for (module, user), row in moodle["completions"].items()
        if (of_module[module], user) in known | moodle["people"].keys()
    }
    for table, rows in moodle.items():
        differing = {key for key in rows.keys() | mirror[table].keys() if rows.get(key) != mirror[table].get(key)}
        told = {key: (rows.get(key), mirror[table].get(key)) for key in sorted(differing)}
        assert not told, f"{table}: Moodle's row and the mirror's: {told}"


def assert_law_2(scene: Scene, courses: set[int], known: set[tuple[int, int]]) -> None:
    """Facts of these courses, net and standings of both houses, but for what no sweep can know."""
    told, swept = scene.told.house.books(), scene.swept.house.books()
    comparable = _comparable(scene, courses, known)
    for key, fact in told["facts"].items():
        if key in comparable:
            _assert_fact(key, fact, swept["facts"].get(key))
    assert not {key for key in swept["facts"].keys() - told["facts"].keys() if key in comparable}
    for member in told["net"].keys() | swept["net"].keys():
        nets = [
            {key: part for key, part in books["net"].get(member, {}).items() if key in comparable}
            for books in (told, swept)
        ]
        assert nets[0] == nets[1], member
    places = {"EBWIESL-BAY": scene.bay, "EBWIESL-LA": scene.la}
    _assert_standings((told["standings"], swept["standings"]), places, known, _whole(told, swept, comparable))


def _comparable(scene: Scene, courses: set[int], known: set[tuple[int, int]]) -> set[str]:
    """The completions that both can know: whose row is there, or was last reported to both as it was at last."""
    world = scene.site.world()
    now = {(row["course"], row["user"]) for row in world.enrolments}
    rows = {f"{r['module']}/{r['user']}": (r["course"], r["user"]) for r in world.completions if r["course"] in courses}
    there = {key for key, pair in rows.items() if pair in known | now}
    states = last_states(scene.told, courses), last_states(scene.swept, courses)
    gone = (states[0].keys() | states[1].keys()) - rows.keys()
    return there | {key for key in gone if states[0].get(key) == states[1].get(key)}


def _assert_fact(key: str, told: dict[str, Any], swept: dict[str, Any] | None) -> None:
    if told["ended"] == "undone" and swept is None:
        return
    assert swept is not None, (key, told)
    parts = ("kind", "ended", "overrideby", "provisional", *(() if told["ended"] == "undone" else ("state",)))
    assert {name: told[name] for name in parts} == {name: swept[name] for name in parts}, key
    assert told["first"] <= swept["first"], key


def _whole(told: dict[str, Any], swept: dict[str, Any], comparable: set[str]) -> set[str]:
    """The members all of whose credits can be compared."""
    members = told["net"].keys() | swept["net"].keys() | told["standings"].keys()
    return {
        member
        for member in members
        if (told["net"].get(member, {}).keys() | swept["net"].get(member, {}).keys()) <= comparable
    }


def _assert_standings(
    both: tuple[dict[str, Any], dict[str, Any]], courses: dict[str, int], known: set[tuple[int, int]], whole: set[str]
) -> None:
    told, swept = both
    for member, standing in told.items():
        if member not in swept:
            assert standing["status"] == "left", member
            assert (courses[member.split("/")[0]], int(member.split("/")[1])) not in known, member
            continue
        # Who left keeps the role that was last reported.
        parts = ["status"] + (["role"] if standing["status"] != "left" else [])
        parts += ["minutes", "standing"] if member in whole else []
        assert {name: standing[name] for name in parts} == {name: swept[member][name] for name in parts}, member
    assert swept.keys() <= told.keys()
