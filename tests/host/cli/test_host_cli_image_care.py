"""Our own command line: looking into images, clean-up by a policy, and the doctor of the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host.cli.test_host_cli_images import Budu
from tests.support.engine import EngineProcess

pytestmark = pytest.mark.host


@pytest.fixture
def one(make_engine: Callable[..., EngineProcess]) -> EngineProcess:
    return make_engine()


@pytest.fixture
def budu(one: EngineProcess, tmp_path: Path) -> Budu:
    budu = Budu(one, tmp_path)
    for name in ("busybox", "layered", "app:1.0"):
        budu("pull", "-q", name)
    return budu


def test_explore(budu: Budu) -> None:
    lines = budu("image", "explore", "layered").splitlines()
    assert [each.split()[0] for each in lines if "/3 " in each] == ["1/3", "2/3", "3/3"]
    assert "     1 added, 0 changed, 1 removed, 2B of lower layers wasted" in lines
    assert lines[-3:-1] == ["     D       -2B  /opt/one", "     A       +2B  /opt/two"]
    assert lines[-1].endswith("in all, 2B (0 %) of it wasted")
    few = budu("image", "explore", "-n", "1", "layered").splitlines()
    assert len([each for each in few if each.startswith("     A ")]) == 2
    assert "No such image: nothing:latest" in budu.failure("image", "explore", "nothing")


def test_diff(budu: Budu) -> None:
    lines = budu("image", "diff", "busybox", "layered").splitlines()
    assert lines == ["A       +0B  /opt", "A       +2B  /opt/two"]
    assert budu("image", "diff", "layered", "busybox").splitlines() == [
        "D       +0B  /opt",
        "D       -2B  /opt/two",
    ]
    assert budu("image", "diff", "layered", "layered") == ""


def test_cleanup(budu: Budu) -> None:
    budu("create", "--name", "user", "busybox")
    preview = budu("image", "cleanup", "--dry-run", "--unused-for", "1ns").splitlines()
    assert sorted(each.split()[0] for each in preview) == ["app:1.0", "layered:latest"]
    assert len(budu("images", "-q").split()) == 3
    assert budu("image", "cleanup", "--unused-for", "1ns", "--keep-last", "1") == (
        "No image has to go."
    )
    gone = budu("image", "cleanup", "--max-size", "1").splitlines()
    assert sorted(each.split()[0] for each in gone) == ["app:1.0", "layered:latest"]
    assert budu("images", "--format", "{{.Repository}}") == "busybox"
    assert "invalid keep-last" in budu.failure("image", "cleanup", "--keep-last", "x")
    budu("rm", "user")


def test_doctor(budu: Budu, one: EngineProcess) -> None:
    assert "✓ 0 missing" in budu("doctor", "storage")
    layer = budu("image", "inspect", "-f", "{{index .RootFS.Layers 1}}", "layered")
    config = budu("image", "inspect", "-f", "{{.Id}}", "app:1.0")
    tar = one.data_root / "layers" / "sha256" / layer[7:] / "layer.tar"
    tar.chmod(0o600)
    tar.write_bytes(bytes(len(tar.read_bytes())))
    (one.data_root / "content" / "blobs" / "sha256" / config[7:]).unlink()

    found = budu.run("doctor", "storage")
    said = found.stdout.decode()
    assert found.returncode == 1
    assert f"✗ 1 missing\n      {config}\n" in said
    assert f"✗ 1 broken\n      {layer}\n" in said
    assert "→ layered:latest needs what is missing or broken.\n" in said
    assert "→ app:1.0 needs what is missing or broken.\n" in said
    assert said.endswith("→ Put it right: budu doctor storage --repair\n")
    assert "✓ 0 broken" in budu.run("doctor", "storage", "--quick").stdout.decode()

    mended = budu.run("doctor", "storage", "--repair")
    said = mended.stdout.decode()
    assert (mended.returncode, "1 repaired, 0B freed" in said) == (1, True)
    assert "budu pull app:1.0\n" in said  # the one thing that only its registry has
    assert "budu pull layered" not in said
    budu("pull", "-q", "app:1.0")
    assert "✓ 0 broken" in budu("doctor", "storage")
    assert budu("run", "--rm", "layered", "cat", "/opt/two") == "2"
