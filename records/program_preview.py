"""What a program file would change, before it is applied: who gains or loses how many minutes, whose standing moves.

Nothing is written and nothing is locked: the very functions that reconcile the ledger are asked twice,
with and without the file.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from mappings.attending import Said
from mappings.facts import Activity, Fact
from mappings.loading import parse_program
from mappings.program import Program, ProgramVersion, version_at
from mappings.standing import Status
from records import answers, presences
from records.answers import Answer, Inputs
from records.bindings import as_form
from records.keys import among
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    Membership,
    MirrorModule,
    Presence,
    ProgramRow,
    ProgramVersionRow,
    uuid7,
)
from records.module_forms import Versions, activity_of, counting_form, decided_form, declared_hours
from records.program_loading import judged_otherwise
from records.programs import digest_of, versions_by_program
from records.surroundings import Surroundings, item_of


@dataclass(frozen=True, slots=True)
class Moved:
    """A membership that a file would change. Whole minutes over all; standings by name."""

    membership_id: UUID
    before: int
    after: int
    status_before: Status
    status_after: Status


@dataclass(slots=True)
class Preview:
    """What a file would change, as far as it was looked at."""

    program: str
    known: bool
    """Whether the program was loaded before."""
    same: bool
    """This very text is a version already."""
    memberships: int = 0
    looked_at: int = 0
    moved: list[Moved] = field(default_factory=list)
    net_before: int = 0
    net_after: int = 0
    """All credited minutes of the program, as they are and as they would be."""
    nets: dict[UUID, int] = field(default_factory=dict)
    """Of each membership, as they would be."""

    @property
    def gains(self) -> list[Moved]:
        return [moved for moved in self.moved if moved.after > moved.before]

    @property
    def loses(self) -> list[Moved]:
        return [moved for moved in self.moved if moved.after < moved.before]

    @property
    def turns(self) -> Counter[tuple[Status, Status]]:
        """How many memberships would turn from which standing to which."""
        turned = ((m.status_before, m.status_after) for m in self.moved if m.status_before != m.status_after)
        return Counter(turned)


@dataclass(frozen=True, slots=True)
class _Then:
    """The program as it would be."""

    versions: tuple[ProgramVersion, ...]
    forms: dict[str, Activity]
    """The form of each activity that would count, by item."""
    stands: dict[str, Said]
    """What would stand of an attendance that is judged by other rules then, by the fact's key; its mode is given."""


def preview(engine: Engine, source: str, name: str, now: datetime) -> Iterator[Preview]:
    """Look at a file chunk by chunk; the same object is yielded each time, for progress. Raises ProgramError."""
    program = parse_program(source, name)
    with Session(engine) as session:
        # One snapshot, so that what goes on meanwhile is no difference.
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        program_id = session.scalar(select(ProgramRow.id).where(ProgramRow.code == program.program))
        found = Preview(program.program, program_id is not None, same=False)
        if program_id is None:
            yield found
            return
        found.same = digest_of(source) in digests(session, program_id)
        members = select(Membership.id).join(Community).where(Community.program_id == program_id)
        found.memberships = session.scalar(select(func.count()).select_from(members.subquery())) or 0
        then = _then(session, program_id, program)
        last: answers.Place | None = None
        while True:
            places = answers.page(session, members, last)
            if not places:
                break
            last = places[-1]
            _compare(session, [membership for _, membership in places], then, found, now)
            session.expunge_all()
            yield found
        if not found.memberships:
            yield found


def digests(session: Session, program_id: UUID) -> set[str]:
    """The hashes of the texts that were loaded for a program."""
    return set(session.scalars(select(ProgramVersionRow.sha256).where(ProgramVersionRow.program_id == program_id)))


