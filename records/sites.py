"""The Moodle sites of this installation: add one, find one, confirm a sender that was refused as a copy."""

import re
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor
from records.models import InboxItem, Site

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_WWWROOT = 255
UNCONFIRMED = "unconfirmed_copy"
"""The reason of items that a sender of another epoch or wwwroot sent before IT confirmed it."""


class SiteError(Exception):
    """A site can't be added or confirmed; the message says what to do."""


def normal_wwwroot(address: str) -> str:
    """Moodle's $CFG->wwwroot: scheme, host and path, without a trailing slash. Raises SiteError."""
    wwwroot = address.strip().rstrip("/")
    try:
        parts = urlsplit(wwwroot)
        host, _ = parts.hostname, parts.port
    except ValueError as err:
        raise SiteError(f"'{wwwroot}' is not an address such as https://moodle.example.org.") from err
    if parts.scheme not in {"http", "https"} or not host or re.search(r"\s", wwwroot):
        raise SiteError(f"'{wwwroot}' is not an address such as https://moodle.example.org.")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise SiteError("The address of a Moodle site has no user name, no ? and no # in it.")
    if len(wwwroot) > MAX_WWWROOT:
        raise SiteError(f"The address is longer than {MAX_WWWROOT} characters.")
    return wwwroot


def add_site(session: Session, slug: str, name: str, wwwroot: str, *, actor: Actor) -> Site:
    """A new site. Raises SiteError where the slug or the address is wrong or taken."""
    if not SLUG.fullmatch(slug):
        raise SiteError(f"'{slug}' can't be a site's short name: up to 63 lower-case letters, digits and hyphens.")
    if not name.strip():
        raise SiteError("The site needs a name for people.")
    address = normal_wwwroot(wwwroot)
    # One addition at a time, so that the second of two says what is taken instead of failing.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("sites"))))
    taken = session.scalar(select(Site).where(Site.slug == slug))
    if taken is not None:
        raise SiteError(f"The short name '{slug}' belongs to the site {taken.wwwroot} already.")
    _refuse_taken(session, slug, address)
    site = Site(slug=slug, name=name.strip(), wwwroot=address)
    session.add(site)
    session.flush()
    audit.record(session, actor, "site.add", str(site.id), after={"slug": slug, "wwwroot": address})
    return site


def _refuse_taken(session: Session, slug: str, address: str) -> None:
    taken = session.scalar(select(Site).where(func.lower(Site.wwwroot) == address.lower(), Site.slug != slug))
    if taken is not None:
        raise SiteError(f"The address {address} belongs to the site '{taken.slug}' already.")


def move_site(session: Session, site: Site, wwwroot: str, *, actor: Actor) -> bool:
    """Give a site the address that its Moodle has now. Returns whether it had another."""
    address = normal_wwwroot(wwwroot)
    if site.wwwroot == address:
        return False
    _refuse_taken(session, site.slug, address)
    before, site.wwwroot = site.wwwroot, address
    session.flush()
    audit.record(session, actor, "site.move", str(site.id), before={"wwwroot": before}, after={"wwwroot": address})
    return True


def find_site(session: Session, slug: str) -> Site:
    """The site of a short name. Raises SiteError where there is none, and names those that there are."""
    site = session.scalar(select(Site).where(Site.slug == slug))
    if site is None:
        known = ", ".join(session.scalars(select(Site.slug).order_by(Site.slug))) or "none yet"
        raise SiteError(f"There is no site '{slug}' (sites: {known}).")
    return site


def confirm_epoch(session: Session, site: Site, epoch: UUID, *, actor: Actor, wwwroot: str | None = None) -> None:
    """Take the refused sender for the site from now on; whatever posted as the site before is refused.

    `wwwroot` has to repeat the refused sender's address where that isn't the site's: it becomes the
    site's. Raises SiteError where `epoch` isn't the refused sender's, or the address was not confirmed.
    """
    session.refresh(site, with_for_update=True)
    if site.refused_epoch is None:
        raise SiteError(f"No sender was refused for the site '{site.slug}': there is nothing to confirm.")
    if site.refused_epoch != epoch:
        raise SiteError(f"The sender refused last has the epoch {site.refused_epoch}, not {epoch}.")
    address = normal_wwwroot(site.refused_wwwroot or site.wwwroot)
    moved = address.casefold() != site.wwwroot.casefold()
    if moved and (wwwroot is None or normal_wwwroot(wwwroot) != address):
        raise SiteError(
            f"That sender calls itself {address}, and the site is {site.wwwroot}: confirm with --wwwroot {address}."
        )
    before = {"epoch": str(site.epoch) if site.epoch else None, "wwwroot": site.wwwroot}
    if moved:
        _refuse_taken(session, site.slug, address)
        site.wwwroot = address
    site.epoch = epoch
    site.refused_epoch = site.refused_wwwroot = site.refused_at = None
    session.flush()
    audit.record(
        session,
        actor,
        "site.confirm",
        str(site.id),
        before=before,
        after={"epoch": str(epoch), "wwwroot": site.wwwroot},
    )


def quarantined_copies(session: Session, site_id: UUID) -> int:
    """How many items wait because their sender was not confirmed."""
    counted = select(func.count()).where(
        InboxItem.site_id == site_id, InboxItem.status == "quarantined", InboxItem.reason == UNCONFIRMED
    )
    return session.scalar(counted) or 0
