"""What a program's codes and figures mean in words: what is missing, guidelines, lines that follow from others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mappings.base import Text, words
from mappings.conditions import Lacks, Missing, PassedOver
from mappings.outcomes import OutcomeStatus
from mappings.program import Program
from mappings.requirements import CHECKS, Notice
from mappings.together import Noticed, NoticeStatus
from service import wording
from service.i18n import N_, _, ngettext

OUTCOMES = {
    OutcomeStatus.MET: N_("Met"),
    OutcomeStatus.OPEN: N_("Open"),
    OutcomeStatus.OVERDUE: N_("Overdue"),
    OutcomeStatus.WAIVED: N_("Waived"),
    OutcomeStatus.TO_BE_SET: N_("Can't be told yet"),
}

NOTICES = {
    NoticeStatus.KEPT: N_("Kept"),
    NoticeStatus.DEVIATES: N_("Deviates"),
    NoticeStatus.EXPLAINED: N_("Deviates, with a reason"),
    NoticeStatus.UNKNOWN: N_("Not known"),
    NoticeStatus.TO_BE_SET: N_("Can't be told yet"),
}

PASSED_OVER = {
    PassedOver.OUTSIDE_PERIOD: N_("outside of the period"),
    PassedOver.NOT_PROVEN: N_("without evidence"),
    PassedOver.NOT_FULL: N_("phases are missing"),
    PassedOver.ABSENT: N_("absent"),
}

SAME = {"level": N_("levels"), "parent": N_("organisations above")}
ANY = {Lacks.ANY_OF}


def outcome(status: str) -> str:
    """How a requirement stands."""
    return _(OUTCOMES[OutcomeStatus(status)])


def notice_status(status: str) -> str:
    """How a guideline is kept."""
    return _(NOTICES[NoticeStatus(status)])


def passed_over(why: PassedOver) -> str:
    """Why something that could have counted didn't."""
    return _(PASSED_OVER[why])


def listed(parts: Sequence[str]) -> str:
    """One, another and a third."""
    if len(parts) < 2:
        return "".join(parts)
    first = parts[0]
    for part in parts[1:-1]:
        first = _("%(first)s, %(next)s", first=first, next=part)
    return _("%(first)s and %(last)s", first=first, last=parts[-1])


@dataclass(frozen=True, slots=True)
class Teller:
    """Words for a program's codes, with its own titles in a language and the days of a time zone."""

    program: Program
    timezone: str
    language: str

    def text(self, text: Text | None, code: str) -> str:
        """A title of the program file; a code without one reads as it is."""
        return (words(text, self.language) if text else "") or wording.plain(code)

    def requirement(self, code: str) -> str:
        found = next((r.title for r in self.program.requirements if r.requirement == code), None)
        return self.text(found, code)

    def notice(self, code: str) -> str:
        found = self._notice(code)
        return self.text(found.title if found else None, code)

    def _notice(self, code: str) -> Notice | None:
        return next((n for n in self.program.notices if n.notice == code), None)

    def milestone(self, code: str) -> str:
        found = self.program.milestones_by_name.get(code)
        return self.text(found.title if found else None, code)

    def cycle(self, code: str) -> str:
        return self.text(next((c.title for c in self.program.cycles if c.cycle == code), None), code)

    def phase(self, cycle: str, code: str) -> str:
        found = (m.title for m in self.program.milestones if (m.cycle, m.phase) == (cycle, code))
        return self.text(next(found, None), code)

    def job_role(self, code: str) -> str:
        return self.text(next((r.title for r in self.program.job_roles if r.code == code), None), code)

    def cap(self, code: str) -> str:
        return self.text(next((c.title for c in self.program.caps if c.cap == code), None), code)

    def units(self, minutes: int) -> list[str]:
        """An amount in the program's other units: 1.20 continuing education units."""
        return [
            _("%(amount)s %(unit)s", amount=f"{minutes / unit.minutes:.2f}", unit=self.text(unit.title, unit.unit))
            for unit in self.program.units
        ]

    def day(self, moment: datetime) -> str:
        return wording.day(moment, self.timezone)

    def last_day(self, end: datetime) -> str:
        """The day before the first instant that is too late."""
        return self.day(end - timedelta(microseconds=1))

    def have(self, have: int, need: int | None, unit: str) -> str:
        """3 of 4, or 2 h of 4 h."""
        amount: Callable[[int], str] = wording.hours if unit == "minutes" else str
        return amount(have) if need is None else _("%(have)s of %(need)s", have=amount(have), need=amount(need))

    def lacking(self, lacks: Sequence[Missing]) -> str:
        """All that is missing, in one phrase: 2 h 30 min online and the session of Mar 12, 2026."""
        parts: list[str] = []
        for place, lack in enumerate(lacks):
            if lack.code in ANY:
                # What follows are the ways to it.
                ways = [self.missing(way) for way in lacks[place + 1 :]]
                parts.append(_("%(count)s: %(ways)s", count=self.missing(lack), ways="; ".join(ways)))
                break
            parts.append(self.missing(lack))
        return listed(parts)

    def missing(self, lack: Missing) -> str:
        """One thing that is still to do."""
        return TOLD[lack.code](self, lack.params)

    def noticed(self, found: Noticed) -> str:
        """What there is and what is recommended: 3 participants; recommended 4 to 7."""
        notice = self._notice(found.notice)
        if notice is None:
            return ""
        check = next(name for name in CHECKS if getattr(notice, name))
        return NOTICED[check](self, notice, found.params)


