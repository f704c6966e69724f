# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause

JOBS ?= 2# test processes at a time
MODEL ?=# a name from `firebrick models`, or the path of a .fire file; empty: squeezenet1_1, for a board the largest that fits
BOARD ?= ulx3s_85f# a board that `firebrick boards` lists
FREQUENCY ?=# MHz to meet; empty: what suits the board's FPGA
SEED ?= 1# where placement starts from
ALL ?=# 1: `make formal` runs its long proofs, too
LINK ?=# uart or usb; empty: uart where the board has both
CAMERA ?=# ov7670: a camera beside the accelerator
DISPLAY_PORT = $(if $(filter command line,$(origin DISPLAY)),$(DISPLAY))# hdmi: a screen; of the command line only: X11 has a DISPLAY, too
CLASSES ?=# a file with the classes to keep, one a line, or names with commas between them; empty: all
DISPLAY_CLASSES ?=# likewise: those that the screen shows by name; empty: all
LED_CLASS ?=# NAME or NAME=PERCENT: the class for which the LEDs are lit
PINS ?=# file with their pins; empty: those of docs/camera.md

BIN := .venv/bin
NEWEST ?=# 1: `make setup` installs the newest releases instead of those in constraints.txt
SECONDS ?= 60# for `make fuzz`, all readers together
READERS ?=# what `make fuzz` reads; empty: everything

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL := $(PIP) $(if $(NEWEST),--upgrade --upgrade-strategy eager,--constraint constraints.txt) --editable

.DEFAULT_GOAL := help
.PHONY: help setup lint types test test-all fuzz constraints formal sim demo docs verilog bitstream program figures clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/installed ## make the virtual environment in .venv and install everything into it

.venv/installed: pyproject.toml setup.py constraints.txt $(if $(NEWEST),newest)
	@command -v $(CXX) >/dev/null || { \
	  echo "setup: no C++ compiler: $(CXX), which the simulator needs, was not found; install it (Debian: apt-get install g++)" >&2; exit 1; }
	@set -e; python=; if [ ! -x $(BIN)/python ]; then \
	  for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$python" ]; then echo "setup: no Python 3.11 or newer with its venv module was found; install it" \
	    "(Debian: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; fi; \
	  echo "setup: making .venv with $$($$python --version)"; $$python -m venv .venv; fi
	@echo "setup: installing packages into .venv (a minute or two)"
	@$(BIN)/python -m pip uninstall --quiet --yes --disable-pip-version-check firebrick 2>/dev/null || true # the name until 0.2.0
	@$(INSTALL) '.[dev]'
	@touch $@

newest: # make .venv again, whatever it has
.PHONY: newest

constraints: setup ## write the releases in .venv to constraints.txt
	@{ grep '^#' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check \
	  | grep -viE '^(torch|nvidia|triton|atheris|firebrick-fpga)|@' | LC_ALL=C sort -f; } > constraints.tmp && mv constraints.tmp constraints.txt

lint: setup ## check the style and the order of packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	PYTHONPATH=.types $(BIN)/lint-imports --no-cache

types: setup ## check the types
	$(BIN)/mypy

test: setup ## run the quick tests
	$(BIN)/pytest -q -n $(JOBS) --dist loadfile -m "not slow"

test-all: setup ## run every test
	$(BIN)/pytest -q -n $(JOBS)

fuzz: setup ## try damaged files and packets on every reader (SECONDS=, READERS="onnx image")
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) --only-binary :all: atheris 2>/dev/null || \
	  echo "fuzz: no Atheris for this Python: plain mutations only"
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(READERS)

formal: setup ## prove properties of the hardware's components (ALL=1: the long ones, too)
	$(BIN)/python -m firebrick.sim.formal --jobs $(JOBS) $(if $(ALL),--all)

sim: setup ## simulate the generated hardware: its benches, then whole frames through the whole network
	$(BIN)/python -m firebrick.sim

demo: setup ## photographs through golden model and generated hardware, score for score
	$(BIN)/firebrick demo

docs: setup ## build the site of the documentation into build/site; every warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "docs: build/site/index.html; with search: $(BIN)/python -m http.server -d build/site"

verilog: setup ## write the accelerator's Verilog and plan to build/verilog
	$(BIN)/firebrick verilog $(addprefix --model=,$(MODEL)) -o build/verilog

bitstream: setup ## write the bitstream for a board to build/BOARD (BOARD=, MODEL=, FREQUENCY= in MHz, SEED=, LINK=, CAMERA=, DISPLAY=, CLASSES=)
	@$(BIN)/python -c 'import amaranth_boards, pyosys' 2>/dev/null || $(INSTALL) '.[bitstream]'
	@for extra in $$($(BIN)/firebrick boards --json | $(BIN)/python -c 'import json, sys; \
	  print(*(one["extra"] for one in json.load(sys.stdin) if one["name"] == "$(BOARD)" and one["missing"] and one["extra"]))'); do \
	  $(INSTALL) ".[$$extra]"; done
	$(BIN)/firebrick bitstream --board $(BOARD) $(addprefix --model=,$(MODEL)) $(addprefix --frequency=,$(FREQUENCY)) \
	  $(addprefix --link=,$(LINK)) $(addprefix --camera=,$(CAMERA)) $(addprefix --display=,$(DISPLAY_PORT)) $(addprefix --pins=,$(PINS)) \
	  $(if $(CLASSES),--classes="$(CLASSES)") $(if $(DISPLAY_CLASSES),--display-classes="$(DISPLAY_CLASSES)") \
	  $(if $(LED_CLASS),--led-class="$(LED_CLASS)") \
	  --seed $(SEED) -o build/$(BOARD)

program: setup ## put the bitstream in build/BOARD into the board (BOARD=)
	$(BIN)/firebrick program --board $(BOARD) -o build/$(BOARD)

figures: setup ## run what the README's table of results says and write the figures into it (IMAGES=, LABELS=, NET=)
	IMAGES="$(IMAGES)" LABELS="$(LABELS)" NET="$(NET)" $(BIN)/python scripts/readme_figures.py

clean: ## remove what was made, except .venv
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
