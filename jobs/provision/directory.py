"""Who of the files' people has which account: by exact keys alone, and nobody is guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from jobs.provision.plan import Obstacle, Problem
from mappings.provision_wanted import WantedCourse, WantedPerson
from moodle_client import MoodleClient, User
from records.people_file import keys_of

NEEDED = ("username", "email", "firstname", "lastname")
"""What Moodle asks for to make an account."""
Key = tuple[str, str]
"""Field and value; e-mails and user names in small letters."""


def row_of(person: WantedPerson) -> str:
    """Where somebody stands, in the place of a name: people.csv:7."""
    return f"{person.file}:{person.row}"


def key_of(field_: str, value: str) -> Key:
    """A key as it is compared."""
    return field_, value.casefold() if field_ in ("email", "username") else value


@dataclass(slots=True)
class Directory:
    """The accounts of a whole application's people."""

    users: dict[Key, set[int]] = field(default_factory=dict)
    """Moodle's ids by key."""
    suspended: set[int] = field(default_factory=set)
    held: dict[int, dict[str, Key]] = field(default_factory=dict)
    """The keys of each account that was found, by field."""
    first: dict[Key, WantedPerson] = field(default_factory=dict)
    """The first row of all files with a key."""
    making: Lock = field(default_factory=Lock)
    """Somebody of two courses is made once."""

    def note(self, user: User) -> None:
        """Keep an account that was found."""
        for name, value in (
            ("id", str(user.id)),
            ("idnumber", user.idnumber),
            ("email", user.email),
            ("username", user.username),
        ):
            if value:
                self.users.setdefault(key_of(name, value), set()).add(user.id)
                self.held.setdefault(user.id, {})[name] = key_of(name, value)
        if user.suspended:
            self.suspended.add(user.id)

    def found(self, person: WantedPerson) -> list[set[int]]:
        """The accounts that each key of somebody leads to; keys that nobody has are left out."""
        return [users for one in keys_of(person) if (users := self.users.get(key_of(*one)))]

    def user(self, person: WantedPerson) -> int | None:
        """Moodle's id of somebody; None: there is no account, or it isn't clear which."""
        found = self.found(person)
        common = set.intersection(*found) if found else set()
        return next(iter(common)) if len(common) == 1 else None

    def obstacles(self, wanted: WantedCourse) -> list[Obstacle]:
        """What is in the way of a course's people."""
        problems: list[Obstacle] = []
        first: dict[int | str, WantedPerson] = {}
        for person in wanted.people:
            obstacle = self._of(person, wanted)
            user = self.user(person)
            if obstacle is None:
                other = first.setdefault(user or person.email.casefold(), person)
                if (other.role, other.group) != (person.role, person.group):
                    obstacle = Obstacle(Problem.LISTED_TWICE, {"row": row_of(person), "other": row_of(other)})
            if obstacle is not None:
                problems.append(obstacle)
        return problems

    def _of(self, person: WantedPerson, wanted: WantedCourse) -> Obstacle | None:
        about = {"row": row_of(person)}
        found = self.found(person)
        if not found:
            return self._unknown(person, wanted)
        common = set.intersection(*found)
        if not common:
            return Obstacle(Problem.KEYS_DISAGREE, about | {"users": sorted(set.union(*found))})
        if len(common) > 1:
            return Obstacle(Problem.SEVERAL_ACCOUNTS, about | {"users": sorted(common)})
        user = next(iter(common))
        # A key that nobody has may be an old one of this account, or the one that is right.
        if others := _differing(person, self.held.get(user, {})):
            return Obstacle(Problem.KEY_DIFFERS, about | {"user": user, "columns": others})
        if user in self.suspended:
            return Obstacle(Problem.ACCOUNT_SUSPENDED, about | {"user": user})
        return None

    def _unknown(self, person: WantedPerson, wanted: WantedCourse) -> Obstacle | None:
        if not wanted.enrolling.create_users or person.moodle_id:
            return Obstacle(Problem.NO_ACCOUNT, {"row": row_of(person)})
        missing = [name for name in NEEDED if not getattr(person, name) and name != "username"]
        if missing:
            return Obstacle(Problem.INCOMPLETE, {"row": row_of(person), "columns": missing})
        for one in keys_of(person):
            other = self.first[key_of(*one)]
            # One account would be made for each.
            if _differing(person, {name: key_of(name, value) for name, value in keys_of(other)}):
                return Obstacle(Problem.LISTED_TWICE, {"row": row_of(person), "other": row_of(other)})
        return None


def _differing(person: WantedPerson, held: Mapping[str, Key]) -> list[str]:
    """The columns in which somebody's row has other keys."""
    return [
        "user" if name == "id" else name
        for name, value in keys_of(person)
        if held.get(name, key_of(name, value)) != key_of(name, value)
    ]


def look_up(moodle: MoodleClient, courses: Sequence[WantedCourse]) -> Directory:
    """The accounts of all people of the courses, asked for in batches. Raises MoodleError."""
    directory = Directory()
    values: dict[str, list[str]] = {}
    for wanted in courses:
        for person in wanted.people:
            for name, value in keys_of(person):
                directory.first.setdefault(key_of(name, value), person)
                # Moodle compares by exact case; people write their addresses as they like, mostly in small letters.
                values.setdefault(name, []).extend((value, key_of(name, value)[1]))
    for name, all_ in values.items():
        for user in moodle.users_by_field(name, list(dict.fromkeys(all_))).data:
            directory.note(user)
    unknown = dict.fromkeys(key_of("email", v) for v in values.get("email", ()))
    # Moodle can't be asked for any letter case of an address with its own wildcard in it.
    for _, value in (one for one in unknown if one not in directory.users and "%" not in one[1]):
        for user in moodle.find_users({"email": value}).data:
            directory.note(user)
    return directory
