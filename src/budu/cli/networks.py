"""`--network` and its relatives: from text to NetworkMode and EndpointsConfig. Light.

Source: docker/cli 28.2 `opts/network.go`, `cli/command/container/opts.go` (parseNetworkOpts);
`opts/hosts.go` (ValidateExtraHost); `opts/opts.go` (dns, links).
"""

from __future__ import annotations

from budu.base.errors import InvalidArgument
from budu.cli.addresses import is_mac, normal_ip
from budu.cli.csv import read_fields
from budu.cli.values import read_decimal_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.declare import Call

_PREDEFINED = frozenset(("", "default", "bridge", "host", "none"))
_DOMAIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:")


class Attachment:
    """One network to join, with what was asked for there."""

    __slots__ = (
        "aliases",
        "driver_options",
        "gateway_priority",
        "ip",
        "ip6",
        "link_local",
        "links",
        "mac",
        "target",
    )

    def __init__(self, target: str) -> None:
        self.target = target
        self.aliases: list[str] = []
        self.driver_options: dict[str, str] = {}
        self.links: list[str] = []
        self.ip = ""
        self.ip6 = ""
        self.link_local: list[str] = []
        self.mac = ""
        self.gateway_priority = 0

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the name was given."""
        return not (
            self.aliases or self.driver_options or self.links or self.ip or self.ip6
            or self.link_local or self.mac or self.gateway_priority
        )  # fmt: skip


def read_network(text: str) -> Attachment:
    """One `--network`: a name, or `name=…,alias=…,ip=…`.

    Raises: InvalidArgument with Docker's sentence.
    """
    if not _is_long(text):
        return Attachment(text)
    attachment = Attachment("")
    for field in read_fields(text):
        name, separator, value = field.lower().partition("=")
        if not separator or not name:
            raise InvalidArgument(f"invalid field {field}")
        _apply(attachment, name.strip(), value.strip())
    if not attachment.target:
        raise InvalidArgument("network name/id is not specified")
    return attachment


def _is_long(text: str) -> bool:
    name, separator, value = text.partition("=")
    word = name[-1:].isalnum() or name[-1:] == "_"
    return bool(separator) and word and (value[:1].isalnum() or value[:1] == "_")


def _apply(attachment: Attachment, name: str, value: str) -> None:
    match name:
        case "name":
            attachment.target = value
        case "alias":
            attachment.aliases.append(value)
        case "ip":
            attachment.ip = value
        case "ip6":
            attachment.ip6 = value
        case "mac-address":
            attachment.mac = value
        case "link-local-ip":
            attachment.link_local.append(value)
        case "driver-opt":
            key, separator, text = value.partition("=")
            if not separator or not key:
                raise InvalidArgument("invalid key value pair format in driver options")
            attachment.driver_options[key.strip()] = text.strip()
        case "gw-priority":
            attachment.gateway_priority = _priority(value)
        case _:
            raise InvalidArgument(f"invalid field key {name}")


def _priority(value: str) -> int:
    try:
        return read_decimal_int(value)
    except InvalidArgument as error:
        raise InvalidArgument(f"invalid gw-priority ({value}): {error.message}") from None


def is_user_defined(name: str) -> bool:
    """Whether a network mode is the name of a network that somebody made."""
    return name not in _PREDEFINED and not name.startswith("container:")


def network_mode(call: Call) -> str:
    """NetworkMode: the first network, or `default`."""
    attachments = _attachments(call)
    return attachments[0].target if attachments else "default"


def endpoints_of(call: Call) -> dict[str, dict[str, Any]]:
    """EndpointsConfig.

    Raises: InvalidArgument for options that contradict each other.
    """
    attachments = _attachments(call) or [Attachment("default")]
    implicit = not call.values["network"]
    endpoints: dict[str, dict[str, Any]] = {}
    kinds = set()
    for position, attachment in enumerate(attachments):
        kinds.add(is_user_defined(attachment.target))
        if position == 0:
            _add_flags(attachment, call)
        endpoint = _endpoint(attachment)
        if attachment.target in endpoints:
            raise InvalidArgument(f'network "{attachment.target}" is specified multiple times')
        if len(attachments) == 1 and attachment.is_plain and not implicit:
            continue
        endpoints[attachment.target] = endpoint
    if len(kinds) == 2:
        raise InvalidArgument(
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes"
        )
    return endpoints


def _attachments(call: Call) -> list[Attachment]:
    value = call.values["network"]
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Attachment)]


def _add_flags(attachment: Attachment, call: Call) -> None:
    """Put `--network-alias`, `--link`, `--ip` and so on onto the first network."""
    for flag, present, words in (
        ("network-alias", attachment.aliases, "per-network alias"),
        ("link", attachment.links, "per-network links"),
        ("ip", attachment.ip, "per-network IPv4 address"),
        ("ip6", attachment.ip6, "per-network IPv6 address"),
        ("mac-address", attachment.mac, "per-network MAC address"),
        ("link-local-ip", attachment.link_local, "per-network link-local IP addresses"),
    ):
        if present and call.values[flag]:
            raise InvalidArgument(f"conflicting options: cannot specify both --{flag} and {words}")
    attachment.aliases = attachment.aliases or call.texts("network-alias")
    if is_user_defined(attachment.target):
        attachment.links = attachment.links or call.texts("link")
    attachment.ip = attachment.ip or call.text("ip")
    attachment.ip6 = attachment.ip6 or call.text("ip6")
    attachment.mac = attachment.mac or call.text("mac-address")
    attachment.link_local = attachment.link_local or call.texts("link-local-ip")


def _endpoint(attachment: Attachment) -> dict[str, Any]:
    if not attachment.target.strip():
        raise InvalidArgument("no name set for network")
    if not is_user_defined(attachment.target):
        if attachment.aliases:
            raise InvalidArgument(
                "network-scoped aliases are only supported for user-defined networks"
            )
        if attachment.links:
            raise InvalidArgument("links are only supported for user-defined networks")
    if attachment.mac and not is_mac(attachment.mac):
        raise InvalidArgument(f"{attachment.mac} is not a valid mac address")
    addresses = {
        "IPv4Address": attachment.ip,
        "IPv6Address": attachment.ip6,
        "LinkLocalIPs": attachment.link_local,
    }
    return {
        "IPAMConfig": {name: value for name, value in addresses.items() if value} or None,
        "Links": attachment.links or None,
        "Aliases": attachment.aliases or None,
        "MacAddress": attachment.mac.strip(),
        "DriverOpts": attachment.driver_options or None,
        "GwPriority": attachment.gateway_priority,
        "NetworkID": "",
        "EndpointID": "",
        "Gateway": "",
        "IPAddress": "",
        "IPPrefixLen": 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": None,
    }


def read_extra_host(text: str) -> str:
    """One `--add-host`: `name:address`, `name=address`, `[v6]`, `host-gateway`."""
    name, separator, address = text.partition("=")
    if not separator:
        name, separator, address = text.partition(":")
    if not separator or not name:
        raise InvalidArgument(f'bad format for add-host: "{text}"')
    if address == "host-gateway":
        return f"{name}:{address}"
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if normal_ip(address) is None:
        raise InvalidArgument(f'invalid IP address in add-host: "{address}"')
    return f"{name}:{address}"


def read_dns(text: str) -> str:
    """One `--dns`: an address, normalised."""
    address = normal_ip(text.strip())
    if address is None:
        raise InvalidArgument(f"IP address is not correctly formatted: {text}")
    return address


def read_dns_search(text: str) -> str:
    """One `--dns-search`: a domain, or `.` for none."""
    domain = text.strip(" ")
    if domain == ".":
        return domain
    bare = domain.rstrip().removesuffix(".")
    labels = bare.split(".")
    right = all(label and label[0] != "-" and label[-1] != "-" for label in labels)
    has_letter = any(letter.isascii() and letter.isalpha() for letter in bare)
    if not right or not has_letter or not _DOMAIN_LETTERS.issuperset(bare) or len(bare) >= 255:
        raise InvalidArgument(f"{domain} is not a valid domain")
    return bare


def read_link(text: str) -> str:
    """One `--link`: `container[:alias]`."""
    if not text:
        raise InvalidArgument("empty string specified for links")
    if text.count(":") > 1:
        raise InvalidArgument(f"bad format for links: {text}")
    return text
