"""`budu logs` of several containers, of all, followed across a restart, and emptied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import create, run, start, wait
from tests.support.waiting import eventually

import budu

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

SOURCE = str(Path(budu.__file__).parents[1])
CODE = f"import sys; sys.path.insert(0, '{SOURCE}'); from budu.cli.main import entry; entry()"


def command(engine: EngineProcess, *words: str) -> tuple[list[str], dict[str, str]]:
    environment = {"HOME": "/root", "LANG": "C.UTF-8", "BUDU_HOST": engine.host}
    return [sys.executable, "-I", "-S", "-c", CODE, "logs", *words], environment


def show(engine: EngineProcess, *words: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(engine, *words)
    return subprocess.run(
        line, env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def test_lines_of_several_containers_are_sorted_by_time(engine: EngineProcess) -> None:
    for name, words in (("one", "first"), ("the-other", "second"), ("last", "third")):
        assert wait(engine, run(engine, f"echo {words}; echo {words}!", name=name)) == 0
    shown = show(engine, "the-other", "one")
    assert shown.stdout.splitlines() == [
        "one       | first",
        "one       | first!",
        "the-other | second",
        "the-other | second!",
    ]
    everything = show(engine, "--all", "--tail", "1").stdout.splitlines()
    assert everything == ["one       | first!", "the-other | second!", "last      | third!"]


def test_one_that_is_missing_or_keeps_nothing_does_not_hide_the_others(
    engine: EngineProcess,
) -> None:
    assert wait(engine, run(engine, ["echo", "heard"], name="spoken")) == 0
    run(engine, ["true"], name="mute", LogConfig={"Type": "none", "Config": {}})
    shown = show(engine, "spoken", "nobody", "mute")
    assert (shown.returncode, shown.stdout) == (1, "spoken | heard\n")
    assert "No such container: nobody" in shown.stderr
    assert (
        "mute: Error response from daemon: configured logging driver does not support reading"
        in shown.stderr
    )
    assert show(engine, "--all").returncode == 0


def test_following_several_ends_when_all_have_ended(engine: EngineProcess) -> None:
    until = "echo {0} begins; until [ -e /go ]; do sleep 0.02; done; echo {0} ends"
    ids = [run(engine, until.format(name), name=name) for name in ("left", "right")]
    line, environment = command(engine, "-f", "left", "right")
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        begins = {follower.stdout.readline(), follower.stdout.readline()}
        assert begins == {"left  | left begins\n", "right | right begins\n"}
        for id_, ends in zip(
            ids[::-1], ("right | right ends\n", "left  | left ends\n"), strict=True
        ):
            pid = engine.state(id_)["Pid"]
            Path(f"/proc/{pid}/root/go").touch()
            assert follower.stdout.readline() == ends
        assert follower.stdout.read() == ""
        assert follower.wait(10) == 0


def test_what_is_cleared_is_gone_and_the_rest_comes(engine: EngineProcess) -> None:
    script = "echo before; until [ -e /go ]; do sleep 0.02; done; echo after"
    id_ = run(engine, script, name="forgetful")
    eventually(lambda: show(engine, "forgetful").stdout == "before\n")
    cleared = show(engine, "--clear", "forgetful")
    assert (cleared.returncode, cleared.stdout) == (0, "forgetful\n")
    assert show(engine, "forgetful").stdout == ""
    Path(f"/proc/{engine.state(id_)['Pid']}/root/go").touch()
    assert wait(engine, id_) == 0
    assert show(engine, "forgetful").stdout == "after\n"


def test_all_are_cleared(engine: EngineProcess) -> None:
    ids = [run(engine, ["echo", name], name=name) for name in ("this", "that")]
    assert [wait(engine, id_) for id_ in ids] == [0, 0]
    cleared = show(engine, "--clear", "--all")
    assert (cleared.returncode, set(cleared.stdout.split())) == (0, set(ids))
    assert show(engine, "--all").stdout == ""


def test_the_genuine_rules_of_tail_since_and_until(engine: EngineProcess) -> None:
    id_ = create(engine, "for n in 1 2 3; do echo $n; sleep 0.3; done", name="three")
    start(engine, id_)
    assert wait(engine, id_) == 0
    stamps = [line.split()[0] for line in show(engine, "-t", "three").stdout.splitlines()]
    assert [len(stamp) for stamp in stamps] == [30, 30, 30]
    everything = "1\n2\n3\n"
    for tail, expected in (
        ("all", everything), ("-1", everything), ("many", everything), ("0", ""), ("2", "2\n3\n"),
    ):  # fmt: skip
        assert show(engine, "--tail", tail, "three").stdout == expected, tail
    assert show(engine, "--since", stamps[1], "three").stdout == "2\n3\n"
    assert show(engine, "--until", stamps[1], "three").stdout == "1\n2\n"
    assert show(engine, "--since", "1h", "--until", "1h", "three").stdout == ""
    assert show(engine, "--since", "10m", "-n", "1", "three").stdout == "3\n"
