# Every target sets up what it needs in .venv; once that is done, none needs the network.

PYTHON ?= python3
SET_UP = $(PYTHON) .ci/set_up.py
RUN = .venv/bin/

.DEFAULT_GOAL := help
.PHONY: help run test fast soak mutants bench check models format snapshot clean

help: ## Show what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | \
		awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: ## Bring up everything with a busy demo factory, and print the page's link (Ctrl-C stops it)
	@$(SET_UP) run
	@exec $(RUN)floorcast up --simulate

test: ## Run every test, on real servers and a real browser (one file: make test ARGS=tests/unit/…)
	@$(SET_UP) dev
	@tests/install_browser.sh
	@tests/install_node.sh
	@tests/install_python_clients.sh
	@tests/install_postgres.sh
	@tests/install_faketime.sh
	@$(RUN)pytest --postgres=18,15 $(if $(ARGS),$(ARGS),--numprocesses=2 --dist=loadfile)

fast: ## Run the tests that need no server: a few seconds
	@$(SET_UP) dev
	@$(RUN)pytest tests/unit $(ARGS)

soak: ## Run the long tests too: hours of load, faults and reconnects in some minutes
	@$(SET_UP) dev
	@FLOORCAST_SOAK=1 $(RUN)pytest --timeout=0 tests/flow tests/fault $(ARGS)
	@$(RUN)pytest --postgres=16 tests/sql tests/edge tests/contract

mutants: ## Break each promise on purpose, in many ways, and see that the tests notice (some: ARGS=entitled)
	@$(SET_UP) dev
	@$(RUN)python -m tests.mutants $(ARGS)

bench: ## Measure what README and docs/ quote
	@$(SET_UP) dev
	@$(RUN)python -m bench $(ARGS)

check: ## Judge the text: format, lint, types, layers, SQL
	@$(SET_UP) dev
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)lint-imports
	$(RUN)sqlfluff lint --disable-progress-bar schema triggers service

models: ## Check the models of the protocols, and that every sabotage of them is found (needs spin and gcc)
	@models/install_spin.sh
	@$(PYTHON) models/check.py $(ARGS)

format: ## Let the formatters have their way
	@$(SET_UP) dev
	$(RUN)ruff format .
	$(RUN)ruff check --fix .
	$(RUN)sqlfluff fix --disable-progress-bar schema triggers service

snapshot: ## Write schema/snapshot.sql, the generated parts of docs/ and the transcripts anew, after a change of schema/, triggers/, codes or messages
	@$(SET_UP) dev
	@$(RUN)pytest -q tests/contract/test_schema_snapshot.py tests/contract/test_schema_document.py \
		tests/contract/test_protocol_document.py tests/contract/test_asyncapi_document.py \
		tests/contract/test_openapi_document.py \
		tests/flow/test_transcripts.py --write-snapshot

clean: ## Remove what was installed and cached here; the data of `make run` stays
	rm -rf .venv tests/js/node_modules tests/py/site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
