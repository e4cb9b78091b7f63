"""Next term's provision file out of this term's: the same text, with its days moved and its people left out."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import yaml

from mappings.base import Misplaced
from mappings.provisioning import Provision
from mappings.source import Source

Edit = tuple[int, int, str]
"""What stands from one character up to another becomes that."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
TERM = "{term}"


def cloned(text: str, source: Source, provision: Provision, *, code: str, term: str, title: str, starts: date) -> str:
    """The file with another code and term, and every day moved by as much as the first one; comments stay. Nobody is
    carried over: files of people are left out. Raises Misplaced where names would be those of this term again."""
    for name in ("shortname", "idnumber"):
        for place, naming in _namings(provision):
            if TERM not in getattr(naming, name):
                said = (
                    f"'{getattr(naming, name)}' has no {TERM} in it, so that next term's courses would be this term's"
                )
                raise Misplaced(said, *place, name)
    if provision.starts is None or code == provision.provision:
        raise Misplaced("a clone needs a code of its own", "provision")
    move = starts - provision.starts
    edits = sorted(_edits(source.root, move, code, term, title), reverse=True)
    for begin, end, new in edits:
        text = text[:begin] + new + text[end:]
    return text


def _namings(provision: Provision) -> Iterator[tuple[tuple[str | int, ...], object]]:
    yield ("naming",), provision.naming
    for key, parts in (("overrides", provision.overrides), ("communities", provision.communities)):
        for number, part in enumerate(parts):
            if part.naming is not None:
                yield (key, number, "naming"), part.naming


def _edits(root: yaml.Node, move: timedelta, code: str, term: str, title: str) -> Iterator[Edit]:
    """What has to be written otherwise."""
    if not isinstance(root, yaml.MappingNode):
        return
    for key, value in root.value:
        if key.value == "provision":
            yield _instead(value, code)
        elif key.value == "term":
            yield _instead(value, f"{{code: {term}, title: {_quoted(title)}}}")
        else:
            yield from _inside(key, value, move)


def _inside(key: yaml.Node, value: yaml.Node, move: timedelta) -> Iterator[Edit]:
    if key.value == "files" and isinstance(value, yaml.SequenceNode):
        yield _instead(value, "[]")
    elif isinstance(value, yaml.MappingNode):
        for inner, node in value.value:
            yield from _inside(inner, node, move)
    elif isinstance(value, yaml.SequenceNode):
        for node in value.value:
            yield from _inside(key, node, move)
    elif key.value in ("starts", "ends", "on") and DAY.fullmatch(value.value):
        yield _instead(value, (date.fromisoformat(value.value) + move).isoformat())


def _instead(node: yaml.Node, new: str) -> Edit:
    end = node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        # A block ends where the next key begins: the blank lines and comments before that aren't its own.
        lines = node.end_mark.buffer or ""
        block = lines[node.start_mark.index : end] if lines else ""
        end = node.start_mark.index + len(block.rstrip()) if block else end
        new += "" if block else "\n"
    return node.start_mark.index, end, new


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
