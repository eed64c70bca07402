# `make run` serves the page, `make test` checks everything, `make check` what takes a minute. Each sets up a virtual environment
# first, once; `make test` also brings what the machine lacks for it.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that the pinned packages support; override with `make PYTHON=...`.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.10 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)
REFERENCE := .venv-reference
# What ModelScope's own pipeline runs on; override with `make reference PYTHON_REFERENCE=...`.
PYTHON_REFERENCE ?= python3.10

# Tests run in a process for each core, each file in one of them, which makes its models and opens its browser once. Tests with the
# mark `alone` follow by themselves: they measure memory or processor time, or need the machine for many requests at once.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile

# On Linux, plain pip may choose PyTorch's CUDA build, several gigabytes. The CPU build is taken from where pip is set up to look, else
# from PyTorch's own index, asked once and briefly; where neither has it, plain pip takes over.
# Arguments: the environment's folder, a requirements file with "torch==".
define install-torch
@if [ "$$(uname -s)" = Linux ] && ! $(1)/bin/python -c 'import torch' 2>/dev/null; then \
	torch=$$(sed -n 's/^torch==/torch==/p' $(2)); \
	$(1)/bin/pip install --quiet $$torch+cpu 2>/dev/null \
	|| $(1)/bin/pip install --quiet --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu $$torch 2>/dev/null \
	|| echo "PyTorch's CPU index is out of reach; plain pip takes over."; fi
endef

.PHONY: run test check lint types unit javascript fuzz format site screenshot benchmark reference clean

run: $(VENV)/installed
	$(BIN)/python app.py

test: check javascript
	tools/machine.sh fonts browser layers
	$(BIN)/python -m pytest $(PARALLEL) -m "not alone" --ignore=tests/unit tests
	$(BIN)/python -m pytest -m alone --ignore=tests/unit tests

# The types are checked while the tests run: one core would wait otherwise.
check: $(VENV)/installed-dev
	$(MAKE) --no-print-directory --jobs 3 lint types unit

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zizmor --offline --quiet .github

types: $(VENV)/installed-dev
	$(BIN)/mypy

unit: $(VENV)/installed-dev
	tools/machine.sh compiler
	$(BIN)/python -m pytest $(PARALLEL) tests/unit

javascript: $(VENV)/installed-javascript
	tools/npm.sh $(BIN)/python run --silent lint
	tools/npm.sh $(BIN)/python run --silent types
	tools/npm.sh $(BIN)/python run --silent test

fuzz: $(VENV)/installed-dev
	FUZZ_MUTATIONS=2000 FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest tests/web/test_hostile.py tests/web/test_fuzz.py

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

site: $(VENV)/installed
	$(BIN)/python -m parsing site site

screenshot: $(VENV)/installed-dev
	$(BIN)/python tools/screenshot.py

benchmark: $(VENV)/installed
	$(BIN)/python -m benchmarks.speed

reference: $(REFERENCE)/installed

clean:
	rm -rf $(VENV) $(REFERENCE)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed; install one, or say which: make PYTHON=/path/to/python3" >&2; exit 2; }
	PYTHON=$(PYTHON) tools/machine.sh venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	$(call install-torch,$(VENV),requirements.txt)
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

# ESLint and TypeScript, which check the page's JavaScript; the page itself needs neither.
$(VENV)/installed-javascript: package-lock.json | $(VENV)/bin/python
	tools/npm.sh $(BIN)/python ci --silent
	@touch $@

$(REFERENCE)/bin/python:
	@$(PYTHON_REFERENCE) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null \
	|| { echo "Python 3.10 is needed, no other; install it, or say where: make reference PYTHON_REFERENCE=/path/to/python3.10" >&2; exit 2; }
	$(PYTHON_REFERENCE) -m venv $(REFERENCE)

# mmcv-full is compiled, which takes minutes; without CUDA, even where there is a graphics card.
$(REFERENCE)/installed: requirements-reference.txt | $(REFERENCE)/bin/python
	$(call install-torch,$(REFERENCE),requirements-reference.txt)
	grep -v '^mmcv-full' requirements-reference.txt | $(REFERENCE)/bin/pip install --quiet -r /dev/stdin
	CUDA_VISIBLE_DEVICES= MMCV_WITH_OPS=1 $(REFERENCE)/bin/pip install --quiet --no-build-isolation -r requirements-reference.txt
	@touch $@
