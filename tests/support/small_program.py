"""A small program file, and how it reads after a change."""

from mappings.findings import ProgramError
from mappings.lint import lint
from mappings.loading import program_in
from mappings.source import read

SMALL = """\
program: small
title: {en: A small program}
effective_from: 2026-01-01
timezone: America/Los_Angeles
commitment: {min_hours: 16, max_hours: 20}
components: [online, face_to_face]
topics:
  - {code: MATH, title: {en: Math}}
  - {code: IET, title: {en: Integrated Education and Training}}
regions:
  - {code: BAY, title: {en: Bay Area}}
communities:
  - course_idnumber: ^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance:
  components: {face_to_face: face_to_face}
activities:
  - {rule: quiz, kind: [quiz], minutes: 60, component: online}
  - {rule: rest, minutes: 30, component: online}
"""
NAME = "small.yaml"


def changed(old: str, new: str) -> str:
    """The small program with one thing replaced; an empty `old` adds lines at its end."""
    if not old:
        return f"{SMALL}{new}\n"
    assert old in SMALL, old
    return SMALL.replace(old, new, 1)


def problems_of(text: str) -> list[str]:
    """What is wrong with a file, one line each; nothing for one that can be used."""
    try:
        program_in(read(text, NAME))
    except ProgramError as err:
        return err.problems
    return []


def warnings_of(text: str) -> list[str]:
    """What is strange about a file that can be used."""
    source = read(text, NAME)
    found = lint(program_in(source), source)
    assert all(finding.level == "warning" for finding in found)
    return [str(finding) for finding in found]
