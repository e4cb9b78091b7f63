"""Words for long work: what it is, what it counts, what came of it, and what to do where it failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import url_for

from records.long_work import ASKER_LOST, ASKER_OFF
from records.models import LongJob
from service import provision_console_words
from service.i18n import N_, _, ngettext


@dataclass(frozen=True, slots=True)
class Onward:
    """Where to go on: a sentence, and a link."""

    text: str
    link: str
    address: str


@dataclass(frozen=True, slots=True)
class About:
    """A kind of long work in words. Texts are marked by N_ and translated when they are shown."""

    title: str
    counted: str
    """What its progress counts."""
    done: Callable[[LongJob], Onward]
    again: Callable[[LongJob], Onward]
    """Where to look, and to ask for it anew, where it failed."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong and what to do, by the code that it failed with."""
    so_far: Callable[[LongJob], str] = lambda _job: _("What was done until then stays done.")
    """What was done where it was ended in the middle."""


FAULTS = {
    "gave_up": N_(
        "The computer that worked on it stopped again and again. Nothing is half done. Try again; if it stops again,"
        " tell IT the number of this page."
    ),
    "failed": N_(
        "Something went wrong that nobody foresaw. What was done so far stays done. Try again; if it stops again, tell"
        " IT the number of this page."
    ),
}
ENDED = {
    ASKER_OFF: N_("The account of whoever asked for it was switched off, so it was ended."),
    ASKER_LOST: N_("Whoever asked for it doesn't have the role for it any more where it was asked, so it was ended."),
}
"""Why a job was ended though nothing went wrong: what was done until then is told, too."""
STATUSES = {
    "due": N_("Waiting its turn"),
    "running": N_("At work"),
    "done": N_("Done"),
    "failed": N_("It stopped"),
}


def about(kind: str) -> About:
    """The words for a kind of work; plain ones for a kind that is gone."""
    return KINDS.get(kind, _PLAIN)


def fault(job: LongJob) -> str:
    """Why it failed, and what to do."""
    if job.error in ENDED:
        onward = _("Somebody who may ask for it can ask anew.")
        return " ".join((_(ENDED[job.error]), about(job.kind).so_far(job), onward))
    known = FAULTS | dict(about(job.kind).faults)
    text = known.get(job.error, FAULTS["failed"])
    return _(text)


def status(job: LongJob) -> str:
    """How far it is, in a word."""
    return _(STATUSES[job.status])


def _home(_job: LongJob) -> Onward:
    return Onward("", _("Communities"), url_for("board.show"))


def _closed(job: LongJob) -> Onward:
    text = _("The period is closed: its hours stand as they were then.")
    return Onward(text, _("The closed period"), url_for("periods.show", closing_id=job.result["closing"]))


def _close_again(job: LongJob) -> Onward:
    program, first, last, label = (str(job.asked[name]) for name in ("program", "first", "last", "label"))
    address = url_for("periods.checks", program=program, first=first, last=last, label=label)
    return Onward("", _("Look at the checks again"), address)


def _let_in(job: LongJob) -> Onward:
    n = int(str(job.result.get("admitted", 0)))
    text = ngettext(
        "%(n)s change is let in: its hours follow within a minute.",
        "%(n)s changes are let in: their hours follow within a minute.",
        n,
    )
    return Onward(text, _("What came late"), url_for("late.show"))


def _let_in_again(_job: LongJob) -> Onward:
    return Onward("", _("What came late"), url_for("late.show"))


def _let_in_so_far(job: LongJob) -> str:
    n = int(str(job.result.get("admitted", 0)))
    if not n:
        return _("Nothing was let in.")
    return ngettext(
        "%(n)s change was let in until then, and stays so.", "%(n)s changes were let in until then, and stay so.", n
    )


def _nothing_closed(_job: LongJob) -> str:
    return _("Nothing was closed.")


def _forgotten(job: LongJob) -> Onward:
    address = url_for("person.show", person_id=job.asked["person"])
    return Onward(_("The person is erased: only the amounts stay."), _("See what stays"), address)


def _forgotten_again(_job: LongJob) -> Onward:
    text = _("The person is erased. What the inbox still holds goes once IT runs copbridge person erase once more.")
    return Onward(text, _("Communities"), url_for("board.show"))


def _provisioned(job: LongJob) -> Onward:
    return Onward("", provision_console_words.title(job), provision_console_words.page(job))


def _provision_again(job: LongJob) -> Onward:
    return Onward("", _("The provision file"), url_for("provisioning.show", code=job.asked["code"]))


_PLAIN = About(N_("Long work"), N_("Done so far"), _home, _home)
KINDS: dict[str, About] = {
    "admit_late": About(
        N_("Letting in what came late"), N_("Members looked at"), _let_in, _let_in_again, so_far=_let_in_so_far
    ),
    "close_period": About(
        N_("Closing a period"),
        N_("Memberships written down"),
        _closed,
        _close_again,
        {
            "moving": N_("Hours were still being computed. Nothing was closed. Wait a minute and try again."),
            "overlaps": N_("Another period with some of these days was closed in the meantime. Nothing was closed."),
            "not_over": N_("The last day isn't over yet. Nothing was closed."),
            "no_program": N_("There is no such program any more. Nothing was closed."),
            "no_members": N_("The program has no members yet. Nothing was closed."),
        },
        _nothing_closed,
    ),
    "redact_inbox": About(
        N_("Taking an erased person out of the inbox"), N_("Items looked through"), _forgotten, _forgotten_again
    ),
    "provision_plan": About(
        N_("Looking at a site for a plan"),
        N_("Courses looked at"),
        _provisioned,
        _provision_again,
        provision_console_words.FAULTS,
        lambda _job: _("Nothing was changed in Moodle."),
    ),
    "provision_apply": About(
        N_("Applying a provision file"),
        N_("Courses done"),
        _provisioned,
        _provision_again,
        provision_console_words.FAULTS,
        provision_console_words.so_far,
    ),
    "provision_close": About(
        N_("Closing a term's courses"),
        N_("Courses closed"),
        _provisioned,
        _provision_again,
        provision_console_words.FAULTS,
    ),
}
"""By the kinds of jobs.long_work.KINDS."""
