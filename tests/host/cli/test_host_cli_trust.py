"""`--tls-verify=false` trusts a registry for one command, and for no other one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.registry import FakeRegistry
from tests.fakes.tls import server_context
from tests.host.cli.test_host_cli_images import Budu
from tests.support.engine import EngineProcess
from tests.support.images import busybox_layer

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def address() -> Iterator[str]:
    """One of this machine's that is not loopback's, which would be trusted anyway."""
    number = os.getpid()
    address = f"198.18.{number // 256 % 256}.{number % 254 + 1}"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    yield address
    subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture
def registry_name(address: str) -> Iterator[str]:
    """A registry with a certificate that nobody signed; the name of an image in it."""
    fake = FakeRegistry(auth="basic", tls=server_context())
    fake.host = address
    fake.add_image("team/app", "1", layers=[busybox_layer()])
    with fake.serving_in_thread():
        yield f"{fake.address}/team/app"


def test_trust_for_one_command(engine: EngineProcess, registry_name: str, tmp_path: Path) -> None:
    budu = Budu(engine, tmp_path)
    server, name = registry_name.partition("/")[0], f"{registry_name}:1"
    login = ("login", "-u", "ann", "-p", "secret")
    unknown = "x509: certificate signed by unknown authority"
    assert unknown in budu.failure(*login, server)
    assert budu(*login, "--tls-verify=false", server) == "Login Succeeded"
    for command in (("pull", name), ("run", "--rm", name, "true"), ("tags", registry_name)):
        assert unknown in budu.failure(*command), command
    assert budu("tags", "--tls-verify=false", "-q", registry_name) == "1"
    budu("run", "--rm", "--tls-verify=false", name, "true")
    budu("rmi", name)
    budu("create", "--tls-verify=false", name, "true")
    budu("pull", "-q", "--tls-verify=false", name)
    assert unknown in budu.failure("pull", name)


HELPER = """#!/bin/sh
case "$1" in
store) cat > "$HELPER_FILE" ;;
get) [ -s "$HELPER_FILE" ] || { echo 'credentials not found in native keychain'; exit 1; }
     cat "$HELPER_FILE" ;;
erase) rm -f "$HELPER_FILE" ;;
esac
"""


@pytest.mark.parametrize("setting", ["credHelpers", "credsStore"])
def test_credentials_by_a_helper(engine: EngineProcess, tmp_path: Path, setting: str) -> None:
    """What `login` gets goes to the helper, and from there to the registry with each use."""
    program, secret = tmp_path / "docker-credential-box", tmp_path / "secret"
    program.write_text(HELPER)
    program.chmod(0o755)
    budu = Budu(engine, tmp_path)
    budu.environment |= {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HELPER_FILE": str(secret),
    }
    fake = FakeRegistry(auth="token")
    fake.add_image("team/app", "1", layers=[busybox_layer()])
    config = tmp_path / "config.json"
    with fake.serving_in_thread():
        name = f"{fake.address}/team/app:1"
        helper = {fake.address: "box"} if setting == "credHelpers" else "box"
        config.write_text(json.dumps({setting: helper}))
        budu("login", "-u", "ann", "-p", "secret", fake.address)
        assert json.loads(secret.read_text()) == {
            "ServerURL": fake.address,
            "Username": "<token>",  # the token server gave one in place of the password
            "Secret": "refresh-me",
        }
        assert "secret" not in config.read_text()
        fake.requests.clear()
        budu("pull", "-q", name)
        tokens = [each for each in fake.requests if each.path.startswith("/token")]
        assert [each.form["refresh_token"] for each in tokens] == ["refresh-me"]
        budu("logout", fake.address)
        assert not secret.exists()
        budu("rmi", name)
        config.write_text(json.dumps({"credsStore": "nowhere"}))
        said = budu.failure("pull", name)
        assert "docker-credential-nowhere" in said
        assert "secret" not in said
    assert b"secret" not in engine.log.read_bytes().replace(str(secret).encode(), b"")


@pytest.mark.parametrize(("lang", "told"), [("C", "(in 90 minutes)"), ("ko", "(90분 뒤)")])
def test_rate_limit_at_the_terminal(
    engine: EngineProcess, tmp_path: Path, lang: str, told: str
) -> None:
    budu = Budu(engine, tmp_path)
    budu.environment["LANG"] = f"{lang}.UTF-8"
    fake = FakeRegistry()
    fake.faults.retry_after = ["5400"] * 20
    with fake.serving_in_thread():
        for command in ("pull", "tags"):
            said = budu.failure(command, f"{fake.address}/team/app")
            assert "toomanyrequests: You have reached your pull rate limit." in said
            assert told in said
