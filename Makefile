# sscard: `make help` lists what can be made.
#
# Everything is installed on the first call (.ci/install) and nothing on the next ones. Variables:
#   PYTHON   the Python that .venv is made from          make PYTHON=python3.12 certify
#   CERTIFY  options for `sscard certify`                make certify CERTIFY="--profile ssc2-3des --level standard"
#   TESTS    options for pytest                          make test TESTS="tests/crypto -k sm2"
#   BENCH    options of the benchmark                    make bench BENCH="--json --people 1000"

SHELL = /bin/sh
BIN = .venv/bin
CERTIFY =
TESTS =
BENCH =

export PYTHON

.DEFAULT_GOAL = help
.PHONY: help install install-test certify test test-fast lint bench clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 14
	@echo
	@sed -n 's/^#   /  /p' Makefile

install: ## install what is missing to certify cards: system packages (as root), the project in .venv
	@.ci/install run

install-test: ## install what is missing to test the project besides
	@.ci/install test

certify: install ## put the virtual card into a real PC/SC reader, certify it, write the report
	@$(BIN)/sscard certify $(CERTIFY)

test: install-test ## run all tests of the project, those with a real PC/SC reader too
	@.ci/test all $(TESTS)

test-fast: install-test ## run the tests that neither need a PC/SC reader nor certify whole cards, in a few minutes
	@.ci/test fast $(TESTS)

lint: install-test ## check style, format, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## measure speed, beside a card that does nothing
	@$(BIN)/python -m tests.bench $(BENCH)

clean: ## remove .venv, caches, and reports in out/
	rm -rf .venv out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
