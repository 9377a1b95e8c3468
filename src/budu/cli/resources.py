"""Limits and devices of run and create: from text to fields of HostConfig. Light.

Source: docker/cli 28.2 `opts/{gpus,ulimit,throttledevice,weightdevice,opts}.go`,
`cli/command/container/opts.go`; docker/go-units `ulimit.go`.
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.base.units import parse_bytes
from budu.cli.csv import read_fields
from budu.cli.environment import to_map
from budu.cli.values import quoted, read_decimal_int, read_int, read_uint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ULIMITS = frozenset(
    ("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc",
     "rss", "rtprio", "rttime", "sigpending", "stack")
)  # fmt: skip
_BILLION = 1_000_000_000
_RATE = "The correct format is <device-path>:<number>"


def read_cpus(text: str) -> int:
    """NanoCpus of a decimal, an exponent or a fraction: `1.5`, `3/2`, `1e-3`.

    Raises: InvalidArgument with Docker's sentence.
    """
    above, slash, below = text.partition("/")
    try:
        numerator, scale = _decimal(above)
        denominator, other = _decimal(below) if slash else (1, 1)
        if denominator == 0:
            raise ValueError(text)
    except ValueError:
        raise InvalidArgument(f"failed to parse {text} as a rational number") from None
    nano, rest = divmod(numerator * other * _BILLION, scale * denominator)
    if rest:
        raise InvalidArgument("value is too precise")
    return nano


def _decimal(text: str) -> tuple[int, int]:
    """A number as numerator and denominator."""
    mantissa, e, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    sign = -1 if whole[:1] == "-" else 1
    digits = whole.lstrip("+-") + fraction
    power = int(exponent) if e else 0
    if not (digits.isascii() and digits.isdecimal()) or abs(power) > 64 or len(digits) > 64:
        raise ValueError(text)
    power -= len(fraction)
    number = sign * int(digits)
    return (number * 10**power, 1) if power >= 0 else (number, 10**-power)


def read_ulimit(text: str) -> dict[str, tuple[int, int]]:
    """One `--ulimit name=soft[:hard]`, as name to (soft, hard)."""
    name, separator, limits = text.partition("=")
    if not separator:
        raise InvalidArgument(f"invalid ulimit argument: {text}")
    if name not in ULIMITS:
        raise InvalidArgument(f"invalid ulimit type: {name}")
    parts = limits.split(":")
    if len(parts) > 2:
        raise InvalidArgument(
            f"too many limit value arguments - {limits}, can only have up to two, `soft[:hard]`"
        )
    soft = read_int(parts[0])
    hard = read_int(parts[1]) if len(parts) == 2 else soft
    if hard != -1 and (soft == -1 or soft > hard):
        raise InvalidArgument(
            f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}"
        )
    return {name: (soft, hard)}


def ulimits_of(limits: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Ulimits, by name."""
    return [
        {"Name": name, "Hard": hard, "Soft": soft} for name, (soft, hard) in sorted(limits.items())
    ]


def read_weight(text: str) -> dict[str, Any]:
    """One `--blkio-weight-device path:weight`."""
    path, number = _device_value(text)
    failure = InvalidArgument(f"invalid weight for device: {text}")
    if not (number.isascii() and number.isdecimal()):
        raise failure
    weight = int(number)
    if weight > 1000 or 0 < weight < 10:
        raise failure
    return {"Path": path, "Weight": weight}


def read_rate_bytes(text: str) -> dict[str, Any]:
    """One `--device-read-bps path:rate`."""
    path, number = _device_value(text)
    try:
        return {"Path": path, "Rate": parse_bytes(number)}
    except InvalidArgument:
        raise InvalidArgument(
            f"invalid rate for device: {text}. {_RATE}[<unit>]. Number must be a positive integer. "
            "Unit is optional and can be kb, mb, or gb"
        ) from None


def read_rate_operations(text: str) -> dict[str, Any]:
    """One `--device-read-iops path:rate`."""
    path, number = _device_value(text)
    try:
        return {"Path": path, "Rate": read_uint(number)}
    except InvalidArgument:
        raise InvalidArgument(
            f"invalid rate for device: {text}. {_RATE}. Number must be a positive integer"
        ) from None


