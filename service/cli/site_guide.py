"""The walk-through of `copbridge site add`: what IT does in Moodle, with exactly what has to be granted."""

from collections.abc import Iterator

from jobs.doctor.needs import Needs
from service.cli.doctor_fixes import ADMIN
from service.cli.doctor_words import lines_of

ROLE = "copbridge"


def steps(slug: str, events: str, asked: Needs, *, has_token: bool) -> list[str]:
    """The steps as lines, numbered."""
    lines = ["", "What to do in Moodle, as an administrator:"]
    for number, step in enumerate(_steps(slug, events, has_token=has_token), start=1):
        lines.append(f"{number}. {step}")
    return [*lines, "", *lines_of(asked), "", f"The lists alone: copbridge doctor --needed. The menus: {ADMIN} > ..."]


def _steps(slug: str, events: str, *, has_token: bool) -> Iterator[str]:
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
    if not has_token:
        yield (
            "Server > Web services > Manage tokens > Create token, for the account and the service. Then here:\n"
            f"   copbridge site secret add {slug} --purpose web_services --from-stdin"
        )
    yield f"With the plugin local_copbridge: its settings take the address {events} and the secret above."
    yield f"Last, here: copbridge doctor {slug}"
