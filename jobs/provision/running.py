"""A look at a site, and the end of an application, as the command and the console's workers have them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.provision import planning
from jobs.provision.applying import Outcome
from jobs.provision.house import Calls, House
from jobs.provision.members import Directory
from jobs.provision.plan import InTheWay, Plan
from jobs.provision.reading import check_service
from jobs.provision.situation import SiteSituation
from records import provisioning
from records.actor import Actor


@dataclass(frozen=True, slots=True)
class Survey:
    """A site as it was read, and what an application would do there."""

    site: SiteSituation
    directory: Directory
    plan: Plan


def surveyed(house: House) -> Survey:
    """Read the site for a plan. Raises MoodleError, InTheWay where the token's service lacks something."""
    for lacking in check_service(house.moodle):
        raise InTheWay(lacking.problem, **lacking.params)
    site, directory = planning.survey(house)
    return Survey(site, directory, planning.plan_of(house, site, directory))


def done_of(outcomes: Iterable[Outcome]) -> Counter[str]:
    """What was put right in all courses, by Kind."""
    return sum((outcome.done for outcome in outcomes), Counter[str]())


def ended(
    session: Session, run: UUID, by: Actor, now: datetime, *, calls: Calls, failed: int, done: Counter[str]
) -> None:
    """An application is over: `failed` courses stopped; `done` was put right, by Kind."""
    result = {"failed": failed, "done": dict(done)}
    provisioning.end_run(session, run, by, now, reads=calls.reads, writes=calls.writes, result=result)
