"""Address, TLS, token, its account, its functions, the clock: whether Moodle answers us as it should."""

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

from jobs.doctor.certificate import look_at
from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import BY_REASON, Look, told
from jobs.doctor.needs import FUNCTIONS, PLUGIN_FUNCTIONS, PLUGIN_READING, SITE_INFO
from jobs.doctor.plugin import status_of
from jobs.sweep import attendance
from moodle_client import Function, MoodleError

Findings = Iterator[Finding]
EXPIRES_SOON = timedelta(days=21)
OLDEST_TRIED = 2024100700
"""Moodle 4.5."""
FIRST_UNTRIED_MAJOR = 6
SKEW = 60.0
"""Seconds, from which on the clocks count as different."""
FAR = 240.0
"""Batches on the wire are refused from 300 seconds on."""
SHOWN = 10
PLUGIN = "local_copbridge_"


def secrets(look: Look) -> Findings:
    """The token and the secret for events are there and can be read."""
    books = look.books
    if books.secrets_error:
        yield Finding(Code.SECRETS_UNREADABLE, {"why": books.secrets_error})
        return
    if not books.token:
        yield Finding(Code.TOKEN_ABSENT, {"site": books.slug})
    if not books.has_wire_secret:
        yield Finding(Code.WIRE_SECRET_ABSENT, {"site": books.slug})


def tls(look: Look) -> Findings:
    """The way to the site is encrypted, and will be next month."""
    parts = urlsplit(look.books.wwwroot)
    host = parts.hostname or ""
    if parts.scheme != "https":
        if not _is_loopback(host):
            yield Finding(Code.TLS_ABSENT, {"wwwroot": look.books.wwwroot})
        return
    seen = look_at(look.books.wwwroot)
    if seen.problem:
        yield Finding(Code.CERTIFICATE_UNTRUSTED, {"host": host, "why": seen.problem})
    elif seen.expires_at and seen.expires_at - look.now() < EXPIRES_SOON:
        left = (seen.expires_at - look.now()).days
        yield Finding(Code.CERTIFICATE_EXPIRES, {"host": host, "on": f"{seen.expires_at:%Y-%m-%d}", "days": left})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def answers(look: Look) -> Findings:
    """The address is a Moodle site's, its web services are on, and the token is taken."""
    asked_at = look.now()
    try:
        reply = look.moodle.site_info()
    except MoodleError as err:
        yield _failure(look, err)
        return
    look.info = reply.data
    # as_of is up to two seconds early: whole seconds of the Date, and of the time that the answer took.
    look.skew = (reply.as_of - asked_at).total_seconds()
    raw = look.moodle.call("core_webservice_get_site_info", reads=True).data
    if isinstance(raw, dict):
        features = raw.get("advancedfeatures") or ()
        look.features = {str(one.get("name")): int(one.get("value") or 0) for one in features if isinstance(one, dict)}


def _failure(look: Look, err: MoodleError) -> Finding:
    code = BY_REASON.get(err.reason, Code.CALL_FAILED)
    if code is Code.CALL_FAILED:
        return told(err)
    if code is Code.TOKEN_REFUSED and _answers_others(look):
        return Finding(Code.FUNCTION_MISSING, {"function": SITE_INFO})
    host = urlsplit(look.books.wwwroot).hostname
    params = {"wwwroot": look.books.wwwroot, "host": host, "site": look.books.slug, "detail": err.errorcode or "-"}
    if code is Code.CERTIFICATE_UNTRUSTED:
        params["why"] = "it can't be verified"
    return Finding(code, params)


def _answers_others(look: Look) -> bool:
    """Moodle says the same of a function that the service lacks and of a token that it doesn't take at all."""
    for ask in (lambda: look.moodle.courses("id", 1), look.moodle.get_status):
        with suppress(MoodleError):
            ask()
            return True
    return False


def address(look: Look) -> Findings:
    """The site calls itself what we call it: what it sends names that address."""
    theirs = look.site.siteurl.rstrip("/")
    if theirs.casefold() != look.books.wwwroot.casefold():
        yield Finding(Code.OTHER_ADDRESS, {"siteurl": theirs, "wwwroot": look.books.wwwroot, "site": look.books.slug})


def version(look: Look) -> Findings:
    """Moodle is one of those that this was made for."""
    number = look.site.version.split(".")[0]
    major = look.site.release.split(".")[0]
    old = not number.isdigit() or int(number) < OLDEST_TRIED
    new = major.isdigit() and int(major) >= FIRST_UNTRIED_MAJOR
    if old or new:
        yield Finding(Code.VERSION_UNTRIED, {"release": look.site.release or look.site.version or "?"})


def account(look: Look) -> Findings:
    """The token's account may do no more than it has to."""
    if look.site.userissiteadmin:
        yield Finding(Code.TOKEN_OF_ADMIN, {"user": look.site.userid})


MESSAGES = Function.SEND_INSTANT_MESSAGES
"""Called where staff write to participants; the plugin's service holds it."""


def functions(look: Look) -> Findings:
    """The token's service has all functions that are called, and few others."""
    needed = (SITE_INFO, *map(str, PLUGIN_READING)) if look.by_plugin else FUNCTIONS
    if look.has_plugin:
        yield from _of_plugin(look)
    if not look.by_plugin:
        for name in needed:
            if not look.has(name):
                yield Finding(Code.FUNCTION_MISSING, {"function": name})
    beyond = sorted(
        one.name
        for one in look.site.functions
        if one.name not in (*needed, *attendance.FUNCTIONS, MESSAGES) and not one.name.startswith(PLUGIN)
    )
    if beyond:
        yield Finding(Code.FUNCTIONS_BEYOND, {"count": len(beyond), "functions": beyond[:SHOWN]})


def _of_plugin(look: Look) -> Findings:
    missing = [str(name) for name in PLUGIN_FUNCTIONS if not look.has(name)]
    stopping = [name for name in missing if look.by_plugin and name in PLUGIN_READING]
    rest = [name for name in missing if name not in stopping]
    for code, names in ((Code.PLUGIN_FUNCTIONS_MISSING, stopping), (Code.PLUGIN_FUNCTIONS_FEWER, rest)):
        if names:
            yield Finding(code, {"count": len(names), "functions": names})


def clock(look: Look) -> Findings:
    """Moodle's clock and ours agree: readings and events are put in order by Moodle's, signatures checked by ours."""
    status_of(look)
    seconds = round(look.skew)
    if abs(look.skew) >= SKEW:
        code = Code.CLOCK_FAR_OFF if abs(look.skew) >= FAR else Code.CLOCK_OFF
        yield Finding(code, {"seconds": abs(seconds), "direction": "ahead of" if seconds > 0 else "behind"})
