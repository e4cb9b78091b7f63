"""What the rows of a file of attendance mean: sessions, people and minutes, in the records' terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import Program, ProgramVersion, version_at
from records.attendance_file import AttendanceRow
from records.attendance_lookup import Lookup, Unknown
from records.csv_file import Problem
from records.keys import among
from records.matching_people import Who, match, no_word_alike
from records.meetings import Meeting
from records.models import Account, Community
from records.programs import newest


@dataclass(frozen=True, slots=True)
class Presence:
    """One person at one session, resolved to what the records know."""

    line: int
    meeting: Meeting
    program_id: UUID
    site_id: UUID
    account_id: UUID | None
    """None: nobody was found by an exact key; staff say who it is."""
    person_id: UUID | None
    minutes: int | None
    """None: the status says how much of the session counts."""
    status: str | None
    mode: str | None = None
    """How the person was there, where the session is hybrid and the row says it."""
    member: bool = False
    """False: somebody without a membership so far, in any of the communities whose session it is."""
    visitor: bool = False
    """Somebody who isn't a member, at a session that is open to others: recorded, and no membership is made."""
    who: Mapping[str, str] | None = None
    """What the row says of who it is."""
    other_name: bool = False
    """The row's name has no word in common with the account's."""


class People:
    """Whose rows they are, by exact keys: Moodle's id, idnumber, e-mail. Read once for all rows."""

    def __init__(self, session: Session, lookup: Lookup, rows: Sequence[AttendanceRow]) -> None:
        self._lookup = lookup
        by_community: dict[UUID, list[AttendanceRow]] = {}
        for row in rows:
            if row.email or row.name:
                community = _community_of(lookup, row)
                if community:
                    by_community.setdefault(community, []).append(row)
        matched: dict[int, UUID] = {}
        for community, same in by_community.items():
            for row, found in zip(same, match(session, [community], [Who.said(row.who) for row in same]), strict=True):
                if found.account_id:
                    matched[row.line] = found.account_id
        held = session.scalars(select(Account).where(among(Account.id, set(matched.values()))))
        accounts = {account.id: account for account in held}
        lookup.add_members(session, {account.person_id for account in accounts.values()})
        self._matched = {line: accounts[account_id] for line, account_id in matched.items()}

    def account(self, site_id: UUID, row: AttendanceRow) -> Account | None:
        """The account; None where nobody has the keys and there is an e-mail or a name to find somebody by.

        Raises Unknown where there isn't.
        """
        if row.email or row.name:
            found = self._matched.get(row.line)
            return found if found and found.site_id == site_id else None
        return self._lookup.account(site_id, row.user, row.idnumber)


def _community_of(lookup: Lookup, row: AttendanceRow) -> UUID | None:
    try:
        return lookup.community(lookup.site(row.site), row.community).id
    except Unknown:
        # It is noted where the row itself is resolved.
        return None


@dataclass(frozen=True, slots=True)
class Means:
    """What rows are resolved by."""

    lookup: Lookup
    people: People
    versions: Mapping[UUID, tuple[ProgramVersion, ...]]
    now: datetime
    within: UUID | None

    def community(self, site_id: UUID, row: AttendanceRow) -> Community:
        """Whose session the row is about. Raises Unknown where that isn't the community of the upload, in the same
        words whether there is such a community or not."""
        if self.within is None:
            return self.lookup.community(site_id, row.community)
        if row.shared_with:
            raise Unknown("shared_with", "can't be said here: share the session on its own page, and leave this empty")
        if self.within != _community_of(self.lookup, row):
            raise Unknown("community", "is not the community in which the file was uploaded: upload these rows there")
        return self.lookup.community(site_id, str(self.within))


def resolve(means: Means, row: AttendanceRow, problems: list[Problem]) -> Presence | None:
    """A row in the records' terms; None where it names something unknown, which is noted."""
    lookup = means.lookup
    try:
        site_id = lookup.site(row.site)
        community = means.community(site_id, row)
        account = means.people.account(site_id, row)
        module = lookup.module(site_id, community.id, row.activity) if row.activity else None
        starts_at = _moment(row, row.timezone or community.timezone)
        if starts_at > means.now:
            raise Unknown(
                "date", f"the session begins at {row.day} {row.start:%H:%M}, which is yet to come: nobody attended it"
            )
        _check_kind(row.kind, means.versions[community.program_id], starts_at)
        shared = {lookup.community(site_id, name, "shared_with").id for name in row.shared_with}
        if community.id in shared:
            raise Unknown("shared_with", "names the session's own community: expected others")
    except Unknown as err:
        problems.append(Problem(row.line, err.column, err.message))
        return None
    meeting = Meeting(
        community.id,
        row.session,
        starts_at,
        row.mode,
        row.timezone or community.timezone,
        row.title or None,
        row.planned_minutes,
        module,
        row.kind or None,
        frozenset(shared) or None,
    )
    return Presence(
        row.line,
        meeting,
        community.program_id,
        site_id,
        account.id if account else None,
        account.person_id if account else None,
        row.minutes,
        row.status or None,
        row.attended_as or None,
        who=row.who,
        other_name=account is not None and no_word_alike(row.name, f"{account.firstname} {account.lastname}"),
    )


def _moment(row: AttendanceRow, timezone: str) -> datetime:
    local = datetime.combine(row.day, row.start, ZoneInfo(timezone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unknown(
            "start", f"{row.start:%H:%M} doesn't exist on {row.day} in {timezone}: the clocks go forward then"
        )
    return moment


def _check_kind(kind: str, versions: tuple[ProgramVersion, ...], starts_at: datetime) -> None:
    """Raises Unknown where the program, as it was then and as it was loaded last, has no such kind of session."""
    programs = (version_at(versions, starts_at).program, newest(versions))
    if kind and not any(kind in program.kinds_by_name for program in programs):
        known = ", ".join(programs[0].kinds_by_name)
        expected = f"expected {known}, or nothing" if known else "it names none"
        raise Unknown("kind", f"'{kind}' is no kind of session of the program {programs[0].program}: {expected}")


def _program(presence: Presence, versions: Mapping[UUID, tuple[ProgramVersion, ...]]) -> Program:
    return version_at(versions[presence.program_id], presence.meeting.starts_at).program


def belonging(presence: Presence, means: Means) -> Presence:
    """With what the person is to the communities whose session it is."""
    if presence.person_id is None:
        return presence
    member = any(means.lookup.is_member(community, presence.person_id) for community in presence.meeting.communities)
    kind = _program(presence, means.versions).kinds_by_name.get(presence.meeting.kind or "")
    return replace(presence, member=member, visitor=not member and kind is not None and kind.voluntary)


def measured(presence: Presence, versions: Mapping[UUID, tuple[ProgramVersion, ...]], problems: list[Problem]) -> bool:
    """Whether there is what the program's attendance asks for: minutes, or a status that it weighs. Else it is
    noted."""
    program = _program(presence, versions)
    kind = program.kinds_by_name.get(presence.meeting.kind or "")
    rule = (kind.attendance if kind else None) or program.attendance
    if rule.earns == "weighted" and (presence.status or "") not in rule.weights:
        said = f"'{presence.status}' has no weight" if presence.status else "is empty"
        text = f"{said}: the program weighs attendance by status, expected one of {', '.join(rule.weights)}"
        problems.append(Problem(presence.line, "status", text))
        return False
    if rule.earns != "weighted" and presence.minutes is None:
        text = "is empty, and the program counts minutes here, no statuses: expected a whole number"
        problems.append(Problem(presence.line, "minutes", text))
        return False
    return True
