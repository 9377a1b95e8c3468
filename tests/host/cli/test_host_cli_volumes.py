"""Our own command line over volumes with sizes and owners, on a whole engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_host_cli_networks import Budu
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


@pytest.fixture
def budu(engine: EngineProcess) -> Iterator[Budu]:
    yield Budu(engine)
    engine.remove_containers()
    for row in engine.request("GET", "/volumes").json["Volumes"] or ():
        assert engine.request("DELETE", f"/volumes/{row['Name']}").status == 204


def test_sized_volume(budu: Budu) -> None:
    assert budu("volume", "create", "--size", "16m", "small") == "small"
    assert budu("volume", "inspect", "-f", "{{.Options.size}}", "small") == "16m"
    assert budu("volume", "resize", "small", "64m") == "small"
    fill = "dd if=/dev/zero of=/s/x bs=1M count=30 2>/dev/null; wc -c </s/x"
    assert budu("run", "--rm", "-v", "small:/s", "busybox", "sh", "-c", fill) == str(30 << 20)
    refused = budu.run("volume", "resize", "small", "1m")
    assert (refused.returncode, "can grow, not shrink" in refused.stderr) == (1, True)


def test_sizes_that_contradict(budu: Budu) -> None:
    done = budu.run("volume", "create", "--size", "16m", "--opt", "size=17m", "small")
    assert "conflicting options: --size and --opt size=" in done.stderr


def test_mount_option_mine(budu: Budu, tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    mount = f"type=bind,src={tmp_path},dst=/x,bind-mine"
    budu("run", "--rm", "--mount", mount, "busybox", "touch", "/x/new")
    assert (tmp_path / "new").stat().st_uid == 4711


def test_a_list_shows_the_use(budu: Budu) -> None:
    budu("volume", "create", "idle")
    budu("run", "-d", "--name", "user", "-v", "busy:/b", "busybox", "sh", "-c",
         "printf 12345 > /b/f; exec sleep 600")  # fmt: skip
    eventually(lambda: budu("volume", "ls", "--format", "{{.Name}} {{.Size}}", "-f", "name=busy")
               == "busy 5B", "the file")  # fmt: skip
    head, *rows = budu("volume", "ls").splitlines()
    assert head.split() == ["DRIVER", "VOLUME", "NAME", "SIZE", "USERS", "LAST", "USED"]
    assert [row.split() for row in rows] == [
        ["local", "busy", "5B", "1", "in", "use"],
        ["local", "idle", "0B", "0", "never"],
    ]
    assert budu("volume", "ls", "--size=false", "--format", "{{.Size}}") == "N/A\nN/A"
    budu("rm", "-f", "user")
    assert budu("volume", "ls", "-f", "name=busy").splitlines()[1].endswith("ago")


def test_a_kernel_without_the_file_system(budu: Budu) -> None:
    budu("volume", "create", "-o", "type=befs", "-o", "device=/dev/null", "odd")
    done = budu.run("run", "--rm", "-v", "odd:/x", "busybox", "true")
    assert done.returncode == 125
    assert "This kernel has no befs file system. Load its module (modprobe befs)" in done.stderr
