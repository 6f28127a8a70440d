# make run starts the lab; make help lists the rest.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install install-dev run link test check format peers bench

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

.venv-peers/ready: requirements-peers.txt requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet $$(grep '^torch==' requirements.txt)
	.venv-peers/bin/pip install --quiet -r requirements-peers.txt
	@touch $@

peers: .venv-peers/ready  ## ask TRL's own losses again: do they still say what was recorded? (ARGS=--write records)
	OMP_NUM_THREADS=1 .venv-peers/bin/python -W ignore -m tests.peers.record $(ARGS)

bench: install-dev .venv-peers/ready  ## measure: steps and pairs beside TRL, trees, the guided run, page times, latency, served rewards
	.venv-peers/bin/python -W ignore -m tests.bench.steps
	.venv-peers/bin/python -W ignore -m tests.bench.pairs
	$(BIN)/python -m tests.bench.trees
	$(BIN)/python -m tests.bench.story
	$(BIN)/python -m tests.bench.latency
	$(BIN)/python -m tests.bench.serving
