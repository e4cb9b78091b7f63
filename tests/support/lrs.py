"""What logstore_xapi posts, made by hand; and what became of it."""

import copy
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import secrets
from records.models import LedgerEntry, MirrorCompletion
from records.secrets import Purpose
from tests.golden.emitters import basic
from tests.support.intake import COURSE, MODULE, NOW, USER, Intake, batch, readings
from tests.support.sender import WWWROOT, load_program

EMAIL = "amara@example.org"
DONE, UNDONE = (
    "http://adlnet.gov/expapi/verbs/completed",
    "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted",
)
INFO = "http://lrs.learninglocker.net/define/extensions/info"


def post(lrs: Intake, body: Any, user: str = "id", secret: str | None = None, slug: str | None = None) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = basic(user, lrs.sender.secret if secret is None else secret)
    path = f"/webhooks/{slug or lrs.sender.slug}/xapi/statements"
    return lrs.client.post(path, data=data, headers=headers, content_type="application/json")


def send(lrs: Intake, *statements: Any, user: str = "id") -> list[tuple[str, str | None]]:
    """Post statements that have to be taken, and work. Returns (status, reason) of all that is stored."""
    answer = post(lrs, list(statements), user)
    assert (answer.status_code, len(answer.get_json())) == (200, len(statements))
    lrs.work()
    return lrs.statuses()


def read(lrs: Intake, items: list[dict[str, Any]]) -> None:
    """Post readings over our own wire."""
    with Session(lrs.engine) as session, session.begin():
        key = lrs.settings.encryption_key
        wire = secrets.active_secrets(session, lrs.sender.site_id, Purpose.WIRE, key)
        if not wire:
            wire = [secrets.make_secret(Purpose.WIRE)]
            secrets.keep_secret(session, lrs.sender.site_id, Purpose.WIRE, wire[0], key)
            lrs.sites.forget(lrs.sender.slug)
    assert lrs.post(batch([], items), secret=wire[0]).status_code == 200
    lrs.work()


def account(user: int, later: int = 0, **fields: Any) -> dict[str, Any]:
    return {"kind": "account", "read_at": NOW.timestamp() - 100 + later, "user": user, "present": True} | fields


def known(lrs: Intake) -> None:
    """The site's program, and a course with USER in it."""
    load_program(lrs.engine)
    read(lrs, readings())


def named(name: object = str(USER), home: str = WWWROOT) -> dict[str, Any]:
    return {"name": "Amara Diallo", "account": {"homePage": home, "name": name}}


def mailed(address: str = EMAIL) -> dict[str, Any]:
    return {"name": "Amara Diallo", "mbox": f"mailto:{address}"}


def statement(actor: Any, verb: str = DONE, root: str = WWWROOT, **parts: Any) -> dict[str, Any]:
    """A completion of MODULE as the plugin words it; `parts` replace its own, None takes one out."""
    event = r"\core\event\course_module_completion_updated"
    content: dict[str, Any] = {
        "actor": actor,
        "verb": {"id": verb},
        "object": {"objectType": "Activity", "id": f"{root}/mod/choice/view.php?id={MODULE}"},
        "timestamp": "2026-11-21T22:27:20.000Z",
        "context": {
            "extensions": {INFO: {"event_name": event}},
            "contextActivities": {"parent": [{"id": f"{root}/course/view.php?id={COURSE}"}]},
        },
    }
    content |= {"result": {"completion": True}} if verb == DONE else {}
    return {name: value for name, value in (content | parts).items() if value is not None}


def of_event(name: object, **parts: Any) -> dict[str, Any]:
    made = copy.deepcopy(statement(named(), **parts))
    made["context"]["extensions"][INFO]["event_name"] = name
    return made


def minutes(lrs: Intake) -> int:
    with Session(lrs.engine) as session:
        return sum(session.scalars(select(LedgerEntry.minutes)))


def states(lrs: Intake) -> dict[int, int | None]:
    with Session(lrs.engine) as session:
        return {row.moodle_user_id: row.state for row in session.scalars(select(MirrorCompletion))}
