"""Open a house: the site's client with its provisioning token, the program in force, the file's courses and people."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.provision.house import Calls, House
from jobs.provision.plan import InTheWay, Problem
from mappings.findings import ProgramError
from mappings.program import Program
from mappings.provision_loading import courses_in, parse_provision
from mappings.provisioning import Provision
from moodle_client import Function, MoodleClient, Pace, Reply
from records import provisioning
from records.actor import Actor
from records.models import ProgramRow, Site
from records.people_file import PeopleError, read_people
from records.programs import newest, versions_by_program

COPY_SECONDS = 600.0
"""Moodle says nothing while it copies a course."""


class CountingClient(MoodleClient):
    """A client that notes each call, by whether it writes."""

    def __init__(self, wwwroot: str, token: str, calls: Calls, **options: Any) -> None:
        super().__init__(wwwroot, token, **options)
        self._calls = calls

    def call(self, function: str, /, *, reads: bool = False, **params: Any) -> Reply[Any]:
        """See Calls.call."""
        known = function in set(Function) and Function(function).reads
        self._calls.note(reads=reads or known)
        return super().call(function, reads=reads, **params)


@contextmanager
def opened(
    engine: Engine,
    encryption_key: SecretStr,
    text: str,
    name: str,
    people: Mapping[str, bytes],
    actor: Actor,
    role: str,
    clock: Callable[[], datetime],
    *,
    at_once: int = 2,
    per_minute: int | None = None,
) -> Iterator[House]:
    """The house of a provision file's text; `people`: the contents of its files of people by name.

    Raises ProgramError for a file that is wrong, PeopleError for a file of people that is, InTheWay where the site, its
    token or the program isn't known.
    """
    provision, source = parse_provision(text, name)
    with Session(engine) as session:
        site = session.scalars(select(Site).where(Site.slug == provision.site)).one_or_none()
        if site is None:
            raise InTheWay(Problem.NO_SITE, site=provision.site)
        _check_code(session, provision, site)
        program = program_in_force(session, provision.program)
        token = provisioning.site_token(session, site, encryption_key)
    if token is None:
        raise InTheWay(Problem.NO_TOKEN, site=site.slug)
    wanted = courses_in(provision, source, program)
    found = read_people(people, wanted)
    wanted = tuple(course.with_people(found.get(course.key, ())) for course in wanted)
    calls = Calls()
    pace = Pace(at_once=at_once, per_minute=per_minute)
    with CountingClient(site.wwwroot, token, calls, pace=pace, timeout=COPY_SECONDS) as moodle:
        house = House(
            engine,
            encryption_key,
            moodle,
            site.id,
            site.slug,
            provision,
            program,
            wanted,
            actor,
            role,
            clock,
            frozenset(course.key for course in wanted),
            calls,
            at_once=at_once,
        )
        yield house


def _check_code(session: Session, provision: Provision, site: Site) -> None:
    """What was made by another site's file, or another term's, is never taken for this one's. Raises InTheWay."""
    code = provision.provision
    if provisioning.is_elsewhere(session, code, site.id):
        raise InTheWay(Problem.OTHER_FILE, code=code, term="")
    before = provisioning.last_applied(session, code)
    if before is None or not provisioning.courses_of(session, code):
        return
    with suppress(ProgramError):
        earlier, _ = parse_provision(before.text, code)
        if earlier.term.code != provision.term.code:
            raise InTheWay(Problem.OTHER_FILE, code=code, term=earlier.term.code)


def program_in_force(session: Session, code: str) -> Program:
    """The newest version of a program. Raises InTheWay where there is none."""
    program_id = session.scalar(select(ProgramRow.id).where(ProgramRow.code == code))
    versions = versions_by_program(session).get(program_id) if program_id else None
    if not versions:
        raise InTheWay(Problem.NO_PROGRAM, program=code)
    return newest(versions)


__all__ = ["PeopleError", "opened", "program_in_force"]
