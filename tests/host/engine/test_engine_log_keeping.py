"""Logs of containers: one budget for all, and packing that a killed engine leaves half done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import run, wait
from tests.support.waiting import eventually

from budu.logs.packed import pack_file

pytestmark = pytest.mark.host

MIB = 1 << 20


def talk(lines: int) -> str:
    """A program that writes numbered lines of 100 bytes, then sleeps."""
    text = f'BEGIN {{ for (i = 1; i <= {lines}; i++) printf "%099d\\n", i }}'
    return f"awk '{text}' </dev/null; exec sleep 600"


def options(**more: str) -> dict[str, object]:
    config = {key.replace("_", "-"): value for key, value in more.items()}
    return {"LogConfig": {"Type": "local", "Config": config}}


def folder_of(engine: EngineProcess, id_: str) -> Path:
    return engine.data_root / "containers" / id_ / "log"


def size_of(folder: Path) -> int:
    sizes = []
    for path in folder.iterdir():
        try:
            sizes.append(path.stat().st_blocks * 512)
        except FileNotFoundError:  # packed or removed meanwhile
            continue
    return sum(sizes)


def numbers(engine: EngineProcess, id_: str) -> list[int]:
    """What the lines of a log say."""
    body, at, text = engine.request("GET", f"/containers/{id_}/logs", stdout=1).body, 0, b""
    while at < len(body):
        size = int.from_bytes(body[at + 4 : at + 8], "big")
        text += body[at + 8 : at + 8 + size]
        at += 8 + size
    return [int(line) for line in text.split(b"\n")[:-1]]


def test_all_logs_fit_one_budget(make_engine: Callable[..., EngineProcess]) -> None:
    engine = make_engine("--log-budget", "6m")
    engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
    unpacked = options(max_size="1m", max_file="50", compress="false")
    many = run(engine, talk(150_000), **unpacked)
    few = run(engine, talk(20_000), **unpacked)
    folders = [folder_of(engine, each) for each in (many, few)]
    eventually(lambda: numbers(engine, many)[-1:] == [150_000], "all lines", timeout_s=60)
    eventually(lambda: sum(map(size_of, folders)) <= 6 * MIB, "the budget", timeout_s=60)
    left = numbers(engine, many)
    assert left == list(range(left[0], 150_001))
    assert left[0] > 1
    assert numbers(engine, few) == list(range(1, 20_001))
    assert all(engine.state(each)["Running"] for each in (many, few))


def test_packing_that_was_cut_off_loses_and_doubles_nothing(
    make_engine: Callable[..., EngineProcess],
) -> None:
    engine = make_engine()
    engine.request("POST", "/images/create", fromImage="busybox", tag="latest")
    id_ = run(engine, talk(150_000), **options(max_size="1m", max_file="50"))
    folder = folder_of(engine, id_)
    eventually(lambda: len(list(folder.glob("container.log.*[0-9]"))) > 2, "rotated pieces")
    eventually(lambda: list(folder.glob("*.gz*")), "a piece that is packed", timeout_s=60)
    engine.kill()
    # what a kill may leave of a piece besides: a draft of it, or both of its forms
    first, second = sorted(folder.glob("container.log.*[0-9]"))[-2:]
    (folder / f"{first.name}.gz.part").write_bytes(b"\x1f\x8b half")
    plain = shutil.copy(second, engine.root / "plain")
    pack_file(str(second))
    shutil.copy(plain, second)
    engine.start()
    everything = list(range(1, 150_001))
    eventually(lambda: numbers(engine, id_) == everything, "all lines, each once", timeout_s=60)
    eventually(lambda: not list(folder.glob("*.part")), "no drafts", timeout_s=60)
    eventually(lambda: not list(folder.glob("container.log.*[0-9]")), "packing", timeout_s=60)
    assert numbers(engine, id_) == everything
    assert engine.request("POST", f"/containers/{id_}/kill").status == 204
    assert wait(engine, id_) == 137
    assert numbers(engine, id_) == everything
