"""Mail: queued encrypted, sent by SMTP or into files, tried again, and never lost with Redis."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr, ValidationError
from redis import Redis
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from jobs import mailing, scheduler, tasks
from jobs.queues import QueueName, queue, wake
from jobs.runtime import Runtime, begin
from records import mail, users
from records.actor import CLI
from records.mail import Kind
from records.models import Mail, PeriodicJob, User, uuid7
from records.settings import Settings
from tests.support.smtp import Mailbox, make_certificate, smtp_server

WHO = "ana@example.org"
SECRET = "https://bridge.example.org/set-up/one-time-secret"
PASSWORD = "smtp password"


def by_smtp(settings: Settings, box: Mailbox, **more: object) -> Settings:
    values: dict[str, object] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": box.port,
        "smtp_security": "none",
        "smtp_sender": "bridge@example.org",
        **more,
    }
    return settings.model_copy(update=values)


def somebody(engine: Engine, address: str = WHO) -> UUID:
    with Session(engine) as session, session.begin():
        return users.create_user(session, CLI, address, "Ana", [])


def post(engine: Engine, settings: Settings, user: UUID, kind: Kind = Kind.INVITATION, text: str = SECRET) -> UUID:
    with Session(engine) as session, session.begin():
        return mail.post(session, user, kind, "Bienvenida, José", f"Hola\n\n{text}\n", settings.encryption_key)


def row(engine: Engine, mail_id: UUID) -> Mail:
    with Session(engine) as session:
        return session.get_one(Mail, mail_id)


def make_due(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(Mail).values(due_at=func.now() - timedelta(seconds=1)))


def test_a_mail_goes_by_tls_with_a_login_and_is_emptied(
    settings: Settings, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with smtp_server(Mailbox(certificate=certificate, login=("bridge", PASSWORD))) as box:
        sending = by_smtp(
            settings, box, smtp_security="starttls", smtp_user="bridge", smtp_password=SecretStr(PASSWORD)
        )
        mail_id = post(engine, settings, somebody(engine))
        assert SECRET.encode() not in (row(engine, mail_id).content or b"")
        assert mailing.send_due(engine, sending) == 1
        assert mailing.send_due(engine, sending) == 0
    assert (len(box.taken), box.encrypted) == (1, [True])
    got = box.taken[0]
    assert (got["To"], got["From"], got["Subject"]) == (WHO, "CoP Bridge <bridge@example.org>", "Bienvenida, José")
    assert got["Message-ID"] == f"<{mail_id}@example.org>"
    assert SECRET in got.get_content()
    kept = row(engine, mail_id)
    assert (kept.status, kept.content, kept.error, kept.attempts) == ("sent", None, "", 1)
    assert kept.sent_at is not None


def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_mail(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    with smtp_server(Mailbox(certificate=make_certificate(tmp_path), login=("bridge", PASSWORD))) as box:
        sending = by_smtp(
            settings, box, smtp_security="starttls", smtp_user="bridge", smtp_password=SecretStr(PASSWORD)
        )
        mail_id = post(engine, settings, somebody(engine))
        assert mailing.send_due(engine, sending) == 0
    assert (row(engine, mail_id).error, box.taken) == ("tls_failed", [])
    # One that offers no TLS at all is no better.
    with smtp_server(Mailbox()) as box, pytest.raises(mailing.Undelivered, match="not_supported"):
        mailing.deliver(by_smtp(settings, box, smtp_security="starttls"), WHO, "s", "t")
    assert box.taken == []


def test_what_fails_is_tried_again_later_and_given_up_at_last(settings: Settings, engine: Engine) -> None:
    mail_id = post(engine, settings, somebody(engine))
    with smtp_server(Mailbox(to_recipient=b"450 full")) as box:
        sending = by_smtp(settings, box)
        assert mailing.send_due(engine, sending) == 0
        kept = row(engine, mail_id)
        assert (kept.status, kept.error, kept.attempts) == ("waiting", "address_refused", 1)
        with Session(engine) as session:
            waits = session.scalar(select(Mail.due_at - func.now()))
        assert waits is not None
        assert 200 < waits.total_seconds() <= mail.BACK_OFF[0]
        for _ in mail.BACK_OFF:
            make_due(engine)
            mailing.send_due(engine, sending)
        kept = row(engine, mail_id)
        assert (kept.status, kept.content, kept.attempts) == ("failed", None, len(mail.BACK_OFF) + 1)
        # What no repetition helps is given up at once, and the next one goes out.
        box.to_recipient = b"550 nobody"
        refused = post(engine, settings, somebody(engine, "gone@example.org"))
        assert mailing.send_due(engine, sending) == 0
        assert (row(engine, refused).status, row(engine, refused).attempts) == ("failed", 1)
    assert box.taken == []


def test_a_server_that_is_away_costs_one_mail_an_attempt(settings: Settings, engine: Engine) -> None:
    with smtp_server(Mailbox()) as box:
        away = by_smtp(settings, box)
    ids = [post(engine, settings, somebody(engine, f"{n}@example.org")) for n in range(3)]
    assert mailing.send_due(engine, away) == 0
    assert [(row(engine, i).attempts, row(engine, i).error) for i in ids] == [(1, "unreachable"), (0, ""), (0, "")]
    with smtp_server(Mailbox()) as box:
        make_due(engine)
        assert mailing.send_due(engine, by_smtp(settings, box)) == 3
    assert sorted(got["To"] for got in box.taken) == ["0@example.org", "1@example.org", "2@example.org"]


def test_of_invitations_the_newest_is_sent_and_nothing_to_who_was_switched_off(
    settings: Settings, engine: Engine
) -> None:
    ana, off = somebody(engine), somebody(engine, "off@example.org")
    old, new = post(engine, settings, ana), post(engine, settings, ana, text="the newest")
    withheld = post(engine, settings, off, Kind.RESET)
    with Session(engine) as session, session.begin():
        session.execute(update(User).where(User.id == off).values(active=False))
    with smtp_server(Mailbox()) as box:
        assert mailing.send_due(engine, by_smtp(settings, box)) == 1
    assert "the newest" in box.taken[0].get_content()
    told = {i: (row(engine, i).status, row(engine, i).error, row(engine, i).content) for i in (old, new, withheld)}
    assert told == {
        old: ("failed", "superseded", None),
        new: ("sent", "", None),
        withheld: ("failed", "switched_off", None),
    }


def test_who_died_while_sending_leaves_the_mail_to_be_sent(settings: Settings, engine: Engine) -> None:
    mail_id = post(engine, settings, somebody(engine))
    with Session(engine) as session, session.begin():
        died = mail.claim(session, settings.encryption_key)
        assert mail.claim(session, settings.encryption_key) is None
    assert died
    assert died.id == mail_id
    assert SECRET not in repr(died)
    make_due(engine)
    with Session(engine) as session, session.begin():
        again = mail.claim(session, settings.encryption_key)
        assert again
        # Whoever was thought dead comes back: it is the other one's by now.
        mail.failed(session, died, "unreachable", permanent=True)
        mail.sent(session, again)
    assert row(engine, mail_id).status == "sent"


def test_a_wiped_redis_loses_nothing(settings: Settings, engine: Engine, redis: Redis) -> None:
    with smtp_server(Mailbox()) as box:
        runtime = Runtime(by_smtp(settings, box), engine, redis)
        begin(runtime)
        post(engine, settings, somebody(engine))
        assert wake(redis, QueueName.MAIL)
        assert queue(redis, QueueName.MAIL).jobs[0].func_name == "jobs.tasks.send_mail"
        redis.flushdb()
        scheduler.reconcile_jobs(engine)
        with Session(engine) as session, session.begin():
            assert session.get_one(PeriodicJob, "send_mail").every_seconds <= 60
        scheduler.tick(runtime)
        asked = [job.func_name for job in queue(redis, QueueName.PERIODIC).jobs]
        assert "jobs.tasks.send_mail" in asked
        assert tasks.send_mail() == 1
    assert len(box.taken) == 1


def test_without_a_server_each_mail_is_a_file_for_its_owner(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    sending = settings.model_copy(update={"mail_folder": folder})
    post(engine, settings, somebody(engine))
    assert mailing.send_due(engine, sending) == 1
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777, file.suffix) == (0o600, 0o700, ".eml")
    got = message_from_bytes(file.read_bytes(), policy=SMTP)
    assert (got["To"], got["Subject"]) == (WHO, "Bienvenida, José")
    assert SECRET in got.get_content()


@pytest.mark.parametrize("address", ["no address", "a@b.org\r\nBcc: c@d.org", "", "a@b@c"])
def test_an_address_that_is_none_is_given_up(settings: Settings, tmp_path: Path, address: str) -> None:
    with pytest.raises(mailing.Undelivered) as caught:
        mailing.deliver(settings.model_copy(update={"mail_folder": tmp_path}), address, "s", "t")
    assert (caught.value.code, caught.value.permanent, list(tmp_path.iterdir())) == ("bad_address", True, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_host": "mail.example.org"},
        {"smtp_host": "m", "smtp_sender": "b@example.org", "smtp_user": "b"},
        {"smtp_host": "m", "smtp_sender": "b@e.org", "smtp_user": "b", "smtp_password": "p", "smtp_security": "none"},
    ],
)
def test_settings_of_mail_belong_together(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="SMTP_"):
        Settings.model_validate(settings.model_dump() | wrong)


def test_another_encryption_key_gives_up_what_it_cant_read(settings: Settings, engine: Engine) -> None:
    from cryptography.fernet import Fernet

    mail_id = post(engine, settings, somebody(engine))
    other = settings.model_copy(update={"encryption_key": SecretStr(Fernet.generate_key().decode())})
    assert mailing.send_due(engine, other) == 0
    assert (row(engine, mail_id).error, uuid7() != mail_id) == ("unreadable", True)
