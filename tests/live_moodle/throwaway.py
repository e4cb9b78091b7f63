"""The category and the people that a run makes, and removes with everything in them."""

import re
import secrets
import time
from collections.abc import Sequence
from typing import Any

import pytest

from moodle_client import Function, MoodleClient, MoodleError, Reason

PREFIX = "copbridge-live-"
OURS = re.compile(rf"^{PREFIX}[0-9a-f]{{8}}$")
NAME = "CoP Bridge live tests (may be removed)"
PEOPLE = 12
UNTYPED = (
    "core_course_delete_categories",
    "core_course_delete_courses",
    "core_course_delete_modules",
    "core_course_edit_module",
    "core_course_update_courses",
    "core_group_assign_grouping",
    "core_group_create_groupings",
    "core_user_delete_users",
    "core_user_update_users",
)
"""What is called besides the functions that the client has methods for."""
NOBODY = 2**31 - 1
"""No user's id."""


class Throwaway:
    """A category of this run alone, courses in it, and people who exist for it."""

    def __init__(self, maker: MoodleClient) -> None:
        self.maker = maker
        self.name = PREFIX + secrets.token_hex(4)
        self.category = 0
        self.users: list[int] = []
        self._courses = 0

    def make(self) -> None:
        """The category, and the people."""
        rows = [{"name": f"{NAME} {self.name[-8:]}", "idnumber": self.name}]
        self.category = self.maker.create_categories(rows).data[0].id
        self._check_removal()
        self.users = self.people(PEOPLE)

    def _check_removal(self) -> None:
        """End the run where what it is about to make could not be removed again."""
        try:
            self.maker.call("core_user_delete_users", userids=[NOBODY])
        except MoodleError as err:
            if err.reason is not Reason.NOT_FOUND:
                pytest.exit(f"moodle/user:delete is needed, to remove the people again: {err}", 2)
        row = {"fullname": "To be removed", "shortname": f"{self.name}-0", "categoryid": self.category}
        (probe,) = self.maker.create_courses([row]).data
        try:
            self.maker.call("core_course_delete_courses", courseids=[probe.id])
        except MoodleError as err:
            pytest.exit(f"moodle/course:delete is needed: course {probe.id} can't be removed again ({err})", 2)

    def people(self, count: int) -> list[int]:
        """More people. Their addresses lead nowhere: RFC 2606 keeps example.org for that."""
        start = len(self.users) + 1
        names = [f"{self.name}-{number:02}" for number in range(start, start + count)]
        made = self.maker.create_users(
            [
                {
                    "username": name,
                    "password": f"Aa1!{secrets.token_urlsafe(16)}",
                    "firstname": "Live",
                    "lastname": f"Person & {name[-2:]}",
                    "email": f"{name}@example.org",
                    "idnumber": name if int(name[-2:]) % 2 else "",
                }
                for name in names
            ]
        )
        return [user.id for user in made.data]

    def next_name(self) -> str:
        """A short name and ID number that no course has."""
        self._courses += 1
        return f"{self.name}-{self._courses}"

    def remove(self) -> list[str]:
        """Remove everything. Returns what is still there, in words: nothing, if all went well."""
        return remove(self.maker, [self.category] if self.category else [], self.users)


def check_functions(maker: MoodleClient) -> None:
    """End the run where the token's service lacks a function that it calls."""
    info = maker.site_info().data
    core = [function for function in Function if function.of_core]
    missing = sorted(name for name in (*core, *UNTYPED) if not info.has(name))
    if missing:
        pytest.exit(f"The service of the token that makes things lacks: {', '.join(missing)}", 2)


def leftovers(maker: MoodleClient) -> tuple[list[int], list[int], list[str]]:
    """(Categories, users) of earlier runs, and whatever else bears the prefix and was not made by this suite."""
    categories, strange = [], []
    for category in maker.categories().data:
        if not (category.idnumber or "").startswith(PREFIX):
            continue
        if OURS.match(category.idnumber or "") and category.name.startswith(NAME):
            categories.append(category.id)
        else:
            strange.append(f"category {category.id}")
    # The typed method refuses wildcards, which are what is wanted here.
    criteria = [{"key": "email", "value": f"{PREFIX}%@example.org"}]
    found = maker.call("core_user_get_users", reads=True, criteria=criteria).data["users"]
    return categories, [int(user["id"]) for user in found], strange


def refuse_leftovers(maker: MoodleClient, *, clean: bool) -> None:
    """End the run before it begins where an earlier one left something, unless it may be removed."""
    categories, users, strange = leftovers(maker)
    if strange:
        pytest.exit(f"The site has {', '.join(strange)} with an ID number that begins with {PREFIX}: not ours.", 2)
    if not categories and not users:
        return
    told = f"categories {categories} and users {users} are left from another run (or one is under way)"
    if not clean:
        pytest.exit(f"{told}. MOODLE_CLEAN=1 removes them first.", 2)
    left = remove(maker, categories, users)
    if left:
        pytest.exit(f"{told}, and could not be removed: {'; '.join(left)}", 2)


def remove(maker: MoodleClient, categories: Sequence[int], users: Sequence[int]) -> list[str]:
    """Remove categories with everything in them, and users. Returns what went wrong."""
    failed = []
    for category in categories:
        # First of all the courses: Moodle empties a category's recycle bin before it deletes what is in the category.
        courses = [course.id for course in maker.courses("category", category).data]
        if courses:
            failed += _tried(maker, "core_course_delete_courses", f"courses {courses}", courseids=courses)
        rows = [{"id": category, "recursive": 1}]
        failed += _tried(maker, "core_course_delete_categories", f"category {category}", categories=rows)
    if users:
        failed += _tried(maker, "core_user_delete_users", f"users {list(users)}", userids=list(users))
    return failed


def _tried(maker: MoodleClient, function: str, what: str, **params: Any) -> list[str]:
    for _ in range(3):
        try:
            maker.call(function, **params)
        except MoodleError as err:
            if err.reason is Reason.NOT_FOUND:
                return []
            last = str(err)
            time.sleep(1)
        else:
            return []
    return [f"{what}: {last}"]
