"""What forms about those who sign in offer and bring: roles, scopes, addresses and names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from records import users
from records.actor import Actor, Grant, Role, Scope
from records.granting import GIVES
from records.queries.users import Places
from service import user_words
from service.i18n import NAMES, _
from service.pages.titles import region_title
from service.wording import ROLES

MAX_NAME = 200
EVERYWHERE = "all"
Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Whom a form of invitation names, as typed, and what is wrong with it: by field, in words."""

    email: str
    name: str
    language: str | None
    faults: Mapping[str, str] = field(default_factory=dict)


def newcomer(form: Mapping[str, str]) -> Newcomer:
    """What a form of invitation says of the person."""
    email, name = form.get("email", "").strip(), form.get("name", "").strip()
    faults = {}
    if not users.is_address(email):
        faults["email"] = _("Type the whole address, such as ana@example.org.")
    fault = name_fault(name)
    if fault:
        faults["name"] = fault
    return Newcomer(email, name, language(form.get("language", "")), faults)


def name_fault(name: str) -> str:
    """What is wrong with a name; empty where nothing is."""
    if not name:
        return _("Type the name.")
    if len(name) > MAX_NAME:
        return _("Type at most %(n)s characters.", n=MAX_NAME)
    return "" if name.isprintable() else _("Leave out what can't be seen: line breaks and control characters.")


def language(chosen: str) -> str | None:
    """A language that there is; None: as the browser asks."""
    return chosen if chosen in NAMES else None


def role_choices(actor: Actor) -> list[Choice]:
    """The roles that an actor gives, somewhere."""
    gives = {role for own in actor.roles for role in GIVES.get(own, ())}
    return [(str(role), _(words)) for role, words in ROLES.items() if role in gives]


def scope_choices(actor: Actor, places: Places) -> list[Choice]:
    """Where an actor gives roles: everywhere, programs, regions; and the communities that `places` holds."""
    found: list[Choice] = [(EVERYWHERE, user_words.scope(Scope.ALL, "", places))] if actor.unlimited else []
    for code, program in user_words.programs(places):
        if actor.unlimited or code in _programs(actor):
            found.append((f"program:{code}", user_words.scope(Scope.PROGRAM, code, places)))
        for region in sorted(program.regions, key=lambda each: region_title(program, each.code)):
            if actor.reaches(code, region.code):
                where = f"{code}/{region.code}"
                found.append((f"region:{where}", user_words.scope(Scope.REGION, where, places)))
    for community, (program_code, _topic, region_code) in places.communities.items():
        if actor.reaches(program_code, region_code, community):
            where = str(community)
            found.append((f"community:{where}", user_words.scope(Scope.COMMUNITY, where, places)))
    return found


def _programs(actor: Actor) -> set[str]:
    return {grant.scope for grant in actor.grants if grant.scope_kind is Scope.PROGRAM}


def chosen_grant(form: Mapping[str, str]) -> Grant | None:
    """The role and scope that a form names; None where it names none that there could be."""
    kind, _colon, where = form.get("scope", "").partition(":")
    try:
        return Grant(Role(form.get("role", "")), Scope(kind), _canonical(kind, where))
    except ValueError:
        return None


def _canonical(kind: str, where: str) -> str:
    return str(UUID(where)) if kind == Scope.COMMUNITY else where


def value_of(grant: Grant) -> str:
    """A grant's scope as forms name it."""
    return f"{grant.scope_kind}:{grant.scope}" if grant.scope else str(grant.scope_kind)
