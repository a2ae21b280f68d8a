# `make demo` and `make test` set everything up in .venv; nothing outside this folder changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
STAMP := $(VENV)/.tdseg-ready
# Exact versions where they are known to work; `make setup CONSTRAINTS=` takes the newest instead.
CONSTRAINTS := $(shell $(PYTHON) -c 'import platform as p; print("constraints.txt" if (p.system(), p.machine(), *p.python_version_tuple()[:2]) == ("Linux", "x86_64", "3", "11") else "")' 2>/dev/null)
# For example: make test PYTEST_ARGS="tests/labels -x"
PYTEST_ARGS :=

.PHONY: setup demo test test-display check hooks constraints benchmark wheel release site links clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "tdseg needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module does not work; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
	@touch $@

demo: setup
	$(BIN)/tdseg demo --output-folder demo-output

test: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# The tests of the bridge with windows: embedded ImageJ, or the Fiji that TDSEG_FIJI names.
test-display: setup
	TDSEG_DISPLAY=1 xvfb-run -a -s '-screen 0 1280x900x24' $(BIN)/python -m pytest tests/imagej

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/numpydoc lint $$(find python -name '*.py')

hooks: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pre-commit
	$(BIN)/pre-commit install

constraints: setup
	@sed -n '/^#/p' constraints.txt > constraints.new
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -v '^pip==' >> constraints.new
	@mv constraints.new constraints.txt

benchmark: setup
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/speed.py

# A wheel with the plugin's jar in it, in dist/.
wheel: setup
	$(BIN)/python fiji-plugin/bundle.py python/tdseg/fiji_plugin
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# All files of a release, in dist/, with their checksums; built twice, and compared.
release: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python .ci/release.py

# The documentation site, in site/; a missing page, link or heading is an error.
site: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]' $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Asks every address that the pages name; needs a network.
links: setup
	$(BIN)/python tests/pages/site_links.py

clean:
	rm -rf $(VENV) demo-output site dist
