"""`copbridge provision`: plan a term's communities as Moodle courses, make them, and see what was changed since."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.provision import applying, running
from jobs.provision.applying import Applied
from jobs.provision.house import House
from jobs.provision.opening import opened
from jobs.provision.plan import InTheWay, Obstacle, Plan, Problem
from jobs.provision.running import Survey
from jobs.runtime import configure_logging
from mappings.findings import ProgramError
from mappings.provision_loading import parse_provision
from mappings.provision_wanted import people_files
from moodle_client import MoodleError
from records import provisioning
from records.actor import CLI
from records.people_file import PeopleError
from records.provisioning import ProvisioningError
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import counted, progress, say, say_json
from service.cli.provision_tree import tell_drift, tell_plan
from service.provision_words import obstacle_text

group = typer.Typer(help="A term's communities as Moodle courses, out of one file.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A provision file.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
AtOnce = Annotated[int, typer.Option(min=1, max=8, help="So many courses side by side.")]
Hide = Annotated[int, typer.Option(min=0, help="So many courses that people take part in may be hidden.")]
Many = Annotated[bool, typer.Option("--many", help="More people may change than the file's limit says.")]
CHANGES, BLOCKED = 4, 1
"""Exit codes of a plan: there is something to do; something is in the way."""
ROLE = "cli"


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="provision")
    group.command("plan")(show_plan)
    group.command("apply")(apply)
    group.command("drift")(show_drift)


def show_plan(
    file: File,
    as_json: AsJson = False,
    at_once: AtOnce = 2,
    hide: Hide = 0,
    many: Many = False,
    every: Annotated[bool, typer.Option("--all", help="Name everything that would be done, and all people.")] = False,
) -> None:
    """Read the site, and say what would be created, changed and left, and what is in the way. Changes nothing.

    Exit codes: 0, nothing to do; 4, something to do; 1, something is in the way.
    """
    with records(connections=2 * at_once + 2) as records_, house_of(records_, file, at_once=at_once) as house:
        plan = _looked_at(replace(house, hide=hide, many=many))
    if as_json:
        say_json(plan_data(plan))
    else:
        tell_plan(plan, every=every)
    if plan.blocked:
        raise typer.Exit(BLOCKED)
    if not plan.empty:
        raise typer.Exit(CHANGES)


def apply(
    file: File,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
    at_once: AtOnce = 2,
    hide: Hide = 0,
    many: Many = False,
) -> None:
    """The plan, a question, and then all of it: course by course, several side by side.

    It can be stopped and begun again at any time: a further application does what is missing, and changes nothing where
    nothing is. A course that fails stops none of the others. Exit code 1 where any did.
    """
    with records(connections=2 * at_once + 2) as records_, house_of(records_, file, at_once=at_once) as house:
        house = replace(house, hide=hide, many=many)
        with _alone(records_, house):
            survey = _surveyed(house)
            plan = survey.plan
            if not as_json:
                tell_plan(plan)
            if plan.obstacles:
                _end(plan, Applied(plan), house, as_json=as_json)
            if not (plan.empty or yes or typer.confirm("Do that?", err=True)):
                raise typer.Exit(BLOCKED)
            run = _begin(records_, house, file)
            with progress("Provisioning") as advance:
                applied = applying.apply(house, survey.directory, survey.site, plan, advance)
            with records_.transaction() as session:
                done, failed = running.done_of(applied.outcomes), len(applied.failed)
                running.ended(session, run, CLI, records_.now(), calls=house.calls, failed=failed, done=done)
    _end(plan, applied, house, as_json=as_json)


def show_drift(file: File, as_json: AsJson = False, at_once: AtOnce = 2) -> None:
    """What was changed in Moodle since the file was applied: harmless, to be adopted, or to be put right.

    Exit codes: 0, nothing; 4, something. `copbridge provision apply` puts right what is to be.
    """
    with records(connections=2 * at_once + 2) as records_, house_of(records_, file, at_once=at_once) as house:
        plan = _looked_at(replace(house, many=True, hide=len(house.wanted)))
    if as_json:
        say_json(plan_data(plan))
    else:
        tell_drift(plan)
    if any(course.differences for course in plan.courses):
        raise typer.Exit(CHANGES)


@contextmanager
def house_of(records_: Opened, file: Path, *, at_once: int) -> Iterator[House]:
    """The house of a file on disk, with its files of people beside it; what a person can mend becomes a UserError."""
    configure_logging(records_.settings)
    try:
        text = file.read_text(encoding="utf-8")
        people = {}
        for name in people_names(text, str(file)):
            people[name] = (file.parent / name).read_bytes()
        with opened(
            records_.engine,
            records_.settings.encryption_key,
            text,
            str(file),
            people,
            CLI,
            ROLE,
            records_.now,
            at_once=at_once,
            per_minute=records_.settings.moodle_calls_per_minute,
        ) as house:
            yield house
    except (OSError, UnicodeDecodeError) as err:
        raise UserError(f"{getattr(err, 'filename', None) or file} can't be read: is it there, as UTF-8 text?") from err
    except (ProgramError, PeopleError) as err:
        raise UserError("\n".join(err.problems)) from err
    except InTheWay as err:
        raise UserError(obstacle_text(err.obstacle)) from err
    except ProvisioningError as err:
        raise UserError(str(err)) from err
    except MoodleError as err:
        raise UserError(obstacle_text(Obstacle(Problem.UNREACHABLE, {"reason": str(err)}))) from err


def people_names(text: str, name: str) -> list[str]:
    """The files of people that a provision file names. Raises ProgramError."""
    provision, _ = parse_provision(text, name)
    return people_files(provision)


@contextmanager
def _alone(records_: Opened, house: House) -> Iterator[None]:
    with provisioning.alone(records_.engine, house.site_id):
        yield


def _surveyed(house: House) -> Survey:
    with progress("Reading the site"):
        return running.surveyed(house)


def _looked_at(house: House) -> Plan:
    return _surveyed(house).plan


def _begin(records_: Opened, house: House, file: Path) -> Any:
    with records_.transaction() as session:
        text = file.read_text(encoding="utf-8")
        saved = provisioning.save(session, house.code, house.site_id, text, CLI)
        return provisioning.begin_run(session, saved.id, CLI)


def _end(plan: Plan, applied: Applied, house: House, *, as_json: bool) -> None:
    """Say what was done, and end with a code of 1 where any course failed."""
    calls = {"reads": house.calls.reads, "writes": house.calls.writes}
    if as_json:
        say_json(plan_data(plan) | {"applied": [_outcome_data(outcome) for outcome in applied.outcomes]} | calls)
    elif not plan.obstacles:
        ready = len(applied.outcomes) - len(applied.failed)
        say(f"{counted(ready, 'course')} ready; {calls['reads']} calls read, {calls['writes']} wrote.")
        for outcome in applied.failed:
            if outcome.obstacle:
                say(f"{outcome.key} stopped: {obstacle_text(outcome.obstacle)}")
    if plan.obstacles or applied.failed:
        raise typer.Exit(BLOCKED)


def _outcome_data(outcome: applying.Outcome) -> dict[str, Any]:
    found = {"key": outcome.key, "course": outcome.course, "done": dict(outcome.done)}
    return found | ({"obstacle": _obstacle_data(outcome.obstacle)} if outcome.obstacle else {})


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan for scripts."""
    return {
        "provision": plan.code,
        "site": plan.site,
        "counts": dict(plan.counts()),
        "obstacles": [_obstacle_data(one) for one in plan.obstacles],
        "categories": list(plan.categories),
        "unlisted": [{"key": key, "course": course} for key, course in plan.unlisted],
        "courses": [
            {
                "key": course.key,
                "course": course.course,
                "shortname": course.shortname,
                "people": course.people,
                "obstacles": [_obstacle_data(one) for one in course.obstacles],
                "differences": [
                    asdict(one) | {"weight": str(one.kind.weight), "to_do": one.to_do} for one in course.differences
                ],
            }
            for course in plan.courses
        ],
    }


def _obstacle_data(obstacle: Obstacle) -> dict[str, Any]:
    return {"problem": str(obstacle.problem), **obstacle.params, "text": obstacle_text(obstacle)}
