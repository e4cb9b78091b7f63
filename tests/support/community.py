"""A community to test with: one site, the shipped program, one course with activities, people and a facilitator."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import mappings
from records import sites
from records.actor import CLI
from records.models import Account, Community, Membership, StandingRow
from records.program_loading import load_version
from tests.support.readings import EDITING_TEACHER, account, course, enrolment, module, take_in

PROGRAM = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"
COURSE = 2
ACTION_PLAN, SESSION_ACTIVITY, QUIZ = 31, 32, 33
"""Course modules: 90 and 60 minutes online, and one of 240 that stands for a face-to-face session."""
AMARA, HAO, FACILITATOR, WALK_IN = 11, 12, 5, 40


@dataclass(frozen=True)
class Place:
    """What was made."""

    engine: Engine
    site_id: UUID
    community_id: UUID

    def standing(self, user: int) -> tuple[int, dict[str, int]]:
        """The minutes of a Moodle user: in all, and by component."""
        with Session(self.engine) as session:
            row = session.execute(
                select(StandingRow.minutes, StandingRow.by_component)
                .join(Membership, Membership.id == StandingRow.membership_id)
                .join(Account, Account.person_id == Membership.person_id)
                .where(Account.site_id == self.site_id, Account.moodle_user_id == user)
            ).one()
        return row.minutes, row.by_component


def make_place(engine: Engine) -> Place:
    """Two participants with the idnumbers E0001 and E0002, a facilitator, and an account without enrolment."""
    with Session(engine) as session, session.begin():
        site_id = sites.add_site(session, "moodle", "Moodle", "https://moodle.example.org", actor=CLI).id
        load_version(session, PROGRAM.read_text(encoding="utf-8"), PROGRAM.name, actor=CLI, reason="A test")
    take_in(
        engine,
        site_id,
        [
            course(COURSE, "COP-EBWIESL-BAY"),
            module(ACTION_PLAN, COURSE, "ACT-10", kind="assign", name="Action plan"),
            module(SESSION_ACTIVITY, COURSE, "F2F-1", name="Session 1"),
            module(QUIZ, COURSE, "ACT-06", kind="quiz", name="Check your knowledge"),
            account(AMARA, "E0001"),
            account(HAO, "E0002"),
            account(FACILITATOR, "F0001"),
            account(WALK_IN, "E0040"),
            enrolment(AMARA, COURSE),
            enrolment(HAO, COURSE),
            enrolment(FACILITATOR, COURSE, EDITING_TEACHER),
        ],
    )
    with Session(engine) as session:
        community_id = session.scalars(select(Community.id)).one()
    return Place(engine, site_id, community_id)
