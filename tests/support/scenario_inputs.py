"""What people enter in a scenario: files of organisations and attendance, milestones, decisions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import deciding
from records.actor import CLI
from records.attendance import apply_plan as apply_attendance
from records.attendance import plan_attendance
from records.attendance_file import read_attendance
from records.milestone_file import read_milestones
from records.milestones import apply_plan as apply_milestones
from records.milestones import plan_milestones
from records.models import Account, CommunityCourse, Membership, MirrorCourse, Organisation, ProgramRow, Team
from records.organisation_file import read_organisations
from records.organisations import apply_plan as apply_organisations
from records.organisations import plan_organisations
from records.reached import Subject
from tests.support.scenario import Step
from tests.support.scenario_house import ScenarioHouse
from tests.support.scenario_text import as_csv


class Inputs:
    """Files and decisions, in the ways that people bring them in."""

    def __init__(self, house: ScenarioHouse, users: Mapping[str, int]) -> None:
        self.house, self.users = house, users

    def organisations(self, rows: Sequence[dict[str, str]]) -> None:
        if not rows:
            return
        with Session(self.house.engine) as session, session.begin():
            plan = plan_organisations(session, *read_organisations(as_csv(rows)))
            assert plan.problems == []
            apply_organisations(session, plan, actor=CLI, digest="")

    def attendance(self, rows: Sequence[dict[str, str]]) -> None:
        with Session(self.house.engine) as session, session.begin():
            plan = plan_attendance(session, *read_attendance(as_csv(rows)), self.house.now)
            assert plan.problems == []
            apply_attendance(session, plan, actor=CLI, digest="")

    def milestone(self, row: dict[str, str]) -> None:
        with Session(self.house.engine) as session, session.begin():
            plan = plan_milestones(session, *read_milestones(as_csv([row])), self.house.now)
            assert plan.problems == []
            apply_milestones(session, plan, actor=CLI)

    def decide(self, step: Step, moment: datetime) -> None:
        """As staff decide it."""
        by = deciding.By(CLI, "it", step.because, moment)
        with Session(self.house.engine) as session, session.begin():
            for draft in self._drafts(session, step, moment):
                deciding.write(session, draft, by)

    def _drafts(self, session: Session, step: Step, now: datetime) -> Iterator[deciding.Draft]:
        for name, minutes in step.adjust.items():
            member = _membership(session, step.course, self.users[name])
            yield deciding.adjust(session, member, minutes=minutes, component=step.component, now=now)
        if step.transfer:
            user = self.users[step.transfer]
            before, after = (_membership(session, course, user) for course in (step.course, step.to))
            yield deciding.transfer(session, before, after)
        if step.waive:
            yield deciding.waive(session, self._subject(session, step.of), _program(session), step.waive, now=now)
        if step.rationale:
            yield deciding.explain(session, self._subject(session, step.of), _program(session), step.rationale, now=now)

    def _subject(self, session: Session, of: str) -> Subject:
        kind, _, name = of.partition(" ")
        if kind == "program":
            return "program", _program(session)
        if kind == "community":
            return "community", _community(session, name)
        if kind == "organisation":
            return "organisation", session.scalars(select(Organisation.id).where(Organisation.code == name)).one()
        who, _, course = name.partition(" in ")
        if kind == "person":
            return "participant", _membership(session, course, self.users[who])
        found = select(Team.id).where(Team.code == who, Team.community_id == _community(session, course))
        return "team", session.scalars(found).one()


def _membership(session: Session, course: str, user: int) -> UUID:
    """Of a Moodle user in the community of a course."""
    of_user = select(Membership.id).join(Account, Account.person_id == Membership.person_id)
    community = _community(session, course)
    return session.scalars(of_user.where(Membership.community_id == community, Account.moodle_user_id == user)).one()


def _community(session: Session, course: str) -> UUID:
    c, mirrored = CommunityCourse, MirrorCourse
    of_course = select(c.community_id).join(
        mirrored, (mirrored.site_id == c.site_id) & (mirrored.course_id == c.course_id)
    )
    return session.scalars(of_course.where(mirrored.idnumber == course)).one()


def _program(session: Session) -> UUID:
    return session.scalars(select(ProgramRow.id)).one()
