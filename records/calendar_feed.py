"""A community's sessions as an iCalendar, at an address that only who was given it knows. Names nobody."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, SessionChange, SessionRow, SharedSession

PRODUCT = "-//CoP Bridge//Sessions//EN"
ID_LENGTH, MAC_LENGTH = 32, 40
"""Of the two parts of a token, in hexadecimal digits."""
LOOK_AGAIN = timedelta(hours=1)


def token_of(community: Community, secret: str) -> str:
    """What the address of a community's calendar ends with, until its revision changes."""
    return community.id.hex + _mac(community.id, community.calendar_revision, secret)


def _mac(community_id: UUID, revision: int, secret: str) -> str:
    text = f"calendar|{community_id}|{revision}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:MAC_LENGTH]


def community_of(session: Session, token: str, secret: str) -> Community | None:
    """Whose calendar a token opens; None for one that was never given out, or was renewed since."""
    try:
        community_id = UUID(hex=token[:ID_LENGTH])
    except ValueError:
        return None
    community = session.get(Community, community_id)
    # An address of nobody takes as long to refuse as one with a wrong end.
    revision = community.calendar_revision if community else 0
    fits = hmac.compare_digest(token[ID_LENGTH:].encode(), _mac(community_id, revision, secret).encode())
    return community if fits else None


def renew(session: Session, actor: Actor, community_id: UUID) -> bool:
    """Give a community's calendar another address; the old one opens nothing any more. False: out of scope."""
    wanted = select(Community).where(Community.id == community_id, in_scope(actor)).with_for_update()
    community = session.scalars(wanted).one_or_none()
    if community is None:
        return False
    community.calendar_revision += 1
    after = {"revision": community.calendar_revision}
    audit.record(session, actor, "calendar.renewed", str(community_id), after=after)
    return True


def feed(session: Session, community: Community, title: str) -> bytes:
    """The calendar: the community's own sessions and those that others share with it, cancelled ones among them, so
    that whoever had them learns of it. The same bytes as long as nothing changes."""
    s, shared, c = SessionRow, SharedSession, SessionChange
    of_others = select(shared.session_id).where(shared.community_id == community.id)
    rows = session.scalars(
        select(s).where(or_(s.community_id == community.id, s.id.in_(of_others))).order_by(s.starts_at, s.code, s.id)
    ).all()
    latest = select(c.session_id, func.max(c.at)).where(among(c.session_id, [row.id for row in rows]))
    changed = {key: at for key, at in session.execute(latest.group_by(c.session_id))}  # noqa: C416 - rows aren't tuples
    calendar = Calendar()
    for name, value in (
        ("prodid", PRODUCT),
        ("version", "2.0"),
        ("method", "PUBLISH"),
        ("x-wr-calname", title),
        ("x-wr-timezone", community.timezone),
    ):
        calendar.add(name, value)
    calendar.add("refresh-interval", LOOK_AGAIN, {"value": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for row in rows:
        calendar.add_component(_event(row, changed.get(row.id, row.created_at)))
    return bytes(calendar.to_ical())


def _event(row: SessionRow, changed: datetime) -> Event:
    """A session. Times are UTC: each is one event that doesn't repeat, so that a zone's rules would add nothing but
    ways to read them wrong; calendars show them by their reader's clock."""
    event = Event()
    event.add("uid", f"{row.id}@copbridge")
    event.add("sequence", row.revision)
    event.add("dtstamp", changed.astimezone(UTC).replace(microsecond=0))
    event.add("last-modified", changed.astimezone(UTC).replace(microsecond=0))
    event.add("summary", row.title)
    event.add("dtstart", row.starts_at.astimezone(UTC))
    ends_at = row.ends_at or (row.starts_at + timedelta(minutes=row.planned_minutes) if row.planned_minutes else None)
    if ends_at:
        event.add("dtend", ends_at.astimezone(UTC))
    event.add("status", "CANCELLED" if row.cancelled_at else "CONFIRMED")
    if row.place or row.link:
        # What many calendars show is the location alone.
        event.add("location", row.place or row.link)
    if row.link:
        event.add("url", row.link)
    return event
