# Everything a newcomer needs: `make demo` and `make test`. Both make their own virtual environment first.

VENV ?= .venv
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint benchmark reports clean

demo: $(READY)  ## train four GANs on the embedded digits, rank them, write the report
	$(BIN)/bench run --suite demo --results demo/results
	$(BIN)/bench leaderboard --results demo/results
	@echo
	@echo "The report:"
	@$(BIN)/bench report --results demo/results --out demo/reports

test: $(READY) lint  ## everything that must pass
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/bench leaderboard --check

benchmark: $(READY)  ## speed and memory, as ratios within one run
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-group-by=group

reports: $(READY)  ## rebuild reports/ from results/
	$(BIN)/bench report

$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "GAN Bench needs Python 3.11 or newer on the PATH."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) demo build
