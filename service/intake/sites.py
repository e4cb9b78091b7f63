"""What intake has to know of a site at each request, kept for a few seconds; and what the mirror knows of it."""

import hmac
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Engine, func, select, update

from records import inbox
from records.models import Site
from records.secrets import Purpose, active_secrets
from records.sites import SLUG
from service.context import Context

PURPOSES = (Purpose.WIRE, Purpose.LOCAL_WEBHOOKS, Purpose.XAPI, Purpose.TOOL_TRIGGER)
"""What a sender shows who it is with."""
KEPT_SECONDS = 5.0
"""A retired secret is honoured this much longer at most."""
NO_SITE = ("whsec_" + "A" * 32,)
"""Tried for a site that doesn't exist, so that the refusal takes as long."""


@dataclass(slots=True)
class KnownSite:
    """A site as intake sees it. `courses` and `modules` only grow: what the mirror knew once stays known."""

    id: UUID
    wwwroot: str
    epoch: UUID | None
    secrets: dict[str, list[str]]
    courses: set[int] = field(default_factory=set)
    modules: set[int] = field(default_factory=set)
    loaded: float = field(default_factory=time.monotonic)


class Sites:
    """The sites by slug; one an app."""

    def __init__(self) -> None:
        self._known: dict[str, KnownSite] = {}
        self._lock = threading.Lock()

    def get(self, context: Context, slug: str) -> KnownSite | None:
        if not SLUG.fullmatch(slug):
            return None
        held = self._known.get(slug)
        if held and time.monotonic() - held.loaded < KEPT_SECONDS:
            return held
        found = self._load(context, slug)
        with self._lock:
            if found and held and held.id == found.id:
                found.courses, found.modules = held.courses, held.modules
            if found:
                self._known[slug] = found
            else:
                self._known.pop(slug, None)
        return found

    def forget(self, slug: str) -> None:
        with self._lock:
            self._known.pop(slug, None)

    @staticmethod
    def _load(context: Context, slug: str) -> KnownSite | None:
        key = context.settings.encryption_key
        with context.engine.connect() as connection:
            row = connection.execute(select(Site.id, Site.wwwroot, Site.epoch).where(Site.slug == slug)).one_or_none()
            if row is None:
                return None
            secrets = {str(purpose): active_secrets(connection, row.id, purpose, key) for purpose in PURPOSES}
        return KnownSite(row.id, row.wwwroot, row.epoch, secrets)


def shows_secret(site: KnownSite | None, purpose: Purpose, offered: str) -> bool:
    """Whether a sender shows one of the site's secrets of a purpose. Each is compared in constant time, and one
    always is, so that the time taken tells neither which secret fits nor whether the site exists."""
    known = site.secrets[purpose] if site else []
    given = offered.encode("utf-8", "replace")
    good = False
    for secret in known or ["-"]:
        good |= hmac.compare_digest(secret.encode(), given)
    return good and bool(known)


def is_this_site(engine: Engine, site: KnownSite, wwwroot: str, epoch: UUID | None) -> bool:
    """Whether a batch comes from the site itself; the first batch's epoch is taken as the site's.

    Another wwwroot or epoch is a copy until IT confirms it; the latest one is kept for IT to see. A sender that
    knows no epoch gives the site's own: then the wwwroot decides.
    """
    same_root = wwwroot.rstrip("/").casefold() == site.wwwroot.rstrip("/").casefold()
    # Looked at once: another thread may learn the epoch from a batch of its own meanwhile.
    known = site.epoch
    if same_root and known == epoch:
        return True
    with engine.begin() as connection:
        if same_root and known is None:
            connection.execute(update(Site).where(Site.id == site.id, Site.epoch.is_(None)).values(epoch=epoch))
            known = site.epoch = connection.scalar(select(Site.epoch).where(Site.id == site.id))
            if known == epoch:
                return True
        refused = {"refused_epoch": epoch, "refused_wwwroot": wwwroot, "refused_at": func.now()}
        connection.execute(update(Site).where(Site.id == site.id).values(refused))
    return False


def learn(engine: Engine, site: KnownSite, courses: Iterable[int], modules: Iterable[int]) -> None:
    """Look up those courses and modules that intake hasn't seen in the mirror yet."""
    new_courses, new_modules = set(courses) - site.courses, set(modules) - site.modules
    if new_courses or new_modules:
        with engine.connect() as connection:
            found_courses, found_modules = inbox.known(connection, site.id, new_courses, new_modules)
        site.courses |= found_courses
        site.modules |= found_modules
