# `make help` lists the targets. Everything is installed into .venv; nothing outside the checkout and the
# per-user cache is touched, but for Debian packages that root gets installed where real containers need them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
MANIFEST ?= examples/loadtest-demo.yaml
IMAGE ?= loadtest-operator:dev
TARGET_IMAGE ?= django-target:dev
FAULTY_TARGET_IMAGE ?= django-target:test
PYTHON_IMAGE ?= python:3.13-slim
# More flags for the build, in the words of the tool that is found, for example a package index behind a
# certificate of one's own: IMAGE_FLAGS='--network host -v /etc/ssl/certs:/etc/ssl/certs:ro'
IMAGE_FLAGS ?=
BENCH_FLAGS ?=
PYTEST_FLAGS ?=
TARGET ?=
LOCALCLUSTER := $(BIN)/python -m localcluster

# Images of Python often set this. Then each worker rewrites the assertions of all tests anew: 6 s of processor time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

# uv installs in a tenth of pip's time; pip steps in where only pip knows the way to the registry.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
.venv/.ready: requirements-dev.lock requirements-build.lock pyproject.toml hatch_build.py integrations/django/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "setting up .venv in one to three minutes: the locked packages for programs, tests and checks (0.9 GB)"
	@{ test -z "$(PREFETCH)" || $(PYTHON) -m localcluster.prefetch; } & \
	$(PYTHON) -m venv .venv && \
	awk '/^[a-z]/ {wanted = /^uv==/} wanted' requirements-dev.lock > .venv/uv.lock && \
	$(PIP) --require-hashes -r .venv/uv.lock && \
	{ $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements-dev.lock || \
		$(PIP) --require-hashes -r requirements-dev.lock; } && \
	$(PIP) --no-build-isolation --no-deps --editable . --editable integrations/django && \
	wait
	@touch $@

# Pods of the local cluster see the checkout read-only, so what they import is compiled beforehand.
.PHONY: setup
setup: .venv/.ready ## Make .venv with the locked dependencies and the programs
	@$(BIN)/python -m compileall -q model control live loadgen operator plugin integrations/django/loadtest_guard examples/django_target localcluster tests/targets

# These need a cluster: what its first build fetches comes while .venv is being made.
demo cluster test test-integration test-e2e: PREFETCH := 1

.PHONY: demo
demo: setup ## Run the main job: CLUSTER=local|node|current, operator, example target, MANIFEST=examples/loadtest-demo.yaml
	@exec env $(LOCALCLUSTER) demo $(MANIFEST)

.PHONY: cluster
cluster: setup ## Leave a cluster running, with the example target (CLUSTER=local|node) or TARGET=http://127.0.0.1:PORT/...
	@exec env $(LOCALCLUSTER) up .cluster --target '$(TARGET)'

.PHONY: cluster-down
cluster-down: setup ## End the cluster that `make cluster` started
	@exec env $(LOCALCLUSTER) down .cluster

# Tests of whole runs mostly wait, so they run side by side: each worker has a cluster of its own, and a file's tests
# stay together. The order of files is that of tests/support/longest_first.py, not one by their numbers of tests.
WORKERS ?= 4
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

.PHONY: test
test: setup ## Run all tests, on a real control plane (PYTEST_FLAGS='-k word' for some of them)
	@$(LOCALCLUSTER) build >/dev/null
	@$(PYTEST) tests/e2e tests/integration tests/property tests/unit

.PHONY: test-unit
test-unit: setup ## Run the unit and property tests
	@$(PYTEST) tests/property tests/unit

.PHONY: test-integration
test-integration: setup ## Run the tests of single programs beside real ones
	@$(LOCALCLUSTER) build >/dev/null
	@$(PYTEST) tests/integration

.PHONY: test-e2e
test-e2e: setup ## Run the end-to-end tests, on a real control plane
	@$(LOCALCLUSTER) build >/dev/null
	@$(PYTEST) tests/e2e

# The end-to-end tests that concern pods, image or chart. The others ask the API server alone, which is the same one.
IN_CONTAINERS := tests/real_node $(addprefix tests/e2e/test_, a_test_that_passes.py authentication.py following_a_service.py \
	installing.py interruptions.py pods.py prometheus.py targets_that_are_refused.py targets_that_are_watched.py \
	targets_that_change_under_load.py targets_that_fail_under_load.py texts_with_dollar_signs.py \
	targets_elsewhere.py the_life_of_a_test.py what_a_node_does.py what_pods_wait_for.py)

# The first test of each worker waits until the node and its images are built, which takes minutes without caches.
.PHONY: test-node
test-node: WORKERS := 2
test-node: setup ## Run the end-to-end tests in real containers, on a whole Kubernetes (Linux, root)
	@CLUSTER=node $(PYTEST) -o timeout=1200 $(IN_CONTAINERS)

.PHONY: bench
bench: setup ## Measure how fast uploads are made, beside Locust, Artillery and k6 (BENCH_FLAGS='--rounds 5')
	@PYTHONPATH=tests:tests/targets $(BIN)/python -m bench.uploads $(BENCH_FLAGS)

.PHONY: bench-guard
bench-guard: setup ## Count the instructions of the hot paths beside the committed baseline (valgrind; a report, no test)
	@PYTHONPATH=tests:tests/targets $(BIN)/python -m bench.guard $(BENCH_FLAGS)

