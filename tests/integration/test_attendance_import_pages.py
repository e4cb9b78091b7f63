"""The pages of files of attendance: upload, look, take in, undo, exports; and whose they are."""

import io
import re
from collections.abc import Iterator
from uuid import UUID

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, queue
from records.actor import Grant, Role, Scope
from records.models import Account, AttendanceReport, AuditEntry, SessionRow
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
        (b"", "Choose a file"),
        (b"%PDF-1.4", "a PDF"),
        (b"PK\x03\x04rest", ""),
        (b"A,A\n1,2\n", "twice"),
    ):
        status, _, body = upload(client, bay, data)
        assert status == 400, (data, body)
        assert says in body, (data, body)
    address, form = f"/communities/{bay}/attendance/import", "multipart/form-data; boundary=x"
    too_large = client.post(address, data=b"x" * 20_200_000, content_type=form)
    assert too_large.status_code == 413
    assert "20 MB" in too_large.text
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
    assert post(client, address, f"{address}/take")[0] == 303
    attendance_files.work(engine)
    assert "Undo this import" in client.get(address).text
    assert post(client, address, f"{address}/undo")[0] == 303
