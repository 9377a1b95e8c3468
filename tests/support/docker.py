"""The genuine docker command line, pointed at an engine of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.engine import EngineProcess

TIMEOUT_S = 60


class Done:
    """How a command ended."""

    def __init__(self, status: int, out: bytes, err: bytes) -> None:
        self.status = status
        self.raw = out
        self.out = out.decode(errors="replace")
        self.err = err.decode(errors="replace")

    @property
    def text(self) -> str:
        """The output without the end of line."""
        return self.out.strip()

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def __repr__(self) -> str:
        return f"status={self.status}\nout={self.out}\nerr={self.err}"


class Docker:
    """`docker(...)` must succeed and returns the output; `docker.run(...)` returns what came."""

    def __init__(self, engine: EngineProcess, config: Path) -> None:
        binary = shutil.which("docker")
        assert binary is not None, "tests with this fixture are marked docker_cli"
        self.binary = binary
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}
        self.environment = kept | {
            "DOCKER_HOST": engine.host,
            "DOCKER_CONFIG": str(config),
            "DOCKER_CLI_HINTS": "false",
        }

    def __call__(self, *arguments: str, stdin: bytes = b"") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.status == 0, f"docker {' '.join(arguments)}\n{done!r}"
        return done.text

    def run(self, *arguments: str, stdin: bytes = b"") -> Done:
        process = subprocess.run(
            [self.binary, *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=TIMEOUT_S,
        )
        return Done(process.returncode, process.stdout, process.stderr)

    def open(self, arguments: Sequence[str], **options: int) -> subprocess.Popen[bytes]:
        """A docker command that runs on; the caller ends it."""
        return subprocess.Popen([self.binary, *arguments], env=self.environment, **options)
