"""Docker's seccomp profiles: which rules apply to a container, and the compiled program.

A profile is resolved for a set of capabilities, an architecture and a kernel into an OCI seccomp
section (`resolve_profile`), which `runtime.seccomp_compile` compiles. Compiling takes some
milliseconds, so programs are kept in memory and, by `ProgramCache`, on disk.

Source: moby 28.3, profiles/seccomp (Seccomp, setupSeccomp); Docker's default profile in
`data/seccomp-default.json` (Apache-2.0).
"""

from __future__ import annotations

import functools
import hashlib
import os
from importlib import resources
from pathlib import Path

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.files import write_atomic
from budu.runtime.seccomp_compile import compile_seccomp
from budu.spec.oci_runtime import Seccomp, Syscall, SyscallArg

_CACHE_VERSION = b"1"  # of the compiler and its tables: a new one disowns old programs
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_NATIVE = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64", "arm": "SCMP_ARCH_ARM"}
_NATIVE |= {"386": "SCMP_ARCH_X86"}


class _Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Shared settings of the profile's records."""


class Filter(_Record, frozen=True, kw_only=True):
    """When a rule applies: capabilities, architectures in Go's names, the least kernel."""

    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str | None = None


class ProfileArg(_Record, frozen=True, kw_only=True):
    """A condition on an argument."""

    index: int
    value: int
    value_two: int = 0
    op: str


class ProfileRule(_Record, frozen=True, kw_only=True):
    """A rule of a profile; `name` is the older form of `names`."""

    name: str = ""
    names: tuple[str, ...] | None = None
    action: str
    errno_ret: int | None = None
    args: tuple[ProfileArg, ...] | None = None
    includes: Filter | None = None
    excludes: Filter | None = None


class ArchitectureMap(_Record, frozen=True, kw_only=True):
    """A native architecture and those that run beside it."""

    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class Profile(_Record, frozen=True, kw_only=True):
    """A profile document."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[ArchitectureMap, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str = ""
    syscalls: tuple[ProfileRule, ...] | None = None


@functools.cache
def default_profile() -> bytes:
    """Docker's default profile."""
    return resources.files("budu.runtime").joinpath("data/seccomp-default.json").read_bytes()


def resolve_profile(
    profile: bytes,
    *,
    capabilities: frozenset[str],
    architecture: str,
    kernel: tuple[int, int] | None = None,
) -> Seccomp:
    """The rules that hold for a container with these bounding capabilities (`CAP_…`).

    `architecture` is the kernel's (x86_64) or Go's (amd64) name; `kernel` is this machine's when
    None. Raises: InvalidArgument when the profile is malformed.
    """
    document = _parse(profile)
    host = _Host(capabilities, _GO_NAMES.get(architecture, architecture), kernel or host_kernel())
    return Seccomp(
        default_action=document.default_action,
        default_errno_ret=document.default_errno_ret,
        architectures=_architectures(document, _NATIVE.get(host.architecture, "")),
        flags=document.flags or (),
        listener_path=document.listener_path,
        syscalls=tuple(_rule(rule) for rule in document.syscalls or () if host.runs(rule)),
    )


@functools.lru_cache(maxsize=64)
def compile_profile(
    profile: bytes,
    *,
    capabilities: frozenset[str],
    architecture: str,
    kernel: tuple[int, int] | None = None,
) -> bytes:
    """The program for a profile as an array of struct sock_filter; arguments as resolve_profile.

    Raises: InvalidArgument when the profile is malformed; NotImplementedHere for what needs a
    listener (SCMP_ACT_NOTIFY).
    """
    return compile_seccomp(
        resolve_profile(
            profile, capabilities=capabilities, architecture=architecture, kernel=kernel
        )
    )


def host_kernel() -> tuple[int, int]:
    """Major and minor version of the running kernel."""
    return _version(os.uname().release)


