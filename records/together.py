"""What teams, organisations, communities and programs have reached together: computed when somebody looks.

They are few and nothing is stored of them, so that nothing can be out of date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings import facts
from mappings.conditions import Evidence, Reached
from mappings.credit import credits_of
from mappings.facts import Fact, Member, Nothing
from mappings.outcomes import Asked
from mappings.places import Particulars
from mappings.program import Program, ProgramVersion, version_at
from mappings.standing import DONE_WITHOUT_MINUTES, derived, evidence_of, with_derived
from mappings.together import Composition, Together, stand
from records import answers
from records.answers import Answer, Inputs
from records.decisions import Kind, standing_decisions
from records.members import affiliations
from records.models import Community, Decision, Membership, Organisation, Team
from records.programs import versions_by_program
from records.reached import Subject, reached_by, teams_of
from records.surroundings import surroundings

STANDS = DONE_WITHOUT_MINUTES | {Nothing.NO_RULE}
"""A completion that earns nothing may still be a milestone."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A member with what his or her inputs amount to."""

    inputs: Inputs
    answer: Answer

    @property
    def takes_part(self) -> bool:
        """Whether this is a participant who is there now."""
        return self.answer.role == "participant" and self.answer.status == "active"

    @property
    def was_there(self) -> bool:
        """Whether this is a participant, or was one before leaving."""
        return self.answer.role == "participant"

    @property
    def stands(self) -> list[Fact]:
        """The facts that stand."""
        return [line.fact for line in self.answer.lines if line.fact and line.nothing in STANDS]


@dataclass(frozen=True, slots=True)
class Found:
    """How one subject stands. `code`: the team's, organisation's or program's; empty of others."""

    subject: Subject
    code: str
    together: Together
    reached: tuple[Reached, ...] = ()
    """Its milestones that stand: recorded, or out of completions in Moodle; also those of its teams."""


@dataclass(slots=True)
class Known:
    """Everything about some communities of one program, read once."""

    version: ProgramVersion
    now: datetime
    members: list[Looked] = field(default_factory=list)
    teams: dict[UUID, Team] = field(default_factory=dict)
    in_team: dict[UUID, list[Looked]] = field(default_factory=dict)
    once_in_team: dict[UUID, list[Looked]] = field(default_factory=dict)
    """Also those who have left the team's group."""
    organisations: dict[UUID, facts.Organisation] = field(default_factory=dict)
    communities: dict[UUID, facts.Community] = field(default_factory=dict)
    reached: dict[Subject, list[Reached]] = field(default_factory=dict)
    waived: dict[Subject, dict[str, str]] = field(default_factory=dict)

    @property
    def program(self) -> Program:
        return self.version.program

    def of_team(self, team: UUID) -> list[Reached]:
        """A team's milestones: recorded, and what completions of its participants amount to."""
        there = [member for member in self.in_team.get(team, ()) if member.takes_part]
        gone = [member for member in self.once_in_team.get(team, ()) if member.was_there and member not in there]
        found = derived(self.program, "team", [m.stands for m in there], [m.stands for m in gone])
        return with_derived(self.reached.get(("team", team), ()), found)

    def evidence(self, subject: Subject, members: Iterable[Looked], teams: Iterable[UUID]) -> Evidence:
        """What conditions look at, of a subject with these members and teams."""
        there = [member for member in members if member.was_there]
        active = [member for member in there if member.takes_part]
        own = [evidence_of(m.answer.lines, (), self.program, self.community_of(m)) for m in there]
        meetings = {meeting.item: meeting for evidence in own for meeting in evidence.sessions}
        reached = (
            [r for team in teams for r in self.of_team(team)] if subject[0] != "team" else self.of_team(subject[1])
        )
        if subject[0] != "team":
            gone = [member for member in there if member not in active]
            found = derived(self.program, subject[0], [m.stands for m in active], [m.stands for m in gone])
            reached += with_derived(self.reached.get(subject, ()), found)
        return Evidence(
            tuple(c for m in there for c in credits_of(m.answer.lines)),
            tuple(done for evidence in own for done in evidence.activities),
            tuple(meetings.values()),
            frozenset(item for evidence in own for item in evidence.attended or ()),
            tuple(reached),
        )

    def community_of(self, member: Looked) -> facts.Community:
        return self.communities[member.inputs.community.id]

    def stand(self, subject: Subject, code: str, evidence: Evidence, asked: Asked, composition: Composition) -> Found:
        waived = self.waived.get(subject, {})
        return Found(
            subject,
            code,
            stand(self.program, subject[0], evidence, asked, composition, waived, self.now),
            evidence.milestones,
        )


