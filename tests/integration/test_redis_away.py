"""Redis is away: people sign in, pages answer, what they ask for is kept, and is done once it is back."""

from datetime import UTC, datetime
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import runtime, tasks
from jobs.queues import QueueName, queue
from records import long_work, nudges
from records.actor import SYSTEM, Grant, Role
from records.models import LongJob, Mail, User
from records.passwords import hashed
from records.settings import Settings
from records.users import create_user
from service.nudge_words import write
from service.pages import resets
from tests.support.office import Office
from tests.support.seed import Seeded
from tests.support.signing_in import EMAIL, PASSWORD, TOKEN
from tests.support.up import free_port
from tests.support.web import application

PAGES = ("/", "/people", "/messages", "/to-decide", "/periods", "/users", "/operations")
TRIES = 100
"""More than the limit of a minute."""


def test_all_goes_on_and_is_caught_up_with(
    engine: Engine, settings: Settings, seeded: Seeded, redis: Redis, tmp_path: Path
) -> None:
    here = settings.model_copy(update={"mail_folder": tmp_path})
    away = here.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    with Session(engine) as session, session.begin():
        user = create_user(session, SYSTEM, EMAIL, "Robin Ellery", [Grant(Role.PROGRAM_ADMIN)])
        session.execute(update(User).where(User.id == user).values(password_hash=hashed(PASSWORD)))
    with application(away) as app:
        client = app.test_client()
        form = TOKEN.search(client.get("/sign-in").text)
        assert form
        shown = {"csrf_token": form[1], "email": EMAIL, "password": PASSWORD}
        assert client.post("/sign-in", data=shown).status_code == 303
        assert {path: client.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)
        office = Office(engine, seeded, away, client)
        sent = office.send(office.ticked(13))
        asked = {"csrf_token": office.token(), "email": EMAIL}
        with client.post("/forgotten", data=asked) as answer:
            assert answer.status_code == 303
        resets.later().submit(int).result()
        # How often is still counted, by each process for itself.
        strange = {**asked, "email": "nobody@example.org"}
        assert 429 in (client.post("/forgotten", data=strange).status_code for _ in range(TRIES))
    with Session(engine) as session, session.begin():
        work = long_work.ask(session, SYSTEM, "staff", "no_such_kind", {}, {}, roles=None)
    assert office.became(sent) == {13: ("waiting", "")}

    # A scheduler and a worker that reach it.
    runtime.begin(runtime.Runtime(here, engine, redis, lambda: datetime.now(UTC) + nudges.GRACE, write))
    tasks.look()
    for name in (QueueName.NUDGES, QueueName.LONG_WORK):
        assert queue(redis, name).count == 1, name
    assert (tasks.send_nudges(), tasks.take_long_work()) == (1, True)
    tasks.send_mail()
    assert office.became(sent) == {13: ("sent", "")}
    with Session(engine) as session:
        assert session.get_one(LongJob, work).status == "failed", "it was taken up; there is nothing to do of its kind"
        assert session.scalars(select(Mail.status)).all() == ["sent"]
    assert len(list(tmp_path.glob("*.eml"))) == 2
