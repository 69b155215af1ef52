# make run    set up if needed, then the app, for this machine alone   (PORT=8501)
# make serve  the same for a class: prints its address, an access code, and the lecturer's key
# make check  what takes less than a minute: format, lint, types, the tests that need no workers, pages or browser
# make test   set up if needed, then everything CI checks
# make slow   trainings that take minutes, further journeys in a browser; make fuzz: generated formulas, damaged files; make monkey: 10,000
#             random steps through the app
# make benchmark SECTIONS="step goals --json table.json": one table of how fast everything is, beside Pythae and Lightning; half an hour
# make load   a hundred students on one server, two datasets, and a thousand that come and go: an hour; VAE_DATA: where MNIST lies
# make pictures  the README's pictures from the real app; make pictures-check: which are older than their page
# make lock WHEELS=folder, make licences, make audit: what is installed, file by file; its licences; what is known against it
# make container-check  the Dockerfile's steps without Docker; make memory: how much it takes with the Dockerfile's settings
# make readme-check  both commands of the README in an empty home: make run here, make test in CI
# make figures DIALECTS="keras --until 10": trains the presets on MNIST for what they reach; hours for all, resumable

PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
TOOLS := .venv-tools
BIN := $(VENV)/bin
HOST ?=
PORT ?= 8501
SEED ?= 0
WHEELS ?= https://download.pytorch.org/whl/cpu/torch/

.PHONY: run serve check test lint slow fuzz monkey load figures peers benchmark browser clean \
	pictures pictures-check tools lock licences audit container-check memory readme-check

$(VENV)/.app: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@

run: $(VENV)/.app
	@HOST=$(HOST) PORT=$(PORT) exec $(BIN)/python -m vae.serving

serve: $(VENV)/.app
	@HOST=$(HOST) PORT=$(PORT) exec $(BIN)/python -m vae.serving serve

# A browser for the tests: one that is installed, else Debian's package when root, else Playwright's own.
browser: $(VENV)/.dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	|| $(BIN)/python -m playwright install chromium

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint
	$(BIN)/python -m pytest -m "quick and not slow" -n 2 --ignore tests/browser --ignore tests/load

# In the order of the folders: the long browser journeys first, so that both processes end together.
test: lint browser
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder

slow: browser
	$(BIN)/python -m pytest -m slow

fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz_formula.py 100000
	PYTHONPATH=. $(BIN)/python tests/fuzz_files.py 20000

monkey: browser
	PYTHONPATH=. $(BIN)/python tests/monkey.py 10000 --seed $(SEED)
	MONKEY_STEPS=500 SEED=$(SEED) $(BIN)/python -m pytest -m slow tests/browser/test_monkey_in_a_browser.py

load: $(VENV)/.dev
	$(BIN)/python -m tests.load all

figures: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python benchmarks/dialects.py $(DIALECTS)

# Other programs' trainers, in an environment of their own: one of them asks for packages that the app does not want.
peers: $(PEERS)/.peers
$(PEERS)/.peers: benchmarks/requirements-peers.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --disable-pip-version-check -q -r benchmarks/requirements-peers.txt
	touch $@

benchmark: browser peers
	$(BIN)/python -m benchmarks.table $(SECTIONS)

pictures: browser
	PYTHONPATH=. $(BIN)/python tools/pictures.py

pictures-check: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tools/pictures.py --check

# uv and pip-audit, in an environment of their own.
tools: $(TOOLS)/.tools
$(TOOLS)/.tools: tools/requirements.txt
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --disable-pip-version-check -q -r tools/requirements.txt
	touch $@

lock: tools
	$(TOOLS)/bin/python tools/lock.py --wheels $(WHEELS)

licences: $(VENV)/.dev
	$(BIN)/python tools/licences.py

audit: tools
	$(TOOLS)/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

container-check: $(VENV)/.dev
	$(BIN)/python tools/container.py

memory: browser
	PYTHONPATH=. $(BIN)/python tools/memory.py

readme-check: $(VENV)/.dev
	$(BIN)/python tools/readme.py

clean:
	rm -rf $(VENV) $(PEERS) $(TOOLS) static/*.js test-results
