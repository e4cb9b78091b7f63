"""The pages of files of attendance: upload, look, take in, undo, exports; and whose they are."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, queue
from records.actor import Grant, Role, Scope
from records.models import Account, AttendanceReport, AuditEntry, Presence, SessionRow
from records.settings import Settings
from tests.support import attendance_files, seed
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application

LIST = """E-mail address,Full name,Session code,Date,Start time,Held,Duration
{mail},Amara Okafor,S-9,2026-03-14,09:00,face-to-face,120
nobody@example.org,=cmd|'/C calc'!A0,S-9,2026-03-14,09:00,face-to-face,60
,Jo,S-9,2026-03-14,09:00,face-to-face,lots
"""


@pytest.fixture
def app(settings: Settings, seeded: Seeded) -> Iterator[Flask]:
    assert seeded
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine, seeded: Seeded) -> FlaskClient:
    # No `with`: several clients in one test would share what Flask keeps for a request.
    made = app.test_client()
    bay = Grant(Role.FACILITATOR, Scope.COMMUNITY, str(seeded.communities[BAY]))
    seed.sign_in(made, engine, [bay])
    return made


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def post(client: FlaskClient, page: str, address: str, **fields: object) -> tuple[int, str, str]:
    """Send a form of a page: (status, location, body)."""
    data = {"csrf_token": token(client.get(page).text), **fields}
    answer = client.post(address, data=data, content_type="multipart/form-data")
    return answer.status_code, answer.headers.get("Location", ""), answer.text


def upload(client: FlaskClient, community: UUID, data: bytes, name: str = "list.csv") -> tuple[int, str, str]:
    page = f"/communities/{community}/attendance/import"
    return post(client, page, page, file=(io.BytesIO(data), name))


def email_of(engine: Engine, user: int) -> str:
    with Session(engine) as session:
        return session.scalars(select(Account.email).where(Account.moodle_user_id == user)).one()


def test_from_the_upload_to_the_hours_and_back(
    client: FlaskClient, engine: Engine, seeded: Seeded, redis: Redis
) -> None:
    before = attendance_files.net(engine)
    text = LIST.format(mail=email_of(engine, 11).upper())
    status, address, _ = upload(client, seeded.communities[BAY], text.encode())
    assert status == 303
    page = client.get(address).text
    # `Held` is nobody's column: it is asked.
    assert "How is the file to be read?" in page
    assert "Amara Okafor" in page
    fields = {
        f"column-{n}": ours for n, ours in enumerate(("email", "name", "session", "date", "start", "", "minutes"))
    }
    status, _, body = post(client, address, f"{address}/look", **fields)
    assert status == 400
    assert "Nothing says yet: Held as." in body
    status, _, _ = post(client, address, f"{address}/look", **(fields | {"column-5": "mode"}))
    assert status == 303
    assert queue(redis, QueueName.ATTENDANCE).count == 1
    assert "Waiting for a worker" in client.get(address).text
    assert "HX-Refresh" not in client.get(f"{address}/live").headers
    attendance_files.work(engine)
    assert client.get(f"{address}/live").headers["HX-Refresh"] == "true"
    page = client.get(address).text
    assert "Take in without the wrong rows" in page
    assert "expected a whole number from 0 to 1440" in page
    assert "review queue, where staff say who this is" in page
    rows = client.get(f"{address}/rows.csv").text
    assert '"nobody@example.org' not in rows
    assert "Amara Okafor" in rows
    assert "lots" in rows
    assert attendance_files.net(engine) == before
    status, _, _ = post(client, address, f"{address}/take")
    assert status == 303
    attendance_files.work(engine)
    assert sum(attendance_files.net(engine).values()) == sum(before.values()) + 120
    assert "Undo this import" in client.get(address).text
    # The very same file leads to what it was, and changes nothing.
    status, again, _ = upload(client, seeded.communities[BAY], text.encode(), "other name.csv")
    assert (status, again) == (303, address)
    assert "uploaded before" in client.get(again).text
    history = client.get(f"/communities/{seeded.communities[BAY]}/attendance/reports").text
    assert history.count("list.csv") == 1
    assert "Taken in" in history
    assert post(client, address, f"{address}/undo")[0] == 303
    attendance_files.work(engine)
    assert attendance_files.net(engine) == before
    assert "nothing that this file said counts" in client.get(address).text
    assert post(client, address, f"{address}/undo")[0] in (400, 409)
    with Session(engine) as session:
        audit = str([(row.action, row.before, row.after) for row in session.scalars(select(AuditEntry))])
    assert "attendance.undo" in audit
    assert "list.csv" not in audit
    assert "nobody@" not in audit


def test_a_file_for_one_session_needs_people_and_minutes_only(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    with Session(engine) as session:
        meeting = session.scalars(select(SessionRow).where(SessionRow.code == "S1")).first()
        meeting = meeting or session.scalars(select(SessionRow)).first()
        assert meeting
    page = f"/communities/{meeting.community_id}/attendance/import?session={meeting.id}"
    data = b"Student ID,Minutes\nE0014,75\n"
    status, address, body = post(client, page, page, file=(io.BytesIO(data), "a.csv"))
    assert status == 303, body
    attendance_files.work(engine)
    body = client.get(address).text
    assert "What taking it in would do" in body
    assert "Priya Raman" in body
    # Nothing of another community, and no other community's session, by this way.
    header = "Student ID,Minutes,Community,Session,Date,Start,Mode,Site"
    other = f"{header}\nE0031,75,COP-EBWIESL-LA,X,2026-03-01,09:00,virtual,calpro\n"
    _, address, _ = upload(client, meeting.community_id, other.encode())
    attendance_files.work(engine)
    body = client.get(address).text
    assert "is not the community in which the file was uploaded" in body
    # How each was at a hybrid session, as people write it.
    hybrid = "Student ID,Minutes,Session,Date,Start,Mode,Attended As\nE0014,75,HY,2026-03-01,9:00,Hybrid,Face-to-face\n"
    _, address, _ = upload(client, meeting.community_id, hybrid.encode())
    attendance_files.work(engine)
    assert "75 face-to-face" in client.get(address).text
    assert "75 face-to-face" in client.get(f"{address}/rows.csv").text
    assert seeded.communities[LA] != meeting.community_id


def test_what_lies_elsewhere_is_not_there(client: FlaskClient, app: Flask, engine: Engine, seeded: Seeded) -> None:
    _, address, _ = upload(client, seeded.communities[BAY], b"Student ID,Minutes\nE0014,75\n")
    la = seeded.communities[LA]
    assert client.get(f"/communities/{la}/attendance/import").status_code == 404
    report = address.rsplit("/", 1)[1]
    other = app.test_client()
    seed.sign_in(other, engine, [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(la))], "la@example.org")
    for path in (address, f"{address}/live", f"{address}/rows.csv", f"/communities/{la}/attendance/reports/{report}"):
        assert other.get(path).status_code == 404, path
    page = f"/communities/{la}/attendance/import"
    for act in ("look", "take", "undo"):
        assert post(other, page, f"{address}/{act}")[0] == 404


def test_files_that_cannot_be_used_say_why(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    bay = seeded.communities[BAY]
    for data, says in (
        (b"", "The file is empty."),
        (b"%PDF-1.4", "a PDF"),
        (b"PK\x03\x04rest", ""),
        (b"A,A\n1,2\n", "twice"),
    ):
        status, _, body = upload(client, bay, data)
        assert status == 400, (data, body)
        assert says in body, (data, body)
    address, form = f"/communities/{bay}/attendance/import", "multipart/form-data; boundary=x"
    status, _, body = post(client, address, address)
    assert (status, "Choose a file first." in body) == (400, True)
    too_large = client.post(address, data=b"x" * 20_200_000, content_type=form)
    assert too_large.status_code == 413
    assert "20 MB" in too_large.text
    assert f'href="{address}"' in too_large.text
    with Session(engine) as session:
        assert session.scalars(select(AttendanceReport)).all() == []


def test_exports_hold_text_and_nothing_that_runs(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        account = session.scalars(select(Account).where(Account.moodle_user_id == 11)).one()
        account.firstname = '=HYPERLINK("http://evil.example")'
        meeting = session.scalars(select(SessionRow).order_by(SessionRow.code)).first()
        assert meeting
        session_id = meeting.id
    community = client.get(f"/communities/{seeded.communities[BAY]}/attendance.csv")
    assert community.status_code == 200
    assert community.text.startswith("\ufeffPerson,")
    assert "'=HYPERLINK" in community.text
    assert "\n=HYPERLINK" not in community.text
    with client.get(f"/sessions/{session_id}/attendance.xlsx") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert any(str(cell.value).startswith("'=HYPERLINK") for cell in cells)
    lines = client.get(f"/sessions/{session_id}/attendance.csv").text.splitlines()
    assert len(lines) == sheet.max_row
    assert client.get(f"/communities/{seeded.communities[LA]}/attendance.csv").status_code == 404


ZOOM = """Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest
Amara Okafor,{mail},01/12/2026 10:00:00 AM,01/12/2026 11:00:00 AM,60,No
Somebody Else,,01/12/2026 10:00:00 AM,01/12/2026 11:00:00 AM,60,Yes
"""


def test_a_zoom_report_asks_what_it_does_not_say(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    bay = seeded.communities[BAY]
    with Session(engine) as session:
        wanted = select(SessionRow.id).where(SessionRow.community_id == bay).order_by(SessionRow.starts_at)
        meeting = session.scalars(wanted).first()
    status, address, body = upload(client, bay, ZOOM.format(mail=email_of(engine, 11)).encode(), "zoom.csv")
    assert status == 303, body
    page = client.get(address).text
    assert "a Zoom report" in page
    assert "What does 03/04 mean in this report?" in page
    fields = {"session": str(meeting), "zone": "Pacific", "order": "mdy"}
    status, _, body = post(client, address, f"{address}/look", **fields)
    assert (status, "is no time zone" in body) == (400, True)
    status, _, body = post(client, address, f"{address}/look", **(fields | {"zone": "America/Los_Angeles"}))
    assert status == 303, body
    attendance_files.work(engine)
    page = client.get(address).text
    assert "Amara Okafor" in page
    assert "Somebody Else" in page
    # Another day than the session's: somebody has to say that it is right.
    assert "Meeting: Jan 12, 2026, 10:00 AM to 11:00 AM PST · Session: Face-to-face session 1, " in page
    assert "lie in the session" in page
    status, _, body = post(client, address, f"{address}/take")
    assert (status, 'role="alert">The meeting' in body) == (409, True)
    assert post(client, address, f"{address}/take", all_the_same="on")[0] == 303
    attendance_files.work(engine)
    assert "Undo this import" in client.get(address).text
    assert post(client, address, f"{address}/undo")[0] == 303


def zoom_of(meeting: SessionRow, mail: str, name: str, zone: str = "") -> bytes:
    """A report of the session itself, its times as clocks show them there."""
    since = meeting.starts_at.astimezone(ZoneInfo(meeting.timezone))
    times = ",".join(f"{when:%m/%d/%Y %I:%M:%S %p}" for when in (since, since + timedelta(hours=1)))
    head = f"Name (Original Name),User Email,Join Time{zone},Leave Time{zone},Duration (Minutes),Guest"
    return f"{head}\n{name},{mail},{times},60,No\n".encode()


def first_session(engine: Engine, **changed: object) -> SessionRow:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        meeting = session.scalars(select(SessionRow).order_by(SessionRow.starts_at).limit(1)).one()
        for name, value in changed.items():
            setattr(meeting, name, value)
    return meeting


def test_a_meeting_is_proposed_a_session_and_a_zone_and_nothing_is_looked_at_unasked(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    meeting = first_session(engine)
    data = zoom_of(meeting, email_of(engine, 11), "Kitchen Tablet")
    page = f"/communities/{meeting.community_id}/attendance/import?session={meeting.id}"
    status, address, body = post(client, page, page, file=(io.BytesIO(data), "zoom.csv"))
    assert status == 303, body
    attendance_files.work(engine)
    page = client.get(address).text
    assert "How is the file to be read?" in page
    assert f'<option value="{meeting.id}" selected>Face-to-face session 1 · S1 · ' in page
    assert 'name="zone" value="America/Los_Angeles"' in page
    fields = {"session": str(meeting.id), "zone": "America/Los_Angeles", "order": "mdy"}
    assert post(client, address, f"{address}/look", **fields)[0] == 303
    attendance_files.work(engine)
    page = client.get(address).text
    assert "lie in the session" not in page
    # What the file says of who it is stands beside whom it is taken for.
    assert f"In the file: Kitchen Tablet, {email_of(engine, 11)}" in page
    assert "The name in the file is another one" in page
    assert "Kitchen Tablet" in client.get(f"{address}/rows.csv").text
    # Half a world away it is another time.
    assert post(client, address, f"{address}/look", **(fields | {"zone": "Asia/Tokyo"}))[0] == 303
    attendance_files.work(engine)
    assert "lie in the session" in client.get(address).text
    with Session(engine) as session:
        assert not session.scalars(select(Presence).where(Presence.way == "zoom")).all()
    assert seeded.communities[BAY] == meeting.community_id


def test_a_report_that_states_its_zone_is_asked_for_none(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    there = datetime(2026, 1, 20, 18, tzinfo=UTC)
    meeting = first_session(engine, starts_at=there, timezone="UTC", ends_at=there + timedelta(hours=2))
    data = zoom_of(meeting, email_of(engine, 11), "AMÁRA (phone)", zone=" (GMT-7)")
    status, address, body = upload(client, seeded.communities[BAY], data, "zoom.csv")
    assert status == 303, body
    page = client.get(address).text
    assert "How is the file to be read?" in page
    assert "the report says GMT-7 itself" in page
    assert 'name="zone"' not in page
    assert post(client, address, f"{address}/look", session=str(meeting.id))[0] == 303
    attendance_files.work(engine)
    page = client.get(address).text
    # Seven hours later than the session, which is over by then.
    assert "Meeting: Jan 21, 2026, 1:00 AM to 2:00 AM UTC" in page
    assert "lie in the session" in page
    # One word of the name is the same.
    assert "The name in the file is another one" not in page
    page = f"/communities/{meeting.community_id}/attendance/import?session={meeting.id}"
    data = zoom_of(meeting, email_of(engine, 11), "Amara", zone=" (UTC)")
    status, address, _ = post(client, page, page, file=(io.BytesIO(data), "zoom.csv"))
    # Nothing is left to be asked: it states its zone, and one came from the session.
    assert (status, "Waiting for a worker" in client.get(address).text) == (303, True)


def test_what_is_said_once_for_all_rows(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    meeting = first_session(engine, planned_minutes=95)
    page = f"/communities/{meeting.community_id}/attendance/import?session={meeting.id}"
    # No row says minutes: the session's planned ones are offered.
    for data in (b"Student ID,Full name\nE0014,Priya Raman\n", b"Student ID,Minutes\nE0014,\nE0015,\n"):
        status, address, body = post(client, page, page, file=(io.BytesIO(data), "a.csv"))
        assert status == 303, body
        body = client.get(address).text
        assert 'name="value-minutes" value="95"' in body
        assert "planned ones" in body
    fields = {"session": str(meeting.id), "column-0": "idnumber", "column-1": "minutes"}
    status, _, body = post(client, address, f"{address}/look", **fields, **{"value-minutes": "2000"})
    assert status == 400
    assert "Minutes: &#39;2000&#39; can&#39;t be minutes: expected a whole number from 0 to 1440." in body
    # Nobody says any: nothing is left to take in.
    assert post(client, address, f"{address}/look", **fields)[0] == 303
    attendance_files.work(engine)
    body = client.get(address).text
    assert "Nothing of this file can be taken in." in body
    assert f'action="{address}/take"' not in body
    assert post(client, address, f"{address}/take")[0] == 409
    # A date that is yet to come, said once: it isn't the rows' to be mended.
    typed = {"session": "NEW", "date": "2027-01-05", "start": "09:00", "mode": "virtual", "minutes": "60"}
    fields = {"column-0": "idnumber"} | {f"value-{name}": value for name, value in typed.items()}
    assert post(client, address, f"{address}/look", **fields)[0] == 303
    attendance_files.work(engine)
    body = client.get(address).text
    assert "which is yet to come" in body
    assert "This was said once for all rows" in body
    assert "Mend this row" not in body
    assert seeded.communities[BAY] == meeting.community_id
