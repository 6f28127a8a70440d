# make run starts the lab; make help lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install install-dev run link test check format bench

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install:
	@$(PYTHON) -m labapp.install run

install-dev:
	@$(PYTHON) -m labapp.install dev

run: install  ## start the whole lab and print a sign-in link (PORT, HOST, MERIT_HOME, DATABASE_URL, REDIS_URL)
	@exec $(BIN)/python -m labapp.start

link: install  ## print another sign-in link of the running lab
	@$(BIN)/python manage.py link

test: install-dev  ## all tests, browser and integration included (ARGS=tests/labapp for some)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

check: install-dev  ## format, lint, types, import rules, method files, migrations, templates, house tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python -m workers methods > /dev/null
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/house -q

format: install-dev  ## bring the code into its one format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: install-dev  ## measure: the guided run over three seeds, page times, event-to-browser latency
	$(BIN)/python -m tests.bench.story
	$(BIN)/python -m tests.bench.latency