.PHONY: bench-operator
bench-operator: setup ## Measure the operator: large fleets, many tests at once, halting, memory
	@$(LOCALCLUSTER) build >/dev/null
	@PYTHONPATH=tests $(BIN)/python -m bench.operator.measure $(BENCH_FLAGS)

# The chart holds a copy of the CRD, so that comes first.
GENERATORS := tools.generate_crd $(subst /,.,$(basename $(filter-out tools/generate_crd.py,$(sort $(wildcard tools/generate_*.py))))) \
	tools.render_chart

.PHONY: check
check: setup ## Lint, types, import rules, drift of generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/zizmor --quiet --offline --pedantic --no-progress .github examples/pipeline/github-actions.yml
	@for generator in $(GENERATORS); do $(BIN)/python -m $$generator --check; done

# Warnings are errors, and so are links and anchors that lead nowhere.
.PHONY: docs
docs: setup ## Build the documentation site into build/docs
	@$(BIN)/sphinx-build --quiet --nitpicky --fail-on-warning --keep-going \
		-c docs -d build/doctrees . build/docs
	@echo build/docs/index.html

.PHONY: generate
generate: setup ## Write the CRD, install.yaml and the tables of the docs anew
	@for generator in $(GENERATORS); do $(BIN)/python -m $$generator; done

.PHONY: screenshots
screenshots: setup ## Take pictures of the report and the live page with Chromium, into docs/screenshots
	@PYTHONPATH=tests $(BIN)/python -m tools.take_screenshots

.PHONY: format
format: setup ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: lock
lock: setup ## Resolve the dependencies anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate pyproject.toml --output-file requirements.lock
	@for group in build dev; do \
		extra=$$([ $$group = dev ] && echo "pyproject.toml --group example" || true); \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-header --no-annotate $$extra --group $$group -c requirements.lock \
			--output-file requirements-$$group.lock; \
	done
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --group example -c requirements-dev.lock \
		--output-file examples/django_target/requirements.lock

FIND_BUILDER = for tool in buildah podman docker none; do command -v $$tool >/dev/null && break; done; \
	test $$tool != none || { echo "none of buildah, podman and docker is installed" >&2; exit 1; }

# Builds $(1), a name, from $(2), flags and a context, and says how much the folder $(3) in it adds to the base.
# (buildah is not asked to run anything: in chroot isolation it now and then loses what was printed.)
define build_image
	@$(FIND_BUILDER); \
	$$tool build $(IMAGE_FLAGS) --tag $(1) $(2); \
	size="du --summarize --apparent-size --block-size=1MB"; \
	if test $$tool = buildah; then \
		container=$$(buildah from $(1)); trap "buildah rm $$container >/dev/null" EXIT; \
		added=$$($$(test $$UID = 0 || echo buildah unshare) sh -c "$$size \$$(buildah mount $$container)$(3)"); \
	else \
		added=$$($$tool run --rm $(1) $$size $(3)); \
	fi; \
	echo "$(1): $${added%%[!0-9]*} MB over its base"
endef

.PHONY: images
images: image target-image ## Build the images of the operator and of the example target

.PHONY: image
image: ## Build the container image with buildah, podman or docker
	$(call build_image,$(IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) .,/opt/loadtest)

.PHONY: target-image
target-image: ## Build the example target's image
	$(call build_image,$(TARGET_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) \
		--build-context guard=integrations/django examples/django_target,/opt/target)

# What the tests put in the example target's place.
.PHONY: faulty-target-image
faulty-target-image:
	$(call build_image,$(FAULTY_TARGET_IMAGE),--build-arg TARGET_IMAGE=$(TARGET_IMAGE) tests/targets,/opt/faulty)

.PHONY: package
package: setup ## Build the Python packages, of the programs and of the guard for Django, into dist/
	@for folder in . integrations/django; do \
		$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist $$folder; \
	done
	@ls dist

.PHONY: chart
chart: setup ## Pack the chart into dist/, with IMAGE as its image
	@$(BIN)/python -m tools.pack_chart $(IMAGE) dist

.PHONY: release-check
release-check: setup ## Check that TAG (vMAJOR.MINOR.PATCH) may be released
	@$(BIN)/python -m tools.check_release $(TAG)

LOAD_kind := kind load image-archive
LOAD_minikube := minikube image load
LOAD_k3d := k3d image import
# More flags for it, such as a cluster's name.
LOAD_FLAGS ?=

# By archives, whatever built the images: buildah and podman keep them under localhost/, where no kubelet looks.
.PHONY: load-images
load-images: $(if $(LOAD_$(NODE)),images) ## Build both images and load them into a cluster: NODE=kind, minikube or k3d
	@test -n "$(LOAD_$(NODE))" || { echo "NODE is kind, minikube or k3d, not '$(NODE)'" >&2; exit 1; }
	@$(FIND_BUILDER); folder=$$(mktemp -d); trap 'rm -r "$$folder"' EXIT; \
	for image in $(IMAGE) $(TARGET_IMAGE); do \
		archive=$$folder/$${image//[\/:]/-}.tar; \
		if test $$tool = docker; then docker save --output "$$archive" $$image; \
		else $$tool push --quiet $$image "docker-archive:$$archive:$$image"; fi; \
		$(LOAD_$(NODE)) $(LOAD_FLAGS) "$$archive"; \
	done

.PHONY: clean
clean: ## Remove what was made in the checkout
	@rm -rf .venv .cluster dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
