"""Capabilities, security options and namespaces of run and create. Light.

Source: docker/cli 28.2 `cli/command/container/opts.go` (parseSecurityOpts, parseSystemPaths);
moby `client/container_create.go` (normalizeCapabilities),
`api/types/container/hostconfig.go` (modes).
"""

from __future__ import annotations

from budu.base.errors import DataLoss, InvalidArgument
from budu.cli.values import quoted
from budu.client.json import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "ALL"


def normal_capabilities(names: Sequence[str]) -> list[str] | None:
    """CapAdd or CapDrop: in capitals, with `CAP_`, sorted, each once; None for an empty list."""
    return sorted({_capability(name) for name in names}) or None


def _capability(name: str) -> str:
    word = name.strip().upper()
    return word if word == ALL or word.startswith("CAP_") else f"CAP_{word}"


def read_security(options: Sequence[str]) -> tuple[list[str], bool]:
    """SecurityOpt with the text of a seccomp profile read in; whether system paths are open.

    Raises: InvalidArgument with Docker's sentence.
    """
    kept: list[str] = []
    unconfined = False
    for option in options:
        name, value = _split(option)
        if name == "seccomp" and value not in ("unconfined", "builtin"):
            kept.append("seccomp=" + _profile(value))
        elif option == "systempaths=unconfined":
            unconfined = True
        else:
            kept.append(option)
    return kept, unconfined


def _split(option: str) -> tuple[str, str]:
    name, separator, value = option.partition("=")
    if not separator and name != "no-new-privileges":
        name, separator, value = option.partition(":")
    if not separator and name != "no-new-privileges":
        raise InvalidArgument(f"Invalid --security-opt: {quoted(option)}")
    return name, value


def _profile(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            data = file.read()
    except OSError as error:
        cause = (error.strerror or "").lower()
        raise InvalidArgument(
            f"opening seccomp profile ({path}) failed: open {path}: {cause}"
        ) from None
    try:
        return dumps(loads(data)).decode()
    except DataLoss:
        raise InvalidArgument(
            f"compacting json for seccomp profile ({path}) failed: it is not valid JSON"
        ) from None


def check_modes(modes: dict[str, str]) -> None:
    """Check `--pid`, `--uts`, `--userns` and `--cgroupns`.

    Raises: InvalidArgument with Docker's sentence.
    """
    pid = modes["pid"]
    if pid not in ("", "host") and not _is_container(pid):
        raise InvalidArgument("--pid: invalid PID mode")
    if modes["uts"] not in ("", "host"):
        raise InvalidArgument("--uts: invalid UTS mode")
    if modes["userns"] not in ("", "host"):
        raise InvalidArgument("--userns: invalid USER mode")
    if modes["cgroupns"] not in ("", "private", "host"):
        raise InvalidArgument("--cgroupns: invalid CGROUP mode")


def _is_container(mode: str) -> bool:
    return mode.startswith("container:") and len(mode) > len("container:")