def _hours(_teller: Teller, p: Mapping[str, Any]) -> str:
    amount = wording.hours(int(p["minutes"]))
    if not p.get("component"):
        return amount
    return _("%(hours)s %(component)s", hours=amount, component=wording.component(str(p["component"])))


def _activity(_teller: Teller, p: Mapping[str, Any]) -> str:
    return _("the activity “%(rule)s”", rule=wording.plain(str(p["rule"])))


def _activities(_teller: Teller, p: Mapping[str, Any]) -> str:
    rules = ", ".join(wording.plain(str(rule)) for rule in p["rules"])
    return ngettext("%(n)s more activity of: %(rules)s", "%(n)s more activities of: %(rules)s", p["count"], rules=rules)


def _session(teller: Teller, p: Mapping[str, Any]) -> str:
    day = teller.day(datetime.fromisoformat(str(p["starts_at"])))
    title = p.get("title") or p.get("session")
    return (
        _("the session “%(title)s” of %(day)s", title=title, day=day) if title else _("the session of %(day)s", day=day)
    )


def _sessions(teller: Teller, p: Mapping[str, Any]) -> str:
    kind = teller.program.kinds_by_name.get(str(p.get("kind")))
    what = [teller.text(kind.title, kind.kind)] if kind else []
    what += [wording.mode(str(p["mode"]))] if p.get("mode") else []
    if not what:
        return ngettext("%(n)s more session", "%(n)s more sessions", p["count"])
    told = ", ".join(what)
    return ngettext("%(n)s more session (%(what)s)", "%(n)s more sessions (%(what)s)", p["count"], what=told)


def _milestone(teller: Teller, p: Mapping[str, Any]) -> str:
    title = teller.milestone(str(p["milestone"]))
    if not p.get("starts_at"):
        return _("“%(title)s”", title=title)
    day = teller.day(datetime.fromisoformat(str(p["starts_at"])))
    return _("“%(title)s” after the session of %(day)s", title=title, day=day)


def _milestones(teller: Teller, p: Mapping[str, Any]) -> str:
    title = teller.milestone(str(p["milestone"]))
    return ngettext("“%(title)s”", "“%(title)s”, %(n)s times", p["count"], title=title)


def _cycles(teller: Teller, p: Mapping[str, Any]) -> str:
    title = teller.cycle(str(p["cycle"]))
    return ngettext("%(n)s full cycle “%(title)s”", "%(n)s full cycles “%(title)s”", p["count"], title=title)


def _phase(teller: Teller, p: Mapping[str, Any]) -> str:
    phase = teller.phase(str(p["cycle"]), str(p["phase"]))
    if not p.get("label"):
        return _("the phase “%(phase)s” of a cycle that has begun", phase=phase)
    return _("the phase “%(phase)s” of cycle %(label)s", phase=phase, label=p["label"])


