# The two commands: `make reproduce` and `make test`. Each sets up what it needs.
# Needs Python 3.11, git and make. No GPU; after the packages are installed, no network.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
# A CPU build of torch where the default index serves a CUDA one:
#   make setup TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
TORCH_INDEX_URL ?=
TORCH_INDEX = $(if $(TORCH_INDEX_URL),--index-url $(TORCH_INDEX_URL))
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off -q

# Idle threads of OpenMP and OpenBLAS spin: on two cores that costs more than it gains.
export OMP_WAIT_POLICY ?= PASSIVE
export OPENBLAS_NUM_THREADS ?= 1
export DVC_NO_ANALYTICS := 1
export PYTHONHASHSEED := 0
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Executed copies show still pictures; live viewers are for people.
PIPELINE := HIPUS_STATIC_VIEWS=1

.DEFAULT_GOAL := help
.PHONY: help setup data reproduce arms smoke paper figures test lint benchmark clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP)  ## create .venv from the lock file

$(SETUP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || command -v python3 >/dev/null 2>&1 || \
	  { echo "Python 3.11 is needed: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "[setup 1/4] virtual environment in $(VENV)"
	@python=$$(command -v $(PYTHON) || command -v python3); \
	  "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed, $$python is $$("$$python" --version)" >&2; exit 1; }; \
	  "$$python" -m venv $(VENV)
	@echo "[setup 2/4] torch ($$(grep '^torch==' requirements.lock)), first and pinned"
	@$(PIP) $(TORCH_INDEX) "$$(grep '^torch==' requirements.lock)"
	@echo "[setup 3/4] $$(grep -c '==' requirements.lock) packages of requirements.lock"
	@$(PIP) --no-deps -r requirements.lock
	@echo "[setup 4/4] hipus itself"
	@$(PIP) --no-deps --no-build-isolation -e .
	@# Comes with itkwidgets and asks a server elsewhere whenever JupyterLab is opened.
	@$(BIN)/jupyter labextension disable imjoy-jupyterlab-extension >/dev/null 2>&1
	@touch $(SETUP)

data: $(SETUP)  ## fetch the study's own inputs (data/) from the DVC remote inside the repository
	@test -d data && $(BIN)/dvc status -q data.dvc 2>/dev/null || $(BIN)/dvc pull -q data.dvc

reproduce: data  ## run the small profile and build the report
	@$(PIPELINE) $(BIN)/python -m hipus.stages small

# A pipeline of its own, see arms/dvc.yaml; `-f -s` redraws what shows its tables and no more.
ARM_NOTEBOOKS := notebook_03@small notebook_05@small notebook_06@small notebook_07@small notebook_42@small
arms: data  ## train and compare every arm of the small profile (two hours; goes on where it was)
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:motion_arms@small
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:motion_spacing@small
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:segmentation_arms@small
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:stills_segmentation@small
	@$(PIPELINE) $(BIN)/python -m dvc repro -f -s figures@small $(ARM_NOTEBOOKS) report@small

smoke: data  ## run all stages of the smoke profile (minutes, for CI)
	@$(PIPELINE) $(BIN)/python -m hipus.stages smoke
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:motion_arms@smoke
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:motion_spacing@smoke
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:segmentation_arms@smoke
	@$(PIPELINE) $(BIN)/python -m dvc repro -s arms/dvc.yaml:stills_segmentation@smoke

paper: data  ## run the paper profile (publication sizes)
	@$(PIPELINE) $(BIN)/python -m hipus.stages paper

figures: $(SETUP)  ## redraw the small profile's figures from its saved tables
	@$(BIN)/python -m hipus.stages.figures small

lint: $(SETUP)  ## style and canonical notebooks
	@$(BIN)/ruff check hipus tests benchmarks
	@$(BIN)/ruff format --check -q hipus tests benchmarks
	@$(BIN)/python -m hipus.notebooks check

test: data  ## every check: style, tests, and the smoke profile end to end
	@echo "[test 1/4] style and canonical notebooks"
	@$(MAKE) --no-print-directory lint
	@echo "[test 2/4] tests"
	@$(BIN)/python -m pytest -n 2 --dist loadfile
	@echo "[test 3/4] the smoke profile, end to end"
	@$(MAKE) --no-print-directory smoke
	@echo "[test 4/4] the commands of the README, on what the smoke profile left"
	@HIPUS_REQUIRE_SMOKE=1 $(BIN)/python -m pytest -q -m after_smoke tests/test_commands.py

benchmark: data  ## speed and memory beside a peer, in one run
	@$(BIN)/python benchmarks/voxelisation.py
	@$(BIN)/python benchmarks/surface_metrics.py $(if $(PEER_PYTHON),--peer-python $(PEER_PYTHON))

clean:  ## remove the environment, scratch and uncommitted results
	rm -rf $(VENV) work results/smoke results/paper figures/smoke figures/paper
