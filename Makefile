# `make demo` and `make test` set everything up on a machine that has Python 3.11+ and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' pyproject.toml --extra editable

.PHONY: help demo test check chaos bench model bench-model dashboards lock clean

help:            ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

demo: $(VENV)/run.stamp  ## the whole pipeline on this machine, replaying real mentions, until Ctrl-C
	@$(BIN)/tenfour demo

test: $(VENV)/dev.stamp check  ## the checks and every test, on a real Kafka
	$(BIN)/python -m pytest tests -n 2 --dist loadfile

check: $(VENV)/dev.stamp  ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

chaos: $(VENV)/dev.stamp  ## 25 kills of workers and three of the broker, restarts, workers that come and go, 50 people who race
	$(BIN)/python -m pytest tests/chaos --chaos -x -s

bench: $(VENV)/bench.stamp  ## the speed figures, into bench/RESULTS.md
	$(BIN)/python -m bench

bench-model: $(VENV)/bench.stamp  ## the classifier's figures, into bench/RESULTS.md: make bench-model DATA=DIR
	@test -n "$(DATA)" || { echo "make bench-model needs DATA=DIR, the folder of the data sets" >&2; exit 2; }
	$(BIN)/python -m bench.classifier --data $(DATA)

model: $(VENV)/model.stamp  ## trains the classifier: make model DATA=DIR, with TEACHER=1 taught by a larger network
	@test -n "$(DATA)" || { echo "make model needs DATA=DIR, the folder of the data sets" >&2; exit 2; }
	$(VENV)-model/bin/python -m models.train_mentions --data $(DATA) --out models/mentions $(if $(TEACHER),--teacher)

dashboards: $(VENV)/dev.stamp  ## makes deploy/grafana/dashboards anew
	$(BIN)/python -m deploy.grafana

lock:            ## compiles requirements/*.lock anew (needs uv)
	$(COMPILE) -o requirements/run.lock
	$(COMPILE) --extra dev -o requirements/dev.lock
	$(COMPILE) --extra dev --extra bench -o requirements/bench.lock
	$(COMPILE) --extra model -o requirements/model.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock' --no-deps requirements/teacher.in -o requirements/teacher.lock

clean:           ## removes what make and the demo made
	rm -rf $(VENV) $(VENV)-model .tenfour build *.egg-info

# A stamp says that a lock is installed; installing a larger one covers the smaller.
$(VENV)/pip.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tenfour needs Python 3.11 or later, $(PYTHON) is older: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements/run.lock $(VENV)/pip.stamp
	@test -e $(VENV)/dev.stamp -o -e $(VENV)/bench.stamp || $(call install,run)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock $(VENV)/pip.stamp
	$(call install,dev)
	@touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: requirements/bench.lock $(VENV)/pip.stamp
	$(call install,bench)
	@touch $@ $(VENV)/run.stamp $(VENV)/dev.stamp

$(VENV)/model.stamp: requirements/model.lock requirements/teacher.lock $(VENV)/pip.stamp
	@test -x $(VENV)-model/bin/python || $(PYTHON) -m venv $(VENV)-model
	$(VENV)-model/bin/python -m pip install --quiet --require-hashes -r requirements/model.lock
	$(VENV)-model/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/teacher.lock
	@touch $@

define install
{ echo "Installing requirements/$(1).lock ..."; \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).lock && \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .; }
endef
