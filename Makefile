# One word per task; `make` alone lists them. Everything happens in .venv.

PYTHON_BIN := .venv/bin/python
LOCK_FILES := pyproject.toml uv.lock

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-large check bench clean

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.development ## Install everything that development and the tests need from PyPI
	@echo "ready: .venv"

serve: .venv/.runtime ## Install what the registry needs and run it (settings: MOORAGE_*)
	@exec .venv/bin/moorage serve

test: .venv/.development ## Install what the tests need, clients, PostgreSQL and Ceph included, and run them all
	@scripts/install-test-packages
	$(PYTHON_BIN) -m pytest -q -n 2 -m "not alone"
	$(PYTHON_BIN) -m pytest -q -m alone

test-large: .venv/.development ## Run all tests over HTTP, and the contracts, on PostgreSQL and Ceph alone
	@scripts/install-test-packages
	TESTS_ON=postgres+ceph $(PYTHON_BIN) -m pytest -q -n 2 -m "not alone" \
	  tests/contract tests/http tests/permissions tests/clients tests/faults

check: .venv/.development ## Format, lint, types, import rules and the fast tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON_BIN) -m pytest -q -m "not postgres and not clients and not s3" \
	  tests/unit tests/contract tests/architecture

bench: .venv/.development ## Measure this registry beside Debian's docker-registry
	$(PYTHON_BIN) -m bench

clean: ## Remove the environment and the tools' caches; never touches ./data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.runtime: $(LOCK_FILES) scripts/install-python-packages
	@scripts/install-python-packages --no-dev
	@touch $@

.venv/.development: $(LOCK_FILES) scripts/install-python-packages
	@scripts/install-python-packages
	@touch $@ .venv/.runtime
