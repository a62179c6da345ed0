# Works on a bare Debian 12 with python3, python3-venv and make. Everything goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install
SOURCES := setup.cfg setup.py
CHECKED := tornado_chat plugins tests docs/examples setup.py $(wildcard benchmarks)

.PHONY: help setup test soak bench coverage lint format types docs screenshots serve demo clean

help:     ## this list
	@sed -n 's/^\([a-z]*\): .*## /\1\t/p' $(MAKEFILE_LIST)

setup: .venv/test.stamp .venv/dev.stamp     ## .venv with all that tests and linters need

# Three at a time, since tests wait more than they work; some in one process, for -s and --pdb.
test: .venv/test.stamp     ## all tests; ARGS="-k name" for some
	$(BIN)/python -m pytest -n $(if $(strip $(ARGS)),0,3) $(ARGS)

soak: .venv/test.stamp     ## kill the server at random for SECONDS=600; SEED=… repeats a run
	SOAK_SECONDS=$(or $(SECONDS),600) SOAK_SEED=$(SEED) $(BIN)/python -m pytest -s tests/e2e/test_killed.py

bench: .venv/runtime.stamp     ## ours beside the peers; SIZE=small SECONDS= REPEATS= ONLY=load,peer
	@$(BIN)/python -m benchmarks $(if $(SIZE),--size $(SIZE)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(REPEATS),--repeats $(REPEATS)) $(if $(ONLY),--only "$(ONLY)")

coverage: .venv/test.stamp     ## all tests, and which branches they did not reach
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report -m --skip-covered

lint: .venv/test.stamp .venv/dev.stamp     ## style, format, spelling, types
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/codespell $(filter-out tests docs/examples,$(CHECKED)) conf docs README.md CHANGELOG.md
	$(BIN)/mypy

format: .venv/dev.stamp     ## let ruff write the format
	$(BIN)/ruff format $(CHECKED)

types: .venv/test.stamp .venv/dev.stamp     ## mypy alone
	$(BIN)/mypy

docs: .venv/runtime.stamp     ## write what is generated: conf/tornado_chat.toml, pages of docs, and what pages show of examples
	$(BIN)/python -m tornado_chat.config.reference --write
	$(BIN)/python tests/support/slices.py
	$(BIN)/python tests/support/asyncapi.py

screenshots: .venv/test.stamp     ## a picture of each view of the page in build/screenshots, the best in docs/pictures
	$(BIN)/python tests/browser/screenshots.py

serve: .venv/runtime.stamp     ## serve conf/tornado_chat.toml
	$(BIN)/tornado-chat serve -c conf/tornado_chat.toml

demo: .venv/runtime.stamp     ## a server with demo users, rooms and a live order feed
	@$(BIN)/tornado-chat demo $(ARGS)

clean:     ## forget .venv and everything that was built
	rm -rf .venv .bench build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# venv itself comes before its stamp: without python3-venv it leaves half a .venv behind.
.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python 3.11 or newer is needed")'
	@echo "making .venv ..."
	@$(PYTHON) -m venv .venv || { echo "on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

.venv/runtime.stamp: .venv/made.stamp $(SOURCES)
	@echo "installing tornado_chat into .venv ..."
	@$(PIP) -e .
	@touch $@

.venv/test.stamp: .venv/runtime.stamp
	@echo "installing what the tests need ..."
	@$(PIP) -e '.[test]'
	@touch $@

.venv/dev.stamp: .venv/runtime.stamp
	@echo "installing the linters ..."
	@$(PIP) -e '.[dev]'
	@touch $@
