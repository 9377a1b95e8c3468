"""`--env`, `--env-file`, `--label`, `--label-file`: lists of `KEY=value`. Light.

Source: docker/cli `opts/env.go`, `opts/opts.go` (ValidateLabel), `pkg/kvfile/kvfile.go`.
"""

from __future__ import annotations

from budu.base.environment import environment
from budu.base.errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BLANKS = " \t"


def read_env(text: str) -> str:
    """One `--env`; `KEY` alone takes the value of this process's environment, if it has one."""
    name, separator, _ = text.partition("=")
    if not name:
        raise InvalidArgument(f"invalid environment variable: {text}")
    value = None if separator else environment().get(name)
    return text if value is None else f"{name}={value}"


def read_label(text: str) -> str:
    """One `--label`."""
    name = text.partition("=")[0].lstrip(_BLANKS)
    if not name:
        raise InvalidArgument(f"invalid label '{text}': empty name")
    if any(blank in name for blank in _BLANKS):
        raise InvalidArgument(f"label '{name}' contains whitespaces")
    return text


def read_files(
    paths: Sequence[str], *, environ: Mapping[str, str] | None, kind: str = "env"
) -> list[str]:
    """The pairs of `--env-file` and `--label-file`, in order.

    A name without a value is looked up in `environ` and left out when it is not there; without
    an `environ` it is left out, too.
    Raises: InvalidArgument with Docker's sentence.
    """
    pairs: list[str] = []
    for path in paths:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                data = file.read()
        except OSError as error:
            raise InvalidArgument(f"open {path}: {(error.strerror or '').lower()}") from None
        try:
            pairs += parse_pairs(data, environ)
        except InvalidArgument as error:
            raise InvalidArgument(f"invalid {kind} file ({path}): {error.message}") from None
    return pairs


def parse_pairs(data: bytes, environ: Mapping[str, str] | None) -> list[str]:
    """The pairs of one file: a pair a line, `#` for comments, no quotes, no escapes."""
    pairs: list[str] = []
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            line = raw.removesuffix(b"\r").decode().lstrip()
        except UnicodeDecodeError:
            shown = " ".join(str(byte) for byte in raw)
            raise InvalidArgument(f"invalid utf8 bytes at line {number}: [{shown}]") from None
        if not line or line[0] == "#":
            continue
        name, separator, _ = line.partition("=")
        if not name:
            raise InvalidArgument(f"no variable name on line '{line}'")
        if any(blank in name for blank in _BLANKS):
            raise InvalidArgument(f"variable '{name}' contains whitespaces")
        if separator:
            pairs.append(line)
        elif environ is not None and line in environ:
            pairs.append(f"{name}={environ[line]}")
    return pairs


def to_map(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=value` texts as a mapping; later ones win, `KEY` alone is empty."""
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
