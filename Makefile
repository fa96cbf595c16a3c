# The commands of this project. `make` lists them. All that is needed is Python 3.11 to 3.13:
# the first command makes .venv and installs requirements.txt into it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
BUILT := _build/complete
LIBRARY_TESTS := $(foreach part, analysis backward baselines binary coding datasets decision equality export \
  files forward model neuron nir packed plot sklearn storage targets training weight_files, tests/test_$(part).py)
LITE := _build/lite-env

.DEFAULT_GOAL := help
.PHONY: help book test interop oldest audit lint lab notebooks exercises train reproduce bench offline lite browser pictures pdf fuzz differential kill mutation clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo
	@echo "make PYTHON=python3.12 ... chooses the interpreter when .venv is made"

book: $(STAMP)  ## run the pages, build the book, print the path of the page to open
	@# Sphinx gives a warning once: after a build that did not succeed, every page is rendered again.
	all=--all; [ ! -e $(BUILT) ] || all=; rm -f $(BUILT); \
	  $(BIN)/jupyter-book build . $$all -W -n --keep-going && touch $(BUILT)
	$(BIN)/python tools/lint_book.py --html _build/html
	$(BIN)/python tools/book_cells.py
	@echo "The book is ready. Open:"
	@echo "$(CURDIR)/_build/html/index.html"

test: $(STAMP)  ## run the tests, the examples in docstrings and every notebook
	$(BIN)/python -m pytest

lint: $(STAMP)  ## check style, types, notebooks against pages, the parts of each chapter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/notebooks.py --check
	$(BIN)/python tools/exercises.py --check
	$(BIN)/python tools/lint_book.py
	$(BIN)/python tools/paper_map.py --check
	$(BIN)/python tools/readme_results.py --check

lab: $(STAMP)  ## open the notebooks of the book in JupyterLab
	$(BIN)/jupyter lab --notebook-dir book

notebooks: $(STAMP)  ## run the pages and write the notebooks beside them
	$(BIN)/python tools/notebooks.py

exercises: $(STAMP)  ## release the exercises: solutions/ without its solutions
	$(BIN)/python tools/exercises.py

train: $(STAMP)  ## train a BS4NN on MNIST for ten epochs, into run.npz
	$(BIN)/python -m minibs4nn train --model bs4nn --dataset mnist --epochs 10 --out run.npz

reproduce: $(STAMP)  ## judge the papers' claims by our runs; CLAIM=bs4nn-mnist runs one that is not recorded
	$(BIN)/python -m minibs4nn reproduce $(or $(CLAIM),--list)

bench: $(STAMP)  ## measure speed and memory, and print ratios; some minutes on an idle machine
	$(BIN)/python -m minibs4nn bench

interop:  ## run our networks in snnTorch, Norse and SpikingJelly (downloads PyTorch)
	$(PYTHON) -m venv _build/interop
	cd tests/interop && ../../_build/interop/bin/python -m pip install --quiet -r requirements.txt
	_build/interop/bin/python tests/interop/first_spikes.py --out results/ecosystem/interop.json

oldest:  ## run the library's tests with the oldest NumPy and others that are allowed
	$(PYTHON) -m venv _build/oldest
	_build/oldest/bin/python -m pip install --quiet -r tests/oldest.txt pytest hypothesis nbval -e .
	@# What is old may warn of what is new.
	_build/oldest/bin/python -m pytest -W default $(LIBRARY_TESTS)

audit: $(STAMP)  ## list all packages with their licences; ask for known weaknesses (needs the network)
	$(PYTHON) -m venv _build/audit
	_build/audit/bin/python -m pip install --quiet pip-audit pip-licenses
	_build/audit/bin/pip-licenses --python=$(BIN)/python --from=mixed --format=markdown \
	  --ignore-packages minibs4nn > results/reliability/dependencies.md
	_build/audit/bin/pip-audit --path $(VENV)/lib/python3.*/site-packages

offline: book  ## copy the book to _build/offline and a zip: it needs no network (uses npm once)
	$(BIN)/python tools/offline.py

lite: $(LITE)/installed  ## the exercises as a site where Python runs in the reader's browser: _build/lite
	$(LITE)/bin/python tools/lite.py

$(LITE)/installed: tools/lite-requirements.txt
	$(PYTHON) -m venv $(LITE)
	$(LITE)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

browser: offline lite  ## open the offline book and the JupyterLite edition in Chromium
	$(BIN)/python -m pytest -n 2 tests/browser/browser_*.py

pictures: book  ## take a picture of each interactive figure in Chromium, for the PDF
	$(BIN)/python tools/figure_pictures.py

pdf: $(STAMP)  ## the book as one PDF, by xelatex; CONTRIBUTING.md names the packages it needs
	LATEXMKOPTS=-interaction=nonstopmode $(BIN)/jupyter-book build . --builder pdflatex -n --keep-going
	$(BIN)/python tools/pdf_check.py

fuzz: $(STAMP)  ## give every reader of files 100,000 damaged ones; most of an hour
	$(BIN)/python -W ignore tools/fuzz.py --record _build/fuzz.json

differential: $(STAMP)  ## compare all kernels on 100,000 random networks; half an hour
	$(BIN)/python -W ignore tools/differential.py --record _build/differential.json

kill: $(STAMP)  ## kill a training run 100 times, and see that nothing is lost; some minutes
	$(BIN)/python tools/kill_training.py --record _build/kill.json

mutation: $(STAMP)  ## change the library in one place, 900 times: does a test notice? hours; goes on where it stopped
	$(BIN)/python -m pip install --quiet --no-deps --target _build/cosmic_ray cosmic-ray==8.7.0 stevedore==5.10.0
	PYTHONPATH=_build/cosmic_ray $(BIN)/python tools/mutation.py --record _build/mutation.json

clean:  ## remove what was built, but not .venv
	rm -rf _build build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The stamp is written last, so an installation that was cut short is done again.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; choose one: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into $(VENV); the first time this takes a few minutes."
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "The module venv is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
