"""From the flags of `build` to the query of ImageBuild, as docker sends it. Pure. Light.

Source: docker/cli 28.2 `cli/command/image/build.go` (imageBuildOptions); Engine API 1.51
ImageBuild.
"""

from __future__ import annotations

from budu.cli.environment import to_map
from budu.cli.pulling import QUIET
from budu.cli.resources import ulimits_of
from budu.client.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from budu.cli.declare import Call

_CLASSIC = "1"
"""The builder that takes the context as the request's body."""
_TEXTS = {
    "cgroup-parent": "cgroupparent",
    "cpuset-cpus": "cpusetcpus",
    "cpuset-mems": "cpusetmems",
    "target": "target",
}
_NUMBERS = {
    "cpu-period": "cpuperiod",
    "cpu-quota": "cpuquota",
    "cpu-shares": "cpushares",
    "memory": "memory",
    "memory-swap": "memswap",
    "shm-size": "shmsize",
}


def build_query(call: Call, *, dockerfile: str, proxy: Mapping[str, str]) -> dict[str, object]:
    """The query of a parsed command line.

    `dockerfile` is the name in the context, `proxy` are variables of config.json, which
    `--build-arg` overrides.
    """
    limits = call.values["ulimit"]
    query: dict[str, object] = {
        "dockerfile": dockerfile or None,
        "version": _CLASSIC,
        "t": call.texts("tag") or None,
        "q": call.on("quiet") or call.text("progress") == QUIET,
        "nocache": call.on("no-cache"),
        "rm": None if call.on("rm") else "0",
        "forcerm": call.on("force-rm"),
        "pull": call.on("pull"),
        "platform": call.text("platform").lower() or None,
        "networkmode": _unless_default(call.text("network")),
        "tlsVerify": None if call.on("tls-verify") else "0",
        "isolation": _unless_default(call.text("isolation").lower()),
        "extrahosts": call.texts("add-host") or None,
        "securityopt": call.texts("security-opt") or None,
        "buildargs": arguments(call.texts("build-arg"), proxy) or None,
        "labels": to_map(call.texts("label")) or None,
        "cachefrom": _document(call.texts("cache-from")),
        "ulimits": _document(ulimits_of(limits) if isinstance(limits, dict) else []),
    }
    query |= {name: call.text(flag) or None for flag, name in _TEXTS.items()}
    query |= {name: call.number(flag) or None for flag, name in _NUMBERS.items()}
    return query


def arguments(pairs: list[str], proxy: Mapping[str, str]) -> dict[str, str | None]:
    """Build arguments by name; None for one that has no value anywhere."""
    given = (pair.partition("=") for pair in pairs)
    values = {name: value if equals else None for name, equals, value in given}
    return {**{name: value for name, value in proxy.items() if name not in values}, **values}


def _unless_default(text: str) -> str | None:
    return None if text in ("", "default") else text


def _document(value: list[object] | list[str] | list[dict[str, object]]) -> str | None:
    return dumps(value).decode() if value else None
