# One word per job; each does its own set-up. Arguments: make run ARGS="--config fast".
# PYTHON=python3.12 make … chooses the Python that .venv is made with. make itself ends with 2 after
# any failure; the exit code of the pipeline is in its last line ("Error 3").

PYTHON_IN_VENV = .venv/bin/python
ARGS =
# Tests of what an owner may change; projects made from this repository go without them.
OWNED = $(wildcard tests/foreign)
IMAGE = # >>> cluster <<<

.DEFAULT_GOAL = help
.PHONY: help setup run test test-notebooks notebooks test-browser test-engines reliability lint pre-commit doctor lock audit sbom clean
.PHONY: test-kubeflow image # >>> cluster <<<
.PHONY: test-containers # >>> kubeflow <<<
.PHONY: test-template # >>> template <<<
.PHONY: screenshots bench # >>> sample <<<

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "make %-16s %s\n", $$1, $$2}'

setup: ## Install the lock into .venv, unless that is done; all below do it themselves
	@sh setup.sh -m tfxkit.environment.install

# Only in a new project with data of its own: looks at the data, and describes it.
configs/dataset.yaml: | setup
	@$(PYTHON_IN_VENV) -m pipeline init @configs/init.txt

run: setup configs/dataset.yaml ## Train, evaluate and push a model
	@$(PYTHON_IN_VENV) -m pipeline run $(ARGS)

test: setup ## Run all tests, some minutes; ARGS="-m 'not slow'" takes the quick ones
	@$(PYTHON_IN_VENV) -m pytest --verbose --numprocesses 2 --dist loadfile --durations 10 $(ARGS)

test-notebooks: setup ## Run the pipeline on small data, and notebooks/ on what it left
	@$(PYTHON_IN_VENV) -m pytest --verbose --durations 10 -m notebooks tests/notebooks $(OWNED) $(ARGS)

test-browser: setup ## Look at reports of runs in Chromium (apt-get install chromium chromium-driver)
	@$(PYTHON_IN_VENV) -m pytest --verbose --durations 10 -m browser tests/report $(ARGS)

test-engines: setup ## Run the pipeline on Flink and Spark, started here (apt-get install openjdk-17-jre-headless maven)
	@$(PYTHON_IN_VENV) -m pytest --verbose --durations 10 -m engines tests/engines $(ARGS)

reliability: setup ## Bad data, faults and bad models: what happens, what should, and what is left
	@$(PYTHON_IN_VENV) -m pytest --verbose --numprocesses 2 --dist loadfile --durations 10 -m reliability tests/reliability $(ARGS)

# >>> sample
bench: setup ## Speed of a run beside that of TFX's own taxi template, on the same rows; half an hour
	@$(PYTHON_IN_VENV) benchmarks/speed.py $(ARGS)

# <<< sample
# >>> cluster
test-kubeflow: setup ## Run the compiled pipeline in an emulator of the backend
	@$(PYTHON_IN_VENV) -m pytest --verbose --durations 10 -m kubeflow tests/kubeflow $(OWNED) $(ARGS)

# <<< cluster
# >>> kubeflow
test-containers: setup ## Run it with each step in an OCI container: of IMAGE=NAME, or of this very system
	@IMAGE="$(IMAGE)" $(PYTHON_IN_VENV) -m pytest --verbose -m containers tests/kubeflow $(ARGS)

# <<< kubeflow
# >>> template
test-template: setup ## Generate projects from this repository, and check, test and run them
	@$(PYTHON_IN_VENV) -m pytest --verbose --durations 10 -m template tests/template $(ARGS)

# <<< template
notebooks: setup ## Open notebooks/ in Jupyter: data, features, model and lineage of the newest run
	@$(PYTHON_IN_VENV) -m jupyterlab notebooks $(ARGS)

# >>> sample
screenshots: setup ## Take the pictures of docs/images again, from runs on the sample data; needs Chromium
	@$(PYTHON_IN_VENV) -m tests.report.screenshots

# <<< sample
lint: setup ## Check style, format and types
	@$(PYTHON_IN_VENV) -m ruff check
	@$(PYTHON_IN_VENV) -m ruff format --check
	@$(PYTHON_IN_VENV) -m mypy pipeline components models tfxkit
	@$(PYTHON_IN_VENV) -m mypy template # >>> template <<<

pre-commit: setup ## Check each commit as CI does; ARGS="run --all-files" checks all files now
	@UV_TOOL_DIR=.venv/tools UV_TOOL_BIN_DIR=.venv/tools/bin .venv/bin/uv tool install --quiet \
		--python $(PYTHON_IN_VENV) pre-commit==4.*
	@.venv/tools/bin/pre-commit $(or $(ARGS),install)

# >>> cluster
image: ## Build the image that steps on a cluster run in: IMAGE=NAME
	@sh deploy/build.sh "$(IMAGE)" $(ARGS)

# <<< cluster
doctor: ## Examine this machine and the installation; needs nothing installed
	@sh setup.sh -m pipeline doctor

lock: setup ## Renew requirements/ from pyproject.toml
	@$(PYTHON_IN_VENV) -m tfxkit.environment.lock

# Their tools have an environment each, beside the project's own.
audit: setup ## Look up known vulnerabilities of what is locked
	@.venv/bin/uv tool run --quiet pip-audit==2.* --strict --no-deps --disable-pip \
		--requirement requirements/runtime.txt

sbom: setup ## Write sbom.json: all that is locked, as CycloneDX
	@.venv/bin/uv tool run --quiet --from cyclonedx-bom==7.* cyclonedx-py requirements \
		requirements/runtime.txt --pyproject pyproject.toml --output-reproducible --output-file sbom.json

clean: setup ## Remove what runs left behind; pushed models stay
	@$(PYTHON_IN_VENV) -m pipeline clean $(ARGS)
