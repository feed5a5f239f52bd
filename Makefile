# make study: from a fresh clone to the ranked clusters of NAS-Bench-201 and a page to look at.
# make test:  from a fresh clone to a green suite.
# make fuzz:  25,000 broken inputs at every reader and public name.
# make docs:  the documentation, in build/site.

PYTHON ?= python3
VENV ?= .venv
OUT ?= studies/nasbench201
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -c constraints.txt

.PHONY: study test fuzz lint docs clean

study: $(VENV)/.installed
	$(BIN)/cgraph study nasbench201 --out $(OUT)

test: $(VENV)/.installed-test lint docs
	$(BIN)/python -m pytest --numprocesses auto --quiet

fuzz: $(VENV)/.installed-test
	CGRAPH_FUZZ_CASES=25000 $(BIN)/python -m pytest --numprocesses auto --quiet tests/fuzz

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cgraph needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# PyTorch comes first: the packages that need it then find the pinned build.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) torch
	$(PIP) --quiet -e '.[report]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) --quiet -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
