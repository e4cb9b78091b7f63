"""Provisioning asked for in the console, as long work: a plan, an application, the end of a term.

A site is read, and courses are made, so many at a time: what became of each is kept before the next ones are begun, and
another worker goes on behind them. The application itself looks for what is there before it does anything.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs.provision import applying, closing_term, running
from jobs.provision.applying import Outcome, Told
from jobs.provision.differences import Difference
from jobs.provision.house import Calls, House
from jobs.provision.opening import opened
from jobs.provision.plan import CoursePlan, InTheWay, Obstacle, Problem
from jobs.provision.planning import would_hide
from jobs.runtime import current
from jobs.work import Work
from mappings.findings import ProgramError
from mappings.provision_loading import parse_provision
from mappings.provision_wanted import people_files
from moodle_client import MoodleError
from records import long_work, provisioning
from records.long_work import CannotDo, Lost
from records.models import ProvisionFile
from records.people_file import PeopleError
from records.provisioning import ProvisioningError
from records.secrets import SecretError

PLAN, APPLY, CLOSE = "provision_plan", "provision_apply", "provision_close"
LOOKED_AT, MADE = 24, 4
"""So many courses are looked at, or made, before it is kept what was found, or became of them."""
BEAT_SECONDS = 5.0
"""Moodle may say nothing for minutes: until it does, the job is ours."""
TOLD = 200
"""So many differences and obstacles of a course are kept one by one; the others are counted."""
Body = Callable[[House], None]


def plan(work: Work) -> None:
    """Read the site, and keep what an application would do. `asked`: `code`, `file` (the id of its version), `show`:
    what the page shows, `plan` or `drift`."""
    _in_the_house(work, lambda house: _plan(work, house))


def _plan(work: Work, house: House) -> None:
    # What limits an application is told with the plan, not in its way.
    house = replace(house, hide=len(house.wanted), many=work.asked.get("show") == "drift")
    while not work.ended:
        chunk = _left(work, house, LOOKED_AT)
        if chunk:
            with _beating(work, len(house.wanted)):
                found = running.surveyed(replace(house, wanted=chunk)).plan
            kept = _kept(work)
            kept("courses", [_course_data(course) for course in found.courses])
            kept("categories", list(found.categories))
            kept("obstacles", [_obstacle_data(one) for one in found.obstacles])
            work.kept["hide"] = int(_so_far(work, "hide", 0)) + sum(map(would_hide, found.courses))
        _keep(work, len(house.wanted), end=not _left(work, house, 1))
        if work.turn_over:
            return


def apply(work: Work) -> None:
    """Do what the plan says. `asked`: `code`, `file`, `hide`: so many courses may be hidden, `many`: whether more
    people may change than the file's limit says."""
    _in_the_house(work, lambda house: _apply(work, house))


def _apply(work: Work, house: House) -> None:
    with provisioning.alone(work.engine, house.site_id):
        if "run" not in work.claim.result:
            with work.piece(work.claim.done, len(house.wanted)) as session:
                run = provisioning.begin_run(session, UUID(work.asked["file"]), house.actor)
                work.kept["run"] = str(run)
        while not work.ended:
            chunk = _left(work, house, MADE)
            obstacles = _make(work, house, chunk) if chunk else ()
            _keep(work, len(house.wanted), end=bool(obstacles) or not _left(work, house, 1))
            if work.turn_over:
                return


def _make(work: Work, house: House, chunk: Sequence[Any]) -> tuple[Obstacle, ...]:
    """Apply the file to some courses, and keep what became of them. Returns what is in the way of all."""
    hidden, before = int(_so_far(work, "hidden", 0)), (house.calls.reads, house.calls.writes)
    part = replace(house, wanted=tuple(chunk), hide=int(work.asked.get("hide", 0)) - hidden)
    with _beating(work, len(house.wanted)) as told:
        survey = running.surveyed(part)
        applied = applying.apply(part, survey.directory, survey.site, survey.plan, told)
    kept = _kept(work)
    kept("courses", [_outcome_data(outcome) for outcome in applied.outcomes])
    kept("obstacles", [_obstacle_data(one) for one in survey.plan.obstacles])
    work.kept["hidden"] = hidden + sum(map(would_hide, survey.plan.courses))
    for name, now, then in (("reads", house.calls.reads, before[0]), ("writes", house.calls.writes, before[1])):
        work.kept[name] = int(_so_far(work, name, 0)) + now - then
    return survey.plan.obstacles


def close(work: Work) -> None:
    """Hide the courses of a term that is over. `asked`: `code`, `file`, `courses`: how many it was said there are."""
    _in_the_house(work, lambda house: _close(work, house))


def _close(work: Work, house: House) -> None:
    with provisioning.alone(work.engine, house.site_id):
        with _beating(work, 0):
            found = closing_term.closings(house)
        closed = int(_so_far(work, "closed", 0))
        total = len(found) + closed
        if not closed and total != work.asked["courses"]:
            raise CannotDo("other_number")
        for one in closing_term.close(house, found):
            closed += 1
            with work.piece(closed, total):
                work.kept["closed"] = closed
                work.kept["hidden"] = int(_so_far(work, "hidden", 0)) + one.visible
        with Session(work.engine) as session, session.begin():
            work.end(session)


