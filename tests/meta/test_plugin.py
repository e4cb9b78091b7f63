"""The companion plugin hangs together: what Moodle looks for by name is there, once, and in both languages."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "moodle_plugin" / "local_copbridge"
PHP = sorted(PLUGIN.rglob("*.php"))
SOURCE = {path.relative_to(PLUGIN).as_posix(): path.read_text(encoding="utf-8") for path in PHP}
TEMPLATES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((PLUGIN / "templates").glob("*.mustache"))}
STRING = re.compile(r"^\$string\['([^']+)'\] = '(.*)';$", re.MULTILINE)
# What Moodle asks for by a name that it makes itself.
ASKED_BY_MOODLE = ("pluginname", "copbridge:", "privacy:", "cachedef_", "event", "task", "task_")
MAX_LINES = 400


def strings(language: str) -> list[tuple[str, str]]:
    return STRING.findall(SOURCE[f"lang/{language}/local_copbridge.php"])


def listed(name: str) -> list[str]:
    """The keys of the arrays of a db/ file."""
    return re.findall(r"^    '([^']+)' => \[", SOURCE[name], re.MULTILINE)


def used() -> str:
    """All code and templates that could ask for a string."""
    return "\n".join([*(text for name, text in SOURCE.items() if not name.startswith("lang/")), *TEMPLATES.values()])


@pytest.mark.parametrize("language", ["en", "es"])
def test_strings_are_there_once_and_in_order(language: str) -> None:
    keys = [key for key, _ in strings(language)]
    assert keys == sorted(set(keys))
    assert all(value.strip() for _, value in strings(language))


def test_both_languages_say_the_same_things_with_the_same_parts() -> None:
    english, spanish = dict(strings("en")), dict(strings("es"))
    assert english.keys() == spanish.keys()
    parts = re.compile(r"\{\$a(?:->\w+)?\}")
    differing = {k for k in english if set(parts.findall(english[k])) != set(parts.findall(spanish[k]))}
    assert not differing


def test_every_string_that_is_asked_for_is_there() -> None:
    keys = {key for key, _ in strings("en")}
    asked = set(re.findall(r"get_string\(\s*'([^']+)',\s*'local_copbridge'", used()))
    asked |= set(re.findall(r"\{\{#\s*str\s*\}\}\s*([\w:]+)\s*,\s*local_copbridge", used()))
    assert asked - keys == set()
    assert len(asked) > 20


def beginnings(key: str) -> list[str]:
    """What a family of strings may be named by, as in 'reason_' . $code: all of the key before an underscore."""
    return [key[:place] for place, letter in enumerate(key) if letter == "_"]


def test_no_string_is_there_for_nothing() -> None:
    text = used()
    quoted = set(re.findall(r"['\"]([a-z0-9_:]+?)_?['\"]", text)) | set(re.findall(r"\"([a-z0-9_]+)_\{?\$", text))
    in_templates = set(re.findall(r"\{\{#\s*str\s*\}\}\s*([\w:]+)", text))
    idle = [
        key
        for key, _ in strings("en")
        if not key.startswith(ASKED_BY_MOODLE)
        and key.removesuffix("_help") not in quoted | in_templates
        and not quoted & set(beginnings(key))
    ]
    assert idle == []


def test_every_external_function_has_a_class_a_capability_and_its_place_in_the_service() -> None:
    services = SOURCE["db/services.php"]
    functions = [name for name in listed("db/services.php") if name.startswith("local_copbridge_")]
    capabilities = set(listed("db/access.php"))
    assert len(functions) == len(set(functions)) >= 13
    for name in functions:
        short = name.removeprefix("local_copbridge_")
        capability = f"local/copbridge:{short.replace('_', '')}"
        assert f"classes/external/{short}.php" in SOURCE
        assert capability in capabilities
        assert f"'capabilities' => '{capability}'" in services
        assert services.count(f"'{name}'") in {2, 3}, "declared, and listed in one service or both"


def test_every_capability_is_asked_for_and_has_its_words() -> None:
    text, keys = used(), {key for key, _ in strings("en")}
    for capability in listed("db/access.php"):
        assert capability.removeprefix("local/") in keys
        elsewhere = text.replace(SOURCE["db/access.php"], "").replace(SOURCE["db/services.php"], "")
        by_name = capability.removeprefix("local/copbridge:")
        assert (
            capability in elsewhere
            or f"classes/external/{by_name}" in {n.replace("_", "") for n in SOURCE}
            or any(name.replace("_", "") == f"classes/external/{by_name}.php" for name in SOURCE)
        )


def test_tables_are_named_for_the_plugin_and_told_of_in_its_privacy_provider() -> None:
    tree = ElementTree.parse(PLUGIN / "db" / "install.xml")  # noqa: S314 a file of this project
    provider = SOURCE["classes/privacy/provider.php"]
    for table in tree.iter("TABLE"):
        name = table.attrib["NAME"]
        assert name.startswith("local_copbridge_")
        personal = any(field.attrib["NAME"] in {"userid", "usermodified"} for field in table.iter("FIELD"))
        assert not personal or re.search(rf"\b(local_copbridge_)?{name.removeprefix('local_copbridge_')}\b", provider)


@pytest.mark.parametrize("path", PHP, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_every_file_says_what_it_is_and_whose(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("<?php\n// This file is part of Moodle - http://moodle.org/\n")
    assert "@package    local_copbridge" in text
    assert "@license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later" in text
    assert text.endswith("\n")
    assert "/lang/" in path.as_posix() or len(text.splitlines()) <= MAX_LINES


def test_every_template_shows_an_example() -> None:
    assert TEMPLATES
    for name, text in TEMPLATES.items():
        assert f"@template local_copbridge/{name}" in text
        assert "Example context (json):" in text


def test_the_release_is_the_same_everywhere() -> None:
    stated = re.search(r"\$plugin->release = '([^']+)'", SOURCE["version.php"])
    project = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert stated
    assert project
    assert stated.group(1) == project.group(1)
