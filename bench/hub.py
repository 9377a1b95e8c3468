"""The hub beside Debian's docker-registry: `python -m bench.hub`; the table goes to HUB.md.

Both serve from the same disk over loopback, one after the other in each round. Blobs are read by
threads into buffers of a megabyte, manifests are asked for by wrk; clients and servers share the
processors.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import describe

ROUNDS = 5
SECONDS = 4
PASSWORD = secrets.token_urlsafe(16)
PUSHED = secrets.token_bytes(1 << 20) * 256
SHARED = secrets.token_bytes(1 << 20) * 16
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Server:
    """One of the two, running."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def peak_mb(self) -> float:
        """The most memory it had."""
        return self._status("VmHWM")

    @property
    def resident_mb(self) -> float:
        """What it has now."""
        return self._status("VmRSS")

    def _status(self, key: str) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{key}:\s+(\d+) kB", text)
        assert found
        return int(found.group(1)) / 1e3

    @property
    def processor_ms(self) -> float:
        """Processor time that it used so far, its own and the kernel's for it."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> str:
        """A request that must succeed; its Location."""
        url = path if path.startswith("http") else f"http://{self.address}{path}"
        request = urllib.request.Request(url, method=method, data=body, headers=self.headers)
        if kind:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request) as answer:
            answer.read()
            return str(answer.headers.get("Location", ""))

    def push(self, data: bytes) -> str:
        """A blob with POST and PUT; its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        location = self.ask("POST", "/v2/admin/bench/blobs/uploads/", b"")
        joint = "&" if "?" in location else "?"
        self.ask("PUT", f"{location}{joint}digest={digest}", data, "application/octet-stream")
        return digest


@contextmanager
def ours(folder: Path) -> Iterator[Server]:
    """budu-hub, with a free port and a folder of its own."""
    port = free_port()
    command = [sys.executable, "-m", "budu.hub.main", "serve", "--data", str(folder)]
    environment = {**os.environ, "HUB_ADMIN_PASSWORD": PASSWORD}
    pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    with started([*command, "--listen", f"127.0.0.1:{port}"], port, environment) as process:
        yield Server("budu-hub", f"127.0.0.1:{port}", process, {"Authorization": f"Basic {pair}"})


@contextmanager
def theirs(folder: Path) -> Iterator[Server]:
    """Debian's docker-registry."""
    port = free_port()
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    command = [str(shutil.which("docker-registry")), "serve", str(config)]
    with started(command, port, dict(os.environ)) as process:
        yield Server("docker-registry", f"127.0.0.1:{port}", process)


@contextmanager
def started(
    command: list[str], port: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers; ended at the end."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            assert process.poll() is None, f"{command} ended"
            assert time.monotonic() < deadline, f"{command} does not answer"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wrk(server: Server, path: str, connections: int) -> float:
    """Requests a second. Raises: AssertionError for any other answer than success."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "-H", f"Accept: {MANIFEST}"]
    done = subprocess.run(
        [*command, f"http://{server.address}{path}"], capture_output=True, text=True, check=True
    )
    assert "Non-2xx" not in done.stdout, done.stdout
    requests = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert requests, done.stdout
    return float(requests.group(1))


def processor_time(server: Server, work: Callable[[], object]) -> float:
    """Milliseconds of the server's processor time; what else the machine does hardly matters."""
    before = server.processor_ms
    work()
    return server.processor_ms - before


def pull_speed(server: Server, path: str, size: int, clients: int) -> float:
    """MB a second of all clients together, each reading the whole blob in a thread of its own."""
    times = max(1, 64 // clients)
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        read = sum(pool.map(lambda _: pull(server, path), range(clients * times)))
    assert read == size * clients * times
    return read / 1e6 / (time.perf_counter() - began)


def pull(server: Server, path: str) -> int:
    """Bytes of the body of a successful answer."""
    host, _, port = server.address.partition(":")
    with socket.create_connection((host, int(port))) as sock:
        request = f"GET {path} HTTP/1.1\r\nHost: {server.address}\r\nConnection: close\r\n\r\n"
        sock.sendall(request.encode())
        buffer = bytearray(1 << 20)
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        assert head.startswith(b"HTTP/1.1 200"), head
        size = len(head.partition(b"\r\n\r\n")[2])
        while count := sock.recv_into(buffer):
            size += count
        return size


def push_speed(server: Server) -> float:
    """MB a second of a blob that is new each time."""
    data = secrets.token_bytes(64) + PUSHED
    began = time.perf_counter()
    server.push(data)
    return len(data) / 1e6 / (time.perf_counter() - began)


def prepare(server: Server) -> tuple[str, str]:
    """Paths of a blob and of a manifest."""
    blob = server.push(SHARED)
    config = server.push(b"{}")
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": config,
                "size": 2,
            },
            "layers": [{"mediaType": "application/x", "digest": blob, "size": len(SHARED)}],
        }
    ).encode()
    server.ask("PUT", "/v2/admin/bench/manifests/latest", manifest, MANIFEST)
    return f"/v2/admin/bench/blobs/{blob}", "/v2/admin/bench/manifests/latest"


def measures(server: Server, blob: str, manifest: str) -> dict[str, Callable[[], float]]:
    """What is measured, by the row's name."""
    size = len(SHARED)
    return {
        "push of a 256 MB blob, MB/s": lambda: push_speed(server),
        "processor time of such a push, ms": lambda: processor_time(
            server, lambda: push_speed(server)
        ),
        "one client pulls a 16 MB blob, MB/s": lambda: pull_speed(server, blob, size, 1),
        "100 clients pull it at once, MB/s": lambda: pull_speed(server, blob, size, 100),
        "processor time of 100 such pulls, ms": lambda: processor_time(
            server, lambda: pull_speed(server, blob, size, 100)
        ),
        "manifests by tag, 1 connection, requests/s": lambda: wrk(server, manifest, 1),
        "manifests by tag, 32 connections, requests/s": lambda: wrk(server, manifest, 32),
        "memory now, MB": lambda: server.resident_mb,
        "peak memory, MB": lambda: server.peak_mb,
    }


def main() -> int:
    """Measure and write the table."""
    folder = Path(tempfile.mkdtemp(prefix="bench-hub-"))
    machine = describe(str(folder))
    rows: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        running = []
        for make, name in ((ours, "ours"), (theirs, "theirs")):
            (folder / name).mkdir()
            server = stack.enter_context(make(folder / name))
            running.append((server, measures(server, *prepare(server))))
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", flush=True)
            for server, what in running:
                for row, measure in what.items():
                    rows.setdefault(row, {}).setdefault(server.name, []).append(measure())
    names = [server.name for server, _ in running]
    noise = f"Load before: {machine.load_before:.1f}, after: {os.getloadavg()[0]:.1f}."
    text = f"{__doc__}\n{machine.processor}, {machine.cores} processors, Linux {machine.kernel}. "
    text += f"{ROUNDS} rounds, medians, least and most. {noise}\n\n{table(rows, names)}"
    (Path(__file__).parent / "HUB.md").write_text(f"# {text}")
    print(table(rows, names))
    return 0


def table(rows: dict[str, dict[str, list[float]]], names: list[str]) -> str:
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row, found in rows.items():
        cells = [
            f"{statistics.median(found[name]):,.0f} ({min(found[name]):,.0f} to"
            f" {max(found[name]):,.0f})"
            for name in names
        ]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
