"""The options of the local driver: `type`, `device`, `o` and `size`. Pure.

Source: moby 28.5, daemon/volume/local/local_unix.go (options, order of checks, sentences).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.units import parse_bytes

_KNOWN = frozenset(["type", "o", "device", "size"])
_NEEDS = (("device", "type"), ("type", "device"), ("o", "device"), ("o", "type"))
_NETWORK = frozenset(["nfs", "nfs4", "cifs"])


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a local volume is made of. `o` are mount options as of `mount -o`; `size` in bytes."""

    type: str = ""
    device: str = ""
    o: str = ""
    size: int = 0
    project: int = 0

    @property
    def is_mounted_type(self) -> bool:
        """Whether the data is a file system of its own, named by the options."""
        return bool(self.type or self.device)

    @property
    def host(self) -> str:
        """The name of the server, which the kernel needs as an address; empty when it has it."""
        if self.type not in _NETWORK:
            return ""
        given = next((w[5:] for w in self.o.split(",") if w.startswith("addr=")), "")
        if not given and self.type == "cifs":
            given = urlsplit(self.device).hostname or ""
        return "" if _is_address(given) else given

    def with_address(self, address: str) -> LocalOptions:
        """The same with the server's address in place of its name."""
        words = self.o.split(",") if self.o else []
        if any(word.startswith("addr=") for word in words):
            words = [f"addr={address}" if w.startswith("addr=") else w for w in words]
            return msgspec.structs.replace(self, o=",".join(words))
        return msgspec.structs.replace(self, device=self.device.replace(self.host, address, 1))

    def hide_password(self, text: str) -> str:
        """The text without the password of `o`."""
        for word in self.o.split(","):
            if word.startswith("password=") and word != "password=":
                text = text.replace(word, "password=********")
        return text


def _is_address(text: str) -> bool:
    if not text:
        return True
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def parse_local_options(options: Mapping[str, str]) -> LocalOptions:
    """Raises: InvalidArgument with Docker's sentence."""
    for name in options:
        if name not in _KNOWN:
            raise InvalidArgument(f'invalid option: "{name}"')
    device = options.get("device", "")
    if options.get("type") == "cifs" and device and urlsplit(device).port is not None:
        raise InvalidArgument("port not allowed in CIFS device URL, include 'port' in 'o='")
    size = parse_bytes(options["size"]) if "size" in options else 0
    for name, needed in _NEEDS:
        if name in options and needed not in options:
            raise InvalidArgument(f'missing required option: "{needed}"')
    return LocalOptions(
        type=options.get("type", ""), device=device, o=options.get("o", ""), size=size
    )
