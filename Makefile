# One command for each thing a contributor does. Nothing needs to be typed first:
# each target makes what it needs, and a second run finds it made.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

# What may be set on the command line:
PYTHON ?= python3
DJANGO ?= 5.2
VENV ?= .venv
SERVER ?= gunicorn-gevent
# Most tests wait for servers, so four processes are twice as fast also on two cores.
JOBS ?= 4
# So many tests that fail may pass when they run again, alone (CI sets it).
SECOND_LOOK ?= 0
ARGS ?=

python := $(VENV)/bin/python
stamps := $(VENV)/.installed
cache := $(VENV)/.pytest_cache
installed := $(stamps)/django-$(DJANGO)
say := printf '==> %s\n'

# Hashes are checked for everything, and the build tools are pinned too, so
# nothing runs that constraints/ doesn't name.
pip := $(python) -m pip --disable-pip-version-check -qq install --no-build-isolation
pinned := $(pip) --require-hashes

test_pins := constraints/build.txt constraints/tests.txt constraints/servers.txt constraints/django-$(DJANGO).txt

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n'
	@printf '  %s\n' \
	  'PYTHON=python3.12  the interpreter that the environment is made from (3.11 or newer)' \
	  'DJANGO=6.0         5.2, 6.0 or 6.1; the last two need Python 3.12' \
	  'VENV=.venv-6.0     another environment beside the default one' \
	  'SERVER=uvicorn     the server of `make demo`' \
	  'JOBS=0             tests in one process, not in four (to debug them)' \
	  'ARGS="-k scope"    passed on to pytest by `make test`, to the others likewise'

.PHONY: demo
demo: $(installed)  ## lose, mix up and crash state on real servers, then hold it
	@$(python) example/demo.py --server $(SERVER) $(ARGS)

.PHONY: test
test: $(installed) $(stamps)/bench test-tools  ## run all tests
	@$(say) 'running the tests: Python $(shell $(python) -c "import platform; print(platform.python_version())" 2>/dev/null), Django $(DJANGO)'
	@rm -f $(cache)/unsteady
	@$(python) -m pytest -n $(JOBS) --dist worksteal -o cache_dir=$(cache) $(ARGS) \
	  || tools/second_look.sh $(python) $(cache) $$? $(SECOND_LOOK) $(ARGS)

.PHONY: bench
bench: $(installed) $(stamps)/bench  ## measure what Holdfast costs, beside others
	@tools/system_packages.sh $(python) redis memcached
	@$(python) -m benchmarks $(ARGS)

.PHONY: docs
docs: $(installed) $(stamps)/docs  ## build the documentation into docs/_build/html
	@$(python) -m sphinx --fail-on-warning --keep-going -b html docs docs/_build/html $(ARGS)

.PHONY: lint
lint: $(installed) $(stamps)/lint  ## linter, formatter, type checker, layers; each runs although another failed
	@failed=; \
	for tool in 'ruff check .' 'ruff format --check .' 'mypy' 'lint-imports --no-logo'; do \
	  $(say) "$$tool"; \
	  $(VENV)/bin/$$tool || failed=1; \
	done; \
	[[ -z $$failed ]]

.PHONY: format
format: $(installed) $(stamps)/lint  ## format the code and mend what the linter can mend
	@$(VENV)/bin/ruff check --fix-only .
	@$(VENV)/bin/ruff format .

.PHONY: package
package: $(installed)  ## build the wheel, and import it with nothing beside it
	@tools/check_package.sh $(VENV)

.PHONY: venv
venv: $(installed) $(stamps)/lint $(stamps)/docs $(stamps)/bench  ## the whole development environment in .venv

.PHONY: pins
pins:  ## resolve constraints/*.in anew; UPGRADE=1 takes the newest versions
	@[[ -x .venv-pins/bin/uv ]] || $(PYTHON) -m venv .venv-pins
	@.venv-pins/bin/python -m pip -qq --disable-pip-version-check install --require-hashes -r constraints/pins.txt
	@UV=$(CURDIR)/.venv-pins/bin/uv UPGRADE=$(UPGRADE) tools/compile_pins.sh

.PHONY: clean
clean:  ## remove the environments and everything that was built
	rm -rf .venv .venv-* docs/_build build dist .coverage .coverage.* htmlcov \
	  .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp is as new as the pins it was made from, so that nothing is done
# twice and a changed pin is installed at once. Its name says which Django is in there.

$(stamps)/venv:
	@tools/system_packages.sh '$(PYTHON)' venv
	@$(say) "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@mkdir -p $(stamps)
	@touch $@

$(installed): $(stamps)/venv $(test_pins) pyproject.toml
	@rm -f $(stamps)/django-*
	@$(say) 'installing the pinned packages (the first time this takes a minute or two)'
	@$(pinned) $(addprefix -r ,$(test_pins))
	@$(say) 'installing Holdfast itself, as it stands in src/'
	@$(pip) --no-deps --editable .
	@touch $@

# Each group is complete as it was resolved, and what it wants of Django is here already: pip
# needn't resolve it again, and django-guid's upper bound for Django is not ours.
$(stamps)/lint $(stamps)/docs $(stamps)/bench: $(stamps)/%: constraints/%.txt $(installed)
	@$(say) 'installing what `make $*` needs'
	@$(pinned) --no-deps -r $<
	@touch $@

# What tests need beyond Python's packages. Without it they are skipped, and say so.
.PHONY: test-tools
test-tools: $(installed)
	@tools/system_packages.sh $(python) compiler headers postgresql redis memcached chromium
	@tools/build_uwsgi.sh $(VENV)
