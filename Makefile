# Each target does the set-up it needs. Needed: Python 3.11 or newer, with pip and venv.
# Options: URL (tunnel), N and SEED (drill), ARGS (more arguments for pytest, or for bench: --only storefront), DATABASE_URL (a PostgreSQL of yours instead of the throwaway one).

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
STAMP := .venv/.requirements-installed
# Every process would compile all that it imports anew: the workers of the tests, and what they start.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo run tunnel test journeys check drill bench docs

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install the pinned requirements

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Everycent needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: setup ## tell the story of some orders and their money, on SQLite
	$(PY) manage.py demo

run: setup ## migrate, load the demo shop, serve it with the payment simulator beside it
	$(PY) manage.py migrate --verbosity 0
	$(PY) manage.py load_demo_shop
	$(PY) manage.py serve_demo_shop

tunnel: ## as run, for a provider on the internet that reaches this machine at URL
	@case "$(URL)" in https://*|http://*) ;; *) echo "make tunnel URL=https://...: the address that the tunnel printed"; exit 1;; esac
	PUBLIC_ORIGIN=$(URL) $(MAKE) run

test: setup ## all tests, on SQLite and then on PostgreSQL
	DATABASE_URL=sqlite:///test.sqlite3 $(PY) -m pytest -n 2 --dist worksteal -m "not drill and not journey" $(ARGS)
	$(PY) -m tests.with_postgres $(PY) -m pytest -n 2 --dist worksteal -m "not drill and not journey" $(ARGS)

journeys: setup ## click through the pages in Chromium (Debian's package chromium)
	$(PY) -m tests.with_postgres $(PY) -m pytest -n 2 -m journey tests/journeys $(ARGS)

check: setup ## format, lint, types, import contracts, migrations, deployment settings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	DATABASE_URL=sqlite://:memory: $(PY) manage.py makemigrations --check --dry-run
	DEBUG=false SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_hex(40))') ALLOWED_HOSTS=example.com \
	  DATABASE_URL=sqlite://:memory: $(PY) manage.py check --deploy --fail-level WARNING

drill: setup ## pull the plug N times and account for every cent (N=, SEED=)
	$(if $(N),DRILL_COUNT=$(N)) $(if $(SEED),SEED=$(SEED)) $(PY) -m tests.with_postgres $(PY) -m pytest -m drill $(ARGS)

bench: setup ## measure speed against the yardsticks
	$(PY) -m tests.with_postgres --durable $(PY) -m tests.benchmarks $(ARGS)

docs: setup ## write the generated parts of docs/ again from the code
	$(PY) manage.py generate_docs
