# Every target installs into .venv first, from the lock, and only if lock or pyproject changed.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

STATE ?= .state
PORT ?= 8080
SANDBOX_PORT ?= 8081
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/uv/bin/uv
STAMP := $(VENV)/.installed
# uv must never reach out for an interpreter of its own.
export UV_PYTHON_DOWNLOADS := never

# The lock holds hashes and no address, so that any mirror of the registry serves it. Django is
# what django-htmx asks for and what nobody here imports (docs/dependencies.md).
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url \
	--no-emit-package django --no-emit-package asgiref --no-emit-package sqlparse

.PHONY: help run test live pictures check check-plugin format lock install
help:
	@echo "make run      start everything on 127.0.0.1 (STATE=folder PORT=8080 SANDBOX_PORT=8081)"
	@echo "make test     the whole test suite (PYTEST_ARGS=... are handed on)"
	@echo "make live     try it on a Moodle: MOODLE_URL=... MOODLE_TOKEN=... (docs/live.md)"
	@echo "make pictures draw the pictures of README and docs anew, with the installed Chromium"
	@echo "make check    format, lint, types, layers, meta tests; the plugin's PHP where PHP is"
	@echo "make format   rewrite the files as 'make check' wants them"
	@echo "make lock     write the lock files anew from pyproject.toml"

run: $(STAMP)
	@exec $(BIN)/copbridge up --state "$(STATE)" --port "$(PORT)" --sandbox-port "$(SANDBOX_PORT)"

# Compiled files are kept even where the environment says no: each of the commands that tests start reads hundreds.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist worksteal $(PYTEST_ARGS)

# Writes to the Moodle that it is pointed at; what is set here reaches pytest by the environment.
live: $(STAMP)
	@$(BIN)/python -m pytest -m live_moodle -o timeout=1800 tests/live_moodle $(PYTEST_ARGS)

pictures: $(STAMP)
	@$(BIN)/python -m tests.support.pictures

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory check-plugin
	$(BIN)/python -m pytest tests/meta

# The plugin's PHP, where PHP and PHP_CodeSniffer are found (Debian: php-cli php-codesniffer).
check-plugin:
	@if command -v php >/dev/null 2>&1; then \
		find moodle_plugin benchmarks tests -name '*.php' -print0 | xargs -0 -n 1 -P 2 php -l | { ! grep -v '^No syntax errors'; }; \
		echo "The plugin's PHP: no syntax errors"; \
	else echo "There is no PHP here: the plugin's syntax wasn't looked at"; fi
	@if command -v phpcs >/dev/null 2>&1; then \
		phpcs --parallel=2 --standard=moodle_plugin/phpcs.xml moodle_plugin/local_copbridge; \
		echo "The plugin's PHP: in style"; \
	else echo "There is no phpcs here: the plugin's style wasn't looked at"; fi

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(UV)
	$(COMPILE) --group dev pyproject.toml -o requirements.lock
	$(COMPILE) --constraints requirements.lock pyproject.toml -o requirements-runtime.lock
	$(COMPILE) --constraints requirements.lock --group pyproject.toml:build -o requirements-uv.lock

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml $(UV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@touch $@

$(UV): requirements-uv.lock | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--upgrade --target $(VENV)/uv -r requirements-uv.lock
	@touch $@

# The newest of the supported interpreters that really runs is taken: a name on the PATH may be a
# shim without an interpreter behind it.
$(BIN)/python:
	@found=""; \
	for name in $${PYTHON:-} python3.13 python3.12 python3.11 python3; do \
		if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
			>/dev/null 2>&1; then found="$$name"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		if command -v python3 >/dev/null 2>&1; then \
			echo "CoP Bridge needs Python 3.11, 3.12 or 3.13, and python3 here is" \
				"$$(python3 -c 'import platform; print(platform.python_version())' 2>&1 | tail -n 1);" \
				"install one of them, or name it: make PYTHON=/path/to/python3.12" >&2; \
		else \
			echo "CoP Bridge needs Python 3.11, 3.12 or 3.13, and there is no python3 on the PATH" \
				"(Debian: apt-get install python3 python3-venv)." >&2; \
		fi; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		echo "$$found lacks the venv module (Debian: apt-get install python3-venv)." >&2; exit 1; \
	fi; \
	rm -rf $(VENV) && "$$found" -m venv $(VENV)
