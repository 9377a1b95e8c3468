"""Why containers ended, and in which words."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.records import a_container

from budu.base.endings import cure, sentence, short_text
from budu.base.texts.ending import TEXTS
from budu.engine.containers.endings import Asked, judge, not_started, signal_name
from budu.engine.containers.model import EndCause, Ending
from budu.shim.client import ExitStatus
from budu.spec.api.container import Ending as EndingBody
from budu.spec.api.host_config import HostConfig

MIB = 1 << 20


def ended(
    code: int,
    signal: int | None = None,
    *,
    asked: Asked | None = None,
    oom_kills: int = 0,
    seen: bool = True,
    stopped: bool = False,
) -> Ending:
    container = a_container(
        host_config=HostConfig(memory=64 * MIB), stopped_by_user=stopped or asked is not None
    )
    status = ExitStatus(code=code, signal=signal, finished_ns=1, seen=seen)
    return judge(container, status, oom_kills=oom_kills, asked=asked)


def fields(ending: Ending) -> dict[str, object]:
    """As the API shows it."""
    result: dict[str, object] = msgspec.to_builtins(EndingBody(**msgspec.structs.asdict(ending)))
    return result


STOP = Asked(by="stop", signal=15)
FORCED = Asked(by="stop", signal=9, force="timeout")

CASES = [
    (ended(0), EndCause.FINISHED, "finished"),
    (ended(3), EndCause.FAILED, "ended by itself with an error"),
    (ended(137, 9), EndCause.SIGNAL, "SIGKILL from somebody else"),
    (ended(139, 11), EndCause.SIGNAL, "crashed (SIGSEGV)"),
    (ended(137, 9, oom_kills=1), EndCause.OUT_OF_MEMORY, "out of memory (limit 64MiB)"),
    (ended(1, oom_kills=2), EndCause.FAILED, "error after a process was killed for memory"),
    (ended(143, 15, asked=STOP), EndCause.SIGNAL, "by stop (SIGTERM)"),
    (ended(0, asked=STOP), EndCause.FINISHED, "by stop"),
    (ended(137, 9, asked=FORCED), EndCause.SIGNAL, "by stop, killed after its time was up"),
    (ended(255, seen=False), EndCause.LOST, "lost: nobody saw its end"),
]


@pytest.mark.parametrize(("ending", "cause", "words"), CASES)
def test_what_ended_it(ending: Ending, cause: EndCause, words: str) -> None:
    assert ending.cause is cause
    assert short_text(fields(ending), "en") == words


def test_a_kill_that_we_sent_is_no_memory_kill() -> None:
    asked = Asked(by="kill", signal=9)
    assert ended(137, 9, asked=asked, oom_kills=1).cause is EndCause.SIGNAL


def test_another_signal_than_ours_is_not_ours() -> None:
    """A signal such as USR1 was sent; then something else killed it."""
    container = a_container()
    status = ExitStatus(code=139, signal=11, finished_ns=1)
    ending = judge(container, status, oom_kills=0, asked=Asked(by="kill", signal=10))
    assert ending.by == ""


def test_a_stop_of_an_earlier_engine_is_remembered() -> None:
    assert ended(143, 15, stopped=True).by == "stop"


@pytest.mark.parametrize(
    ("code", "cause"),
    [(127, "not-found"), (126, "not-executable"), (128, "not-started")],
)
def test_what_never_ran(code: int, cause: str) -> None:
    assert not_started(a_container(), code).cause == cause


def test_memory_cure_doubles_the_limit() -> None:
    told = cure(fields(ended(137, 9, oom_kills=1)), "en", name="web")
    assert "budu update -m 128m --memory-swap 128m web" in told


def test_a_wanted_end_needs_no_cure() -> None:
    assert cure(fields(ended(143, 15, asked=STOP)), "en", name="web") == ""
    assert cure(fields(ended(0)), "en", name="web") == ""


def test_a_shells_code_names_the_childs_signal() -> None:
    assert "killed by SIGKILL" in cure(fields(ended(137)), "en", name="web")


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("ending", [case[0] for case in CASES])
def test_no_placeholder_stays_open(ending: Ending, lang: str) -> None:
    shown = fields(ending)
    told = (short_text(shown, lang), sentence(shown, lang), cure(shown, lang, name="web"))
    assert not any("{" in text or text.startswith("ending.") for text in told)


def test_every_cause_has_words() -> None:
    for cause in EndCause:
        assert f"ending.short-{cause}" in TEXTS
        assert f"ending.long-{cause}" in TEXTS


def test_signal_names() -> None:
    assert [signal_name(number) for number in (9, 34, 37)] == ["SIGKILL", "SIGRTMIN", "SIGRTMIN+3"]
