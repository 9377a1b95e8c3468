# budu: `make demo`, `make test`; see README.md.
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
TEST_SETUP := $(VENV)/.setup-test
LAUNCHER := $(BIN)/budu
PYTEST := $(BIN)/pytest -n 3 --dist loadfile
LIGHT := $(shell find src/budu/base src/budu/client src/budu/cli -name '*.py')

WEB := web/hub/dist/index.html
WEB_SOURCE := $(shell find web/hub/src web/hub/public -type f) $(addprefix web/hub/,index.html package.json vite.config.ts tsconfig.json)

.PHONY: reference setup demo test check unit host microvm api web web-test bench clean

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
	@packaging/install-packages busybox-static btrfs-progs docker-registry debootstrap iproute2 crun git openssh-client openssh-server openssl postgresql rsyslog rsyslog-gnutls skopeo systemd zsh fish
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[hub,hub-postgres,hub-s3,test]'
	@$(BIN)/python -m budu.cli.launcher $(BIN)
	@command -v npm >/dev/null || packaging/install-packages nodejs npm
	@cd tests/foreign && npm ci --silent --ignore-scripts
	@touch $@

# The hub's page; `budu hub serve` shows what is built there.
web: $(WEB)

web/hub/node_modules/.made: web/hub/package-lock.json
	@command -v npm >/dev/null || packaging/install-packages nodejs npm
	@cd web/hub && npm ci --silent
	@touch $@

$(WEB): web/hub/node_modules/.made $(WEB_SOURCE)
	@cd web/hub && npm run --silent build -- --logLevel warn

demo: $(SETUP) $(LAUNCHER) $(WEB)
	@$(BIN)/python -m demo $(if $(ALL),--all)

test: check unit host microvm api web-test

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

web-test: $(TEST_SETUP) $(WEB)
	@packaging/install-packages chromium fonts-noto-cjk libatomic1 skopeo
	@cd web/hub && npm test --silent
	$(BIN)/pytest -n 2 --dist loadfile tests/web

bench: $(TEST_SETUP)
	$(BIN)/python -m bench

reference: $(SETUP)
	$(BIN)/python docs/reference/generate.py

clean:
	rm -rf $(VENV) .cache build dist web/hub/dist web/hub/node_modules
