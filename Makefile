PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: studio test test-browser test-slow check

studio: .venv/installed
	@$(BIN)/python -m studio --port $(PORT) || [ $$? -eq 130 ]

test: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "not slow and not browser"

# One at a time: a page, its server and its jobs want both cores.
test-browser: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser

test-slow: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --no-loadscope-reorder -m "slow and not browser"

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python requirements.txt pyproject.toml
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/installed-dev: .venv/bin/python requirements.txt requirements-dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch .venv/installed $@
