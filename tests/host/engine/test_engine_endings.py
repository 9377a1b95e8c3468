"""What ended a container: seen by the kernel, told by the engine and by `budu why`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.engine import EngineProcess
from tests.support.scenes import PATIENT, create, logs, run, start, wait
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]

MIB = 1 << 20
HUNGRY = "dd if=/dev/zero of=/dev/null bs=64M count=1"


def ending(engine: EngineProcess, ref: str) -> dict[str, object]:
    state = engine.state(ref)
    return dict(state["Ending"])


def budu(engine: EngineProcess, *words: str, lang: str = "en") -> subprocess.CompletedProcess[str]:
    """Our command line on this engine."""
    return subprocess.run(
        [sys.executable, "-m", "budu.cli.main", "--lang", lang, *words],
        env={**os.environ, "BUDU_HOST": engine.host},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_stop_that_cannot_be_heard_kills_at_once(engine: EngineProcess) -> None:
    run(engine, ["sleep", "1000"], name="deaf")
    stopped = budu(engine, "stop", "deaf")
    assert stopped.stdout == "deaf\n"
    assert stopped.stderr.startswith("→ deaf has no handler for SIGTERM")
    assert "--init" in stopped.stderr
    told = ending(engine, "deaf")
    assert (told["By"], told["Force"], told["Signal"]) == ("stop", "no-handler", "SIGKILL")
    events = engine.events(container="deaf")
    assert [each["Action"] for each in events][-4:] == ["kill", "kill", "die", "stop"]


def test_it_is_said_once(engine: EngineProcess) -> None:
    run(engine, ["sleep", "1000"], name="deaf")
    assert "Budu-Notice" in engine.request("POST", "/containers/deaf/stop").headers
    start(engine, "deaf")
    assert "Budu-Notice" not in engine.request("POST", "/containers/deaf/stop").headers


def test_a_handler_gets_its_time(engine: EngineProcess) -> None:
    run(engine, "trap 'sleep 0.5; exit 7' TERM; touch /r; while :; do sleep 0.1; done", name="slow")
    eventually(lambda: _sleeps(engine, "slow"), "the trap")
    assert engine.request("POST", "/containers/slow/stop").status == 204
    told = ending(engine, "slow")
    assert (told["Cause"], told["ExitCode"], told["By"]) == ("failed", 7, "stop")
    assert "Force" not in told


def test_a_blocked_signal_counts_as_heard(engine: EngineProcess) -> None:
    """Programs that take signals by sigwait or signalfd have no handler, but hear."""
    waits = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("ready", flush=True)
sys.exit(signal.sigwait([signal.SIGTERM]))
"""
    python = ["/usr/bin/python3", "-c", waits]
    binds = ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]
    id_ = run(engine, python, name="waits", Binds=binds)
    eventually(lambda: logs(engine, id_), "the mask")
    assert engine.request("POST", "/containers/waits/stop").status == 204
    assert engine.state(id_)["ExitCode"] == 15


def test_a_time_of_its_own_is_kept(engine: EngineProcess) -> None:
    """Who names a time wants the program to have it: it ends by itself within."""
    run(engine, ["sleep", "1.5"], name="brief")
    assert engine.request("POST", "/containers/brief/stop", t=30).status == 204
    assert engine.state("brief")["ExitCode"] == 0


def test_an_init_hears(engine: EngineProcess) -> None:
    id_ = run(engine, ["sleep", "1000"], name="with-init", Init=True)
    assert engine.request("POST", "/containers/with-init/stop").status == 204
    assert engine.state(id_)["ExitCode"] == 143
    assert "Force" not in ending(engine, id_)


def test_out_of_memory_names_its_limit(engine: EngineProcess) -> None:
    limits = {"Memory": 16 * MIB, "MemorySwap": 16 * MIB}
    id_ = run(engine, f"exec {HUNGRY}", **limits)
    assert wait(engine, id_) == 137
    told = ending(engine, id_)
    assert (told["Cause"], told["MemoryLimit"]) == ("out-of-memory", 16 * MIB)
    assert str(told["Message"]).startswith("It ran out of memory: its limit of 16MiB was reached")
    assert engine.state(id_)["OOMKilled"]
    why = budu(engine, "why", id_[:12])
    assert "its limit of 16MiB was reached" in why.stdout
    assert "budu update -m 32m" in why.stdout
    assert "out of memory (limit 16MiB)" in budu(engine, "ps", "-a").stdout
    assert "메모리 부족(한도 16MiB)" in budu(engine, "ps", "-a", lang="ko").stdout


def test_a_childs_memory_kill_is_told_while_the_container_lives(engine: EngineProcess) -> None:
    limits = {"Memory": 16 * MIB, "MemorySwap": 16 * MIB}
    child = f"{HUNGRY} & wait; {PATIENT}"
    id_ = run(engine, child, name="parent", **limits)
    eventually(lambda: engine.state(id_)["OOMKilled"], "the kernel's kill")
    assert engine.state(id_)["Running"]
    assert [each["Action"] for each in engine.events(container="parent")].count("oom") == 1
    engine.request("POST", "/containers/parent/stop")
    assert [each["Action"] for each in engine.events(container="parent")].count("oom") == 1


def test_why_of_a_program_that_is_not_there(engine: EngineProcess) -> None:
    id_ = create(engine, ["nosuchprogram"], name="wrong")
    assert engine.request("POST", f"/containers/{id_}/start").status == 400
    why = budu(engine, "why", "wrong")
    assert "the image busybox has no program nosuchprogram" in why.stdout
    assert "executable file not found in $PATH" in why.stdout


def test_why_shows_the_last_words(engine: EngineProcess) -> None:
    id_ = run(engine, "for n in 1 2 3; do echo line $n; done; echo bad >&2; exit 3", name="loud")
    wait(engine, id_)
    why = budu(engine, "why", "--tail", "2", "loud")
    assert why.stdout.splitlines()[-3:-1] == ["line 3", "bad"]
    assert "exit code 3" in why.stdout


def test_why_names_the_signal_and_who_asked(engine: EngineProcess) -> None:
    run(engine, ["sleep", "600"], name="shot")
    engine.request("POST", "/containers/shot/kill")
    assert "by kill (SIGKILL)" in budu(engine, "ps", "-a").stdout
    assert "ended by `kill`, as somebody asked: SIGKILL" in budu(engine, "why", "shot").stdout
    korean = budu(engine, "why", "shot", lang="ko").stdout
    assert "누군가 `kill` 을(를) 요청하여 SIGKILL 신호로" in korean
    assert "초" in korean.splitlines()[0]
    start(engine, "shot")
    os.kill(engine.state("shot")["Pid"], 9)
    wait(engine, "shot")
    assert "It did not come from this engine" in budu(engine, "why", "shot").stdout


def test_why_of_one_that_lives_again_tells_of_the_run_before(engine: EngineProcess) -> None:
    id_ = run(engine, "test -e /again && exec sleep 600; touch /again; exit 3", name="again")
    wait(engine, id_)
    start(engine, id_)
    told = budu(engine, "why", "again").stdout.splitlines()
    assert told[0].startswith("again: has been running for ")
    assert told[1].startswith("  The run before: The program ended by itself with exit code 3")


def test_why_of_something_unknown(engine: EngineProcess) -> None:
    why = budu(engine, "why", "nobody")
    assert (why.returncode, why.stdout) == (1, "")
    assert "No such container: nobody" in why.stderr


def _sleeps(engine: EngineProcess, ref: str) -> bool:
    """Whether the script has come to its loop: it has set its trap then."""
    pid = engine.state(ref)["Pid"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << 14)
