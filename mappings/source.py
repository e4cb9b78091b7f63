"""The YAML of a program file: its content, and the line of each of its parts."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from mappings.findings import GENERAL, Finding, Place, ProgramError

LARGEST = 100_000
"""Values in a file, each alias counted as what it stands for: a handful of lines can stand for billions."""
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
HINTS = {
    r"expected\b|mapping\b|found\scharacter": "words or patterns with ? : , { } [ ] need quotes",
    r"found\sunknown\sescape": "single quotes leave a \\ as it is",
}
"""By how an error begins: what is likely wrong."""
BOOL, INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"


class _Refused(yaml.MarkedYAMLError):
    """What is YAML and yet can't be part of a program file."""


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key which stands twice in one mapping, and takes words and numbers as people
    mean them: `on`, `no` and `yes` are words, and 060 is sixty."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag not in (BOOL, INT, MERGE)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(INT, re.compile("^[-+]?(?:0|[1-9][0-9_]*)$"), list("-+0123456789"))


def _mapping_without_repeats(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[str, int] = {}
    for key_node, _ in node.value:
        mark = key_node.start_mark
        if key_node.tag != TEXT:
            raise _Refused(problem="a key has to be text: put it in quotes", problem_mark=mark)
        if key_node.value in seen:
            text = f"'{key_node.value}' stands twice (first on line {seen[key_node.value]})"
            raise _Refused(problem=text, problem_mark=mark)
        seen[key_node.value] = mark.line + 1
    return loader.construct_mapping(node, deep=True)


def _day(loader: _Loader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as err:
        text = f"'{node.value}' is no day of the calendar"
        raise _Refused(problem=text, problem_mark=node.start_mark) from err


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _day)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


@dataclass(frozen=True, slots=True)
class Source:
    """A program file: its name in messages, what it holds, and where."""

    name: str
    data: dict[str, Any]
    root: yaml.Node

    def finding(self, place: Place, message: str, level: Literal["error", "warning"] = "error") -> Finding:
        """What is to be said about a part of the file, with its line and its section in the documentation."""
        anchor = str(place[0]) if place else GENERAL
        return Finding(self.name, self.line(place), ".".join(map(str, place)), message, level, anchor)

    def line(self, place: Place) -> int:
        """The line of a place in the file, or of the nearest thing around it."""
        node, line = self.root, 1
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = (node.value[step], node.value[step])
            else:
                found = None
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line


def read(text: str, name: str) -> Source:
    """The content of a program file's text. Raises ProgramError for what isn't YAML, or no mapping."""
    try:
        # pyyaml's own tags make objects of any class; this loader knows none of them.
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is not None:
            _weigh(root, {})
        data = loader.construct_document(root) if root is not None else None
    except _Refused as err:
        raise _error(name, err.problem_mark, str(err.problem)) from err
    except yaml.MarkedYAMLError as err:
        problem = str(err.problem or err.context)
        hint = next((f" ({hint})" for begin, hint in HINTS.items() if re.match(begin, problem)), "")
        raise _error(name, err.problem_mark, f"not YAML: {problem}{hint}") from err
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        raise ProgramError([Finding(name, line, "", f"not YAML: {err.reason}")]) from err
    except RecursionError as err:
        raise ProgramError([Finding(name, 1, "", "is nested too deeply")]) from err
    if not isinstance(data, dict) or root is None:
        raise ProgramError([Finding(name, 1, "", "expected keys and values, beginning with 'program:'")])
    return Source(name, data, root)


def _error(name: str, mark: yaml.Mark | None, message: str) -> ProgramError:
    return ProgramError([Finding(name, mark.line + 1 if mark else 1, "", message)])


def _weigh(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a part of a file holds, each alias counted as what it stands for."""
    if id(node) not in known:
        known[id(node)] = None
        inside: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inside = node.value
        elif isinstance(node, yaml.MappingNode):
            inside = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_weigh(part, known) for part in inside)
    weight = known[id(node)]
    if weight is None:
        raise _Refused(problem="an alias stands for something that it is a part of", problem_mark=node.start_mark)
    if weight > LARGEST:
        raise _Refused(problem="holds too much, once its aliases are written out", problem_mark=node.start_mark)
    return weight
