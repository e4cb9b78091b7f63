"""Who takes part: enrolled, with a role, put into groups, welcomed. Only what differs is written."""

from collections.abc import Iterator, Sequence
from typing import Any

from jobs.provision.compare import MANUAL
from jobs.provision.differences import Difference, Kind
from jobs.provision.directory import Directory, key_of, look_up, row_of
from jobs.provision.house import House
from jobs.provision.situation import CourseSituation, Member, SiteSituation
from mappings.provision_wanted import WantedCourse, WantedPerson
from records import provisioning

__all__ = ["Directory", "create_accounts", "differences", "look_up", "write"]

NOT_THERE = Member(0)
PLAIN_TEXT = 2


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
        yield from _of_person(person, members.get(user or 0), groups)
        if wanted.welcome and (user is None or user not in written_to):
            yield Difference(Kind.WELCOME, row_of(person))
    if seen and wanted.people:
        by_cohort = {user for user, member in members.items() if member.methods == {"cohort"}}
        for user in sorted(members.keys() - listed - by_cohort):
            yield Difference(Kind.PERSON_NEW, str(user), None, " ".join(sorted(members[user].roles)), by_hand=True)


def _of_person(person: WantedPerson, member: Member | None, groups: dict[int, str]) -> Iterator[Difference]:
    about = row_of(person)
    if member is None or not (member.methods or member.suspended):
        yield Difference(Kind.PERSON, about, person.role, None)
    else:
        if member.suspended:
            yield Difference(Kind.PERSON_SUSPENDED, about, False, True, by_hand=True)
        if person.role not in member.roles:
            yield Difference(Kind.PERSON_ROLE, about, person.role, " ".join(sorted(member.roles)))
    there = {groups.get(group, "") for group in member.groups} if member else set()
    if person.group and person.group not in there:
        yield Difference(Kind.PERSON_GROUP, about, person.group, None)


def create_accounts(house: House, directory: Directory, courses: Sequence[WantedCourse]) -> None:
    """Make the accounts that are missing and may be made, each once. Raises MoodleError."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for wanted in courses:
        for person in wanted.people:
            if directory.user(person) is None and wanted.enrolling.create_users and not directory.found(person):
                key = key_of("email", person.email)
                rows.setdefault(key, _account(person, wanted.enrolling.auth or MANUAL))
    if not rows:
        return
    made = house.moodle.create_users(list(rows.values())).data
    ids = {user.username: user.id for user in made}
    for key, row in rows.items():
        user = ids[row["username"]]
        for name in ("email", "username", "idnumber"):
            if row.get(name):
                directory.users.setdefault(key_of(name, row[name]), set()).add(user)
        directory.users.setdefault(key, set()).add(user)


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
    """Enrol, give roles, put into groups, welcome; what is there already isn't written again. `groups`: Moodle's ids by
    ID number. Raises MoodleError."""
    names = {group: idnumber for idnumber, group in groups.items()}
    enrol: list[dict[str, Any]] = []
    put: list[dict[str, Any]] = []
    new: list[int] = []
    for user, person in _by_user(wanted, directory).items():
        kinds = {one.kind for one in _of_person(person, found.members.get(user), names)}
        if kinds & {Kind.PERSON, Kind.PERSON_ROLE}:
            enrol.append({"roleid": site.roles[person.role].id, "userid": user, "courseid": course})
        if Kind.PERSON_GROUP in kinds:
            put.append({"groupid": groups[person.group], "userid": user})
        new.append(user)
    if enrol:
        house.moodle.enrol_users(enrol)
    if put:
        house.moodle.add_group_members(put)
    if wanted.welcome:
        _welcome(house, wanted, course, new)


def _by_user(wanted: WantedCourse, directory: Directory) -> dict[int, WantedPerson]:
    found: dict[int, WantedPerson] = {}
    for person in wanted.people:
        user = directory.user(person)
        if user is not None:
            found.setdefault(user, person)
    return found


def _welcome(house: House, wanted: WantedCourse, course: int, users: Sequence[int]) -> None:
    """Write to those who haven't been written to. A message whose fate nobody knows isn't sent again."""
    with house.transaction() as session:
        to = provisioning.about_to_welcome(session, house.site_id, course, users)
    if not to:
        return
    rows = [{"touserid": user, "text": wanted.welcome, "textformat": PLAIN_TEXT} for user in to]
    sent = house.moodle.send_instant_messages(rows).data
    outcomes = {user: "sent" if answer.sent else "refused" for user, answer in zip(to, sent, strict=True)}
    with house.transaction() as session:
        provisioning.welcomed(session, house.site_id, course, outcomes)
