"""Words about those who sign in: their roles and scopes, what was done to an account, and why something isn't."""

from uuid import UUID

from mappings.program import Program
from records.actor import Grant, Role, Scope
from records.granting import Fault
from records.queries.users import Change, Places
from service.i18n import N_, _
from service.pages.titles import program_title, region_title, topic_title
from service.wording import ROLES

FAULTS = {
    Fault.UNKNOWN: N_("This role isn't there any more: somebody else has withdrawn it meanwhile."),
    Fault.OUTSIDE: N_("This role, or where it reaches, isn't yours to give or withdraw."),
    Fault.OWN: N_("Nobody changes the own account here: somebody else has to do that."),
    Fault.LAST: N_("Nobody else has this role everywhere: give it to somebody else first."),
    Fault.OFF: N_("The account is switched off: switch it on first."),
    Fault.THERE: N_("It is so already."),
}

ROLE_HELP = {
    Role.IT: N_("Sites, events and jobs, and the accounts here; communities in numbers, nobody's hours."),
    Role.PROGRAM_ADMIN: N_("All that program staff do, and who works here, closing of periods, exports and erasure."),
    Role.STAFF: N_("People and their hours: adjusts, approves, decides what counts; writes to participants."),
    Role.FACILITATOR: N_("People and their hours; plans sessions, records attendance and milestones."),
    Role.AUDITOR: N_("Reads everything, changes nothing."),
}

ACTIONS = {
    "user.created": N_("Invited for the first time"),
    "user.switched_off": N_("Switched off"),
    "user.switched_on": N_("Switched on"),
    "grant.given": N_("Role given"),
    "grant.withdrawn": N_("Role withdrawn"),
    "setup_link.made": N_("Link made"),
    "setup_link.used": N_("Password set by a link"),
    "password.changed": N_("Password changed"),
    "account.saved": N_("Name or language changed"),
}

MAIL_STATUS = {
    "waiting": N_("The latest mail is on its way."),
    "sent": N_("The latest mail was sent."),
    "failed": N_("The latest mail couldn't be sent. Send a new link, or see whether the address is right."),
}

WAYS = {
    "password": N_("with the password"),
    "setup_link": N_("by a link that set the password"),
    "provider": N_("by the district's sign-in"),
}


def fault(found: Fault) -> str:
    """Why an act on an account isn't done, and what to do."""
    return _(FAULTS[found])


def scope(kind: Scope, where: str, places: Places) -> str:
    """How far a role reaches. A code without a title stands for itself."""
    if kind is Scope.ALL:
        return _("everywhere")
    if kind is Scope.COMMUNITY:
        found = places.communities.get(UUID(where))
        if found is None:
            return _("a community that isn't there any more")
        program, topic, region = found
        of = places.programs.get(program)
        return f"{topic_title(of, topic)}, {region_title(of, region)}" if of else f"{topic}, {region}"
    program, _slash, region = where.partition("/")
    of = places.programs.get(program)
    title = program_title(of) if of else program
    if not region:
        return title
    return f"{region_title(of, region) if of else region} · {title}"


def grant(held: Grant, places: Places) -> str:
    """A role, and how far it reaches."""
    return f"{_(ROLES[held.role])} · {scope(held.scope_kind, held.scope, places)}"


def change(done: Change, places: Places) -> str:
    """What was done to an account."""
    words = _(ACTIONS[done.action])
    of = done.after or done.before
    grants = [of] if "scope_kind" in of else of.get("grants", [])
    told = [grant(Grant(Role(g["role"]), Scope(g["scope_kind"]), g["scope"]), places) for g in grants]
    return f"{words}: {'; '.join(told)}" if told else words


def by(done: Change) -> str:
    """Who did it."""
    if done.by:
        return done.by
    return _("at the server's command line") if done.actor == "cli" else _("CoP Bridge")


def programs(places: Places) -> list[tuple[str, Program]]:
    """The programs by code, in the order of their titles."""
    return sorted(places.programs.items(), key=lambda each: program_title(each[1]))
