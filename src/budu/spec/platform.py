"""Platforms (`linux/arm64/v8`): parsing, normal form and the choice from an image index.

Source: OCI image-spec 1.1, image-index, "platform"; containerd platforms (normalisation table,
Parse and its sentences).
"""

from __future__ import annotations

import os
import re

import msgspec

from budu.base.errors import InvalidArgument

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "armv7l": "arm",
    "armv6l": "arm",
}
_KNOWN_ARCHITECTURES = frozenset(
    (
        *("386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips"),
        *("mips64", "mips64le", "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le"),
        *("riscv", "riscv64", "s390", "s390x", "sparc", "sparc64", "wasm", "unknown"),
    )
)
_KNOWN_SYSTEMS = frozenset(
    (
        *("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js"),
        *("linux", "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"),
    )
)
_SYSTEM = re.compile(r"([A-Za-z0-9_.-]+)(?:\(([A-Za-z0-9_.-]*)\))?\Z")
_PART = re.compile(r"[A-Za-z0-9_.-]+\Z")
_VARIANT_OF = {"armel": "v6", "armhf": "v7", "armv7l": "v7", "armv6l": "v6"}


class Platform(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an image was built for; `variant` is empty where the architecture has none."""

    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: tuple[str, ...] = msgspec.field(default=(), name="os.features")

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def normalized(self) -> Platform:
        """`linux/aarch64` becomes `linux/arm64`; arm64's v8 and amd64's v1 are left out."""
        arch = self.architecture.lower()
        variant = self.variant.lower() or _VARIANT_OF.get(arch, "")
        arch = _ARCHITECTURES.get(arch, arch)
        if (arch, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
            variant = ""
        if arch == "arm" and variant in {"", "7"}:
            variant = "v7"
        return Platform(os=self.os.lower(), architecture=arch, variant=variant)


def host_platform() -> Platform:
    """The platform of this machine's kernel."""
    return Platform(os="linux", architecture=os.uname().machine).normalized()


def parse_platform(text: str) -> Platform:
    """Read `linux/amd64`, `linux/arm/v7`, or an architecture or a system alone.

    Raises: InvalidArgument in containerd's words. A pair may name what nobody knows: whether there
    is an image for it is the registry's to say.
    """
    if "*" in text:
        raise _invalid(f'"{text}": wildcards not yet supported')
    system, *rest = text.split("/", 3)
    match = _SYSTEM.match(system)
    if match is None:
        raise _invalid(
            f'"{system}" is an invalid OS component of "{text}": '
            "OSAndVersion specifier component must match "
            '"^([A-Za-z0-9_.-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$"'
        )
    for part in rest:
        if not _PART.match(part):
            raise _invalid(
                f'"{part}" is an invalid component of "{text}": '
                'platform specifier component must match "^[A-Za-z0-9_.-]+$"'
            )
    if len(rest) > 2:
        raise _invalid(f'"{text}": cannot parse platform specifier')
    name, version = match[1].lower(), match[2] or ""
    name = "darwin" if name == "macos" else name
    if rest:
        variant = rest[1] if len(rest) == 2 else ""
        platform = Platform(os=name, architecture=rest[0], variant=variant).normalized()
    elif name in _KNOWN_SYSTEMS:
        platform = msgspec.structs.replace(host_platform(), os=name)
    else:
        platform = Platform(os="linux", architecture=system).normalized()
        if platform.architecture not in _KNOWN_ARCHITECTURES:
            raise _invalid(f'"{text}": unknown operating system or architecture')
    return msgspec.structs.replace(platform, os_version=version) if version else platform


def _invalid(sentence: str) -> InvalidArgument:
    return InvalidArgument(f"{sentence}: invalid argument")


def platform_rank(wanted: Platform, offered: Platform) -> int:
    """How well `offered` serves `wanted`: 0 not at all, larger is better.

    An arm variant runs the lower ones (v7 runs v6); an exact match ranks highest.
    """
    wanted, offered = wanted.normalized(), offered.normalized()
    if (wanted.os, wanted.architecture) != (offered.os, offered.architecture):
        return 0
    if wanted.variant == offered.variant:
        return 100
    if wanted.architecture == "arm":
        level, limit = offered.variant[1:], wanted.variant[1:]
        return int(level) if level.isdigit() and limit.isdigit() and level <= limit else 0
    return 1 if not offered.variant else 0
