# make quickstart | test | test-all | lint | docs | help. Each target sets itself up: Python (3.11 or newer) and make are all it needs.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
PYTEST_ARGS ?=

python := $(VENV)/bin/python
# The tests of a file share what they build and compile; in the order of their names, no long file comes last. A worker
# that ends is not replaced, because the next one would run, and wait for, the same test.
DIST := --dist loadfile --no-loadscope-reorder --max-worker-restart=0
pip_install := $(python) -m pip install --quiet --disable-pip-version-check

.PHONY: help quickstart test test-all lint docs
.DEFAULT_GOAL := help

help:
	@echo 'make quickstart   train, evaluate, export and try a small reader; writes to runs/quickstart'
	@echo 'make test         run the tests but for the exhaustive ones; select with PYTEST_ARGS="tests/ctc -k gradient"'
	@echo 'make test-all     run all tests, exhaustive ones (many processes, many device layouts) included, and those of'
	@echo '                  the page of the server if Chromium is installed'
	@echo 'make lint         check style (ruff) and types (pyright)'
	@echo 'make docs         build the documentation, guide and API, into site/'
	@echo
	@echo 'The first call installs into $(VENV). Another interpreter: make test PYTHON=python3.12 VENV=.venv312'

quickstart: $(VENV)/.installed
	$(python) -m launch.quickstart --workdir=runs/quickstart

test: $(VENV)/.installed-test
	$(python) -m pytest -n $(WORKERS) $(DIST) -m 'not exhaustive' $(PYTEST_ARGS)

test-all: $(VENV)/.installed-test $(VENV)/.installed-test-all
	$(python) -m pytest -n $(WORKERS) $(DIST) $(PYTEST_ARGS)

lint: $(VENV)/.installed-test
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m pyright --pythonpath $(python)

docs: $(VENV)/.installed-docs
	$(python) -m mkdocs build --quiet --config-file docs/site/mkdocs.yml
	@echo 'Open site/index.html'

# An environment whose making was cut short has a python but no pip: it is made anew.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "recog needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." \
	       "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(python) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	@echo 'Installing recog and what it needs into $(VENV): once, a minute or so, about 1 GB ...'
	@$(pip_install) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.created pyproject.toml
	@echo 'Installing recog and its test tools into $(VENV): once, a minute or so, about 1.5 GB ...'
	@$(pip_install) --editable '.[test]'
	@touch $@ $(VENV)/.installed

# Tests in a browser use the system's Chromium (apt install chromium), or that of: python -m playwright install chromium.
$(VENV)/.installed-test-all: $(VENV)/.installed-test
	@$(pip_install) --editable '.[browser,docs,openvino]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.created pyproject.toml
	@echo 'Installing recog and what builds its documentation into $(VENV): once, a minute or so, about 1 GB ...'
	@$(pip_install) --editable '.[docs]'
	@touch $@ $(VENV)/.installed
