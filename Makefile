# Every target installs what it needs into .venv (Python >= 3.11 and make are all it asks for).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.PHONY: demo demo-llm live model test lint types layers docs eval planted planted-short mutations mutations-short claims \
  fuzz fuzz-short bench bench-short asking asking-short schemathesis \
  load load-short soak soak-short clean help faults faults-short axe

help:
	@echo "make demo    read the reports under fixtures/"
	@echo "make test    run the tests"
	@echo "make lint types layers    ruff, mypy, import contracts"
	@echo "make eval    the reader against the hand-made labels, with CI's limits; build/eval.html to look at"
	@echo "make planted planted-short claims    the validator on planted errors; the claims finder on labels"
	@echo "make mutations mutations-short    corrupted reports and corrupted readings: who is blamed"
	@echo "make docs    make docs/rules.md from the rule catalogue, docs/schema from the models"
	@echo "make fuzz fuzz-short bench bench-short    generated documents; speed and memory"
	@echo "make asking asking-short    the model stage against a simulated model"
	@echo "make schemathesis    generated requests against the whole API"
	@echo "make load load-short soak soak-short    the service: speed beside reading in process; memory over many requests"
	@echo "make demo-llm    a doubtful report before and after a small local model"
	@echo "make live    the real local model on doubtful fixtures (MODEL=1.5b: on all of them)"
	@echo "make model   fetch the small test model, and what runs it (MODEL=1.5b: the larger one)"
	@echo "make faults faults-short    the service while server, readers, disk, database, model endpoint fail"
	@echo "make axe     fetch axe-core (npm), with which the browser tests check the pages' accessibility"
	@echo "make clean   remove .venv and everything built"

$(STAMP): pyproject.toml constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "python3 -m venv failed. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	$(VENV)/bin/gouji extract fixtures/reports

# What runs a GGUF file: the extra `local`.
LOCAL_STAMP := $(VENV)/.installed-local
$(LOCAL_STAMP): $(STAMP)
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[local]'
	@touch $@

model: $(LOCAL_STAMP)
	$(PY) -m extractor.eval.models fetch $(or $(MODEL),0.5b)

# Before and after: the reader alone, then with the small local model.
demo-llm: model
	$(VENV)/bin/gouji extract fixtures/reports/taling-2022-ocr-text.txt
	$(VENV)/bin/gouji extract --model local fixtures/reports/taling-2022-ocr-text.txt

# The real local model on doubtful fixtures; MODEL=1.5b asks about all of them and writes docs/live.md.
live: model
	$(if $(filter 1.5b,$(MODEL)),\
	  GOUJI_LOCAL_MODEL="$$($(PY) -m extractor.eval.models fetch 1.5b)" $(PY) -m extractor.eval.live --out docs/live.md,\
	  $(PY) -m extractor.eval.live --few)

# What tests/pages.py loads into the browser; tests that need it are skipped without it.
AXE := $(VENV)/axe
axe: $(AXE)/package/axe.min.js
$(AXE)/package/axe.min.js:
	mkdir -p $(AXE)
	npm pack --silent --pack-destination $(AXE) axe-core@4.10.3 >/dev/null
	tar -xzf $(AXE)/axe-core-4.10.3.tgz -C $(AXE) package/axe.min.js package/LICENSE
	@touch $@

test: $(STAMP)
	$(PY) -m pytest

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# As for the layers: eval/ is inside `extractor` only once installed.
types: $(STAMP)
	@rm -rf build
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target build/types .
	cd build/types && ../../$(PY) -m mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache/installed

# import-linter reads packages from disk, and eval/ and prompts/ are inside `extractor` only once installed.
layers: $(STAMP)
	@rm -rf build
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target build/layers .
	cd build/layers && ../../$(VENV)/bin/lint-imports --no-cache --no-logo --config ../../pyproject.toml

fuzz: $(STAMP)
	$(PY) -m extractor.eval.fuzz --documents 5000 --files 300

fuzz-short: $(STAMP)
	$(PY) -m extractor.eval.fuzz --documents 300 --files 20

bench: $(STAMP)
	$(PY) -m extractor.eval.bench --out docs/benchmarks.md

bench-short: $(STAMP)
	$(PY) -m extractor.eval.bench --short --soak 1500

# Errors planted in true records: are they found, and are the wrong cells named?
planted: $(STAMP)
	$(PY) -m extractor.eval.planted --records 1000 --out docs/planted.md

planted-short: $(STAMP)
	$(PY) -m extractor.eval.planted --short

# Reports and readings corrupted on purpose: is it noticed, and is the right one blamed?
mutations: $(STAMP)
	$(PY) -m extractor.eval.mutations --out docs/mutations.md

mutations-short: $(STAMP)
	$(PY) -m extractor.eval.mutations --short

# The finder of narrative claims against hand-made labels.
claims: $(STAMP)
	$(PY) -m extractor.eval.claims

docs: $(STAMP)
	$(VENV)/bin/gouji explain --markdown > docs/rules.md
	@mkdir -p docs/schema
	$(VENV)/bin/gouji schema --line > docs/schema/line.schema.json
	$(VENV)/bin/gouji schema --record > docs/schema/record.schema.json

# The reader against the hand-made labels; the limits that CI holds it to.
eval: $(STAMP)
	@mkdir -p build
	$(VENV)/bin/gouji eval --html build/eval.html --fail-over escapes=0 --fail-under accuracy=0.995 \
	  --fail-under nonzero_accuracy=0.99 --fail-under printed_coverage=0.9

asking: $(STAMP)
	$(PY) -m extractor.eval.asking --out docs/asking.md

asking-short: $(STAMP)
	$(PY) -m extractor.eval.asking --short

# Hundreds of generated requests against every route of the API, on a real server.
schemathesis: $(STAMP)
	GOUJI_SCHEMATHESIS_EXAMPLES=200 GOUJI_SCHEMATHESIS_PHASES=examples,coverage,fuzzing,stateful \
	  $(PY) -m pytest -n 0 tests/test_service_openapi.py

# The service's speed beside reading in process, and its memory over 50,000 requests; pages for docs/.
load: $(STAMP)
	$(PY) -m extractor.eval.service.load --out docs/service-measured.md

load-short: $(STAMP)
	$(PY) -m extractor.eval.service.load --short

soak: $(STAMP)
	$(PY) -m extractor.eval.service.soak --out docs/service-measured.md

soak-short: $(STAMP)
	$(PY) -m extractor.eval.service.soak --short

# The service while it is killed, its disk is full, its database is locked, its model's endpoint is down.
faults: $(STAMP)
	$(PY) -m extractor.eval.service.faults --out docs/faults.md

faults-short: $(STAMP)
	$(PY) -m extractor.eval.service.faults --short

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
