# budu: `make demo`, `make test`; see README.md.
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
TEST_SETUP := $(VENV)/.setup-test
LAUNCHER := $(BIN)/budu
PYTEST := $(BIN)/pytest -n 3 --dist loadfile
LIGHT := $(shell find src/budu/base src/budu/client src/budu/cli -name '*.py')

.PHONY: reference setup demo test check unit host microvm api bench clean

setup: $(SETUP) $(LAUNCHER)

$(SETUP): pyproject.toml src/budu/cli/launcher.py
	@packaging/install-packages nftables
	@packaging/make-environment $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[hub]'
	@$(BIN)/python -m compileall -q src
	@touch $@

# The command line and the bundle it imports from; see docs/decisions/0004-cli-bundle.md.
$(LAUNCHER): $(SETUP) $(LIGHT)
	@$(BIN)/python -m budu.cli.launcher $(BIN)

$(TEST_SETUP): $(SETUP) | $(LAUNCHER)
	@packaging/install-packages busybox-static btrfs-progs docker-registry debootstrap iproute2 crun openssh-client openssh-server openssl postgresql rsyslog rsyslog-gnutls skopeo systemd
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
	$(PYTEST) tests/unit tests/contract

host: $(TEST_SETUP)
	$(PYTEST) tests/host

microvm: $(TEST_SETUP)
	@packaging/install-packages qemu-system-x86
	@packaging/provide-guest-kernel .cache/microvm/kernel
	$(BIN)/pytest tests/microvm/test_microvm.py

api: $(TEST_SETUP)
	$(PYTEST) tests/api

bench: $(TEST_SETUP)
	$(BIN)/python -m bench

reference: $(SETUP)
	$(BIN)/python docs/reference/generate.py

clean:
	rm -rf $(VENV) .cache build dist
