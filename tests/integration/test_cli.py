"""The commands on the records: what they answer, their exit codes, and that errors are one sentence."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import typer
from redis import Redis
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session
from typer.core import TyperGroup

from jobs import process
from jobs.queues import QueueName, queue
from mappings.facts import State
from records import inbox, sign_ins, sites, users
from records.inbox import copy_mark
from records.models import InboxItem, ProgramVersionRow, Site, uuid7
from records.settings import Settings
from service.app import create_app
from service.cli import build
from service.demo import ENVIRONMENT, prepare
from service.links import setup_link, sign_in_page, webhook_address
from tests.support.cli import Cli
from tests.support.community import (
    ACTION_PLAN,
    AMARA,
    COURSE,
    HAO,
    PROGRAM,
    QUIZ,
    SESSION_ACTIVITY,
    Place,
)
from tests.support.readings import NOW, completion, course, settle, take_in
from tests.support.settings import ENCRYPTION_KEY

WHY = ("--reason", "It is time.", "--yes")


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture
def place(placed: Place) -> Place:
    return placed


def test_explain_shows_every_line_and_why_nothing(cli: Cli, place: Place) -> None:
    done = [
        completion(AMARA, ACTION_PLAN, COURSE),
        completion(AMARA, SESSION_ACTIVITY, COURSE),
        completion(AMARA, QUIZ, COURSE, State.FAILED),
    ]
    take_in(place.engine, place.site_id, done)
    (member,) = cli("explain", f"moodle:{AMARA}", "--json").data["memberships"]
    assert (member["program"], member["topic"], member["region"]) == ("calpro-regional", "EBWIESL", "BAY")
    assert (member["role"], member["minutes"], member["standing"], member["band"]) == (
        "participant",
        330,
        "in_progress",
        [960, 1200],
    )
    lines = {line["what"]: line for line in member["lines"]}
    assert (lines["Action plan"]["minutes"], lines["Action plan"]["rule"]) == (90, "action-plan")
    assert (lines["Session 1"]["minutes"], lines["Session 1"]["component"]) == (240, "face_to_face")
    assert (lines["Check your knowledge"]["minutes"], lines["Check your knowledge"]["nothing"]) == (0, "not_passed")
    assert {line["version"] for line in member["lines"]} == {1}
    assert all(UUID(line["fact"]) for line in member["lines"])
    person = cli("explain", f"moodle:{AMARA}", "--json").data["person"]
    out = cli("explain", person).out
    assert "5:30 of 16:00-20:00" in out
    assert "action-plan" in out


def test_explain_says_whom_it_does_not_know(cli: Cli, place: Place) -> None:
    assert place.site_id
    assert cli("explain", "moodle:999").code == 1
    assert cli("explain", "elsewhere:11").code == 1
    assert cli("explain", "moodle:eleven").code == 2
    assert cli("explain", "somebody").code == 2
    nobody = cli("explain", str(uuid4()))
    assert (nobody.code, "in no community" in nobody.out) == (0, True)


def test_rebuild_finds_what_was_tampered_with_and_mends_it(cli: Cli, place: Place, owner_engine: Engine) -> None:
    take_in(place.engine, place.site_id, [completion(AMARA, ACTION_PLAN, COURSE)])
    right = cli("rebuild", "--json")
    assert right.code == 0
    assert right.data == {"compared": 3, "pending": 0, "different": [], "repaired": False}
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE ledger SET minutes = 95"))
        connection.execute(text("UPDATE standings SET minutes = 95 WHERE minutes = 90"))
    wrong = cli("rebuild", "--json")
    assert wrong.code == 1
    assert {d["what"] for d in wrong.data["different"]} >= {"net", "standing"}
    assert cli("rebuild", "--repair").code == 1
    settle(place.engine)
    assert place.standing(AMARA)[0] == 90
    assert cli("rebuild").code == 0


def test_rebuild_counts_what_is_about_to_be_computed_anyway(cli: Cli, place: Place) -> None:
    with place.engine.begin() as connection:
        connection.execute(text("UPDATE memberships SET dirty_at = now()"))
    answer = cli("rebuild", "--json")
    assert (answer.code, answer.data["compared"], answer.data["pending"]) == (0, 0, 3)


def store(place: Place, status: str, reason: str, waits_for: str | None = None, payload: bytes = b"{}") -> int:
    item = inbox.NewItem(place.site_id, "wire", uuid7(), "reading.course", payload, None, status, reason, waits_for)
    with place.engine.begin() as connection:
        inbox.store(connection, [item])
    with Session(place.engine) as session:
        return session.scalars(select(InboxItem.id).order_by(InboxItem.id.desc()).limit(1)).one()


def statuses(place: Place) -> list[str]:
    with Session(place.engine) as session:
        return list(session.scalars(select(InboxItem.status).where(InboxItem.status != "done").order_by(InboxItem.id)))


def test_replay_takes_what_is_named_and_wakes_the_worker(cli: Cli, place: Place, redis: Redis) -> None:
    dead = store(place, "dead", "ValueError")
    store(place, "quarantined", "malformed")
    store(place, "waiting", "unknown_course", "course:99")
    listed = cli("replay", "--list", "--json").data
    assert [(item["status"], item["reason"], item["count"]) for item in listed] == [
        ("dead", "ValueError", 1),
        ("quarantined", "malformed", 1),
        ("waiting", "unknown_course", 1),
    ]
    assert "unknown_course" in cli("replay", "--list").out
    assert cli("replay").code == 2
    assert cli("replay", str(dead)).code == 0
    assert statuses(place) == ["pending", "quarantined", "waiting"]
    assert cli("replay", str(dead)).code == 1
    assert cli("replay", "--waiting", "--quarantined", "--site", "moodle", "--json").data["replayed"] == 2
    assert statuses(place) == ["pending"] * 3
    assert queue(redis, QueueName.INBOX).count == 1
    # What is still wrong with them puts them aside again.
    process.drain(place.engine, ENCRYPTION_KEY)
    assert statuses(place) == ["quarantined"] * 3


def test_what_a_copy_sent_stays_until_it_is_confirmed(cli: Cli, place: Place) -> None:
    epoch = uuid4()
    store(place, "quarantined", "unconfirmed_copy", copy_mark(epoch, "https://moodle.example.org"))
    held = cli("replay", "--quarantined", "--json")
    assert held.data == {"replayed": 0, "unconfirmed": 1}
    with place.engine.begin() as connection:
        connection.execute(update(Site).values(refused_epoch=epoch, refused_wwwroot="https://moodle.example.org"))
    confirmed = cli("site", "confirm", "moodle", "--epoch", str(epoch))
    assert "1 item in quarantine" in confirmed.out
    assert cli("replay", "--quarantined", "--json").data == {"replayed": 1, "unconfirmed": 0}


def test_program_check_needs_no_database_and_names_lines(tmp_path: Path) -> None:
    bare = Cli()
    right = bare("program", "check", str(PROGRAM))
    assert right.code == 0
    assert "16 topics" in right.out
    assert "is yet to be set: communities of the topic 'EBRI' are refused until then" in right.out
    assert "3 warnings" in right.out
    assert bare("program", "check", str(PROGRAM), "--strict").code == 1
    broken = tmp_path / "broken.yaml"
    broken.write_text(PROGRAM.read_text().replace("min_hours: 16", "min_hours: sixteen"))
    wrong = bare("program", "check", str(PROGRAM), str(broken))
    assert wrong.code == 1
    line = PROGRAM.read_text()[: PROGRAM.read_text().index("min_hours: 16")].count("\n") + 1
    assert f"{broken}:{line}: commitment.min_hours: " in wrong.out
    told = bare("program", "check", str(PROGRAM), str(broken), "--json").data
    assert (told[str(PROGRAM)]["ok"], told[str(PROGRAM)]["problems"]) == (True, [])
    assert [finding["level"] for finding in told[str(PROGRAM)]["findings"]] == ["warning"] * 3
    assert told[str(broken)]["ok"] is False
    assert told[str(broken)]["findings"] == [
        {
            "file": str(broken),
            "line": line,
            "place": "commitment.min_hours",
            "message": "expected a number, not 'sixteen'",
            "level": "error",
            "anchor": "commitment",
            "link": "docs/programs.md#commitment",
        }
    ]
    assert bare("program", "check", str(tmp_path / "none.yaml")).code == 1


def test_program_schema_is_printed_or_written(tmp_path: Path) -> None:
    bare, kept = Cli(), Path(__file__).parents[2] / "docs" / "program.schema.json"
    assert bare("program", "schema").out == kept.read_text(encoding="utf-8")
    file = tmp_path / "schema.json"
    assert (bare("program", "schema", "--output", str(file)).code, file.read_bytes()) == (0, kept.read_bytes())
    nowhere = bare("program", "schema", "--output", str(tmp_path / "none" / "schema.json"))
    assert (nowhere.code, "can't be written: No such file" in nowhere.err) == (2, True)


def test_program_apply_counts_a_text_once_and_recomputes(cli: Cli, place: Place, tmp_path: Path) -> None:
    take_in(place.engine, place.site_id, [completion(AMARA, ACTION_PLAN, COURSE), course(7, "COP-EBRI-BAY")])
    same = cli("program", "apply", str(PROGRAM), *WHY, "--json")
    assert (same.code, same.data["new"], same.data["version"]) == (0, False, 1)
    raised = tmp_path / "raised.yaml"
    source = PROGRAM.read_text(encoding="utf-8").replace("kind: [assign], minutes: 90", "kind: [assign], minutes: 120")
    raised.write_text(source, encoding="utf-8")
    loaded = cli("program", "apply", str(raised), *WHY, "--json")
    assert (loaded.data["version"], loaded.data["preview"]["memberships"]) == (2, 3)
    assert loaded.data["refused"] == [
        {"idnumber": "COP-EBRI-BAY", "topic": "EBRI", "region": "BAY", "why": "commitment_not_set"}
    ]
    assert place.standing(AMARA)[0] == 120
    assert cli("rebuild").code == 0


def test_program_apply_places_courses_that_were_there_before(cli: Cli, engine: Engine) -> None:
    assert cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M").code == 0
    with Session(engine) as session:
        site_id = sites.find_site(session, "m").id
    take_in(engine, site_id, [course(3, "COP-MATH-LA"), course(4, "something else")])
    assert cli("program", "apply", str(PROGRAM), *WHY, "--json").data["communities"] == 1


def test_program_apply_refuses_a_wrong_file(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("program: x\n")
    answer = cli("program", "apply", str(wrong), *WHY)
    assert answer.code == 1
    assert f"{wrong}:1: title: " in answer.err
    with Session(engine) as session:
        assert session.scalars(select(ProgramVersionRow)).all() == []


def test_user_invite_prints_a_link_that_works_once(cli: Cli, engine: Engine) -> None:
    arguments = ("--name", "Ana", "--role", "staff", "--scope", "calpro-regional/BAY", "--role", "auditor")
    link = cli("user", "invite", "ana@example.org", *arguments, "--json").data["link"]
    token = link.rpartition("/")[2]
    assert link == f"http://bridge.example.org/set-up/{token}"
    with Session(engine) as session, session.begin():
        assert users.setup_email(session, token, NOW) == "ana@example.org"
        user_id = users.find_user(session, "ana@example.org")
        assert user_id is not None
        assert [(g.role, g.scope) for g in sign_ins.grants_of(session, user_id)] == [
            ("auditor", "calpro-regional/BAY"),
            ("staff", "calpro-regional/BAY"),
        ]
    again = cli("user", "invite", "ANA@example.org")
    assert again.code == 0
    with Session(engine) as session:
        assert users.setup_email(session, token, NOW) is None
        assert users.setup_email(session, again.out.strip().rpartition("/")[2], NOW) == "ana@example.org"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("nobody", "--name", "N", "--role", "it"), 2, "not an e-mail address"),
        (("n@example.org", "--role", "it"), 2, "needs --name"),
        (("n@example.org", "--name", "N"), 2, "at least one --role"),
        (("n@example.org", "--name", "N", "--role", "it", "--scope", "a/b/c"), 2, "expected all, PROGRAM"),
        (("n@example.org", "--name", "N", "--role", "it", "--scope", "community:x"), 2, "expected all, PROGRAM"),
    ],
)
def test_a_wrong_invitation(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    answer = cli("user", "invite", *arguments)
    assert (answer.code, says in answer.err, answer.err.count("\n")) == (code, True, 1)


def test_printed_addresses_are_routes_of_the_application(settings: Settings) -> None:
    urls = create_app(settings).url_map.bind("bridge.example.org")
    for address, method in (
        (sign_in_page(settings), "GET"),
        (setup_link(settings, "token"), "GET"),
        (webhook_address(settings, "moodle"), "POST"),
        (webhook_address(settings, "moodle", "local_webhooks"), "POST"),
    ):
        assert urls.test(address.removeprefix(settings.public_url), method)


def test_a_database_that_is_away_is_one_sentence(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://app:secret@127.0.0.1:9/none"})
    answer = Cli(away)("rebuild")
    assert answer.code == 3
    assert answer.err == "copbridge: The database of DATABASE_URL can't be reached: is it running?\n"


def test_a_database_role_that_owns_the_ledger_is_refused(settings: Settings) -> None:
    owner = settings.model_copy(update={"database_url": settings.migration_database_url})
    answer = Cli(owner)("rebuild")
    assert (answer.code, "may change rows" in answer.err) == (3, True)


def test_redis_that_is_away_stops_nothing(settings: Settings, place: Place, tmp_path: Path) -> None:
    away = Cli(settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"}))
    file = tmp_path / "a.csv"
    file.write_text(
        "site,community,session,date,start,mode,user,minutes\n"
        f"moodle,COP-EBWIESL-BAY,F2F-1,2026-01-17,09:00,face_to_face,{HAO},60\n"
    )
    assert away("import", "attendance", str(file)).code == 0
    settle(place.engine)
    assert place.standing(HAO)[0] == 60


def test_the_demo_is_prepared_once(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    first = prepare(settings, "http://127.0.0.1:8081", tmp_path)
    second = prepare(settings, "http://127.0.0.1:9081", tmp_path)
    assert (first.site_slug, first.webhook_secret) == (second.site_slug, second.webhook_secret)
    assert first.webhook_secret.startswith("whsec_")
    assert first.webhook_secret not in repr(first)
    old, new = (info.sign_in_url.rpartition("/")[2] for info in (first, second))
    assert old != new
    with Session(engine) as session, session.begin():
        assert sites.find_site(session, "sandbox").wwwroot == "http://127.0.0.1:9081"
        assert users.setup_email(session, old, NOW) is None
        assert users.use_setup_link(session, new, "a long enough password", NOW)
    assert first.told == f"Sign in once    {first.sign_in_url}"
    later = prepare(settings, "http://127.0.0.1:9081", tmp_path)
    assert later.told == f"Sign in         {sign_in_page(settings)} as staff@example.org"
    kept = tmp_path / ENVIRONMENT
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text().startswith("export DATABASE_URL=")
    with Session(engine) as session:
        assert len(session.scalars(select(ProgramVersionRow)).all()) == 1


def commands(group: TyperGroup, name: str = "") -> Iterator[str]:
    """Every command and group below one, as they are typed."""
    for word, command in group.commands.items():
        yield f"{name}{word}"
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{name}{word} ")


def test_every_command_has_help_and_is_documented() -> None:
    root = typer.main.get_command(build())
    assert isinstance(root, TyperGroup)
    documented = "".join(
        (Path(__file__).parents[2] / "docs" / name).read_text() for name in ("cli.md", "deployment.md")
    )
    found = list(commands(root))
    assert len(found) > 30
    assert [command for command in found if Cli()(*command.split(), "--help").code != 0] == []
    leaves = [c for c in found if not any(other.startswith(f"{c} ") for other in found)]
    named = (f"copbridge {command}" in documented or f"`{command}`" in documented for command in leaves)
    assert [command for command, there in zip(leaves, named, strict=True) if not there] == []
