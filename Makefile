# One verb, one command, the same here and in CI. Everything stays in this checkout's own .venv.
PYTHON ?= python3
BIN := .venv/bin
PYTHONS := 3.11 3.12 3.13
export PYTHON

.PHONY: help demo test check pytest python-asked test-compose test-spark bench-build bench-wire bench-wire-v3 bench-wire-instructions bench-publish bench-exposition bench-ranking bench-coverage bench-analysis bench-traps bench-planned bench-abroad bench-checks-abroad bench-collector bench-dashboard bench-fuzz bench-damage bench-large-tables bench-hops bench-page-load bench-discovery screenshots sbom format lock clean

help:
	@echo "make demo            a provider in a box: sets itself up and serves http://127.0.0.1:8050"
	@echo "make test            everything that CI runs: sets itself up, lint, types, imports, tests"
	@echo "make check           lint, formatting, import contracts, and types for Python $(PYTHONS)"
	@echo "make test-compose    builds and runs the containers; needs Docker"
	@echo "make test-spark      the panel on a Spark cluster that it starts; needs Java 17, installs pyspark (490 MB)"
	@echo "make bench-build     time and memory of bairro build, ARGS=\"--customers 100000\" (minutes and gigabytes of disk)"
	@echo "make bench-collector the collector beside its peers, ARGS=\"cpe-closed router\"; needs gcc, snmp,"
	@echo "                     prometheus-snmp-exporter"
	@echo "make bench-fuzz      a million bent replies through our decoders and pysnmp's (a quarter of an hour of CPU)"
	@echo "make bench-damage    3,000 agents with a damaged cell each, ARGS=\"--agents 30000\": nothing false, nothing lost beside it"
	@echo "make bench-large-tables a poll of 2,000 and of 12,000 interfaces beside snmpbulkwalk; needs gcc, snmp"
	@echo "make bench-wire      CPU time of a poll; needs gcc"
	@echo "make bench-wire-v3   the same with version 3, ours and pysnmp's; needs gcc"
	@echo "make bench-wire-instructions instructions of a poll, ARGS=\"--tree FOLDER\" for another checkout; needs gcc, valgrind"
	@echo "make bench-publish   CPU time of judging and publishing a poll"
	@echo "make bench-exposition CPU time of keeping the text of /metrics, and scrapes of a million series"
	@echo "make bench-ranking   20 worlds of known truth: does the ranking find the worst areas? (minutes)"
	@echo "make bench-coverage  400 worlds without effects: does the analysis find nothing? (half an hour)"
	@echo "make bench-analysis  worlds of known truth, ARGS=\"effects | nothing | ranking --seeds N --areas N --output FILE\""
	@echo "make bench-planned   20 worlds with harmless planned work: is it told apart from outages? (minutes)"
	@echo "make bench-checks-abroad    tests and checks of worlds abroad, without builds, ARGS=\"--check nulls --seeds 1-99\""
	@echo "make bench-abroad    worlds that work otherwise than the models suppose, ARGS=\"--mechanism additive --seeds 1,3,5 --jobs 2\""
	@echo "make bench-traps     the planted traps in 40 worlds: where does which fall? (a quarter of an hour)"
	@echo "make bench-hops      the files that a value passes from varbind to metric, complaint to rank, click to figure; needs snmpd"
	@echo "make bench-discovery a newcomer's path of 300 devices, from bairro discover to all of them up, ARGS=\"--keep FOLDER\""
	@echo "make bench-dashboard what 50 viewers cost the server beside a plain Dash page, ARGS=\"--devices 30000 --seconds 30\""
	@echo "make bench-page-load how soon a page is usable, ARGS=\"http://127.0.0.1:8050/areas\"; needs the page and Chromium"
	@echo "make screenshots     the pictures of the pages in README.md, from a demo that it starts; needs chromium"
	@echo "make sbom            the bill of materials of requirements.lock, as CycloneDX: bairro.cdx.json"
	@echo "make format          formats the code"
	@echo "make lock            resolves the locked dependencies anew"
	@echo "make clean           removes the virtual environment, caches and the demo's data"
	@echo "make PYTHON=python3.13 test  the same with another Python than python3"

