"""The messages of the journald driver in a real journal.

systemd-journald runs in a mount namespace of its own, as the journal of a namespace of that name.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.records import a_log_source
from tests.support.waiting import eventually

from budu.logs.entries import Entry
from budu.logs.frames import STDERR, STDOUT
from budu.logs.senders.journald import JournaldSender

pytestmark = pytest.mark.host

JOURNALD = "/lib/systemd/systemd-journald"
NAME = "budutest"
PREPARE = 'mount --bind "$1/etc" /etc/systemd && mount --bind "$1" /run && exec "$2" "$3"'
SOURCE = a_log_source(
    labels={"com.example.team": "blue"}, env={}, options={"labels": "com.example.team"}
)


class Journal:
    """A running journald."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "systemd" / f"journal.{NAME}" / "socket"

    def records(self) -> list[dict[str, Any]]:
        """What stands in its files, read by journalctl."""
        files = [str(path) for path in (self.root / "log").rglob("*.journal")]
        if not files:
            return []
        options = [f"--file={path}" for path in files]
        command = ["journalctl", "-o", "json", "--all", "CONTAINER_NAME=web", *options]
        out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.fixture
def journal() -> Iterator[Journal]:
    with tempfile.TemporaryDirectory(prefix="jd-") as folder:
        root = Path(folder)
        for path in ("etc", "systemd", "log/journal"):
            (root / path).mkdir(parents=True)
        settings = "[Journal]\nStorage=volatile\nForwardToSyslog=no\nRateLimitIntervalSec=0\n"
        (root / "etc" / f"journald@{NAME}.conf").write_text(settings)
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", PREPARE, "sh"]
        process = subprocess.Popen(
            [*command, folder, JOURNALD, NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        made = Journal(root)
        try:
            eventually(made.socket.exists, "journald")
            yield made
        finally:
            process.terminate()
            process.wait(20)


async def test_messages_stand_in_the_journal(journal: Journal) -> None:
    long = b"x" * 500_000
    sender = JournaldSender(SOURCE, path=str(journal.socket))
    await sender.connect()
    await sender.send(
        [
            Entry(stream=STDOUT, time_ns=1_700_000_000_123_456_789, line=b"hello"),
            Entry(stream=STDERR, time_ns=2, line=b"trouble"),
            Entry(stream=STDOUT, time_ns=3, line=b"two\nlines"),
            Entry(stream=STDOUT, time_ns=4, line=long),
        ]
    )
    await sender.close()
    records = eventually(
        lambda: found if len(found := journal.records()) == 4 else None, "four messages"
    )
    first, second, third, fourth = records
    assert [first["MESSAGE"], second["MESSAGE"], third["MESSAGE"]] == [
        "hello",
        "trouble",
        "two\nlines",
    ]
    assert fourth["MESSAGE"] == long.decode()
    assert [each["PRIORITY"] for each in records] == ["6", "3", "6", "6"]
    assert first["CONTAINER_ID_FULL"] == "f" * 64
    assert first["COM_EXAMPLE_TEAM"] == "blue"
    assert first["SYSLOG_TIMESTAMP"] == "2023-11-14T22:13:20.123456789Z"
    assert first["_TRANSPORT"] == "journal"
    assert first["_PID"] == str(os.getpid())
