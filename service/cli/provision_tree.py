"""Plans and drift as trees for people at a terminal."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from jobs.provision.differences import UNMENDABLE, Difference, Kind, Weight
from jobs.provision.plan import CoursePlan, Plan
from service.cli.output import NARROWEST, clean, counted, say
from service.i18n import _
from service.provision_words import BY_SOMEBODY, HASHED, KINDS, WEIGHTS, kind_text, obstacle_text, value_text

NAMED = 12
"""So many courses are shown one by one; the others are counted."""
OF_PEOPLE = frozenset({Kind.ACCOUNT, Kind.PERSON, Kind.PERSON_ROLE, Kind.PERSON_GROUP, Kind.WELCOME})


def tell_plan(plan: Plan, *, every: bool = False) -> None:
    """What would be done, as a tree with counts; `every`: each thing by itself."""
    tree = Tree(f"{plan.code} on {plan.site}")
    for obstacle in plan.obstacles:
        tree.add(_line("in the way: ", obstacle_text(obstacle)))
    for category in plan.categories:
        tree.add(_line("create category ", category))
    shown = plan.courses if every else _weighty(plan.courses)
    for course in shown:
        _add(tree, course, every=every)
    rest = [course for course in plan.courses if course not in shown]
    _tell_unlisted(tree, plan)
    if rest:
        tree.add(_line(f"{counted(len(rest), 'further course')}: ", _counts(rest)))
    _show(tree)
    counts = plan.counts()
    say(
        f"{counts['created']} to create, {counts['changed']} to change, {counts['left']} that differ and are left,"
        f" {counts['blocked']} in the way."
    )


def _weighty(courses: Iterable[CoursePlan]) -> list[CoursePlan]:
    """Those in whose way something is, and then the first of the others."""
    ordered = sorted(courses, key=lambda course: (not course.obstacles, not course.to_do))
    blocked = sum(bool(course.obstacles) for course in ordered)
    return ordered[: max(NAMED, blocked)]


def _add(tree: Tree, course: CoursePlan, *, every: bool) -> None:
    state = "leave" if not course.to_do else "change" if course.course else "create"
    branch = tree.add(_line(f"{state} ", f"{course.key} {course.shortname}" + _id(course)))
    for obstacle in course.obstacles:
        branch.add(_line("in the way: ", obstacle_text(obstacle)))
    if every:
        for one in course.to_do:
            branch.add(_line("create " if one.creates else "change ", _changed(one)))
    else:
        for kind, count in Counter(one.kind for one in course.to_do if one.kind is not Kind.COURSE).items():
            branch.add(_line(f"{count} x ", _(KINDS[kind])))
    if course.left:
        branch.add(_line("left: ", counted(len(course.left), "thing") + " changed by hand"))


def _id(course: CoursePlan) -> str:
    return f" (course {course.course})" if course.course else ""


def _counts(courses: list[CoursePlan]) -> str:
    found = Counter("leave" if not c.to_do else "change" if c.course else "create" for c in courses)
    return ", ".join(f"{count} to {state}" for state, count in sorted(found.items()))


def _changed(one: Difference) -> str:
    """What is, and what shall be; of people nothing but where they stand in the file."""
    if one.kind in OF_PEOPLE | HASHED or one.creates:
        return kind_text(one)
    found, wanted = value_text(one.kind, one.found), value_text(one.kind, one.wanted)
    if one.by_hand and not one.to_do:
        return f"{kind_text(one)}: it was '{wanted}', now it is '{found}'"
    return f"{kind_text(one)}: '{found}' becomes '{wanted}'"


def tell_drift(plan: Plan) -> None:
    """What was changed by hand, course by course, and what becomes of it."""
    tree = Tree(f"{plan.code} on {plan.site}")
    drifted = [course for course in plan.courses if course.differences or course.obstacles]
    for course in drifted:
        branch = tree.add(_line("", f"{course.key} {course.shortname}" + _id(course)))
        for obstacle in course.obstacles:
            branch.add(_line("in the way: ", obstacle_text(obstacle)))
        for one in course.differences:
            # What the file says anew is done, too, whatever it would weigh as a change by hand.
            weight = Weight.MEND if one.to_do else one.kind.weight
            fate = BY_SOMEBODY if one.kind in UNMENDABLE else WEIGHTS[weight]
            branch.add(_line("", f"{_changed(one)} ({_(fate)})"))
    _tell_unlisted(tree, plan)
    if tree.children:
        _show(tree)
    same = len(plan.courses) - len(drifted)
    say(f"{counted(same, 'course')} as the file has it, {len(drifted)} changed.")


def _tell_unlisted(tree: Tree, plan: Plan) -> None:
    """Courses that the file made and doesn't name any more."""
    for key, course in plan.unlisted:
        tree.add(_line("left: ", f"{key} (course {course}): the file made it, and doesn't name it any more"))


def _line(begin: str, text: str) -> Text:
    return Text(begin + clean(text))


def _show(tree: Tree) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, NARROWEST))
    console.print(tree)
