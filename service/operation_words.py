"""Words for how the machine runs: what waits, why something was put aside, what a job of the house is for."""

from datetime import timedelta

from service.i18n import N_, _, ngettext
from service.wording import plain

BACKLOG = {
    "inbox": N_("What Moodle sent, to be taken in"),
    "memberships": N_("Participants whose hours are computed again"),
    "rereads": N_("Questions to Moodle that an event left open"),
    "sweeps": N_("Readings of Moodle"),
    "attendance": N_("Files of attendance"),
    "long_jobs": N_("Long work that somebody asked for"),
    "mails": N_("Mail to people who sign in"),
    "messages": N_("Messages to participants"),
}

STATUSES = {
    "pending": N_("on its way"),
    "waiting": N_("waits"),
    "quarantined": N_("in quarantine"),
    "dead": N_("given up"),
    "done": N_("done"),
}

REASONS = {
    "malformed": N_("Its shape is none that the wire knows."),
    "future_time": N_("It tells of a time that is yet to come: a clock is wrong."),
    "unconfirmed_copy": N_("A copy of the site sent it. Confirm the sender first: copbridge site confirm."),
    "unknown_course": N_("Moodle has yet to describe its course."),
    "unknown_module": N_("Moodle has yet to describe its activity."),
    "uninteresting_event": N_("It tells of something that earns nothing anywhere."),
    "erased": N_("It was about a person who was erased."),
    "every attempt died with its process": N_("The process that worked on it ended each time."),
}

PERIODIC = {
    "look": N_("Looks for work that nobody asked for"),
    "reread_accounts": N_("Asks Moodle what events left open"),
    "schedule_sweeps": N_("Asks for readings of Moodle"),
    "tell_standings": N_("Tells Moodle how participants stand"),
    "tell_presences": N_("Tells Moodle who was at which session"),
    "match_attendance": N_("Credits those who came before Moodle knew them"),
    "send_mail": N_("Sends mail and messages whose turn has come"),
    "prune_inbox": N_("Deletes what its retention is over for"),
    "prune_idempotency_keys": N_("Forgets the answers kept for repeated requests of the REST API"),
}

MAILS = {
    "invitation": N_("An invitation"),
    "reset": N_("A new password"),
    "password_changed": N_("A password was changed"),
    "granted": N_("A role was given"),
}

UNDELIVERED = {
    "no_way": N_("No way to send mail is set up."),
    "bad_address": N_("It is no address that mail can go to."),
    "login_refused": N_("The mail server refused the login."),
    "address_refused": N_("The mail server refused the address."),
    "sender_refused": N_("The mail server refused the sender."),
    "mail_refused": N_("The mail server refused the mail."),
    "tls_failed": N_("No safe connection to the mail server came about."),
    "unreachable": N_("The mail server couldn't be reached."),
    "not_supported": N_("The mail server doesn't know how to do what is needed."),
    "folder": N_("The folder for mail couldn't be written to."),
    "unreadable": N_("It can't be read any more: the encryption key is another one."),
}

SENDERS = {
    "wire": N_("the plugin"),
    # As they call themselves, in every language.
    "local_webhooks": "local_webhooks",
    "xapi": "logstore_xapi",
    "tool_trigger": "tool_trigger",
}

ERRORS = {
    "IntegrityError": N_("It contradicts what is stored already (%(code)s)."),
    "DataError": N_("It holds a value that can't be stored (%(code)s)."),
    "OperationalError": N_("The database failed while it was worked on (%(code)s)."),
    "MalformedEvent": N_("Its shape is none that the wire knows (%(code)s)."),
}
"""By the first word of what is kept of an error: its class."""
BROKE = N_("An error of CoP Bridge stopped it (%(code)s): whoever looks after it finds more in the log.")

PURPOSES = {
    "wire": N_("the plugin's secret"),
    "local_webhooks": N_("a secret for local_webhooks"),
    "xapi": N_("a secret for logstore_xapi"),
    "tool_trigger": N_("a secret for tool_trigger"),
    "web_services": N_("a web-services token"),
}


def _words(table: dict[str, str], code: str) -> str:
    return _(table[code]) if code in table else plain(code)


def backlog(name: str) -> str:
    """What waits."""
    return _words(BACKLOG, name)


def status(code: str) -> str:
    """What became of an item."""
    return _words(STATUSES, code)


def reason(code: str) -> str:
    """Why an item was put aside, or counted and not kept. Of an error its class is kept, with what the database said
    in codes: that stands beside the words, for whoever looks for it in the log."""
    error = code.partition(" ")[0]
    if code in REASONS or not (error.isidentifier() and error[0].isupper()):
        return _words(REASONS, code)
    return _(ERRORS.get(error, BROKE), code=code)


def sender(code: str) -> str:
    """What a site's item came by."""
    return _words(SENDERS, code)


def periodic(name: str) -> str:
    """What a periodic job does."""
    return _words(PERIODIC, name)


def mail(kind: str) -> str:
    """What a mail is about."""
    return _words(MAILS, kind)


def undelivered(code: str) -> str:
    """Why a mail didn't go out."""
    return _words(UNDELIVERED, code)


def purpose(code: str) -> str:
    """What a site's secret is for."""
    return _words(PURPOSES, code)


def every(length: timedelta) -> str:
    """How often a periodic job is due."""
    seconds = int(length.total_seconds())
    if seconds < 60:
        return ngettext("every second", "every %(n)s seconds", seconds)
    if seconds < 3600:
        return ngettext("every minute", "every %(n)s minutes", seconds // 60)
    return ngettext("every hour", "every %(n)s hours", seconds // 3600)
