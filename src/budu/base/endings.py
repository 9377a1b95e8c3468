"""Says why a container ended, for people: in a word for a table, in a sentence, with a cure. Light.

Takes the fields of an ending as the API shows them (`State.Ending`): Cause, ExitCode, Signal, By,
Force, OomKills, MemoryLimit, Program, Image. The engine and the command line both word them, each
in the language of whom it speaks to. Neighbour: `engine.containers.endings` finds the cause.
"""

from __future__ import annotations

from budu.base.messages import text
from budu.base.units import human_size_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_CRASHES = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS")
_BY_SHELL = {130: "SIGINT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
"""Codes with which a shell reports that a signal killed its child."""


def short_text(ending: Mapping[str, Any], lang: str) -> str:
    """What ended it, in a few words: `out of memory (limit 64MiB)`."""
    return text(f"ending.short-{_kind(ending)}", lang, **_values(ending))


def sentence(ending: Mapping[str, Any], lang: str) -> str:
    """What ended it, in a sentence."""
    return text(f"ending.long-{_kind(ending)}", lang, **_values(ending))


def cure(ending: Mapping[str, Any], lang: str, *, name: str) -> str:
    """What to do about it; empty when nothing is wrong."""
    kind = _kind(ending)
    if kind == "finished" or kind.startswith("asked"):
        return ""
    key = f"ending.cure-{kind}"
    if kind == "failed" and ending["ExitCode"] in _BY_SHELL:
        key = "ending.cure-failed-by-signal"
    told = text(key, lang, name=name, **_values(ending))
    return "" if told == key else told


def _kind(ending: Mapping[str, Any]) -> str:
    """The variant of the texts that fits."""
    cause = str(ending["Cause"])
    if cause == "out-of-memory":
        return cause if ending.get("MemoryLimit") else "out-of-memory-host"
    if ending.get("By") and cause in ("signal", "failed", "finished"):
        how = ending.get("Force") or ("signal" if ending.get("Signal") else "")
        return f"asked-{how}" if how else "asked"
    if cause == "failed" and ending.get("OomKills"):
        return "child-out-of-memory"
    if cause == "signal" and ending.get("Signal") in _CRASHES:
        return "crash"
    return cause


def _values(ending: Mapping[str, Any]) -> dict[str, object]:
    limit = int(ending.get("MemoryLimit") or 0)
    code = int(ending["ExitCode"])
    return {
        "code": code,
        "signal": ending.get("Signal") or _BY_SHELL.get(code, ""),
        "by": ending.get("By", ""),
        "limit": human_size_binary(limit),
        "more": human_size_binary(2 * limit).replace("iB", "").lower(),
        "count": ending.get("OomKills", 0),
        "program": ending.get("Program", ""),
        "image": ending.get("Image", ""),
    }