def _device_value(text: str) -> tuple[str, str]:
    path, separator, value = text.partition(":")
    if not separator or not path:
        raise InvalidArgument(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise InvalidArgument(f"bad format for device path: {text}")
    return path, value


def read_gpus(text: str) -> dict[str, Any]:
    """One `--gpus`: `all`, a number, or `device=…,capabilities=…`."""
    request: dict[str, Any] = {
        "Driver": "",
        "Count": 0,
        "DeviceIDs": None,
        "Capabilities": [["gpu"]],
        "Options": {},
    }
    seen: set[str] = set()
    for field in read_fields(text):
        name, separator, value = field.partition("=")
        if name in seen:
            raise InvalidArgument(f"gpu request key '{name}' can be specified only once")
        seen.add(name if separator else "count")
        match name if separator else "":
            case "":
                request["Count"] = _count(name)
            case "count":
                request["Count"] = _count(value)
            case "driver":
                request["Driver"] = value
            case "device":
                request["DeviceIDs"] = value.split(",")
            case "capabilities":
                request["Capabilities"] = [[*value.split(","), "gpu"]]
            case "options":
                request["Options"] = to_map(read_fields(value))
            case _:
                raise InvalidArgument(f"unexpected key '{name}' in '{field}'")
    if "count" not in seen and request["DeviceIDs"] is None:
        request["Count"] = 1
    return request


def _count(text: str) -> int:
    if text == "all":
        return -1
    try:
        return read_decimal_int(text)
    except InvalidArgument as error:
        raise InvalidArgument(
            f'invalid count ({text}): value must be either "all" or an integer: {error.message}'
        ) from None


def read_device(text: str) -> dict[str, str]:
    """One `--device host[:container][:permissions]`.

    Raises: InvalidArgument with Docker's sentence.
    """
    from os.path import normpath

    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise InvalidArgument(f"bad format for path: {text}")
    host, inside, permissions = parts[0], "", "rwm"
    if len(parts) == 3:
        inside, permissions = parts[1], parts[2]
        if not is_device_mode(permissions):
            raise InvalidArgument(f"bad mode specified: {permissions}")
    elif len(parts) == 2 and is_device_mode(parts[1]):
        permissions = parts[1]
    elif len(parts) == 2:
        inside = normpath(parts[1])
    checked = inside or host
    if not checked.startswith("/"):
        raise InvalidArgument(f"{checked} is not an absolute path")
    host = host if inside else normpath(host)
    return {
        "PathOnHost": host,
        "PathInContainer": inside or host,
        "CgroupPermissions": permissions,
    }


def is_device_mode(text: str) -> bool:
    """Letters of `rwm`, each at most once."""
    return bool(text) and len(set(text)) == len(text) and set(text) <= set("rwm")


def is_cdi_name(text: str) -> bool:
    """Whether a `--device` is `vendor.com/class=name`.

    Source: Container Device Interface specification, "Kind".
    """
    kind, separator, name = text.partition("=")
    vendor, slash, group = kind.partition("/")
    words = (vendor, group, name)
    return (
        bool(separator and slash)
        and not text.startswith("/")
        and all(
            word and word[0].isalnum() and all(sign.isalnum() or sign in "-_.:" for sign in word)
            for word in words
        )
    )


def read_device_rule(text: str) -> str:
    """One `--device-cgroup-rule`: `c 1:3 rwm`."""
    kind, _, rest = text.partition(" ")
    numbers, _, mode = rest.partition(" ")
    major, _, minor = numbers.partition(":")
    numeric = all(part == "*" or part.isdecimal() for part in (major, minor))
    letters = 1 <= len(mode) <= 3 and set(mode) <= set("rwm")
    if kind not in ("a", "b", "c") or not numeric or not letters:
        raise InvalidArgument(f"invalid device cgroup format '{text}'")
    return text


def read_sysctl(text: str) -> dict[str, str]:
    """One `--sysctl`: only those of a namespace."""
    name, separator, value = text.partition("=")
    allowed = name in _SYSCTLS or name.startswith(("net.", "fs.mqueue."))
    if not separator or not allowed:
        raise InvalidArgument(f"sysctl '{text}' is not allowed")
    return {name: value}


_SYSCTLS = frozenset(
    ("kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
     "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced")
)  # fmt: skip


def read_restart(text: str) -> dict[str, Any]:
    """RestartPolicy of `--restart name[:retries]`."""
    name, separator, count = text.partition(":")
    if separator and not name:
        raise InvalidArgument("invalid restart policy format: no policy provided before colon")
    try:
        retries = read_decimal_int(count) if count else 0
    except InvalidArgument:
        raise InvalidArgument(
            "invalid restart policy format: maximum retry count must be an integer"
        ) from None
    return {"Name": name, "MaximumRetryCount": retries}


def read_on_unhealthy(text: str) -> str:
    """`--on-unhealthy`, checked after all flags are read.

    Raises: InvalidArgument for what is no action.
    """
    actions = ("none", "restart", "stop", "kill")
    if text not in actions:
        raise InvalidArgument(
            f"invalid action for --on-unhealthy: {text}: must be one of {', '.join(actions)}"
        )
    return text


def read_attach(text: str) -> str:
    """One `--attach`."""
    stream = text.lower()
    if stream not in ("stdin", "stdout", "stderr"):
        raise InvalidArgument("valid streams are STDIN, STDOUT and STDERR")
    return stream


def read_pull_policy(text: str) -> str:
    """`--pull`, checked after all flags are read.

    Raises: InvalidArgument with Docker's sentence.
    """
    if text not in ("always", "missing", "never", ""):
        raise InvalidArgument(
            f"invalid pull option: '{text}': must be one of {quoted('always')}, "
            f"{quoted('missing')} or {quoted('never')}"
        )
    return text
