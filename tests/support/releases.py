"""A small installation as SQL, at the schema of a revision: what an upgrade has to carry over.

`python -m tests.support.releases` writes the one of the newest revision; do that in the commit that adds
the revision, and never again.
"""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from jobs import reconcile
from records import closings
from records.actor import SYSTEM
from records.database import make_engine
from records.decisions import Kind
from records.memberships import mark_program
from records.migrate import alembic_config, upgrade
from records.models import (
    Account,
    ApiToken,
    AttendanceReport,
    Community,
    ContinuedModule,
    CourseCopy,
    Decision,
    Dispute,
    DriftCount,
    IdempotencyKey,
    Identity,
    IdentityProvider,
    LongJob,
    Mail,
    Membership,
    MilestoneRow,
    MirrorAttendance,
    MirrorModule,
    Nudge,
    NudgeMessage,
    OptOut,
    Organisation,
    Presence,
    ProvisionedCourse,
    ProvisionFile,
    ProvisionPeople,
    ProvisionRun,
    SessionChange,
    SessionRow,
    SharedSession,
    SignIn,
    SignInFailures,
    Site,
    Sweep,
    Team,
    ToldCourse,
    ToldPresence,
    ToldStanding,
    User,
    Welcome,
    uuid7,
)
from service.embedded.placement import wheel_programs
from tests.support import readings
from tests.support.seed import BAY, LA, PROGRAM, START, Seeded, membership, seed
from tests.support.servers import Servers
from tests.support.settings import make_settings

FOLDER = Path(__file__).parents[1] / "fixtures" / "releases"


def revisions() -> list[str]:
    """All revisions, the first one first."""
    scripts = ScriptDirectory.from_config(alembic_config(""))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def dump(url: str) -> str:
    """The rows of a database as INSERT statements, without the revision that it is at."""
    parts = make_url(url).set(drivername="postgresql")
    options = ["--data-only", "--inserts", "--exclude-table=alembic_version", "--no-owner"]
    command = [str(wheel_programs() / "pg_dump"), *options, parts.render_as_string(hide_password=False)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PGTZ": "UTC"}).stdout
    # psql's own commands and pg_dump's settings are no rows; a value may go over several lines.
    dropped = ("\\", "SET ", "SELECT pg_catalog.set_config", "--")
    return "".join(f"{line}\n" for line in text.splitlines() if line and not line.startswith(dropped))


def _together(engine: Engine, seeded: Seeded) -> None:
    """A school team with a milestone, a shared session, an adjustment, and a period that is closed."""
    bay, la = seeded.communities[BAY], seeded.communities[LA]
    with Session(engine) as session, session.begin():
        school = Organisation(id=uuid7(), code="OAK-1", name="Oakland Adult School", kind="school")
        session.add(school)
        session.flush()
        team = Team(
            id=uuid7(), community_id=bay, site_id=seeded.site, group_id=71, code="TEAM-OAK-1", organisation_id=school.id
        )
        session.add(team)
        session.flush()
        program = session.scalars(select(Community.program_id).where(Community.id == bay)).one()
        reached = {"code": "plan", "subject_kind": "team", "subject_id": team.id, "program_id": program}
        evidence = [{"kind": "link", "value": "https://example.org/plan"}]
        by = {"correlation_id": uuid7(), "recorded_by": "cli", "happened_at": START}
        session.add(MilestoneRow(key=f"plan:team:{team.id}::", version=1, evidence=evidence, **reached, **by))
        meeting = session.scalars(select(SessionRow.id).order_by(SessionRow.code).limit(1)).one()
        session.add(SharedSession(session_id=meeting, community_id=la))
        session.add(
            Decision(
                kind=str(Kind.ADJUSTMENT),
                membership_id=membership(engine, seeded, 12),
                actor="cli",
                actor_role="cli",
                reason="The list was lost",
                data={"minutes": 30, "component": "online"},
                decided_at=readings.NOW,
                correlation_id=uuid7(),
            )
        )
        mark_program(session, program)
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    with Session(engine) as session, session.begin():
        first, last = START.date(), START.date() + timedelta(days=20)
        snapshot = closings.begin(session, PROGRAM, first, last, "The first weeks", readings.NOW)
        for _ in closings.fill(session, snapshot, readings.NOW):
            continue
        closings.close(session, snapshot, actor=SYSTEM, role="system", reason="A release", now=readings.NOW)
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)


