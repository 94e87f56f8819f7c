# Two commands matter: `make demo` (a shop to walk through) and `make test`.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: install demo test test-services lint clean

install: .venv/dev-installed

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv

.venv/demo-installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing what the demo needs (torch is large: about a minute) ..."
	@start=$$(date +%s); $(INSTALL) --editable '.[demo]' && echo "Installed in $$(($$(date +%s) - start)) s"
	@touch $@

.venv/dev-installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing everything (torch is large: about a minute) ..."
	@start=$$(date +%s); $(INSTALL) --editable '.[dev]' && echo "Installed in $$(($$(date +%s) - start)) s"
	@touch $@ .venv/demo-installed

demo: .venv/demo-installed
	@exec $(BIN)/python manage.py run_demo --port $(PORT)

# The suite on what every machine has (SQLite, the file-system broker), then once more in a very different project.
test: .venv/dev-installed
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest --ds=tests.settings_other -m "not browser and not process" --ignore=tests/ml \
	  --ignore=tests/shopdemo --ignore=tests/browser
	@command -v chromium >/dev/null || echo "The browser tests were left out: there is no Chromium on this machine."

# The suite on PostgreSQL and Redis: DATABASE_URL=postgres://... CELERY_BROKER_URL=redis://... make test-services
# (tests/ml asks no database, and the browser sees the same pages).
test-services: .venv/dev-installed
	@$(BIN)/python -m tests.reach_services
	$(BIN)/python -m pytest --ignore=tests/ml --ignore=tests/browser

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

clean:
	rm -rf .venv var build dist *.egg-info