def _compare(session: Session, ids: Sequence[UUID], then: _Then, found: Preview, now: datetime) -> None:
    around: dict[UUID, Surroundings] = {}
    for item in answers.inputs_of(session, ids):
        community = item.community.id
        if community not in around:
            around[community] = _surroundings(item.surroundings, then)
        was, would = answers.answer(item, now), answers.answer(_as_if(item, then, around[community]), now)
        found.looked_at += 1
        net, new = _net(was), _net(would)
        found.net_before += net
        found.net_after += new
        found.nets[item.membership.id] = new
        moved = Moved(item.membership.id, net, new, was.standing.status, would.standing.status)
        if net != new or moved.status_before != moved.status_after:
            found.moved.append(moved)


def _net(answer: Answer) -> int:
    return sum(line.credit.minutes for line in answer.lines if line.credit)


def _as_if(item: Inputs, then: _Then, around: Surroundings) -> Inputs:
    """The inputs as they would be with the file."""
    facts = [_fact_as_if(fact, then) for fact in item.facts]
    return replace(item, versions=then.versions, facts=facts, surroundings=around)


def _fact_as_if(fact: Fact, then: _Then) -> Fact:
    if fact.activity and fact.item in then.forms:
        return as_form(fact, then.forms[fact.item])
    said = then.stands.get(fact.key)
    if said is None or fact.session is None:
        return fact
    meeting = replace(fact.session, mode=said.mode or fact.session.mode)
    return replace(fact, minutes=said.minutes, presence=said.status, session=meeting)


def _surroundings(now: Surroundings, then: _Then) -> Surroundings:
    stands_for = {item: session for item, _, session in now.activities}
    activities = [(item, then.forms[item], stands_for.get(item)) for item in sorted(now.items) if item in then.forms]
    return Surroundings(now.row, now.courses, now.meetings, activities, now.items)


def _then(session: Session, program_id: UUID, program: Program) -> _Then:
    """The versions with the file among them, and the form of each activity that would count."""
    versions = versions_by_program(session)[program_id]
    version = ProgramVersion(id=str(uuid7()), number=versions[-1].number + 1, program=program)
    together = (*versions, version)
    c, m = CommunityCourse, MirrorModule
    modules = session.execute(
        select(m.site_id, m.module_id)
        .join(c, (c.site_id == m.site_id) & (c.course_id == m.course_id))
        .join(Community, Community.id == c.community_id)
        .where(Community.program_id == program_id)
        .distinct()
    ).all()
    forms = _forms(session, [(site, module) for site, module in modules], [together])
    judged = judged_otherwise(session, program_id, versions, together)
    return _Then(together, forms, _standing(session, judged, together))


def _standing(session: Session, session_ids: Sequence[UUID], versions: tuple[ProgramVersion, ...]) -> dict[str, Said]:
    """What would stand of who was at sessions, by the fact's key."""
    p = Presence
    wanted = select(p.session_id, p.account_id).where(among(p.session_id, session_ids), p.withdrawn_at.is_(None))
    keys = [(meeting, account) for meeting, account in session.execute(wanted.distinct()) if account]
    meetings = presences.held(session, session_ids)
    found = {}
    for (meeting, account), said in presences.stated(session, keys).items():
        row = meetings[meeting].row
        verdict = replace(meetings[meeting], program=version_at(versions, row.starts_at).program).judged(said)
        if verdict:
            stands = replace(verdict.stands, mode=verdict.stands.mode or row.mode)
            found[presences.attendance_key(meeting, account)] = stands
    return found


def _forms(session: Session, keys: list[tuple[UUID, int]], programs: Versions) -> dict[str, Activity]:
    rows = session.scalars(
        select(Binding)
        .where(among((Binding.site_id, Binding.module_id), keys))
        .order_by(Binding.site_id, Binding.module_id, Binding.basis_as_of, Binding.form)
    )
    by_module: dict[tuple[UUID, int], list[Binding]] = {}
    for row in rows:
        by_module.setdefault((row.site_id, row.module_id), []).append(row)
    found = {}
    declared = declared_hours(session, by_module)
    for key, forms in by_module.items():
        decided = decided_form(session, key) if any(form.decision_id for form in forms) else None
        counts = counting_form(forms, decided, programs, declared.get(key))
        if counts:
            found[item_of(*key)] = replace(activity_of(counts), declared=declared.get(key))
    return found
