"""Fields that a template may ask for although the JSON does not have them. Light.

Docker's templates see typed values: a field that the JSON leaves out because it is empty is there,
and fields are called as in Go (`.APIVersion`), not as in JSON (`ApiVersion`). Here the type of a
value is known by a field that all values of the type have.
Source: docker docs, "Format command and log output"; moby 28.5, api/types/container (omitempty).
"""

from __future__ import annotations

_TYPES: tuple[tuple[str, dict[str, object]], ...] = (
    ("OOMKilled", {"Health": None}),
    ("RestartCount", {"SizeRw": None, "SizeRootFs": None, "ImageManifestDescriptor": None}),
    ("Destination", {"Name": "", "Driver": "", "Mode": "", "Propagation": ""}),
    ("AttachStdin", {"ExposedPorts": {}, "Healthcheck": None, "Shell": [], "StopSignal": "",
                     "StopTimeout": None, "NetworkDisabled": False, "ArgsEscaped": False}),
    ("NetworkMode", {"Annotations": {}, "Init": None, "Mounts": [], "StorageOpt": {},
                     "Sysctls": {}, "Tmpfs": {}}),
    ("GlobalIPv6Address", {"DriverOpts": {}, "GwPriority": 0}),
    ("Subnet", {"IPRange": "", "Gateway": "", "AuxiliaryAddresses": {}}),
    ("Mountpoint", {"CreatedAt": "", "Status": {}, "UsageData": None, "ClusterVolume": None}),
    ("ConfigOnly", {"Peers": [], "Services": {}}),
    ("ServerVersion", {"HttpProxy": "", "HttpsProxy": "", "NoProxy": ""}),
)  # fmt: skip
"""A field that tells a type, and what its empty fields are."""


def look_up(value: dict[str, object], name: str) -> object:
    """The field of this name, in Go's spelling or left out. Raises: KeyError."""
    folded = name.lower()
    for key, each in value.items():
        if key.lower() == folded:
            return each
    for mark, fields in _TYPES:
        if mark in value:
            for key, each in fields.items():
                if key.lower() == folded:
                    return each
    raise KeyError(name)
