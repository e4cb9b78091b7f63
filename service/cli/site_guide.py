"""The walk-through of `copbridge site add`: what IT does in Moodle, with exactly what has to be granted."""

from collections.abc import Iterable, Iterator

from jobs.doctor.needs import Needs
from service.cli.doctor_fixes import ADMIN
from service.cli.doctor_words import lines_without

ROLE = "copbridge"


def steps(slug: str, events: str, asked: Needs, *, has_token: bool) -> list[str]:
    """The steps as lines, numbered: with the plugin, and without it."""
    lines = ["", f"What to do in Moodle, as an administrator. The menus begin with {ADMIN} > ..."]
    lines += ["", "With the plugin, which is the better way:"]
    lines += _numbered(_with_plugin(slug, events, has_token=has_token))
    lines += ["", "Without it:"]
    lines += _numbered(_without(slug, has_token=has_token))
    lines += lines_without(asked)
    return [*lines, "", "The lists alone: copbridge doctor --needed."]


def _numbered(given: Iterable[str]) -> Iterator[str]:
    for number, step in enumerate(given, start=1):
        yield f"{number}. {step}"


def _with_plugin(slug: str, events: str, *, has_token: bool) -> Iterator[str]:
    yield "Here: copbridge plugin build. In Moodle: Plugins > Install plugins: choose the file."
    yield (
        f"Plugins > Local plugins > CoP Bridge: the address {events} and the secret above; under Communities the"
        " categories or courses. Then CoP Bridge: status and deliveries > Test the connection."
    )
    yield "General > Advanced features: Enable web services. Server > Web services > Manage protocols: REST."
    yield (
        "Users > Accounts > Add a new user, for this service alone, with the authentication Web services"
        " authentication. Users > Permissions > Assign system roles: give it the plugin's role, CoP Bridge."
    )
    yield "Server > Web services > External services > CoP Bridge > Authorised users: add the account."
    yield from _last(slug, "CoP Bridge", has_token=has_token)


def _without(slug: str, *, has_token: bool) -> Iterator[str]:
    yield "General > Advanced features: Enable web services. Server > Web services > Manage protocols: REST."
    yield (
        f"Users > Permissions > Define roles > Add a new role, archetype none, short name {ROLE}, context System:"
        " allow the capabilities below, and no others."
    )
    yield (
        "Users > Accounts > Add a new user, for this service alone, with the authentication Web services"
        " authentication. Users > Permissions > Assign system roles: give it the role."
    )
    yield (
        "Server > Web services > External services > Add: Enabled, Authorised users only. Functions: add those below."
        " Authorised users: add the account."
    )
    yield from _last(slug, "you made", has_token=has_token)


def _last(slug: str, service: str, *, has_token: bool) -> Iterator[str]:
    if not has_token:
        yield (
            f"Server > Web services > Manage tokens > Create token, for the account and the service {service}; switch"
            f" off Valid until. Then here:\n   copbridge site secret add {slug} --purpose web_services --from-stdin"
        )
    yield f"Last, here: copbridge doctor {slug}"