def _any_of(_teller: Teller, p: Mapping[str, Any]) -> str:
    return ngettext("one of these", "%(n)s of these", p["count"])


def _setting(_teller: Teller, _params: Mapping[str, Any]) -> str:
    return _("a figure that the program file has yet to state")


def _calendar(_teller: Teller, _params: Mapping[str, Any]) -> str:
    return _("a date that isn't known yet")


TOLD: dict[Lacks, Callable[[Teller, Mapping[str, Any]], str]] = {
    Lacks.HOURS: _hours,
    Lacks.ACTIVITY: _activity,
    Lacks.ACTIVITIES: _activities,
    Lacks.SESSION: _session,
    Lacks.SESSIONS: _sessions,
    Lacks.MILESTONE: _milestone,
    Lacks.MILESTONES: _milestones,
    Lacks.CYCLES: _cycles,
    Lacks.PHASE: _phase,
    Lacks.ANY_OF: _any_of,
    Lacks.SETTING: _setting,
    Lacks.CALENDAR: _calendar,
}


def _range(p: Mapping[str, Any]) -> str:
    low, high = (p[name] if isinstance(p[name], int) else None for name in ("min", "max"))
    if low is not None and high is not None:
        return _("%(low)s to %(high)s", low=low, high=high) if low != high else str(low)
    if low is not None:
        return _("at least %(low)s", low=low)
    return _("at most %(high)s", high=high) if high is not None else _("yet to be set")


def _recommended(there: str, wanted: str) -> str:
    return _("%(there)s; recommended: %(wanted)s", there=there, wanted=wanted)


def _members(_teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    return _recommended(ngettext("%(n)s participant", "%(n)s participants", p["have"]), _range(p))


def _teams(_teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    return _recommended(ngettext("%(n)s team", "%(n)s teams", p["have"]), _range(p))


def _facilitators(_teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    return _recommended(ngettext("%(n)s facilitator", "%(n)s facilitators", p["have"]), _range(p))


def _roles_covered(teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    if not p["missing"]:
        return _("Every recommended role is there")
    roles = [
        teller.job_role(r) if n == 1 else _("%(n)s of %(role)s", n=n, role=teller.job_role(r))
        for r, n in p["missing"].items()
    ]
    lacks = _("Missing: %(roles)s", roles=listed(roles))
    if not p["unknown"]:
        return lacks
    unknown = ngettext(
        "the role of %(n)s participant isn't known", "the roles of %(n)s participants aren't known", p["unknown"]
    )
    return _("%(lacks)s; %(unknown)s", lacks=lacks, unknown=unknown)


def _role_alike(teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    wanted = ", ".join(teller.job_role(role) for role in p["wanted"]) or _("yet to be set")
    return _recommended(teller.job_role(p["role"]) if p["role"] else _("The role isn't known"), wanted)


def _organisation_kinds(_teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    there = wording.plain(p["kind"]) if p["kind"] else _("The organisation isn't known")
    return _recommended(there, ", ".join(wording.plain(kind) for kind in p["wanted"]))


def _same(_teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    found = ", ".join(p["found"]) or _("not known")
    same = SAME[p["same"]]
    return _("Teams' %(what)s: %(found)s; recommended: one", what=_(same), found=found)


def _reach(teller: Teller, _notice: Notice, p: Mapping[str, Any]) -> str:
    if "have" not in p:
        return _("Its period isn't known yet")
    there = teller.have(p["have"], p["need"], p["unit"])
    lacks = [Missing(Lacks(one["code"]), {k: v for k, v in one.items() if k != "code"}) for one in p["missing"]]
    return _("%(there)s; still to do: %(lacks)s", there=there, lacks=teller.lacking(lacks)) if lacks else there


NOTICED: dict[str, Callable[[Teller, Notice, Mapping[str, Any]], str]] = {
    "members": _members,
    "teams": _teams,
    "facilitators": _facilitators,
    "roles_covered": _roles_covered,
    "role_alike": _role_alike,
    "organisation_kinds": _organisation_kinds,
    "same": _same,
    "reach": _reach,
}
