# Every target works alone in a fresh clone: each makes the environment it needs first.
# PYTHON=... picks the interpreter; TORCH_INDEX=... the index that torch comes from, say PyTorch's own of CPU builds
# (default: where no NVIDIA driver is found a CPU build if pip's configuration offers one, else what pip finds).

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

TORCH := torch==2.13.0
TORCH_INDEX ?=
PORT ?= 8000
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell \
	$(name) -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
# Tests find free ports and start their own servers: nothing of the caller's settings may reach them. Two run at
# a time, so none takes a second thread for what is small.
CLEAN_ENV := $(foreach name,$(filter MAGIC141_%,$(.VARIABLES)),-u $(name))

.PHONY: help demo serve test chaos lint openapi bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## start everything, make a video from a prompt, show how long each stage took, stop everything
	$(BIN)/magic141 demo

serve: .venv/ready ## the whole service on http://127.0.0.1:8000 (or make serve PORT=8001), its data in ./data
	$(BIN)/magic141 up --host 127.0.0.1 --port $(PORT) --data-dir data

test: .venv/ready-test ## the whole test suite (or a part: make test ARGS=tests/app)
	env $(CLEAN_ENV) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: .venv/ready-test ## kill, freeze and cut a running service, for minutes on end; nothing may be lost
	env $(CLEAN_ENV) $(BIN)/python -m tests.chaos

lint: .venv/ready-test ## ruff and mypy
	$(BIN)/python -m ruff check
	$(BIN)/python -m mypy

openapi: .venv/ready ## the OpenAPI document by redocly's linter (asks for Node, and fetches it from npm)
	@mkdir -p build
	$(BIN)/python -c 'import app.main, json; print(json.dumps(app.main.create_app().openapi()))' > build/openapi.json
	npx --yes @redocly/cli@2.77.0 lint --extends recommended build/openapi.json

bench: .venv/ready ## the model's speed on this machine, as JSON
	$(BIN)/magic141 bench --json

clean: ## remove the environment, caches and the demo's files (./data stays)
	rm -rf .venv demo demo.mp4 build *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find app worker model tests -name __pycache__ -prune -exec rm -rf {} +

# Torch goes first and pinned: left to the resolver, it brings gigabytes of CUDA to machines that have no GPU.
.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer with its venv module is missing" \
		"(Debian: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "making .venv with $(PYTHON): a few minutes and 2 GB, once"
	@if [ -n "$(TORCH_INDEX)" ]; then $(BIN)/pip install --index-url "$(TORCH_INDEX)" $(TORCH); \
	elif [ "$$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null; then \
		$(BIN)/pip install -q $(TORCH)+cpu 2>/dev/null || $(BIN)/pip install -q $(TORCH) \
		|| { echo "make: could not get $(TORCH) (no network?); another index: make TORCH_INDEX=URL" >&2; exit 1; }; \
	else $(BIN)/pip install $(TORCH); fi
	$(BIN)/pip install -q -e '.[api,worker,local]'
	@touch $@

.venv/ready-test: .venv/ready
	$(BIN)/pip install -q -e '.[api,worker,local,otel,train,test]'
	@touch $@
