"""Values that are structs in Docker's types, and in JSON look like maps. Light.

Go prints a struct without the names of its fields, in the order of their declaration; a nil map is
`map[]`, and `null` in JSON. A value is known by the fields it has: all that its type must have,
none that it has not.
Source: pkg.go.dev/fmt, "Printing"; moby 28.5, api/types/network, container and mount.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_STRUCTS: tuple[tuple[tuple[str, ...], dict[str, object]], ...] = (
    (("Subnet",), {"Subnet": "", "IPRange": "", "Gateway": "", "AuxiliaryAddresses": {}}),
    (("Driver", "Config"), {"Driver": "", "Options": {}, "Config": []}),
    (
        ("EndpointID", "IPv4Address", "IPv6Address"),
        {"Name": "", "EndpointID": "", "MacAddress": "", "IPv4Address": "", "IPv6Address": ""},
    ),
    (("HostIp", "HostPort"), {"HostIp": "", "HostPort": ""}),
    (
        ("Type", "Destination"),
        {"Type": "", "Name": "", "Source": "", "Destination": "", "Driver": "", "Mode": "",
         "RW": False, "Propagation": ""},
    ),
    (("Type", "Config"), {"Type": "", "Config": {}}),
    (("Name", "MaximumRetryCount"), {"Name": "", "MaximumRetryCount": 0}),
)  # fmt: skip
"""The fields by which a type is known, and all its fields with what they are when left out."""


class NilMap(dict[str, object]):
    """A map that was never made: empty to templates, `null` as JSON."""


class RawMap(dict[str, object]):
    """A struct that is shown as the map that it is in JSON."""


def as_raw(value: object) -> object:
    """What `index` finds in a map of ports: keys of a type of their own make the docker client
    take the untyped document."""
    if isinstance(value, list):
        return [RawMap(each) if isinstance(each, dict) else each for each in value]
    return value


def struct_values(value: dict[str, object]) -> Iterator[object] | None:
    """The fields' values of a struct, in Go's order; None for what is a map."""
    if isinstance(value, RawMap):
        return None
    for marks, fields in _STRUCTS:
        if all(mark in value for mark in marks) and value.keys() <= fields.keys():
            return (
                empty if value.get(name) is None else value[name] for name, empty in fields.items()
            )
    return None


def is_set(value: dict[str, object]) -> bool:
    """Whether a map's values are structs without a field, as those of ports that are exposed."""
    return bool(value) and all(each == {} for each in value.values())