class ProgramCache:
    """Compiled programs on disk, one file each, named by what went into them."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def program(self, profile: bytes, *, capabilities: frozenset[str], architecture: str) -> bytes:
        """The program, read from disk or compiled and written there.

        Raises: as compile_profile.
        """
        path = os.path.join(
            self._directory, _cache_key(profile, capabilities, architecture) + ".bpf"
        )
        stored = _read_program(path)
        if stored is not None:
            return stored
        program = compile_profile(profile, capabilities=capabilities, architecture=architecture)
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        write_atomic(path, hashlib.sha256(program).digest() + program, mode=0o600)
        return program


class _Host:
    """What the filters of rules are compared with."""

    def __init__(
        self, capabilities: frozenset[str], architecture: str, kernel: tuple[int, int]
    ) -> None:
        self.capabilities = capabilities
        self.architecture = architecture
        self.kernel = kernel

    def runs(self, rule: ProfileRule) -> bool:
        """Whether `rule` applies here."""
        includes, excludes = rule.includes or Filter(), rule.excludes or Filter()
        return self._fits(includes) and not self._is_excluded(excludes)

    def _fits(self, wanted: Filter) -> bool:
        return (
            (not wanted.arches or self.architecture in wanted.arches)
            and self.capabilities.issuperset(wanted.caps or ())
            and (not wanted.min_kernel or self.kernel >= _version(wanted.min_kernel))
        )

    def _is_excluded(self, unwanted: Filter) -> bool:
        return (
            self.architecture in (unwanted.arches or ())
            or not self.capabilities.isdisjoint(unwanted.caps or ())
            or bool(unwanted.min_kernel and self.kernel >= _version(unwanted.min_kernel))
        )


@functools.lru_cache(maxsize=8)
def _parse(profile: bytes) -> Profile:
    try:
        document = msgspec.json.decode(profile, type=Profile)
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"Decoding seccomp profile failed: {error}") from error
    if document.architectures and document.arch_map:
        raise InvalidArgument(
            "both 'architectures' and 'archMap' are specified in the seccomp profile, "
            "use either 'architectures' or 'archMap'"
        )
    if any(rule.name and rule.names for rule in document.syscalls or ()):
        raise InvalidArgument(
            "both 'name' and 'names' are specified in the seccomp profile, "
            "use either 'name' or 'names'"
        )
    return document


def _architectures(document: Profile, native: str) -> tuple[str, ...]:
    """The architectures of the filter; only the native one when the profile names none."""
    if document.architectures:
        return document.architectures
    for entry in document.arch_map or ():
        if entry.architecture == native:
            return (native, *(entry.sub_architectures or ()))
    return (native,)


def _rule(rule: ProfileRule) -> Syscall:
    return Syscall(
        names=rule.names or (rule.name,),
        action=rule.action,
        errno_ret=rule.errno_ret,
        args=tuple(
            SyscallArg(index=arg.index, value=arg.value, value_two=arg.value_two, op=arg.op)
            for arg in rule.args or ()
        ),
    )


def _version(text: str) -> tuple[int, int]:
    """`6.18.4-amd64` is (6, 18)."""
    parts = text.split(".")
    minor = "".join(c for c in parts[1] if c.isdecimal()) if len(parts) > 1 else ""
    if not parts[0].isdecimal() or not minor:
        raise InvalidArgument(f"invalid kernel version: {text!r}")
    return int(parts[0]), int(minor)


def _cache_key(profile: bytes, capabilities: frozenset[str], architecture: str) -> str:
    digest = hashlib.sha256(_CACHE_VERSION)
    major, minor = host_kernel()
    for part in (architecture, f"{major}.{minor}", *sorted(capabilities)):
        digest.update(part.encode() + b"\0")
    digest.update(profile)
    return digest.hexdigest()


def _read_program(path: str) -> bytes | None:
    """A stored program; None when it is not there or was damaged."""
    try:
        stored = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    program = stored[32:]
    if hashlib.sha256(program).digest() != stored[:32]:
        return None
    return program
