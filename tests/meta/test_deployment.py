"""docker-compose.yml and Dockerfile, as far as they can be checked without a Docker engine."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from records.settings import Settings
from service.cli import build

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def commands() -> set[str]:
    found = [(command.name, command.callback) for command in build().registered_commands]
    return {name or callback.__name__ for name, callback in found if callback is not None}


def test_compose_file_follows_the_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_services_start_by_commands_that_exist() -> None:
    ours = {name: service["command"][0] for name, service in COMPOSE["services"].items() if "build" in service}
    assert ours == {name: name for name in ("web", "worker", "scheduler", "migrate")}
    assert set(ours.values()) <= commands()


def test_only_the_web_is_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${PORT:-8080}:8080"]}


def test_secrets_are_files_that_the_script_makes() -> None:
    script = (ROOT / "deploy" / "make-secrets").read_text()
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert re.search(rf"\b{name}\b", script)
    for name in COMPOSE["services"]["migrate"]["secrets"]:
        assert name in Settings.model_fields


def test_every_long_running_service_has_a_health_check() -> None:
    without = {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service}
    assert without == {"migrate"}


def test_the_image_holds_every_package_it_runs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    assert copied == {"service", "jobs", "records", "mappings", "moodle_client", "moodle_plugin"}