def _in_the_house(work: Work, body: Body) -> None:
    """Open what the file needs, and do something with it. What is in the way of all ends the job as its result; what
    is wrong with the file ends it as a fault."""
    try:
        with _opened(work) as house:
            body(house)
    except (InTheWay, MoodleError) as err:
        obstacle = err.obstacle if isinstance(err, InTheWay) else _unreachable(err)
        _kept(work)("obstacles", [_obstacle_data(obstacle)])
        _keep(work, work.claim.total, end=True)
    except ProgramError as err:
        raise CannotDo("file") from err
    except PeopleError as err:
        raise CannotDo("people") from err
    except SecretError as err:
        raise CannotDo("sealed") from err
    except ProvisioningError as err:
        raise CannotDo("busy") from err


def _unreachable(err: MoodleError) -> Obstacle:
    return Obstacle(Problem.UNREACHABLE, {"reason": str(err)})


@contextmanager
def _opened(work: Work) -> Iterator[House]:
    settings = current().settings
    with Session(work.engine) as session:
        file = session.get_one(ProvisionFile, UUID(work.asked["file"]))
        kept = provisioning.people_files(session, file.code, settings.encryption_key)
    provision, _ = parse_provision(file.text, file.code)
    names = people_files(provision)
    if not set(names) <= set(kept):
        raise CannotDo("no_people")
    with opened(
        work.engine,
        settings.encryption_key,
        file.text,
        file.code,
        {name: kept[name] for name in names},
        long_work.acting(work.claim),
        work.claim.role,
        work.clock,
        per_minute=settings.moodle_calls_per_minute,
    ) as house:
        yield replace(house, many=bool(work.asked.get("many")))


def _so_far(work: Work, name: str, default: Any) -> Any:
    """What was kept of the job's result, in this turn or an earlier one."""
    return work.kept.get(name, work.claim.result.get(name, default))


def _kept(work: Work) -> Callable[[str, list[Any]], None]:
    """Adds to a list of what is kept; what is in it already isn't added again."""

    def add(name: str, new: list[Any]) -> None:
        before = list(_so_far(work, name, []))
        work.kept[name] = before + [one for one in new if one not in before]

    return add


def _left(work: Work, house: House, most: int) -> tuple[Any, ...]:
    """The next courses of which nothing is kept yet."""
    done = {course["key"] for course in _so_far(work, "courses", [])}
    return tuple([one for one in house.wanted if one.key not in done][:most])


def _keep(work: Work, total: int, *, end: bool) -> None:
    """Keep what was found or done so far; in one transaction with the end of the job where it is one."""
    courses = _so_far(work, "courses", [])
    with work.piece(len(courses), total) as session:
        run = _so_far(work, "run", None)
        if end and run:
            running.ended(
                session,
                UUID(run),
                long_work.acting(work.claim),
                work.clock(),
                calls=Calls(int(_so_far(work, "reads", 0)), int(_so_far(work, "writes", 0))),
                failed=sum("obstacle" in course for course in courses),
                done=sum((Counter(course["done"]) for course in courses), Counter()),
            )
        if end:
            work.end(session)


@contextmanager
def _beating(work: Work, total: int) -> Iterator[Told]:
    """Meanwhile a thread says every few seconds that the job is in hand, and how far it is. Raises Lost where it
    isn't ours any more."""
    before = len(_so_far(work, "courses", []))
    at, over, lost = [0], threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                # The last of them is told with what became of it.
                work.beat(before + min(at[0], MADE - 1), total or None)
            except Lost:
                lost.set()
            except DBAPIError:
                # The next one says it.
                continue

    def told(done: int, _of: int) -> None:
        at[0] = done
        if lost.is_set():
            raise Lost

    thread = threading.Thread(target=beat, name="provision-beat")
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join()
    if lost.is_set():
        raise Lost


def _course_data(course: CoursePlan) -> dict[str, Any]:
    """A course of a plan: ids, codes and counts; of people where they stand in their file."""
    kinds = Counter(str(one.kind) for one in course.to_do)
    return {
        "key": course.key,
        "course": course.course,
        "shortname": course.shortname,
        "people": course.people,
        "created": sum(one.creates for one in course.to_do),
        "changed": sum(not one.creates for one in course.to_do),
        "left": len(course.left),
        "kinds": dict(kinds),
        "differences": [_difference_data(one) for one in course.differences[:TOLD]],
        "more": max(0, len(course.differences) - TOLD),
        "obstacles": [_obstacle_data(one) for one in course.obstacles[:TOLD]],
        "blocked": len(course.obstacles),
    }


def _difference_data(one: Difference) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "about": one.about,
        "wanted": one.wanted,
        "found": one.found,
        "by_hand": one.by_hand,
    }


def _obstacle_data(one: Obstacle) -> dict[str, Any]:
    return {"problem": str(one.problem), "params": one.params}


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    found = {"key": outcome.key, "course": outcome.course, "done": dict(outcome.done)}
    return found | ({"obstacle": _obstacle_data(outcome.obstacle)} if outcome.obstacle else {})
