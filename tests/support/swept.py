"""How a seeded community was read from Moodle, as rows: for tests of pages."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, delete, func
from sqlalchemy.orm import Session

from records.drift import Drift
from records.models import DriftCount, Sweep
from records.secrets import Purpose, keep_secret
from tests.support.seed import BAY, Seeded
from tests.support.settings import ENCRYPTION_KEY

TOKEN = "0123456789abcdef0123456789abcdef"


def token(engine: Engine, seeded: Seeded) -> None:
    """The site has a web-services token."""
    with Session(engine) as session, session.begin():
        keep_secret(session, seeded.site, Purpose.WEB_SERVICES, TOKEN, ENCRYPTION_KEY)


def sweep(engine: Engine, seeded: Seeded, status: str, course: int = BAY, **values: Any) -> None:
    """A sweep of a course. `hours_ago`: when it was asked for and ended."""
    moment = func.now() - timedelta(hours=values.pop("hours_ago", 0))
    moments: dict[str, Any] = {"asked_at": moment, "due_at": moment}
    if status != "due":
        moments["started_at"] = moment
    if status in ("done", "failed"):
        moments["finished_at"] = moment
    row = {"site_id": seeded.site, "course_id": course, "reason": "scheduled", "status": status} | moments | values
    with Session(engine) as session, session.begin():
        session.add(Sweep(**row))


def drift(
    engine: Engine, seeded: Seeded, kind: Drift, count: int, *, course: int = BAY, module: int = 0, days_ago: int = 0
) -> None:
    """What a sweep found so many times."""
    row = {"site_id": seeded.site, "course_id": course, "kind": str(kind), "module_id": module, "count": count}
    with Session(engine) as session, session.begin():
        session.add(DriftCount(**row, day=func.current_date() - days_ago))


def forget(engine: Engine) -> None:
    """No sweep and no drift is known any more."""
    with Session(engine) as session, session.begin():
        session.execute(delete(Sweep))
        session.execute(delete(DriftCount))
