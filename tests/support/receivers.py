"""Receivers of logs that others wrote, as processes that print JSON lines: see `tests/foreign`."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "foreign"


class Receiver:
    """A running receiver, and the port at which it listens."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._process = process
        threading.Thread(target=self._read, daemon=True).start()
        self.port = self.next()["port"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def next(self) -> dict[str, Any]:
        """The next record that it has received."""
        return self._lines.get(timeout=30)


@contextmanager
def running_receiver(program: str, *arguments: str) -> Iterator[Receiver]:
    """`fluentd.js` or `gelf.js`."""
    command = ["node", str(_FOLDER / program), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Receiver(process)
    finally:
        process.terminate()
        process.wait(10)
