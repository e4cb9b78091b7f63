"""Nothing counts at a session that was cancelled, by whatever way it comes."""

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records.actor import CLI
from records.models import Account, Dispute, FactRow, Presence, SessionRow, uuid7
from records.presences import NewPresence, add
from tests.integration.test_attendance_import import HEADER, cli, place, row, write
from tests.support.attendance_files import work
from tests.support.cli import Cli
from tests.support.community import AMARA, HAO, Place

__all__ = ["cli", "place"]

ZOOM = """Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest
Hao,u12@example.org,01/17/2026 09:00:00 AM,01/17/2026 09:40:00 AM,40,No
"""


def test_nobody_was_at_a_cancelled_session(cli: Cli, place: Place, tmp_path: Path) -> None:
    named = write(tmp_path, f"{row(AMARA, 0)},", f"{row(minutes=60)},Jo", header=f"{HEADER},name")
    assert cli("import", "attendance", named).code == 0
    with Session(place.engine) as session:
        meeting = session.scalars(select(SessionRow.id)).one()
        open_one = session.scalars(select(Presence.id).where(Presence.account_id.is_(None))).one()
    assert cli("session", "cancel", str(meeting), "--reason", "Snow").code == 0
    file, call = write(tmp_path, row(HAO)), tmp_path / "zoom.csv"
    assert "line 2: session: the session was cancelled: restore it first" in cli("import", "attendance", file).out
    call.write_text(ZOOM)
    asked = ("--format", "zoom", "--community", "COP-EBWIESL-BAY", "--session", "F2F-1", "--order", "mdy")
    assert "was cancelled: restore it first" in cli("import", "attendance", str(call), *asked).err
    assert "was cancelled: restore it first" in cli("review", "match", str(open_one), f"moodle:{HAO}").err
    # What comes by a way that knew nothing of it counts nowhere either, and counts as soon as the session is held.
    with Session(place.engine) as session, session.begin():
        hao = session.scalars(select(Account.id).where(Account.moodle_user_id == HAO)).one()
        late = (NewPresence(meeting, hao, Way.ROSTER, 30), NewPresence(meeting, hao, Way.ZOOM, 60))
        add(session, late, by=CLI, correlation_id=uuid7())
    work(place.engine)
    assert place.standing(HAO) == (0, {})
    with Session(place.engine) as session:
        assert session.scalar(select(func.count()).select_from(Dispute)) == 0
        assert session.scalars(select(FactRow.ended).where(FactRow.superseded_at.is_(None))).all() == ["withdrawn"]
    assert cli("session", "restore", str(meeting), "--reason", "It melted").code == 0
    work(place.engine)
    assert place.standing(HAO) == (30, {"face_to_face": 30})
    assert cli("review", "match", str(open_one), f"moodle:{HAO}").code == 0
    assert cli("import", "attendance", str(call), *asked).code == 0
