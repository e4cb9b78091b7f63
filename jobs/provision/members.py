"""Who takes part: enrolled, with a role, put into groups, welcomed. Only what differs is written."""

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.provision.compare import MANUAL, wanted_groups
from jobs.provision.differences import Difference, Kind
from jobs.provision.directory import Directory, key_of, look_up, row_of
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.situation import CourseSituation, Member, SiteSituation
from mappings.provision_wanted import WantedCourse, WantedPerson
from moodle_client import MoodleError, Reason
from records import provisioning

__all__ = ["Directory", "create_accounts", "differences", "look_up", "welcome", "write"]

NOT_THERE = Member(0)
PLAIN_TEXT = 2
MADE_AT_ONCE = 50
OF_ONE_ROW = frozenset({Reason.INVALID_PARAMETER, Reason.CONFLICT, Reason.OTHER})
"""Reasons for which Moodle may refuse one account, and make others."""


def differences(
    wanted: WantedCourse, directory: Directory, found: CourseSituation | None, written_to: set[int], *, seen: bool
) -> Iterator[Difference]:
    """Where who takes part isn't as the file has it. `written_to`: who got the welcome message; `seen`: an application
    got through before, so that whoever the file doesn't know came by another way."""
    members = found.members if found else {}
    groups = {group.id: group.idnumber for group in found.setup.groups} if found else {}
    listed = set()
    for person in wanted.people:
        user = directory.user(person)
        if user is None:
            yield Difference(Kind.ACCOUNT, row_of(person))
        elif user in listed:
            continue
        else:
            listed.add(user)
        yield from _of_person(wanted, person, members.get(user or 0), groups)
        if wanted.welcome and (user is None or user not in written_to):
            yield Difference(Kind.WELCOME, row_of(person))
    if seen and (wanted.people or wanted.enrolling.files):
        by_cohort = {user for user, member in members.items() if member.methods == {"cohort"}}
        for user in sorted(members.keys() - listed - by_cohort):
            yield Difference(Kind.PERSON_NEW, str(user), None, " ".join(sorted(members[user].roles)), by_hand=True)


def _of_person(
    wanted: WantedCourse, person: WantedPerson, member: Member | None, groups: dict[int, str]
) -> Iterator[Difference]:
    about = row_of(person)
    if member is None or not (member.methods or member.suspended):
        yield Difference(Kind.PERSON, about, person.role, None)
    else:
        if member.suspended:
            # To be enrolled with another role would let them in again.
            yield Difference(Kind.PERSON_SUSPENDED, about, False, True, by_hand=True)
        elif person.role not in member.roles:
            yield Difference(Kind.PERSON_ROLE, about, person.role, " ".join(sorted(member.roles)))
        yield from _more(wanted, person, member, groups)
    there = {groups.get(group, "") for group in member.groups} if member else set()
    if person.group and person.group not in there:
        yield Difference(Kind.PERSON_GROUP, about, person.group, None)


def _more(wanted: WantedCourse, person: WantedPerson, member: Member, groups: dict[int, str]) -> Iterator[Difference]:
    """Roles, and groups of the file's, that somebody has beside their own: of an earlier file, or given by hand."""
    others = member.roles - {person.role, *(one.role for one in wanted.cohorts)}
    if others and person.role in member.roles:
        yield Difference(Kind.PERSON_ROLE_MORE, row_of(person), person.role, " ".join(sorted(others)), by_hand=True)
    known = {idnumber for idnumber, _ in wanted_groups(wanted)} - {person.group, *(one.group for one in wanted.cohorts)}
    if further := sorted({groups.get(group, "") for group in member.groups} & known):
        yield Difference(Kind.PERSON_GROUP_MORE, row_of(person), person.group, " ".join(further), by_hand=True)


