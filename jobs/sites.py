"""The sites that can be asked and told things: those with a web-services token."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from moodle_client import Pace
from records.models import Site
from records.secrets import Purpose, active_secrets
from records.settings import Settings


@dataclass(frozen=True, slots=True)
class Reachable:
    """A site and the newest of its tokens."""

    id: UUID
    wwwroot: str
    token: str


def with_tokens(engine: Engine, settings: Settings) -> list[Reachable]:
    """The sites that have a token, by id."""
    with Session(engine) as session:
        sites = session.execute(select(Site.id, Site.wwwroot).order_by(Site.id)).all()
        tokens = {
            site.id: active_secrets(session, site.id, Purpose.WEB_SERVICES, settings.encryption_key) for site in sites
        }
    return [Reachable(site.id, site.wwwroot, tokens[site.id][0]) for site in sites if tokens[site.id]]


def gently(settings: Settings) -> Pace:
    """One call after another, within what a site is asked in a minute."""
    return Pace(at_once=1, per_minute=settings.moodle_calls_per_minute)
