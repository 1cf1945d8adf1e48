# Everything a newcomer needs: `make demo` and `make test`. Both make their own virtual environment first.

VENV ?= .venv
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-quick lint benchmark reports site gate lock integrations clean

demo: $(READY)  ## train four GANs on the embedded digits, rank them, write the report
	$(BIN)/bench run --suite demo --results demo/results
	$(BIN)/bench leaderboard --results demo/results
	@echo
	@echo "The report:"
	@$(BIN)/bench report --results demo/results --out demo/reports

# Two processes of one thread each are quicker than one process of two threads. TESTS= names some of them.
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
TESTS ?=

test: $(READY) lint  ## everything that must pass: minutes
	$(PYTEST) $(TESTS)

test-quick: $(READY)  ## what is not marked slow: about a minute; tests that should be are named at the end
	$(BIN)/ruff check --quiet
	$(PYTEST) -m "not slow" --durations 10 --durations-min 2 $(TESTS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/bench leaderboard --check

benchmark: $(READY)  ## speed and memory, as ratios within one run, against the last committed ones
	@mkdir -p build
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-group-by=group --benchmark-json=build/benchmark.json
	$(BIN)/python tests/benchmarks/ratios.py build/benchmark.json docs/benchmarks/ratios.json

reports: $(READY)  ## rebuild reports/ from results/
	$(BIN)/bench report

# Trains both revisions here and now, so that the processor and the libraries are the same.
BASE ?= origin/main
GATE_SUITE ?= digits
GATE_MEMBERS ?= dcgan lsgan wgan
GATE_OPTIONS ?=

site: $(READY)  ## check the records and make a static site of them in site/
	$(BIN)/bench validate results
	$(BIN)/bench publish --out site

gate: $(READY)  ## hold this checkout's members against those of the revision BASE
	$(BIN)/bench run --suite $(GATE_SUITE) $(GATE_MEMBERS:%=--member %) --results build/gate/baseline --at $(BASE)
	$(BIN)/bench run --suite $(GATE_SUITE) $(GATE_MEMBERS:%=--member %) --results build/gate/candidate
	$(BIN)/bench gate --suite $(GATE_SUITE) --results build/gate/candidate --baseline build/gate/baseline \
		--margin fid=10% --same-source pass $(GATE_MEMBERS:%=--member %) $(GATE_OPTIONS)

$(READY): pyproject.toml requirements.lock
	@test -n "$(PYTHON)" || { echo "GAN Bench needs Python 3.11 or newer on the PATH."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Keeps the versions that are pinned and pins what is new; LOCK_OPTIONS=--upgrade takes the newest of everything.
lock:  ## pin pyproject.toml's dependencies in the lock files, with the hashes of every platform's files
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet uv==0.13.9
	UV_CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--extra dev --generate-hashes --no-annotate $(LOCK_OPTIONS) --output-file requirements.lock pyproject.toml

	UV_CUSTOM_COMPILE_COMMAND="make lock" build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
		--extra dev --extra integrations --constraints requirements.lock --generate-hashes --no-annotate $(LOCK_OPTIONS) \
		--output-file requirements-integrations.lock pyproject.toml

# Trackers, Ray and a tester of web interfaces: their tests skip without them.
integrations: $(READY)  ## install what tests of integrations need
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-integrations.lock

clean:
	rm -rf $(VENV) demo build
