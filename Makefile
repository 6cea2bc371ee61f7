# The two commands a newcomer needs: `make demo` and `make test`. Both start from nothing but Python 3.11+, git and make.

PYTHON ?= python3
UV := .venv/bin/uv
DEMO := build/telco-churn
# One more process than there are cores: many tests wait for a server, or until a time is over.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: help demo test test-fast lint bench clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 11

demo: .venv/.ready  ## generate build/telco-churn afresh, train its model and show the metrics
	@rm -rf $(DEMO) $(DEMO)-dvc-storage
	@.venv/bin/cookiecutter . --no-input --output-dir build project=telco-churn > /dev/null
	@echo "==> generated $(DEMO)"
	@$(MAKE) --no-print-directory -C $(DEMO) setup PYTHON="$(PYTHON)"
	@echo "==> installed its environment, fetched its data; running the pipeline"
	@$(MAKE) --no-print-directory -C $(DEMO) repro
	@echo && cd $(DEMO) && .venv/bin/dvc metrics show
	@echo && printf '%s\n' 'Where to look next:' \
	  '  $(DEMO)/reports/model_card.md   what the model is and how good' \
	  '  make -C $(DEMO) plots           ROC, calibration, confusion and more, as a page' \
	  '  make -C $(DEMO) ui              the tracked run in MLflow' \
	  '  $(DEMO)/README.md               change something, and see the pipeline re-run only what follows'

test: .venv/.ready  ## run all tests: they render the template and run what comes out
	@.venv/bin/pytest --numprocesses $(WORKERS)

test-fast: .venv/.ready  ## run the tests that only render
	@.venv/bin/pytest --numprocesses auto -m "not slow"

lint: .venv/.ready  ## check the style of hooks, tests and bench
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

bench: .venv/.ready  ## measure what the README states (about an hour; BENCH=adopt, pipeline, gate, registry, rows, model, serving, batch or monitor for one)
	@sh bench/run.sh $(BENCH)

clean:  ## remove everything that was generated
	rm -rf .venv build

.venv/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/it")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
	@$(UV) pip install --quiet --python .venv --group dev
	@touch $@
