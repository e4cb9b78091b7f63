"""What commands on the records begin with: settings, a checked database, and a wake after the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from jobs.queues import QueueName, wake
from jobs.runtime import connect_redis, utcnow
from records.adopting import AdoptionError
from records.bindings import BindingError
from records.closings import ClosingError
from records.database import UnsafeDatabase, check_database, is_unreachable, make_engine
from records.deciding import DecisionError
from records.identities import ProviderError
from records.milestones import MilestoneError
from records.secrets import SecretError
from records.settings import Settings
from records.sites import SiteError
from service.cli.errors import UserError
from service.cli.processes import load_settings

NO_DATABASE = 3
SAID = (AdoptionError, SiteError, SecretError, BindingError, ClosingError, DecisionError, MilestoneError, ProviderError)
"""Errors whose message is the sentence for the person at the terminal."""
LOCKED = "55P03"


@dataclass(frozen=True, slots=True)
class Opened:
    """The records, ready to be worked with."""

    settings: Settings
    engine: Engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose transaction is committed at the end, and rolled back by an error."""
        # What was read stays readable after the commit: answers are printed then.
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def wake(self, name: QueueName) -> None:
        """Have a worker look at once. Without Redis the scheduler finds the work within seconds."""
        redis = connect_redis(self.settings)
        try:
            wake(redis, name)
        finally:
            redis.close()

    @staticmethod
    def now() -> datetime:
        return utcnow()


@contextmanager
def records(connections: int = 1) -> Iterator[Opened]:
    """The records of the settings' database; what a person can mend becomes a UserError. `connections`: so many are
    needed side by side."""
    settings = load_settings()
    engine = make_engine(settings.database_url, pool_size=connections)
    try:
        check_database(engine)
        yield Opened(settings, engine)
    except SAID as err:
        raise UserError(str(err)) from err
    except UnsafeDatabase as err:
        raise UserError(str(err), code=NO_DATABASE) from err
    except (OperationalError, DBAPIError) as err:
        # The error's own text may hold a statement with people's data.
        if is_unreachable(err):
            raise UserError("The database of DATABASE_URL can't be reached: is it running?", code=NO_DATABASE) from err
        if getattr(err.orig, "sqlstate", None) == LOCKED:
            raise UserError("Somebody else is changing the same rows: try again.", code=NO_DATABASE) from err
        raise
    finally:
        engine.dispose()
