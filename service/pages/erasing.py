"""Erase a person: what goes and what stays, a reason that names nobody, and a word to type."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from jobs.redacting import KIND
from records import long_work
from records.erasure import ErasureError, Fault, erase, plan_erasure
from records.forgotten import count_items, redact_inbox
from records.merged import person_now, persons_behind
from records.merging import beyond, reaches
from records.queries.community import names_of
from service.access import actor, by
from service.context import context
from service.erasure_words import COUNTED, FAULTS, UNLINKED, WORD
from service.i18n import _
from service.pages.live import reading

blueprint = Blueprint("erasing", __name__)
AT_ONCE = 20_000
"""So many items of the inbox are looked through while the browser waits: about a second."""


@blueprint.get("/people/<uuid:person_id>/erase")
def show(person_id: UUID) -> Response | tuple[str, int]:
    """What would go, what would stay, and the form."""
    with reading() as session:
        now = _reached(session, person_id)
        if now != person_id:
            return redirect(url_for("erasing.show", person_id=now))
        return _page(session, person_id, {})


@blueprint.post("/people/<uuid:person_id>/erase")
def carry_out(person_id: UUID) -> Response | tuple[str, int]:
    """Erase the person: the page afterwards shows the amounts that stay, under no name."""
    here = context()
    reason, word = (request.form.get(name, "").strip() for name in ("reason", "word"))
    with Session(here.engine) as session:
        if _reached(session, person_id) != person_id:
            abort(404)
        faults = _faults(session, person_id, reason, word)
        if faults:
            return _page(session, person_id, faults)
    key = here.settings.encryption_key
    try:
        with Session(here.engine) as session, session.begin():
            erase(session, person_id, actor=actor(), reason=reason, encryption_key=key, now=here.clock())
            later = count_items(session) > AT_ONCE
            if later:
                asked = {"person": str(person_id)}
                # The person is forgotten by then: whoever asked may leave, and the rest of it goes all the same.
                work_id = long_work.ask(session, actor(), by("").role, KIND, asked, {}, roles=None)
    except ErasureError as err:
        with reading() as session:
            return _page(session, person_id, {"reason": _(FAULTS[err.fault])} if err.fault in FAULTS else abort(404))
    if later:
        wake(here.redis, QueueName.LONG_WORK)
        return redirect(url_for("work.show", job_id=work_id), 303)
    for _chunk in redact_inbox(here.engine, key):
        pass
    return redirect(url_for("person.show", person_id=person_id), 303)


def _reached(session: Session, person_id: UUID) -> UUID:
    """Who a person is by now; what isn't the actor's to know is answered like what doesn't exist."""
    now = person_now(session, person_id)
    if not all(reaches(session, one, actor()) for one in {person_id, now}):
        abort(404)
    return now


def _beyond(session: Session, person_id: UUID) -> bool:
    return beyond(session, [person_id, *persons_behind(session, person_id)], actor())


def _faults(session: Session, person_id: UUID, reason: str, word: str) -> dict[str, str]:
    """What is wrong, by field; `all`: about no field of the form."""
    if _beyond(session, person_id):
        return {"all": ""}
    faults = {}
    try:
        if plan_erasure(session, person_id, reason).erased_at:
            return {"all": _(FAULTS[Fault.ERASED])}
    except ErasureError as err:
        faults["reason"] = _(FAULTS[err.fault])
    if word.casefold() not in (WORD, _(WORD).casefold()):
        faults["word"] = _("Type the word “%(word)s” to say that you mean it.", word=_(WORD))
    return faults


def _page(session: Session, person_id: UUID, faults: dict[str, str]) -> tuple[str, int]:
    plan = plan_erasure(session, person_id, None)
    name, account = names_of(session, [person_id]).get(person_id, ("", 0))
    refused = _beyond(session, person_id)
    counts = [(_(COUNTED[what]), count, what in UNLINKED) for what, count in plan.counts.items() if count]
    page = render_template(
        "erasing.html",
        who=g.signed_in,
        person={"id": person_id, "name": name, "account": account},
        erased_at=plan.erased_at,
        refused=refused,
        goes=[(what, count) for what, count, unlinked in counts if not unlinked],
        unlinked=[(what, count) for what, count, unlinked in counts if unlinked],
        word=_(WORD),
        faults=faults,
        reason=request.form.get("reason", ""),
    )
    return page, HTTPStatus.FORBIDDEN if refused else HTTPStatus.BAD_REQUEST if faults else HTTPStatus.OK
