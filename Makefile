# One word per job; each does its own set-up. Arguments: make run ARGS="--config fast".
# PYTHON=python3.12 make … chooses the Python that .venv is made with. make itself ends with 2 after
# any failure; the exit code of the pipeline is in its last line ("Error 3").

PYTHON_IN_VENV = .venv/bin/python
SET_UP = sh setup.sh -m tfxkit.environment.install
ARGS =
WITH =
IMAGE = # >>> cluster <<<

.DEFAULT_GOAL = help
.PHONY: help setup run test lint notebooks pre-commit doctor lock audit sbom clean
.PHONY: image # >>> cluster <<<

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "make %-11s %s\n", $$1, $$2}'

setup: ## Install what a run needs into .venv, unless that is done; WITH="test notebooks" adds to it
	@$(SET_UP) $(WITH)

# Only in a new project with data of its own: looks at the data, and describes it.
configs/dataset.yaml: | setup
	@$(PYTHON_IN_VENV) -m pipeline init @configs/init.txt --no-next-step

run: setup configs/dataset.yaml ## Train, evaluate and push a model
	@$(PYTHON_IN_VENV) -m pipeline run $(ARGS)

test: ## Run the tests of this project, about a minute
	@$(SET_UP) test
	@$(PYTHON_IN_VENV) -m pytest --verbose --numprocesses 2 --dist loadfile --durations 5 $(ARGS)

lint: ## Check style, format and types
	@$(SET_UP) test
	@$(PYTHON_IN_VENV) -m ruff check
	@$(PYTHON_IN_VENV) -m ruff format --check
	@$(PYTHON_IN_VENV) -m mypy pipeline components models

notebooks: ## Open notebooks/ in Jupyter: data, features, model and lineage of the newest run
	@$(SET_UP) notebooks
	@$(PYTHON_IN_VENV) -m jupyterlab notebooks $(ARGS)

pre-commit: ## Check each commit as CI does; ARGS="run --all-files" checks all files now
	@$(SET_UP) test
	@UV_TOOL_DIR=.venv/tools UV_TOOL_BIN_DIR=.venv/tools/bin .venv/bin/uv tool install --quiet \
		--python $(PYTHON_IN_VENV) pre-commit==4.*
	@.venv/tools/bin/pre-commit $(or $(ARGS),install)

# >>> cluster
image: ## Build the image that steps on a cluster run in: IMAGE=NAME
	@sh deploy/build.sh "$(IMAGE)" $(ARGS)

# <<< cluster
doctor: ## Examine this machine and the installation; needs nothing installed
	@sh setup.sh -m pipeline doctor

lock: setup ## Lock what pyproject.toml names in requirements/; ARGS=--upgrade takes newer versions
	@$(PYTHON_IN_VENV) -m tfxkit.environment.lock $(ARGS)

# Their tools have an environment each, beside the project's own.
audit: setup ## Look up known vulnerabilities of what is locked
	@.venv/bin/uv tool run --quiet pip-audit==2.* --strict --no-deps --disable-pip \
		--requirement requirements/runtime.txt

sbom: setup ## Write sbom.json: all that is locked, as CycloneDX
	@.venv/bin/uv tool run --quiet --from cyclonedx-bom==7.* cyclonedx-py requirements \
		requirements/runtime.txt --pyproject pyproject.toml --output-reproducible --output-file sbom.json

clean: setup ## Remove the outputs of runs; pushed models stay
	@$(PYTHON_IN_VENV) -m pipeline clean $(ARGS)