def create_accounts(house: House, directory: Directory, wanted: WantedCourse) -> None:
    """Make the accounts of a course that are missing and may be made, each once. Raises MoodleError, InTheWay where
    Moodle refuses some: the others are made."""
    if not wanted.enrolling.create_users:
        return
    with directory.making:
        new = {key_of("email", person.email): person for person in wanted.people if not directory.found(person)}
        people = list(new.values())
        refused: dict[str, MoodleError] = {}
        for start in range(0, len(people), MADE_AT_ONCE):
            part = people[start : start + MADE_AT_ONCE]
            try:
                _make(house, directory, wanted, part)
            except MoodleError as err:
                if err.reason not in OF_ONE_ROW:
                    raise
                # One bad row undoes them all.
                refused |= _one_by_one(house, directory, wanted, part)
    if refused:
        first = next(iter(refused.values()))
        about = f"{first.errorcode}: {', '.join(refused)}"
        raise InTheWay(Problem.MOODLE, function=first.function, reason=str(first.reason), errorcode=about)


def _one_by_one(
    house: House, directory: Directory, wanted: WantedCourse, people: Sequence[WantedPerson]
) -> dict[str, MoodleError]:
    refused: dict[str, MoodleError] = {}
    for person in people:
        try:
            _make(house, directory, wanted, [person])
        except MoodleError as err:
            if err.reason not in OF_ONE_ROW:
                raise
            refused[row_of(person)] = err
    return refused


def _make(house: House, directory: Directory, wanted: WantedCourse, people: Sequence[WantedPerson]) -> None:
    rows = [_account(person, wanted.enrolling.auth or MANUAL) for person in people]
    for row, made in zip(rows, house.moodle.create_users(rows).data, strict=True):
        for name in ("email", "username", "idnumber"):
            if row.get(name):
                directory.users.setdefault(key_of(name, row[name]), set()).add(made.id)


def _account(person: WantedPerson, auth: str) -> dict[str, Any]:
    """Somebody as core_user_create_users takes it. Who signs in by a password of Moodle's is mailed one."""
    row: dict[str, Any] = {
        "username": (person.username or person.email).lower(),
        "firstname": person.firstname,
        "lastname": person.lastname,
        "email": person.email,
        "auth": auth,
    }
    if person.idnumber:
        row["idnumber"] = person.idnumber
    return row | ({"createpassword": True} if auth == MANUAL else {})


def write(
    house: House,
    wanted: WantedCourse,
    course: int,
    directory: Directory,
    found: CourseSituation,
    site: SiteSituation,
    groups: dict[str, int],
) -> None:
    """Enrol, give roles, put into groups; what is there already isn't written again. `groups`: Moodle's ids by ID
    number. Raises MoodleError."""
    names = {group: idnumber for idnumber, group in groups.items()}
    enrol: list[dict[str, Any]] = []
    put: list[dict[str, Any]] = []
    for user, person in _by_user(wanted, directory).items():
        kinds = {one.kind for one in _of_person(wanted, person, found.members.get(user), names)}
        if kinds & {Kind.PERSON, Kind.PERSON_ROLE}:
            enrol.append({"roleid": site.roles[person.role].id, "userid": user, "courseid": course})
        if Kind.PERSON_GROUP in kinds:
            put.append({"groupid": groups[person.group], "userid": user})
    if enrol:
        house.moodle.enrol_users(enrol)
    if put:
        house.moodle.add_group_members(put)


def _by_user(wanted: WantedCourse, directory: Directory) -> dict[int, WantedPerson]:
    found: dict[int, WantedPerson] = {}
    for person in wanted.people:
        user = directory.user(person)
        if user is not None:
            found.setdefault(user, person)
    return found


def welcome(house: House, wanted: WantedCourse, course: int, directory: Directory) -> None:
    """Write to those who haven't been written to. A message whose fate nobody knows isn't sent again. Raises
    MoodleError."""
    if not wanted.welcome:
        return
    with house.transaction() as session:
        to = provisioning.about_to_welcome(session, house.site_id, course, list(_by_user(wanted, directory)))
    if not to:
        return
    rows = [{"touserid": user, "text": wanted.welcome, "textformat": PLAIN_TEXT} for user in to]
    try:
        sent = house.moodle.send_instant_messages(rows).data
    except MoodleError as err:
        if not err.outcome_unknown:
            with house.transaction() as session:
                provisioning.not_welcomed(session, house.site_id, course, to[err.rows_done :])
        raise
    outcomes = {user: "sent" if answer.sent else "refused" for user, answer in zip(to, sent, strict=True)}
    with house.transaction() as session:
        provisioning.welcomed(session, house.site_id, course, outcomes)
