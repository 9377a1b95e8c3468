"""The fluentd driver against a server of the Fluent organisation's own library."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SERVER = Path(__file__).parents[2] / "foreign" / "fluentd" / "server.js"


class Fluentd:
    """A running server."""

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


@pytest.fixture
def fluentd() -> Iterator[Fluentd]:
    process = subprocess.Popen(["node", str(SERVER)], stdout=subprocess.PIPE, text=True)
    try:
        yield Fluentd(process)
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("acknowledged", ["", "true"])
@pytest.mark.parametrize("fine", ["", "true"])
def test_records_are_understood(
    engine: EngineProcess, fluentd: Fluentd, acknowledged: str, fine: str
) -> None:
    options = {"fluentd-address": f"127.0.0.1:{fluentd.port}", "tag": "app.{{.Name}}"}
    if acknowledged:
        options["fluentd-request-ack"] = acknowledged
    if fine:
        options["fluentd-sub-second-precision"] = fine
    script = "echo hello; echo trouble >&2; printf '%020000d\\n' 7"
    log = {"Type": "fluentd", "Config": options}
    id_ = run(engine, script, name="speaker", LogConfig=log)
    records = [fluentd.next() for _ in range(4)]
    assert {each["tag"] for each in records} == {"app.speaker"}
    assert {each["record"]["container_id"] for each in records} == {id_}
    assert {each["record"]["container_name"] for each in records} == {"/speaker"}
    said = {each["record"]["log"]: each["record"]["source"] for each in records}
    assert said.pop("hello") == "stdout"
    assert said.pop("trouble") == "stderr"
    assert sorted(map(len, said)) == [20000 - 16384, 16384]
    assert all((each["nanoseconds"] is not None) == bool(fine) for each in records)
    assert all(each["seconds"] > 1_700_000_000 for each in records)
