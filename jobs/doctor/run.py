"""All checks in order. One whose ground is missing isn't made, and says so."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.doctor import attendance, capabilities, connection, content, flow, messages, plugin
from jobs.doctor.findings import Finding, Report, Result, Severity
from jobs.doctor.look import Look

Found = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. `after`: the checks without which it can't be made: an error there stands in its way."""

    name: str
    look: Callable[[Look], Found]
    after: tuple[str, ...] = ()


CHECKS = (
    Check("secrets", connection.secrets),
    Check("tls", connection.tls),
    Check("answers", connection.answers, ("secrets", "tls")),
    Check("address", connection.address, ("answers",)),
    Check("version", connection.version, ("answers",)),
    Check("account", connection.account, ("answers",)),
    Check("functions", connection.functions, ("answers",)),
    Check("clock", connection.clock, ("answers",)),
    Check("courses", capabilities.courses, ("answers",)),
    Check("capabilities", capabilities.capabilities, ("answers", "courses")),
    Check("attendance", attendance.sessions, ("answers",)),
    Check("messages", messages.messages, ("answers",)),
    Check("completion", content.completion, ("answers", "courses")),
    Check("cron", plugin.cron, ("answers",)),
    Check("plugin", plugin.plugin, ("answers",)),
    Check("events", flow.events),
    Check("inbox", flow.inbox),
    Check("sweeps", flow.sweeps),
    Check("idnumbers", content.idnumbers),
    Check("mapping", content.mapping),
    Check("sign_in", flow.sign_in),
)


def examine(look: Look, progress: Callable[[int, int], None] | None = None) -> Report:
    """Make all checks."""
    results: dict[str, Result] = {}
    for number, check in enumerate(CHECKS):
        if progress:
            progress(number, len(CHECKS))
        because = next((name for name in check.after if _stands_in_the_way(results[name])), "")
        results[check.name] = Result(check.name, because=because) if because else _made(check, look)
    return Report(look.books.slug, tuple(results.values()))


def _stands_in_the_way(result: Result) -> bool:
    return bool(result.because) or result.severity is Severity.ERROR


def _made(check: Check, look: Look) -> Result:
    findings = list(check.look(look))
    return Result(check.name, tuple(findings), _told(check.name, look))


def _told(name: str, look: Look) -> Mapping[str, Any]:
    """What was seen, for who wants to know what "ok" stands on."""
    info = look.info
    told: dict[str, Mapping[str, Any]] = {
        "answers": {"wwwroot": look.books.wwwroot},
        "version": {"release": info.release if info else ""},
        "clock": {"seconds": round(look.skew)},
        "courses": {"looked_at": list(look.chosen), "communities": len(look.books.courses)},
        "capabilities": look.told,
        "functions": {"count": len(info.functions) if info else 0},
        "events": {"last": look.books.last_event_at},
    }
    return told.get(name, {})
