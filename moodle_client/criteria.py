"""Searching for users without Moodle's traps: unknown criteria and wildcards find everyone."""

from collections.abc import Mapping

from moodle_client.models import User

KEYS = frozenset({"id", "lastname", "firstname", "idnumber", "username", "email", "auth"})
"""The criteria that core_user_get_users documents. It ignores all others."""
LIKE = ("email", "firstname", "lastname")
"""Those that it compares by SQL's LIKE, in which % and _ are wildcards."""


def checked_criteria(criteria: Mapping[str, str | int]) -> dict[str, str]:
    """The criteria as text. Raises ValueError where Moodle would find more than was asked for."""
    unknown = sorted(set(criteria) - KEYS)
    if unknown or not criteria:
        raise ValueError(f"criteria are some of {', '.join(sorted(KEYS))}; not {', '.join(unknown) or 'none'}")
    wanted = {key: str(value) for key, value in criteria.items()}
    for key, value in wanted.items():
        if not value.strip() or "%" in value:
            raise ValueError(f"{key}: an empty value or the wildcard % would find many")
    return wanted


def matching(users: tuple[User, ...], wanted: Mapping[str, str]) -> tuple[User, ...]:
    """The users that match without wildcards. Moodle only returns users with all searched fields visible."""
    wild = {key: value.casefold() for key, value in wanted.items() if key in LIKE and set(value) & set("_\\")}
    return tuple(user for user in users if all((getattr(user, k) or "").casefold() == v for k, v in wild.items()))
