# `make run` serves the page, `make test` checks everything. Both set up a virtual environment first, once.

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that the pinned packages support; override with `make PYTHON=...`.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.10 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$python && break; done)
TORCH := $(shell sed -n 's/^torch==//p' requirements.txt)

.PHONY: run test fuzz format screenshot benchmark clean

run: $(VENV)/installed
	$(BIN)/python app.py

test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

fuzz: $(VENV)/installed-dev
	FUZZ_MUTATIONS=2000 FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest tests/test_hostile.py

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshot: $(VENV)/installed-dev
	$(BIN)/python tools/screenshot.py

benchmark: $(VENV)/installed
	$(BIN)/python -m benchmarks.speed

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed; install one, or say which: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# On Linux, plain pip may choose PyTorch's CUDA build, several gigabytes. The CPU build is taken from where pip is set up to look, else
# from PyTorch's own index, asked once and briefly; where neither has it, plain pip takes over.
$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@if [ "$$(uname -s)" = Linux ] && ! $(BIN)/python -c 'import torch' 2>/dev/null; then \
		$(BIN)/pip install --quiet torch==$(TORCH)+cpu 2>/dev/null \
		|| $(BIN)/pip install --quiet --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu torch==$(TORCH) 2>/dev/null \
		|| echo "PyTorch's CPU index is out of reach; plain pip takes over."; fi
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@