def of_communities(session: Session, community_ids: Sequence[UUID], now: datetime) -> list[Found]:
    """Communities of one program, their teams, and their active participants as far as guidelines are about them."""
    known = _read(session, community_ids, now)
    if known is None:
        return []
    found = []
    for community_id, community in known.communities.items():
        members = [member for member in known.members if member.inputs.community.id == community_id]
        teams = [team for team in known.teams.values() if team.community_id == community_id]
        found.append(_community(known, community_id, community, members, teams))
        found += [_team(known, team, community) for team in teams]
        found += [_participant(known, member, community) for member in members if member.takes_part]
    return found


def of_program(session: Session, program_id: UUID, now: datetime) -> list[Found]:
    """The organisations that have teams or participants in a program, those above them, and the program itself."""
    ids = session.scalars(select(Community.id).where(Community.program_id == program_id).order_by(Community.id)).all()
    known = _read(session, ids, now)
    if known is None:
        return []
    wanted = {team.organisation_id for team in known.teams.values() if team.organisation_id}
    wanted |= {m.inputs.membership.organisation_id for m in known.members if m.inputs.membership.organisation_id}
    known.organisations |= affiliations(session, _and_above(session, wanted))
    subjects: list[Subject] = [("organisation", o) for o in known.organisations]
    subjects.append(("program", program_id))
    known.reached |= reached_by(session, subjects)
    known.waived |= _waived(session, program_id, subjects)
    by_code = sorted(known.organisations, key=lambda o: known.organisations[o].code)
    whole = known.evidence(("program", program_id), known.members, known.teams)
    composition = Composition(len([m for m in known.members if m.takes_part]))
    held = Evidence(whole.credits, whole.activities, _meetings(known), None, whole.milestones)
    found = [_organisation(known, organisation) for organisation in by_code]
    return [*found, known.stand(("program", program_id), known.program.program, held, Asked(), composition)]


def of_organisations(
    session: Session, program_id: UUID, organisation_ids: Sequence[UUID], now: datetime
) -> list[Found]:
    """Some organisations in a program, as of_program has them; only the communities in which they have teams or people
    are read for it."""
    versions = versions_by_program(session)[program_id]
    ids = _communities_of(session, program_id, organisation_ids)
    known = (_read(session, ids, now) if ids else None) or Known(version_at(versions, now), now)
    subjects: list[Subject] = [("organisation", o) for o in organisation_ids]
    known.organisations |= affiliations(session, organisation_ids)
    known.reached |= reached_by(session, subjects)
    known.waived |= _waived(session, program_id, subjects)
    return [_organisation(known, o) for o in organisation_ids if o in known.organisations]


def _communities_of(session: Session, program_id: UUID, organisation_ids: Sequence[UUID]) -> list[UUID]:
    """The communities of a program in which organisations have teams or people."""
    teams = select(Team.community_id).where(Team.organisation_id.in_(organisation_ids))
    people = select(Membership.community_id).where(Membership.organisation_id.in_(organisation_ids))
    here = Community.id.in_(teams.union(people))
    wanted = select(Community.id).where(Community.program_id == program_id, here).order_by(Community.id)
    return list(session.scalars(wanted))


def of_members(session: Session, membership_ids: Sequence[UUID], now: datetime) -> list[Found]:
    """Participants of one program, each by his or her own milestones, hours and guidelines alone."""
    items = answers.inputs_of(session, membership_ids)
    if not items:
        return []
    known = Known(version_at(items[0].versions, now), now)
    found = []
    for item in items:
        member, community = Looked(item, answers.answer(item, now)), item.surroundings.by(known.version)
        if member.takes_part:
            found.append(_participant(known, member, community))
    return found


def _meetings(known: Known) -> tuple[facts.Meeting, ...]:
    """All sessions of all communities, each once."""
    return tuple({m.item: m for community in known.communities.values() for m in community.meetings}.values())


def _community(
    known: Known, community_id: UUID, community: facts.Community, members: list[Looked], teams: list[Team]
) -> Found:
    subject: Subject = ("community", community_id)
    evidence = known.evidence(subject, members, [team.id for team in teams])
    # Of a community a session counts when it was held, whoever was there.
    held = Evidence(evidence.credits, evidence.activities, community.meetings, None, evidence.milestones)
    organisations = tuple(
        known.organisations.get(team.organisation_id) if team.organisation_id else None for team in teams
    )
    leading = [m for m in members if m.answer.role == "facilitator" and m.answer.status == "active"]
    composition = Composition(
        len([m for m in members if m.takes_part]),
        len(leading),
        teams=organisations,
        particulars=_particulars(known, community),
    )
    return known.stand(subject, "", held, Asked(community=community), composition)


def _particulars(known: Known, community: facts.Community) -> tuple[Particulars, ...]:
    return tuple(known.program.of_community(community.topic, community.region, community.idnumbers))


