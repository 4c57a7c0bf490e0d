# Everything that phew needs, from a bare checkout. `make help` lists the targets.
#
# `setup` makes a virtual environment in .venv, installs scripts/requirements.txt into it and links .libtorch to the
# PyTorch package in it, with which libtorch comes. .cargo/config.toml tells the build about the link. What needs no
# training needs none of that: plain cargo build, cargo test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
# Written last, through the link: it is there only if the environment and the link are.
READY := .libtorch/.phew-ready
TRAIN := -p phew-cli --features train

.PHONY: help setup build wheel demo test check bench bench-engines clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## the virtual environment and libtorch (quick when they are there)

$(READY): scripts/requirements.txt
	@scripts/check-tools.sh cargo c++ venv
	@test -x $(VENV)/bin/pip || python3 -m venv $(VENV)
	@echo "setup: installing scripts/requirements.txt into $(VENV) (PyTorch is a large download)"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
	@torch=$$($(VENV)/bin/python -c 'import os, torch; print(os.path.relpath(os.path.dirname(torch.__file__)))'); \
	    ln -sfn "$$torch" .libtorch; \
	    echo "setup: .libtorch -> $$torch"
	@touch $@

build: setup ## phew, and phew-torch beside it for training, in target/release
	cargo build --release -p phew-cli
	cargo build --release $(TRAIN) --bin phew-torch

wheel: setup ## the Python package phew-sparse, with phew in it, in target/wheels
	cd phew-cli/python && ../../$(VENV)/bin/maturin build --release

demo: build ## 5% of a real network, then what such a choice learns; sets up libtorch
	scripts/demo.sh

test: setup check ## format, imports, lints, docs and all tests
	cargo test
	PHEW_ALL_EXPORTS=1 PHEW_ALL_REPRODUCTIONS=1 cargo test -p phew-train $(TRAIN)
	scripts/test-wheel.sh

check: setup ## format, imports, lints and docs alone
	cargo fmt --all --check
	$(VENV)/bin/python scripts/check-circles.py
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p phew-graph --no-default-features -- -D warnings
	cargo clippy -p phew-train --no-default-features --all-targets -- -D warnings
	cargo clippy $(TRAIN) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench: setup ## all benchmarks
	cargo bench --workspace

bench-engines: build ## phew's engine beside PyTorch, ONNX Runtime and OpenVINO
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r scripts/engines-requirements.txt
	$(VENV)/bin/python scripts/bench_engines.py

clean: ## what was built, the virtual environment and the link included
	cargo clean
	rm -rf $(VENV) .libtorch demo
