"""What the words of a file of milestones stand for: programs, subjects, sessions. Exact keys only."""

import re
from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.earning import Milestone
from mappings.program import Program, ProgramVersion, version_at
from records.attendance_file import MAX_MOODLE_ID
from records.attendance_lookup import Lookup, Unknown
from records.keys import among
from records.milestone_file import MilestoneLine
from records.models import Community, Organisation, ProgramRow, SessionRow, SharedSession, Team
from records.programs import newest, versions_by_program
from records.reached import Subject

SHOWN = 12
"""So many codes are named where one is unknown."""
EXPECTED = {
    "participant": "the participant's Moodle user id or idnumber",
    "team": "the team's idnumber",
    "organisation": "the organisation's code",
    "community": "the idnumber of the community's course, or the community's id",
}


class MilestoneLookup:
    """Everything that the lines can name, read once."""

    def __init__(self, session: Session, rows: Sequence[MilestoneLine]) -> None:
        people = {row.subject for row in rows if row.subject}
        self._names = Lookup(
            session,
            {row.site for row in rows if row.site},
            users={number for text in people if (number := _number(text)) is not None},
            idnumbers=people | {text.removeprefix("idnumber:") for text in people},
        )
        versions = versions_by_program(session)
        programs = session.execute(select(ProgramRow.code, ProgramRow.id)).all()
        self._programs = {code: (program_id, versions[program_id]) for code, program_id in programs}
        codes = select(Organisation.code, Organisation.id).where(among(Organisation.code, people))
        self._organisations = {code: organisation for code, organisation in session.execute(codes)}  # noqa: C416
        self._teams: dict[tuple[UUID, str], list[UUID]] = {}
        for community, code, team in session.execute(select(Team.community_id, Team.code, Team.id)):
            self._teams.setdefault((community, code), []).append(team)
        self._read_sessions(session, {row.session for row in rows if row.session})

    def _read_sessions(self, session: Session, codes: set[str]) -> None:
        """Sessions by community and code; one that is shared stands in each of its communities."""
        s, shared = SessionRow, SharedSession
        rows = session.scalars(select(s).where(among(s.code, codes)).execution_options(populate_existing=True)).all()
        self._sessions: dict[tuple[UUID, str], list[SessionRow]] = {}
        by_id = {row.id: row for row in rows}
        places = [(row.community_id, row.id) for row in rows]
        of = select(shared.community_id, shared.session_id).where(among(shared.session_id, by_id))
        places += [(community, session_id) for community, session_id in session.execute(of)]
        for community, session_id in places:
            self._sessions.setdefault((community, by_id[session_id].code), []).append(by_id[session_id])
        owners = select(Community.id, Community.program_id)
        self._program_of = {community: program for community, program in session.execute(owners)}  # noqa: C416

    def program(self, row: MilestoneLine) -> tuple[UUID, tuple[ProgramVersion, ...]]:
        """A program's id and versions, by its code."""
        if row.program not in self._programs:
            raise Unknown("program", f"there is no program '{row.program}'")
        return self._programs[row.program]

    def milestone(self, row: MilestoneLine, versions: tuple[ProgramVersion, ...]) -> tuple[Program, Milestone]:
        """A milestone as the version in force on the line's day has it, else the last one that knows it."""
        candidates = [version.program for version in reversed(versions)]
        if row.day:
            noon = datetime.combine(row.day, time(12), newest(versions).zone)
            candidates.insert(0, version_at(versions, noon).program)
        for program in candidates:
            if row.milestone in program.milestones_by_name:
                return program, program.milestones_by_name[row.milestone]
        known = list(candidates[0].milestones_by_name)
        said = ", ".join(known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
        expected = f"expected one of {said}" if known else "it names none"
        raise Unknown("milestone", f"the program {row.program} has no milestone '{row.milestone}': {expected}")

    def community(self, row: MilestoneLine, program_id: UUID) -> Community | None:
        """The community that the line names; None where it names none."""
        return self._community(row, row.community, "community", program_id) if row.community else None

    def subject(
        self, row: MilestoneLine, of: str, program_id: UUID, community: Community | None
    ) -> tuple[Subject, Community | None]:
        """Who or what achieved a milestone of this kind, and the community that this was in."""
        if of == "program":
            if row.subject not in ("", row.program):
                raise Unknown("subject", f"is '{row.subject}', and the milestone is the program's: expected nothing")
            return ("program", program_id), community
        if not row.subject:
            raise Unknown("subject", f"is empty: expected {EXPECTED[of]}")
        if of == "organisation":
            if row.subject not in self._organisations:
                raise Unknown("subject", f"no organisation of the code '{row.subject}' is recorded")
            return ("organisation", self._organisations[row.subject]), community
        if of == "community":
            found = self._community(row, row.subject, "subject", program_id)
            if community not in (None, found):
                raise Unknown("community", "is another one than the subject: expected nothing")
            return ("community", found.id), found
        if community is None:
            raise Unknown(
                "community", f"is empty: expected the community of the {of}, by a course's idnumber or its id"
            )
        if of == "team":
            return ("team", self._team(row, community)), community
        return ("participant", self._participant(row, community)), community

    def session(self, row: MilestoneLine, kind: str, program_id: UUID, community: Community | None) -> SessionRow:
        """The session of a kind that a milestone follows."""
        if community:
            found = self._sessions.get((community.id, row.session), [])
        else:
            every = [s for (_, code), held in self._sessions.items() if code == row.session for s in held]
            found = list({s.id: s for s in every if self._program_of[s.community_id] == program_id}.values())
        if not found:
            where = "in the community" if community else "in the program"
            raise Unknown("session", f"there is no session '{row.session}' {where}: attendance makes it known")
        if len(found) > 1:
            raise Unknown(
                "session", f"{len(found)} communities have a session '{row.session}': say which one in 'community'"
            )
        if found[0].kind != kind:
            is_one = f"is a '{found[0].kind}'" if found[0].kind else "has no kind"
            raise Unknown("session", f"the session '{row.session}' {is_one}, and the milestone follows a '{kind}'")
        return found[0]

    def _community(self, row: MilestoneLine, name: str, column: str, program_id: UUID) -> Community:
        site_id = self._names.site(row.site) if row.site else None
        if site_id is None and not _is_id(name):
            raise Unknown("site", f"is empty: expected the site on which '{name}' is a course's idnumber")
        community = self._names.community(site_id, name, column)
        if community.program_id != program_id:
            raise Unknown(column, f"'{name}' is a community of another program than {row.program}")
        return community

    def _team(self, row: MilestoneLine, community: Community) -> UUID:
        found = self._teams.get((community.id, row.subject), [])
        if len(found) != 1:
            many = f"{len(found)} teams have" if found else "no team has"
            raise Unknown("subject", f"{many} the idnumber '{row.subject}' in the community")
        return found[0]

    def _participant(self, row: MilestoneLine, community: Community) -> UUID:
        """The membership of an account's person."""
        if not row.site:
            raise Unknown("site", "is empty: expected the site of the participant's account")
        site_id = self._names.site(row.site)
        number = _number(row.subject)
        idnumber = "" if row.subject.startswith("user:") else row.subject.removeprefix("idnumber:")
        found = self._names.accounts(site_id, number, idnumber)
        if len(found) > 1:
            expected = "expected the Moodle user id, as in user:11" + (", or idnumber:11" if number is not None else "")
            raise Unknown(
                "subject", f"{len(found)} accounts have the Moodle id or idnumber '{row.subject}': {expected}"
            )
        if not found:
            raise Unknown("subject", f"no account on that site has the Moodle user id or idnumber '{row.subject}'")
        membership = self._names.membership(community.id, found[0].person_id)
        if membership is None:
            raise Unknown("subject", f"'{row.subject}' is no member of the community")
        return membership


def _number(text: str) -> int | None:
    """The Moodle user id that a text may stand for."""
    digits = text.removeprefix("user:")
    number = int(digits) if re.fullmatch(r"\d{1,19}", digits, re.ASCII) else 0
    return number if 0 < number <= MAX_MOODLE_ID else None


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
