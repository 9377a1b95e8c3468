"""The engine starts by itself, in mount and network namespaces of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import budu

pytestmark = pytest.mark.host

SOURCE = str(Path(budu.__file__).parents[1])
PRIVATE = "for each in /run /var/lib /var/log; do mount -t tmpfs none $each; done\n"


def in_private_host(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in which `budu` is ours and nothing of the host can be disturbed."""
    code = f"import sys; sys.path.insert(0, '{SOURCE}'); from budu.cli.main import entry; entry()"
    budu_function = f'budu() {{ {sys.executable} -I -S -c "{code}" "$@"; }}\n'
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    return subprocess.run(
        ["unshare", "-m", "-n", "--propagation", "private",
         "bash", "-c", PRIVATE + budu_function + script],
        env=environment, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


def test_the_engine_starts_once_and_says_so_once() -> None:
    done = in_private_host("budu ps -q; budu ps -q; budu system stop; budu system stop")
    assert done.stderr == "Starting the budu engine …\nNo engine is running.\n"
    assert done.stdout == "The engine has stopped. Containers keep running.\n"


def test_two_commands_at_once_share_one_engine() -> None:
    done = in_private_host(
        "budu ps -q & one=$!; budu ps -q & two=$!; wait $one && wait $two; echo $?; "
        "budu system stop; sleep 1; [ -S /run/budu/budu.sock ] || echo ended"
    )
    assert done.stdout == "0\nThe engine has stopped. Containers keep running.\nended\n"
    assert done.stderr == "Starting the budu engine …\n"


def test_an_engine_that_cannot_start_shows_its_log() -> None:
    done = in_private_host("echo > /var/lib/budu; budu ps; echo $?")
    assert done.stdout == "1\n"
    assert "Is the docker daemon running?" in done.stderr
    assert "/var/log/budu.log" in done.stderr
    assert "/var/lib/budu" in done.stderr
