"""What `copbridge up` prepares: a site for the sandbox Moodle, a program, and somebody who may look at both."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

import mappings
from jobs.runtime import utcnow
from mappings.loading import load_program
from records import secrets, sites, users
from records.actor import SYSTEM, Grant, Role
from records.database import make_engine
from records.models import ProgramRow, Site, User
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from service.links import setup_link, sign_in_page

SLUG = "sandbox"
NAME = "Sandbox Moodle"
ENVIRONMENT = "environment"
EMAIL = "staff@example.org"
GRANTS = (Grant(Role.IT), Grant(Role.PROGRAM_ADMIN))
PROGRAM = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"


@dataclass(frozen=True, slots=True)
class DemoInfo:
    """What a newcomer is told, and what the sandbox has to sign with."""

    sign_in_url: str
    """A one-time link while no password was set, else the sign-in page."""
    site_slug: str
    webhook_secret: str = field(repr=False)
    once: bool = True
    """Whether `sign_in_url` is such a one-time link."""

    @property
    def told(self) -> str:
        """How to sign in, as a line."""
        return f"Sign in once    {self.sign_in_url}" if self.once else f"Sign in         {self.sign_in_url} as {EMAIL}"


def prepare(settings: Settings, sandbox_url: str, state_folder: Path) -> DemoInfo:
    """Make what is missing; what an earlier start made stays as people left it."""
    engine = make_engine(settings.database_url, pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            site = _site(session, sandbox_url)
            secret = _secret(session, site, settings)
            _program(session)
            link = _link(session, settings)
    finally:
        engine.dispose()
    _keep_environment(settings, state_folder / ENVIRONMENT)
    return DemoInfo(link, SLUG, secret, once=link != sign_in_page(settings))


def take_tokens(settings: Settings, files: Mapping[Purpose, Path]) -> None:
    """Keep the sandbox's tokens, as IT would: with the one of its web services its state can be swept, with the one for
    provisioning courses can be made there."""
    engine = make_engine(settings.database_url, pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            site_id = session.scalars(select(Site.id).where(Site.slug == SLUG)).one()
            for purpose, file in files.items():
                token = file.read_text(encoding="utf-8").strip()
                if token not in secrets.active_secrets(session, site_id, purpose, settings.encryption_key):
                    secrets.keep_secret(session, site_id, purpose, token, settings.encryption_key)
    finally:
        engine.dispose()


def _site(session: Session, wwwroot: str) -> Site:
    site = session.scalar(select(Site).where(Site.slug == SLUG))
    if site is None:
        return sites.add_site(session, SLUG, NAME, wwwroot, actor=SYSTEM)
    # Started on another port, the sandbox has another address and is the same site.
    sites.move_site(session, site, wwwroot, actor=SYSTEM)
    return site


def _secret(session: Session, site: Site, settings: Settings) -> str:
    """The newest secret that the site has, else a new one."""
    active = secrets.active_secrets(session, site.id, Purpose.WIRE, settings.encryption_key)
    if active:
        return active[0]
    made = secrets.make_secret(Purpose.WIRE)
    secrets.keep_secret(session, site.id, Purpose.WIRE, made, settings.encryption_key)
    return made


def _program(session: Session) -> None:
    """Load the program that the sandbox plays, unless a version of it is there: staff may have loaded theirs."""
    code = load_program(PROGRAM).program
    if session.scalar(select(ProgramRow.id).where(ProgramRow.code == code)) is None:
        load_version(
            session, PROGRAM.read_text(encoding="utf-8"), PROGRAM.name, actor=SYSTEM, reason="The demonstration"
        )


def _link(session: Session, settings: Settings) -> str:
    user_id = users.find_user(session, EMAIL)
    if user_id is None:
        user_id = users.create_user(session, SYSTEM, EMAIL, "Demo staff", GRANTS)
    user = session.get_one(User, user_id)
    if user.password_hash or not user.active:
        return sign_in_page(settings)
    token = users.make_setup_link(session, SYSTEM, user_id, now=utcnow(), hours=settings.setup_link_hours)
    return setup_link(settings, token)


def _keep_environment(settings: Settings, file: Path) -> None:
    """Write what other `copbridge` commands need to work on the same records (0600), for `. FILE` in a shell."""
    values = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "PUBLIC_URL": settings.public_url,
    }
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    making = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(lines)
    making.replace(file)
