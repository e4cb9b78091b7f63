"""`copbridge provision template`, `adopt`, `clone` and `close`: before the first term, and from one to the next."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.provision import adopting, closing_term, reading
from jobs.provision import template as templates
from jobs.provision.adopting import Proposal
from jobs.provision.plan import InTheWay, Obstacle, Problem
from mappings.base import Misplaced
from mappings.findings import ProgramError
from mappings.provision_clone import cloned
from mappings.provision_loading import parse_provision
from moodle_client import MoodleClient, MoodleError
from records import provisioning
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import counted, hours, progress, say, say_json, table
from service.cli.provision import AsJson, File, group, house_of
from service.provision_words import obstacle_text

Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Day = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The new term's first day.")]


def register(app: typer.Typer) -> None:  # noqa: ARG001 - the group is registered by service.cli.provision
    """Add the commands of this module to the group `provision`."""
    group.command("template")(build_template)
    group.command("adopt")(adopt)
    group.command("clone")(clone)
    group.command("close")(close)


def build_template(
    code: Annotated[str, typer.Argument(help="Which one: calpro-regional.")],
    site: Annotated[str, typer.Option(help="The short name of the site.")],
    as_json: AsJson = False,
) -> None:
    """Build a first course to copy from, for a site that has none: sections, activities, completion rules and hours.

    What is there already is left as it is: the command can be given again.
    """
    try:
        template = templates.template_of(code)
    except KeyError as err:
        raise UserError(f"There is no template '{code}'; there are: {', '.join(templates.codes())}.") from err
    with records() as opened:
        with opened.transaction() as session:
            row = find_site(session, site)
            token = provisioning.site_token(session, row, opened.settings.encryption_key)
        try:
            if token is None:
                raise InTheWay(Problem.NO_TOKEN, site=site)
            with MoodleClient(row.wwwroot, token) as moodle:
                for lacking in reading.check_service(moodle):
                    raise InTheWay(lacking.problem, **lacking.params)
                with progress("Building the template"):
                    built = templates.build(moodle, template)
        except InTheWay as err:
            raise UserError(obstacle_text(err.obstacle)) from err
        except MoodleError as err:
            raise UserError(obstacle_text(Obstacle(Problem.UNREACHABLE, {"reason": str(err)}))) from err
    if as_json:
        say_json({"course": built.course, "made": list(built.made), "minutes": built.minutes})
        return
    made = counted(len(built.made), "activity", "activities")
    say(f"Course {built.course}, '{template.idnumber}': {made} made; hours of all: {hours(built.minutes)}.")


def adopt(file: File, yes: Yes = False, as_json: AsJson = False) -> None:
    """Take over courses that are there already: which of the file's communities each looks like, which ID numbers it
    and its activities would get. Nothing is written before you say so.
    """
    with (
        records(connections=3) as opened,
        house_of(opened, file, at_once=1) as house,
        provisioning.alone(opened.engine, house.site_id),
    ):
        site = reading.read_site(house.moodle, house.wanted)
        found = adopting.proposals(house, site)
        if as_json:
            say_json([_proposal_data(one) for one in found])
        else:
            _tell(found)
        if not found or not (yes or (not as_json and typer.confirm("Take them over?", err=True))):
            return
        for one in found:
            adopting.adopt(house, one)
    if not as_json:
        say(f"{counted(len(found), 'course')} taken over: `copbridge provision plan` says what they still lack.")


def _proposal_data(one: Proposal) -> dict[str, object]:
    activities = [{"cmid": cmid, "idnumber": idnumber} for cmid, _, idnumber in one.activities]
    about = {"key": one.wanted.key, "course": one.course, "found_by": one.by}
    return about | {"idnumber": one.idnumber, "activities": activities}


def _tell(found: list[Proposal]) -> None:
    if not found:
        say("No course of the site looks like one of the file's communities that has none yet.")
        return
    rows = [
        (one.wanted.key, one.course, one.shortname, one.by, one.idnumber or "has it", len(one.activities))
        for one in found
    ]
    columns = ("community", "course", "short name", "found by", "would get the ID number", "activities would get one")
    table("", columns, rows, right=("course", "activities would get one"))


def clone(
    file: File,
    code: Annotated[str, typer.Option(help="The new file's own code.")],
    term: Annotated[str, typer.Option(help="The code of the new term: 27S.")],
    title: Annotated[str, typer.Option(help="Its name, in words.")],
    starts: Day,
    output: Annotated[Path, typer.Option(help="The file to write; one that is there isn't overwritten.")],
) -> None:
    """Write next term's file out of this term's: every day moves along with the first one, nobody is carried over, and
    new courses keep hours apart. Asks no site.
    """
    try:
        text = file.read_text(encoding="utf-8")
        provision, source = parse_provision(text, str(file))
        new = cloned(text, source, provision, code=code, term=term, title=title, starts=starts.date())
        parse_provision(new, str(output))
        with output.open("x", encoding="utf-8") as target:
            target.write(new)
    except FileExistsError as err:
        raise UserError(f"{output} is there already: choose another name.") from err
    except (OSError, UnicodeDecodeError) as err:
        raise UserError(f"{getattr(err, 'filename', None) or file} can't be read or written.") from err
    except Misplaced as err:
        raise UserError(f"{file}: {'.'.join(map(str, err.place))}: {err}") from err
    except ProgramError as err:
        raise UserError("\n".join(err.problems)) from err
    say(f"{output}: look at its days, and name its files of people; then `copbridge provision plan {output}`.")


def close(
    file: File,
    hide: Annotated[int, typer.Option(help="How many courses will be hidden: as many as the command says.")] = -1,
    yes: Yes = False,
) -> None:
    """Close a term: hide its courses. Nothing is deleted and nobody unenrolled; hours stay.

    It says how many courses there are, and does it when --hide says the same number.
    """
    with (
        records(connections=3) as opened,
        house_of(opened, file, at_once=1) as house,
        provisioning.alone(opened.engine, house.site_id),
    ):
        found = closing_term.closings(house)
        visible = sum(one.visible for one in found)
        rows = [(one.key, one.course, one.shortname, one.participants, "yes" if one.visible else "") for one in found]
        table("", ("community", "course", "short name", "people", "visible"), rows, right=("course", "people"))
        if hide != visible:
            say(f"{counted(visible, 'course')} would be hidden: `--hide {visible}` says that it is meant.")
            raise typer.Exit(1)
        if not (yes or typer.confirm(f"Hide {counted(visible, 'course')}?", err=True)):
            raise typer.Exit(1)
        with progress("Closing") as advance:
            for number, _ in enumerate(closing_term.close(house, found), 1):
                advance(number, len(found))
    say(f"{counted(len(found), 'course')} closed.")
