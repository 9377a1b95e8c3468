"""The genuine docker command line and ours share one store of contexts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker_cli

BUDU = [sys.executable, "-m", "budu.cli.main"]


class Pair:
    """Both programs with one config folder."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_HOST")}
        self._environment = {**kept, "DOCKER_CONFIG": str(folder)}

    def budu(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._run([*BUDU, "context", *words], data)

    def docker(self, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return self._run(["docker", "context", *words], data)

    def _run(self, words: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            words, input=data, env=self._environment, capture_output=True, check=False, timeout=60
        )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


CREATE = ("create", "far", "--description", "the far one", "--docker", "host=tcp://far:2375")


def same(pair: Pair, *words: str) -> None:
    """Both say the same and end the same."""
    theirs, ours = pair.docker(*words), pair.budu(*words)
    assert ours.stdout == theirs.stdout
    assert ours.stderr == theirs.stderr
    assert ours.returncode == theirs.returncode


def test_what_docker_stores_is_ours(pair: Pair) -> None:
    pair.docker(*CREATE)
    same(pair, "inspect", "far")
    same(pair, "ls", "-q")
    same(pair, "show")


def test_what_we_store_is_dockers(pair: Pair) -> None:
    assert pair.budu(*CREATE).stderr == b'Successfully created context "far"\n'
    assert pair.docker("use", "far").returncode == 0
    same(pair, "show")
    same(pair, "ls", "--format", "{{.Name}} {{.Current}} {{.Error}}")
    same(pair, "inspect")


@pytest.mark.parametrize(
    "words",
    [
        ("create", "far"),
        ("create", "a b"),
        ("create", "bad", "--docker", "nope=1"),
        ("use", "nobody"),
        ("inspect", "nobody"),
        ("rm", "nobody"),
        ("rm", "default"),
        ("rm", "far"),
    ],
)
def test_errors_are_dockers(pair: Pair, words: tuple[str, ...]) -> None:
    pair.docker(*CREATE)
    pair.docker("use", "far")
    same(pair, *words)


def test_an_export_goes_both_ways(pair: Pair, tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text(f"the {name}")
    files = ",".join(f"{name}={tmp_path}/{name}.pem" for name in ("ca", "cert", "key"))
    made = pair.budu("create", "safe", "--docker", f"host=tcp://far:2376,{files}")
    assert made.returncode == 0, made.stderr
    ours = pair.budu("export", "safe", "-").stdout
    assert pair.docker("import", "theirs", "-", data=ours).returncode == 0
    theirs = pair.docker("export", "theirs", "-").stdout
    assert pair.budu("import", "again", "-", data=theirs).returncode == 0
    shown = json.loads(pair.docker("inspect", "again").stdout)[0]
    assert shown["TLSMaterial"] == {"docker": ["ca.pem", "cert.pem", "key.pem"]}
    assert shown["Endpoints"]["docker"]["Host"] == "tcp://far:2376"