def _team(known: Known, team: Team, community: facts.Community) -> Found:
    members = known.in_team.get(team.id, [])
    evidence = known.evidence(("team", team.id), members, ())
    active = [member for member in members if member.takes_part]
    organisation = known.organisations.get(team.organisation_id) if team.organisation_id else None
    composition = Composition(len(active), job_roles=tuple(m.inputs.member.job_role for m in active))
    return known.stand(
        ("team", team.id), team.code, evidence, Asked(Member(organisation=organisation), community), composition
    )


def _participant(known: Known, member: Looked, community: facts.Community) -> Found:
    inputs = member.inputs
    evidence = evidence_of(member.answer.lines, tuple(credits_of(member.answer.lines)), known.program, community)
    composition = Composition(particulars=_particulars(known, community))
    subject: Subject = ("participant", inputs.membership.id)
    known.waived.setdefault(subject, dict(inputs.decisions.waived))
    return known.stand(subject, "", evidence, Asked(inputs.member, community), composition)


def _organisation(known: Known, organisation: UUID) -> Found:
    teams = [team.id for team in known.teams.values() if team.organisation_id == organisation]
    found = {m.inputs.membership.id: m for team in teams for m in known.once_in_team.get(team, ())}
    found |= {m.inputs.membership.id: m for m in known.members if m.inputs.membership.organisation_id == organisation}
    members = list(found.values())
    evidence = known.evidence(("organisation", organisation), members, teams)
    here = {known.teams[team].community_id for team in teams} | {m.inputs.community.id for m in members if m.was_there}
    meetings = {m.item: m for community in here for m in known.communities[community].meetings}
    evidence = Evidence(
        evidence.credits, evidence.activities, tuple(meetings.values()), evidence.attended, evidence.milestones
    )
    code = known.organisations[organisation].code
    asked = Asked(Member(organisation=known.organisations[organisation]))
    return known.stand(
        ("organisation", organisation), code, evidence, asked, Composition(len([m for m in members if m.takes_part]))
    )


def _read(session: Session, community_ids: Sequence[UUID], now: datetime) -> Known | None:
    """Everything about communities of one program; None where there is none."""
    around = surroundings(session, community_ids)
    program_id = next((s.row.program_id for s in around.values()), None)
    if program_id is None:
        return None
    known = Known(version_at(versions_by_program(session)[program_id], now), now)
    known.communities = {key: around[key].by(known.version) for key in sorted(around, key=str)}
    ids = session.scalars(
        select(Membership.id)
        .where(Membership.community_id.in_(list(around)), Membership.merged_into.is_(None))
        .order_by(Membership.id)
    ).all()
    for start in range(0, len(ids), answers.AT_ONCE):
        for item in answers.inputs_of(session, ids[start : start + answers.AT_ONCE]):
            known.members.append(Looked(item, answers.answer(item, now)))
    teams = session.scalars(select(Team).where(Team.community_id.in_(list(around))).order_by(Team.code, Team.id))
    known.teams = {team.id: team for team in teams}
    by_id = {member.inputs.membership.id: member for member in known.members}
    for membership, team in teams_of(session, ids):
        known.in_team.setdefault(team, []).append(by_id[membership])
    for membership, team in teams_of(session, ids, ever=True):
        known.once_in_team.setdefault(team, []).append(by_id[membership])
    known.organisations = affiliations(
        session, {team.organisation_id for team in known.teams.values() if team.organisation_id}
    )
    subjects: list[Subject] = [("team", team) for team in known.teams]
    subjects += [("community", community) for community in known.communities]
    known.reached = reached_by(session, subjects)
    known.waived = _waived(session, program_id, subjects)
    return known


def _and_above(session: Session, organisations: set[UUID]) -> set[UUID]:
    """Organisations and all that they belong to."""
    found, front = set(organisations), set(organisations)
    while front:
        parents = session.scalars(select(Organisation.parent_id).where(Organisation.id.in_(front)))
        front = {parent for parent in parents if parent} - found
        found |= front
    return found


def _waived(session: Session, program_id: UUID, subjects: Sequence[Subject]) -> dict[Subject, dict[str, str]]:
    """Requirements waived and deviations explained, of teams, organisations, communities and the program."""
    wanted: dict[tuple[object, object], Subject] = {(s[0], str(s[1])): s for s in subjects}
    rows = session.scalars(
        standing_decisions()
        .where(Decision.kind.in_((str(Kind.WAIVER), str(Kind.RATIONALE))), Decision.program_id == program_id)
        .order_by(Decision.decided_at, Decision.id)
    )
    found: dict[Subject, dict[str, str]] = {}
    for row in rows:
        # One about a participant names the membership instead.
        subject = wanted.get((row.data.get("subject_kind"), row.data.get("subject_id")))
        if subject:
            what = str(row.data.get("requirement") or row.data.get("notice"))
            found.setdefault(subject, {})[what] = str(row.id)
    return found
