"""The form of a message: what was typed, what is wrong with it, and what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from flask import abort, request

from records.models import uuid7
from records.nudge_recipients import Channel
from records.nudges import Template, Text
from records.queries.filters import PeopleFilter, as_id
from service.i18n import NAMES, _, language_now
from service.nudge_words import BODY_LENGTH, PLACEHOLDERS, SUBJECT_LENGTH, draft, unknown_placeholders
from service.pages.filtering import asked

UUID_VERSION = 7


@dataclass(frozen=True, slots=True)
class Typed:
    """A message as it was typed, and the faults by field."""

    channel: str
    template: Template
    language: str
    subject: str
    body: str
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> Text:
        """The message, where nothing is wrong with it."""
        names_session = "{next_session}" in self.subject + self.body
        return Text(Channel(self.channel), self.template, self.language, self.subject, self.body, names_session)


def begun(channels: tuple[Channel, ...]) -> Typed:
    """A ready-made text, in the language of the pages unless another one is asked for; what fits whoever it is for."""
    wanted, status = request.args.get("template", ""), request.args.get("status", "")
    fitting = {"met": Template.FINISHED, "above": Template.FINISHED}.get(status, status)
    name = next((one for one in (wanted, fitting) if one in set(Template)), str(Template.HOURS))
    language = request.args.get("language", "")
    language = language if language in NAMES else language_now()
    ready = draft(Template(name), language)
    return Typed(str(channels[0]) if channels else "", Template(name), language, ready.subject, ready.body)


def typed(channels: tuple[Channel, ...]) -> Typed:
    """What was sent with the form; 400 for a form that isn't ours."""
    form = request.form
    template, language, channel = form.get("template", ""), form.get("language", ""), form.get("channel", "")
    if template not in set(Template) or language not in NAMES:
        abort(400)
    subject = " ".join(form.get("subject", "").split())
    body = form.get("body", "").replace("\r\n", "\n").strip()
    faults = {"channel": _channel_fault(channel, channels), "subject": _subject_fault(subject), "body": _fault(body)}
    faults = {name: fault for name, fault in faults.items() if fault}
    return Typed(channel, Template(template), language, subject, body, faults)


def _channel_fault(channel: str, channels: tuple[Channel, ...]) -> str:
    return "" if channel in map(str, channels) else _("Choose how the message goes.")


def _subject_fault(subject: str) -> str:
    if not subject or len(subject) > SUBJECT_LENGTH:
        return _("Give it a subject of at most %(most)s characters.", most=SUBJECT_LENGTH)
    return _placeholder_fault(subject)


def _fault(body: str) -> str:
    if not body or len(body) > BODY_LENGTH:
        return _("Write a text of at most %(most)s characters.", most=BODY_LENGTH)
    return _placeholder_fault(body)


def _placeholder_fault(text: str) -> str:
    unknown = unknown_placeholders(text)
    if not unknown:
        return ""
    return _(
        "Nothing is known to fill in {%(name)s} with. What can stand in braces: %(known)s.",
        name=unknown[0],
        known=", ".join(PLACEHOLDERS),
    )


def whom() -> PeopleFilter:
    """Whom it is for, as it stands in the address; 404 for a ticked id that is none. An empty one is what a form sends
    in which nobody was ticked."""
    if any(one and as_id(one) is None for one in request.args.getlist("membership")):
        abort(404)
    return asked()


def form_id() -> UUID:
    """The form's id, which makes two posts of it one order; 400 for what is none of ours."""
    found = as_id(request.form.get("form", ""))
    if found is None or found.version != UUID_VERSION:
        abort(400)
    return found


def new_form() -> UUID:
    """An id for a form that is shown now."""
    return uuid7()


def shown() -> int:
    """How many recipients were shown before it is sent."""
    text = request.form.get("shown", "")
    return int(text[:6]) if text.isascii() and text.isdigit() else 0
