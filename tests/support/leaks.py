"""What an engine may have left on the machine: looked for by facts, not by its own records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.support.engine import EngineProcess
from tests.support.waiting import eventually


def leftovers(engine: EngineProcess) -> list[str]:
    """Everything of containers that is still there; the engine runs and has no container."""
    return [
        *_cgroups(engine),
        *_mounts(engine),
        *_links(engine),
        *_elements(engine),
        *_files(engine),
    ]


def assert_clean(engine: EngineProcess) -> None:
    """Nothing of removed containers is left. The kernel takes links away a moment later."""
    eventually(lambda: not leftovers(engine) or None, f"clean-up: {leftovers(engine)}")


def assert_gone(engine: EngineProcess, helpers: set[str]) -> None:
    """No process of the engine is left after its end; `helpers` are those it had before."""
    eventually(
        lambda: not (helpers & _all_processes() or using_files(engine)),
        f"the end of {helpers & _all_processes()} and {using_files(engine)}",
    )


def _cgroups(engine: EngineProcess) -> list[str]:
    roots = Path("/sys/fs/cgroup").glob(f"budu-{engine.instance}/*/")
    nested = Path("/sys/fs/cgroup").glob(f"*/budu-{engine.instance}/*/")
    return [f"cgroup {path}" for path in (*roots, *nested)]


def _mounts(engine: EngineProcess) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [f"mount {line}" for line in lines if str(engine.root) in line]


def _links(engine: EngineProcess) -> list[str]:
    folder = Path("/sys/class/net") / engine.bridge / "brif"
    return [f"link {each.name}" for each in folder.iterdir()] if folder.exists() else []


def _elements(engine: EngineProcess) -> list[str]:
    listed = subprocess.run(
        ["nft", "-j", "list", "table", "inet", engine.table], capture_output=True, text=True
    )
    if listed.returncode:
        return []
    listing = json.loads(listed.stdout)["nftables"]
    maps = [each["map"] for each in listing if "map" in each]
    return [f"nft element {element}" for each in maps for element in each.get("elem", ())]


def _files(engine: EngineProcess) -> list[str]:
    folders = (
        engine.data_root / "containers",
        engine.data_root / "snapshots" / "containers",
        engine.data_root / "volumes",
        engine.exec_root / "containers",
    )
    found = [each for folder in folders if folder.exists() for each in folder.iterdir()]
    return [f"file {each}" for each in found]


def helpers_of(pid: int) -> set[str]:
    """A process's descendants (zygote and shims that wait) as `pid/start time`."""
    parents = {each: _status(each) for each in _all_processes()}
    found: set[str] = set()
    wanted = {str(pid)}
    while wanted:
        children = {each for each, (parent, _) in parents.items() if parent in wanted}
        found |= children
        wanted = {each.partition("/")[0] for each in children}
    return found


def _all_processes() -> set[str]:
    return {
        f"{folder.name}/{start}"
        for folder in Path("/proc").glob("[0-9]*")
        for parent, start in [_status(folder.name)]
        if start
    }


def _status(process: str) -> tuple[str, str]:
    """Parent and start time of a process that lives; empty for the others and for zombies."""
    try:
        text = Path("/proc", process.partition("/")[0], "stat").read_text()
    except OSError:
        return "", ""
    fields = text.rpartition(")")[2].split()
    return ("", "") if fields[0] == "Z" else (fields[1], fields[19])


def using_files(engine: EngineProcess) -> list[str]:
    """Processes that hold a file below the engine's root: itself, and shims with containers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            links = [os.readlink(each) for each in (folder / "fd").iterdir()]
        except OSError:
            continue
        if any(link.startswith(f"{engine.root}/") for link in links):
            found.append(folder.name)
    return [each for each in found if each != str(os.getpid())]


def open_files(pid: int) -> int:
    """How many descriptors a process has."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def remove_host_objects(engine: EngineProcess) -> None:
    """Take away what an engine keeps on purpose: its bridge, its table, its empty cgroups."""
    subprocess.run(["ip", "link", "delete", engine.bridge], capture_output=True)
    subprocess.run(["nft", "delete", "table", "inet", engine.table], capture_output=True)
    for pattern in (f"budu-{engine.instance}", f"*/budu-{engine.instance}"):
        for path in Path("/sys/fs/cgroup").glob(pattern):
            _remove_cgroup(path)


def _remove_cgroup(path: Path) -> None:
    """A group with what a failed test may have left in it."""
    for each in (*path.glob("*/"), path):
        for pid in (each / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        eventually(lambda each=each: not (each / "cgroup.procs").read_text())
        each.rmdir()
