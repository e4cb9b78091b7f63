"""What an application works with: the records, the site, the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from mappings.program import Program
from mappings.provision_wanted import WantedCourse
from mappings.provisioning import Provision
from moodle_client import MoodleClient
from records.actor import Actor


@dataclass(slots=True)
class Calls:
    """How many of Moodle's functions were called by whom it reads and writes."""

    reads: int = 0
    writes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def note(self, *, reads: bool) -> None:
        """One more."""
        with self._lock:
            if reads:
                self.reads += 1
            else:
                self.writes += 1


@dataclass(frozen=True, slots=True)
class House:
    """What an application works with. `engine` has to have a connection for each of `at_once`, and two more."""

    engine: Engine
    encryption_key: SecretStr
    moodle: MoodleClient
    site_id: UUID
    slug: str
    provision: Provision
    program: Program
    wanted: tuple[WantedCourse, ...]
    """With their people; of a part of the file's courses, these."""
    actor: Actor
    role: str
    """The role that the actor decides in."""
    clock: Callable[[], datetime]
    keys: frozenset[str]
    """Of all communities of the file."""
    calls: Calls = field(default_factory=Calls)
    at_once: int = 2
    """So many courses are worked on side by side."""
    hide: int = 0
    """So many courses that people take part in may be hidden."""
    many: bool = False
    """Whether more people may change than the file's limit says."""

    @property
    def code(self) -> str:
        return self.provision.provision

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of the records."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
