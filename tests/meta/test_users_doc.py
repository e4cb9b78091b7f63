"""docs/users.md says who may do what, as service/permissions.py decides it."""

import ast
import itertools
from pathlib import Path

from records.actor import Role
from service import permissions
from service.permissions import ROLES, Permission

ROOT = Path(__file__).parents[2]
COLUMNS = (Role.IT, Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR, Role.AUDITOR)


def said_of_permissions() -> dict[str, str]:
    """What stands below each permission in its source, by its code."""
    tree = ast.parse(Path(permissions.__file__).read_text())
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Permission")
    found = {}
    for assigned, words in itertools.pairwise(body):
        if isinstance(assigned, ast.Assign) and isinstance(words, ast.Expr):
            found[str(ast.literal_eval(assigned.value))] = " ".join(str(ast.literal_eval(words.value)).split())
    return found


def table() -> list[str]:
    """The rows that the document ought to have."""
    said = said_of_permissions()
    return [
        f"| `{permission}` | {said[permission]} | "
        + " | ".join("yes" if role in ROLES[permission] else "" for role in COLUMNS)
        + " |"
        for permission in Permission
    ]


def test_the_table_says_who_may_do_what() -> None:
    assert set(COLUMNS) == set(Role)
    lines = (ROOT / "docs/users.md").read_text().splitlines()
    start = lines.index("|---|---|---|---|---|---|---|") + 1
    assert [line for line in lines[start:] if line.startswith("| `")] == table()
