"""Plays the scenes of the tour and writes down what was seen, ids and times aside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from demo.images import busybox_layer
from tests.support.ports import free_port

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT_S = 60

MASKS: tuple[tuple[str, str], ...] = (
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b", "ID"),
    (r"(---> |Running in |container |built |HOSTNAME=)[0-9a-f]{12}\b", r"\1ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "TIME"),
    (r'("(?:CreatedAt|Created)"): ?"\d[^"]*"', r'\1:"TIME"'),
    (r"(Less than a|About a|\d+) (seconds?|minutes?)( ago)?", "AGO"),
    (r"\b\d+(\.\d+)?(B|kB|MB|GB|KiB|MiB|GiB)\b", "SIZE"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\b(172\.\d+|192\.168)\.\d+\.\d+\b", "IP"),
    (r"\b127\.0\.0\.1:(?!80)\d+", "127.0.0.1:PORT"),
    (r'("execDuration"|"Pid"|"Uid"): ?"?\d+"?', r"\1:N"),
    (r'"OomKillDisable":(false|null)', '"OomKillDisable":BY_CGROUP'),
    (r"to \d+\.00, as there are only \d+ CPUs", "to N.00, as there are only N CPUs"),
    (r"(?<=Requested CPUs are not available - requested 9999, available: ).*", "CPUS"),
    (r"lookup registry-1.docker.io.*", "lookup NONE"),
    (r'time="[^"]*" level=error msg="Can\'t [^\n]*\n', ""),
    (r"DEPRECATED: The legacy builder [^\n]*\n(  [^\n]*\n)+\n", ""),
    (r"/tmp/(tour|tr|bt)-\w+(/tour)?", "DIR"),
    (r" {2,}", "  "),
    (r"[ \t\r]+$", ""),
)
"""What differs from run to run and from machine to machine, and what stands for it. The client's
own messages of a stream that the engine no longer reads come or not, as their threads run; its
advice on builders is its own."""


_TIDY = """
docker ps -aq | xargs -r docker rm -fv
docker volume ls -q | xargs -r docker volume rm -f
docker network prune -f
docker images --format '{{.Repository}}:{{.Tag}}' | grep -vE '^busybox:|<none>' > images
xargs -r docker rmi < images
docker image prune -f
docker builder prune -af
"""
"""Takes away what a scene left."""


class Seen(NamedTuple):
    """One line and what it printed."""

    line: str
    text: str
    """`| ` before lines of stdout, `! ` before those of stderr, `= ` before the exit code."""


class Player:
    """Plays lines against the engine at `host`."""

    def __init__(self, host: str, root: Path, *, program: Path | None = None) -> None:
        """`program` is played in the place of the docker command line."""
        self._root = root
        (root / "config").mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name[:7] != "DOCKER_"}
        self._net = f"10.{128 + os.getpid() % 64}"
        self._port = str(free_port())
        self.environment = kept | {
            "NET": self._net,
            "PORT": self._port,
            "DOCKER_HOST": host,
            "DOCKER_API_VERSION": "1.41",
            "DOCKER_CONFIG": str(root / "config"),
            "DOCKER_CLI_HINTS": "false",
            "HOME": str(root),
            "LC_ALL": "C",
        }
        self._program = program

    def prepare(self) -> None:
        """Give the engine the one image of the tour."""
        command = [
            str(self._program or "docker"),
            "import",
            "-c",
            'CMD ["sh"]',
            "-c",
            f"ENV {PATH}",
            "-",
            "busybox",
        ]
        subprocess.run(
            command, input=busybox_layer(), env=self.environment, check=True, capture_output=True
        )
        if self._program is not None:
            shadow = self._root / "bin"
            shadow.mkdir()
            (shadow / "docker").symlink_to(self._program)
            self.environment["PATH"] = f"{shadow}:{self.environment['PATH']}"

    def scene(self, lines: list[str]) -> list[Seen]:
        """What every line shows; nothing of the scene is left."""
        folder = Path(tempfile.mkdtemp(prefix="tour-", dir="/tmp"))
        try:
            return [Seen(line, self._play(line, folder)) for line in lines]
        finally:
            self._tidy(folder)
            shutil.rmtree(folder)

    def _play(self, line: str, folder: Path) -> str:
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        return "\n".join(
            [
                *_marked("|", self._masked(done.stdout)),
                *_marked("!", self._masked(done.stderr)),
                f"= {done.returncode}",
            ]
        )

    def _masked(self, output: bytes) -> str:
        text = output.decode(errors="replace").replace(f'"{self._port}"', '"PORT"')
        return mask(text.replace(self._net, "NET"))

    def _tidy(self, folder: Path) -> None:
        subprocess.run(["sh", "-c", _TIDY], cwd=folder, env=self.environment, capture_output=True)


def _marked(mark: str, text: str) -> Iterator[str]:
    return (f"{mark} {line}".rstrip() for line in text.splitlines())


def mask(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, stands in MASKS:
        text = re.sub(pattern, stands, text, flags=re.MULTILINE)
    return text


def written(seen: Iterable[Seen]) -> str:
    """The recording of a scene."""
    return "".join(f"$ {line}\n{text}\n\n" for line, text in seen)


def read(recording: str) -> list[Seen]:
    """The other way round."""
    found = []
    for block in recording.removesuffix("\n\n").split("\n\n"):
        line, _, text = block.partition("\n")
        found.append(Seen(line.removeprefix("$ "), text))
    return found