def _swept(engine: Engine, seeded: Seeded) -> None:
    """A course that was swept, what was found there, a sweep that is under way, and a copy that goes on with it."""
    with Session(engine) as session, session.begin():
        first = session.scalars(select(MirrorModule.module_id).order_by(MirrorModule.module_id).limit(1)).one()
        course = session.scalars(select(MirrorModule.course_id).where(MirrorModule.module_id == first)).one()
        decision = Decision(
            id=uuid7(),
            kind=str(Kind.ADOPTION),
            actor="cli",
            actor_role="cli",
            reason="It goes on next term",
            data={"course": f"{seeded.site}:{course + 500}", "choice": "continuation"},
            decided_at=readings.NOW,
            correlation_id=uuid7(),
        )
        session.add(decision)
        session.flush()
        here = {"site_id": seeded.site, "course_id": course}
        session.add(Sweep(**here, reason="scheduled", status="done", way="core", total=3, done=3, finished_at=START))
        session.add(Sweep(**here, reason="asked", status="running", pending=[6, 7], total=3, done=1, started_at=START))
        session.add(DriftCount(**here, day=START.date(), kind="missed_completion", module_id=first, count=4))
        copied = {"site_id": seeded.site, "course_id": course + 500}
        by = {"original_id": course, "copied_at": START, "status": "continuation", "decision_id": decision.id}
        session.add(CourseCopy(**copied, **by))
        session.add(ContinuedModule(**copied, module_id=first + 500, original_id=first, decision_id=decision.id))


def _told(engine: Engine, seeded: Seeded) -> None:
    """A participant and a course that the plugin was told about."""
    member = membership(engine, seeded, 12)
    with Session(engine) as session, session.begin():
        account = session.scalars(
            select(Account.id).where(Account.site_id == seeded.site, Account.moodle_user_id == 12)
        ).one()
        told = {"course_id": BAY, "digest": "0" * 64}
        session.add(ToldStanding(account_id=account, membership_id=member, as_of=START, **told))
        session.add(ToldCourse(site_id=seeded.site, **told))


def _attended(engine: Engine, seeded: Seeded) -> None:
    """A session in detail, a file that somebody nobody knows is in, a merge, and what Moodle was told."""
    member = membership(engine, seeded, 12)
    with Session(engine) as session, session.begin():
        meeting = session.scalars(select(SessionRow).order_by(SessionRow.code).limit(1)).one()
        meeting.place, meeting.capacity, meeting.required, meeting.series = "Room 4", 40, True, "spring"
        change = {"what": "moved", "before": {"starts_at": START.isoformat()}, "after": {}, "reason": "The room"}
        session.add(SessionChange(session_id=meeting.id, actor="cli", at=START, **change))
        report = AttendanceReport(
            id=uuid7(), community_id=meeting.community_id, format="zoom", name="report.csv", sha256="0" * 64,
            payload=b"Name", status="done", done=2, total=2, actor="cli", finished_at=START,
        )  # fmt: skip
        session.add(report)
        session.flush()
        said = {"session_id": meeting.id, "report_id": report.id, "correlation_id": uuid7(), "recorded_by": "cli"}
        seen = [[START.isoformat(), (START + timedelta(hours=2)).isoformat()]]
        account = session.scalars(
            select(Account.id).where(Account.site_id == seeded.site, Account.moodle_user_id == 12)
        ).one()
        who = {"name": "Somebody Else", "email": "else@example.org"}
        session.add(Presence(**said, way="zoom", report_line=2, intervals=seen, who=who, folded_at=START))
        session.add(
            Presence(
                **said, way="zoom", report_line=3, account_id=account, minutes=120, mode="virtual", withdrawn_at=START
            )
        )
        told = {"session_id": meeting.id, "account_id": account, "present": True, "outcome": "written"}
        session.add(ToldPresence(module_id=BAY * 100 + 3, facts="0" * 32, told_at=START, **told))
        session.get_one(Site, seeded.site).own_users = [2]
        session.add(Dispute(session_id=meeting.id, account_id=account))
        session.add(MirrorAttendance(site_id=seeded.site, module_id=BAY * 100 + 3, as_of=START))
        mine = session.get_one(Membership, member)
        here = select(Membership).where(Membership.community_id == mine.community_id, Membership.id != member)
        session.scalars(here.order_by(Membership.id).limit(1)).one().merged_into = member


