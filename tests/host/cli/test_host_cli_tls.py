"""Contexts over TCP with TLS: made by our command line and by the genuine one, used by both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.ports import free_port

pytestmark = pytest.mark.host

CERTIFICATES = Path(__file__).parents[2] / "unit" / "api" / "tls"
BUDU = (sys.executable, "-m", "budu.cli.main")


def say(program: tuple[str, ...], config: Path, *words: str, code: int = 0, given: str = "") -> str:
    environment = {**os.environ, "DOCKER_CONFIG": str(config), "HOME": str(config)}
    for name in ("DOCKER_HOST", "BUDU_HOST", "DOCKER_CONTEXT"):
        environment.pop(name, None)
    done = subprocess.run(
        [*program, *words],
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "other", [BUDU, pytest.param(("docker",), marks=pytest.mark.docker_cli)], ids=["ours", "docker"]
)
def test_a_context_with_certificates(
    make_engine: Callable[..., EngineProcess], tmp_path: Path, other: tuple[str, ...]
) -> None:
    port = free_port()
    tls = [f"--tlscacert={CERTIFICATES}/ca.pem", f"--tlscert={CERTIFICATES}/server.pem"]
    tls += [f"--tlskey={CERTIFICATES}/server.key", "--tlsverify"]
    engine = make_engine("-H", f"tcp://127.0.0.1:{port}", *tls)
    engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
    keys = f"ca={CERTIFICATES}/ca.pem,cert={CERTIFICATES}/client.pem,key={CERTIFICATES}/client.key"
    for maker, name in ((BUDU, "ours"), (other, "theirs")):
        endpoint = f"host=tcp://127.0.0.1:{port},{keys}"
        say(maker, tmp_path, "context", "create", name, "--docker", endpoint)
        for user in (BUDU, other):
            words = ("--context", name, "run", "--rm", "-i", "busybox", "cat")
            assert say(user, tmp_path, *words, given="through TLS\n") == "through TLS\n"
    say(BUDU, tmp_path, "context", "use", "theirs")
    assert say(BUDU, tmp_path, "ps", "-aq") == ""
    bare = f"host=tcp://127.0.0.1:{port},ca={CERTIFICATES}/ca.pem"
    say(BUDU, tmp_path, "context", "create", "nobody", "--docker", bare)
    refused = say(BUDU, tmp_path, "--context", "nobody", "ps", code=1)
    assert "certificate" in refused or "TLS" in refused
    assert "Traceback" not in refused
