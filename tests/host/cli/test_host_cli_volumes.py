"""Our own command line over volumes with sizes and owners, on a whole engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_host_cli_networks import Budu
from tests.support.engine import EngineProcess

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