def _stated(engine: Engine, seeded: Seeded) -> None:
    """Hours in two activities' forms in Moodle: they wait for staff."""
    with Session(engine) as session:
        form = MirrorModule.site_id == seeded.site
        modules = session.scalars(select(MirrorModule).where(form).order_by(MirrorModule.module_id).limit(2)).all()
    readings.take_in(
        engine,
        seeded.site,
        [
            readings.module(
                module.module_id,
                module.course_id,
                module.idnumber,
                kind=module.modname,
                name=module.name,
                section=module.section_name,
                at=readings.NOW,
                stated=(75, "online"),
            )
            for module in modules
        ],
    )


def _in_the_console(engine: Engine, seeded: Seeded) -> None:
    """Somebody who signs in by a password, by a district and by a token, mail, a nudge, and work that is under way."""
    member = membership(engine, seeded, 12)
    with Session(engine) as session, session.begin():
        user, provider, token, nudge = uuid7(), uuid7(), uuid7(), uuid7()
        session.add(User(id=user, email="robin@example.org", name="Robin", language="es"))
        session.add(
            IdentityProvider(id=provider, code="county", name="County", issuer="https://id.example", client_id="cop")
        )
        session.add(SignInFailures(key_hash="1" * 64, failures=3, last_at=START))
        session.flush()
        session.add(SignIn(token_hash="2" * 64, former_hash="3" * 64, user_id=user, expires_at=START))
        session.add(Identity(provider_id=provider, subject="robin", user_id=user))
        session.add(ApiToken(id=token, user_id=user, name="A", token_hash="4" * 64, scopes=["read"], expires_at=START))
        session.add(Mail(user_id=user, kind="reset", content=b"encrypted"))
        session.add(LongJob(kind="close_period", asked={}, actor="cli", actor_role="it", scope={}))
        words = {"template": "behind", "subject": "Hours", "body": "Hello"}
        session.add(Nudge(id=nudge, channel="mail", asked={}, actor="cli", due_at=START, **words))
        session.flush()
        session.add(IdempotencyKey(token_id=token, key="once", request_hash="5" * 64, status=201, answer=b"{}"))
        session.add(NudgeMessage(nudge_id=nudge, membership_id=member))
        session.add(OptOut(person_id=session.get_one(Membership, member).person_id, actor="participant"))


def _provisioned(engine: Engine, seeded: Seeded) -> None:
    """A provision file that was applied once, with a course that stopped on the way."""
    with Session(engine) as session, session.begin():
        saved = {"code": "fall", "number": 1, "text": "provision: fall", "sha256": "6" * 64, "actor": "cli"}
        file = ProvisionFile(id=uuid7(), site_id=seeded.site, **saved)
        session.add(file)
        session.add(ProvisionPeople(code="fall", name="people.csv", content=b"encrypted", actor="cli"))
        session.flush()
        session.add(ProvisionRun(file_id=file.id, actor="cli", reads=4, writes=2, result={"made": 1}))
        course = {"code": "fall", "key": "EBWIESL/BAY", "site_id": seeded.site, "course_id": 900}
        content: dict[str, object] = {"attributes": {}, "groups": [], "sections": [], "activities": []}
        session.add(
            ProvisionedCourse(
                **course, stage="verified", shortname="EBWI", asked_at=START, content=content, fault="no_person"
            )
        )
        session.add(Welcome(site_id=seeded.site, course_id=900, moodle_user_id=12, outcome="sent"))


def main() -> None:
    servers = Servers()
    servers.start()
    try:
        database = servers.create("copbridge_release")
        upgrade(make_settings(database, servers.redis_url))
        engine = make_engine(database.url)
        seeded = seed(engine)
        _together(engine, seeded)
        _swept(engine, seeded)
        _told(engine, seeded)
        _attended(engine, seeded)
        _stated(engine, seeded)
        _in_the_console(engine, seeded)
        _provisioned(engine, seeded)
        engine.dispose()
        target = FOLDER / f"{revisions()[-1]}.sql"
        FOLDER.mkdir(exist_ok=True)
        target.write_text(dump(database.admin_url))
        sys.stdout.write(f"{target.name}: {target.stat().st_size} bytes\n")
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