# A .venv of another Python than the one asked for would speak for the wrong one.
python-asked:
	@[ "$(origin PYTHON)" != "command line" ] || [ ! -x $(BIN)/python ] || \
	  [ "$$($(PYTHON) --version)" = "$$($(BIN)/python --version)" ] || \
	  { echo ".venv holds $$($(BIN)/python --version), not $$($(PYTHON) --version): make clean first"; exit 1; }

.venv/.demo-ready: requirements.lock pyproject.toml tools/setup-venv.sh | python-asked
	@tools/setup-venv.sh requirements.lock
	@touch $@

.venv/.test-ready: requirements-dev.lock pyproject.toml tools/setup-venv.sh | python-asked
	@tools/setup-venv.sh requirements-dev.lock
	@touch $@ .venv/.demo-ready

demo: .venv/.demo-ready
	@exec $(BIN)/bairro demo $(ARGS)

test: .venv/.test-ready
	@tools/system-packages.sh
	@$(MAKE) --no-print-directory check pytest

check: .venv/.test-ready
	@echo "Checking with $$($(BIN)/python --version); types for each of $(PYTHONS)"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@tools/check-types.sh $(PYTHONS)
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_errands

# Compiled once for all the processes that the tests start; three workers for two processors, since many tests wait.
pytest: .venv/.test-ready
	@$(BIN)/python -m compileall -q *.py collector dashboard demo bench
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 exec $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-compose: .venv/.test-ready
	@exec $(BIN)/pytest -v -s tests/compose/containers.py $(ARGS)

.venv/.spark-ready: .venv/.test-ready
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement pyproject.toml --extra spark --constraint requirements-dev.lock
	@touch $@

test-spark: .venv/.spark-ready
	@tools/system-packages.sh openjdk-17-jre-headless
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 exec $(BIN)/pytest -v -s tests/dashboard/panel/test_engines.py tests/spark/cluster.py $(ARGS)

bench-build bench-collector bench-dashboard bench-hops bench-publish bench-exposition bench-page-load bench-discovery: bench-%: .venv/.test-ready
	@exec $(BIN)/python -m bench.$(subst -,_,$*) $(ARGS)

bench-wire bench-wire-v3 bench-wire-instructions bench-fuzz: bench-%: .venv/.test-ready
	@exec $(BIN)/python -m bench.protocol.$(subst -,_,$*) $(ARGS)

bench-damage: .venv/.test-ready
	@exec $(BIN)/python -m bench.protocol.damaged_cells $(ARGS)

bench-large-tables: .venv/.test-ready
	@exec $(BIN)/python -m bench.protocol.large_tables $(ARGS)

bench-coverage bench-traps: bench-%: .venv/.test-ready
	@exec $(BIN)/python -m bench.truth.$* --jobs 2 $(ARGS)

bench-ranking: .venv/.test-ready
	@exec $(BIN)/python -m bench.truth.worst_areas --jobs 2 $(ARGS)

bench-planned: .venv/.test-ready
	@exec $(BIN)/python -m bench.truth.planned_work --jobs 2 $(ARGS)

bench-abroad: .venv/.test-ready
	@exec $(BIN)/python -m bench.worlds_abroad $(ARGS)

bench-checks-abroad: .venv/.test-ready
	@exec $(BIN)/python -m bench.checks_abroad $(ARGS)

bench-analysis: .venv/.test-ready
	@exec $(BIN)/python -m bench.truth.analysis $(or $(ARGS),effects --seeds 16) --jobs 2

screenshots: .venv/.test-ready
	@exec $(BIN)/python tools/screenshots.py $(ARGS)

sbom:
	@$(PYTHON) tools/sbom.py > bairro.cdx.json

format: .venv/.test-ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/.test-ready
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-artifacts bairro-demo *.egg-info
