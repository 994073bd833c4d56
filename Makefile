# Needs Python 3.11 or newer and make; everything else is set up in .venv on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --quiet $(LOCK_ARGS)
# What fails is run once more, and counted as "rerun": a machine that stands still for seconds is no fault of ours.
PYTEST_ARGS ?= -n 4 --dist worksteal --reruns 1 -r fER

.PHONY: help demo run test bench gallery lint lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo   the whole bot against a sandbox, no credentials needed"
	@echo "make run    the bot with the settings in .env"
	@echo "make test   all the tests"
	@echo "make bench  the benchmarks"
	@echo "make gallery  every message, window and page as a picture, in gallery/"
	@echo "make lint   style, types and import rules"
	@echo "make lock   pin the dependencies again (LOCK_ARGS=--upgrade for newer ones)"
	@echo "make clean  remove the environment and caches; your data stays"

demo: $(VENV)/.ready
	$(BIN)/lamplighter demo

run: $(VENV)/.ready
	$(BIN)/lamplighter run

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks

gallery: $(VENV)/.ready-dev
	$(BIN)/python -m tests.gallery

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy bot storage sandbox tests
	$(BIN)/lint-imports

lock: $(VENV)/.ready-dev
	$(LOCK) --extra build pyproject.toml -o requirements.lock
	$(LOCK) --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first interpreter that is new enough, PYTHON before all others.
$(BIN)/python:
	@set -e; for candidate in $(PYTHON) python3.14 python3.13 python3.12 python3.11; do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Setting up $(VENV) with $$candidate"; \
			"$$candidate" -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "$$candidate could not make a virtual environment (on Debian: apt install python3-venv)." >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Lamplighter needs Python 3.11 or newer, and found none." >&2; \
	echo "Install it, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

$(VENV)/.ready: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
