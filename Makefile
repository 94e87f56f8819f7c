# Two commands matter: `make demo` (a shop to walk through) and `make test`.
PYTHON ?= python3
PORT ?= 8000
PROCESSES ?= 2
BIN := .venv/bin
# Python compiles what it imports; all that torch brings would take half of the time.
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile --constraint constraints.txt

# The tests' random encoders; environments without torch read them.
export MADE_ENCODERS := $(CURDIR)/.venv/made-encoders

.PHONY: install demo encoders test test-services fuzz faults lint audit wheel package matrix matrix-3.13 matrix-3.12 clean

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

encoders: $(MADE_ENCODERS)

$(MADE_ENCODERS): tests/ml/made_encoders.py $(wildcard recommendations/ml/training/*.py) | .venv/dev-installed
	$(BIN)/python -m tests.ml.made_encoders $@
	@touch $@

# The suite on what every machine has (SQLite, the file-system broker), on PROCESSES processes at once. `make matrix-3.13` runs it in a very different project.
test: .venv/dev-installed $(MADE_ENCODERS)
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --ignore=tests/package
	@command -v chromium >/dev/null || echo "The browser tests were left out: there is no Chromium on this machine."

# The suite on PostgreSQL, Redis and RabbitMQ:
# DATABASE_URL=postgres://... CELERY_BROKER_URL=redis://... RABBITMQ_URL=amqp://... make test-services
# (what is left out asks nothing of it: pure functions, words, the fidelity report, a shop without Celery or in a file, the demo on what every
# machine has; the browser sees the same pages), with fewer examples than `make test`; pages also under ATOMIC_REQUESTS.
# ONLY="tests/services ..." runs these alone.
test-services: .venv/dev-installed $(MADE_ENCODERS)
	@$(BIN)/python -m tests.reach_services
	FEWER_EXAMPLES=1 $(BIN)/python -m pytest -m "not browser" --ignore=tests/ml --ignore=tests/locale \
	  --ignore=tests/browser --ignore=tests/package --ignore=tests/shopdemo --ignore=tests/benchmarks \
	  --ignore=tests/test_without_torch.py --ignore=tests/test_packaging.py --ignore=tests/guest/test_without_celery.py \
	  --ignore=tests/retraining/test_processes.py --ignore=tests/auditing/test_report.py $(ONLY)
	$(if $(ONLY),,FEWER_EXAMPLES=1 $(BIN)/python -m pytest --ds=tests.settings_other \
	  tests/api tests/other_shop tests/pages tests/templatetags)

# Requests made of the OpenAPI document, to the app behind gunicorn on the PostgreSQL that DATABASE_URL names:
# 20,000 of them, or CASES=..., or as many as SECONDS=... lets.
fuzz: .venv/dev-installed $(MADE_ENCODERS)
	$(BIN)/python -m tests.fuzz $(if $(CASES),--cases $(CASES)) $(if $(SECONDS),--seconds $(SECONDS))

# Faults that really happen to the demo shop on servers of its own (docs/faults.md): all of them, or FAULTS="one another";
# UNTIMED=1 where the machine is busy.
faults: .venv/dev-installed
	$(BIN)/python -m benchmarks.faults $(if $(UNTIMED),--untimed) $(FAULTS)

# What a shop downloads, in dist/: the sdist, and the wheel built from it.
wheel: dist/built

dist/built: pyproject.toml MANIFEST.in README.md LICENSE $(shell find recommendations -type f -not -name '*.pyc') | .venv/dev-installed
	rm -rf build dist
	$(BIN)/python -m build --quiet >/dev/null
	@touch $@

# Its files, and what it does in an empty environment without torch.
package: wheel
	$(BIN)/python -m pytest tests/package

# The suite without torch on other versions of Python and Django, where these Pythons are installed; on the newest
# in the very different project. On SQLite, or what DATABASE_URL names. CI runs the newest beside the oldest, which the
# suite itself runs on.
matrix: matrix-3.13 matrix-3.12

matrix-3.13: wheel $(MADE_ENCODERS)
	.ci/matrix 3.13 6.1.3 tests.settings_other

matrix-3.12: wheel $(MADE_ENCODERS)
	.ci/matrix 3.12 6.0.10 tests.settings

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --recursive recommendations shopdemo
	$(BIN)/lint-imports

# Known vulnerabilities of the versions that constraints.txt pins, as PyPI tells them. Strict: what PyPI did not tell of is a
# failure, or a machine that can't reach it would find everything in order.
audit: .venv/bin/python
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/python -m pip install --disable-pip-version-check --quiet pip-audit
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement constraints.txt || { \
	  echo "Above stand the versions to raise in constraints.txt; or, with 'not found on PyPI' or a failed connection,"; \
	  echo "nothing was audited: this machine does not reach https://pypi.org/pypi/."; \
	  exit 1; }

clean:
	rm -rf .venv var build dist *.egg-info
