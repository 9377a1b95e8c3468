# budu: `make demo`, `make test`; see README.md.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
TEST_SETUP := $(VENV)/.setup-test
LAUNCHER := $(BIN)/budu
LIGHT := $(shell find src/budu/base src/budu/client src/budu/cli -name '*.py')

.PHONY: reference setup demo test check unit host microvm api bench clean

setup: $(SETUP) $(LAUNCHER)

$(SETUP): pyproject.toml src/budu/cli/launcher.py
	@packaging/install-packages nftables
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { packaging/install-packages python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[hub]'
	@$(BIN)/python -m compileall -q src
	@touch $@

# The command line and the bundle it imports from; see docs/decisions/0004-cli-bundle.md.
$(LAUNCHER): $(SETUP) $(LIGHT)
	@$(BIN)/python -m budu.cli.launcher $(BIN)

$(TEST_SETUP): $(SETUP) | $(LAUNCHER)
	@packaging/install-packages busybox-static docker-registry debootstrap iproute2 crun openssh-client openssh-server
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[hub,hub-postgres,hub-s3,test]'
	@$(BIN)/python -m budu.cli.launcher $(BIN)
	@touch $@

demo: $(SETUP) $(LAUNCHER)
	@$(BIN)/python -m demo

test: check unit host microvm api

check: $(TEST_SETUP)
	$(BIN)/ruff check src tests demo bench docs
	$(BIN)/ruff format --check src tests demo bench docs
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(TEST_SETUP)
	$(BIN)/pytest tests/unit tests/contract

host: $(TEST_SETUP)
	$(BIN)/pytest tests/host

microvm: $(TEST_SETUP)
	@packaging/install-packages qemu-system-x86
	@packaging/provide-guest-kernel .cache/microvm/kernel
	$(BIN)/pytest tests/microvm/test_microvm.py

api: $(TEST_SETUP)
	$(BIN)/pytest tests/api

bench: $(TEST_SETUP)
	$(BIN)/python -m bench

reference: $(SETUP)
	$(BIN)/python docs/reference/generate.py

clean:
	rm -rf $(VENV) .cache build dist
