"""Where a registry's name leads: mirrors, the origin, and how far each one is trusted.

Pure: nothing here opens a connection. Host names are looked up by the caller, who hands the
addresses in, because an insecure CIDR may cover what a name resolves to.
Source: dockerd `--registry-mirror`, `--insecure-registry`; moby `daemon/pkg/registry`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import partial
from urllib.parse import urlsplit

import msgspec

from budu.base.errors import InvalidArgument
from budu.spec.reference import DEFAULT_DOMAIN

HUB_HOST = "registry-1.docker.io"
_HUB_NAMES = frozenset({DEFAULT_DOMAIN, "index.docker.io", "www.docker.io", "registry-1.docker.io"})
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_GROUP = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_HOST_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::([0-9]{1,5}))?\Z")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One place that may answer for a registry."""

    scheme: str
    """`https` or `http`."""
    host: str
    """Host, and `:port` where it is not the scheme's own."""
    verify: bool = True
    """Whether the certificate must be trusted."""
    is_mirror: bool = False
    """A mirror answers for Docker Hub; it never sees the Hub's credentials."""
    path: str = ""
    """What stands before `/v2/`, without a slash at its end."""
    replaces_path: bool = False
    """`path` stands in place of `/v2`."""
    pulls: bool = True
    """Whether it is read from."""
    pushes: bool = True
    """Whether it is written to; a mirror never is."""
    authorities: tuple[str, ...] = ()
    """Files of authorities that may sign its certificate."""
    clients: tuple[tuple[str, str], ...] = ()
    """Files of certificates and keys to show it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every request."""
    rewrites: tuple[tuple[str, str], ...] = ()
    """Regular expressions on repositories and what stands in their place there; the first that
    matches counts."""
    namespace: str = ""
    """The registry that it answers for, told as `ns`; empty where it answers for itself."""

    @property
    def base(self) -> str:
        """The URL that paths are added to: `https://registry-1.docker.io/v2/`."""
        return f"{self.scheme}://{self.host}{self.path}{'' if self.replaces_path else '/v2'}/"

    def repository(self, path: str) -> str:
        """What a repository is called at this place. `$1` and `${name}` stand for groups."""
        for pattern, replacement in self.rewrites:
            if match := re.search(pattern, path):
                wanted = _GROUP.sub(partial(_group, match), replacement)
                return path[: match.start()] + wanted + path[match.end() :]
        return path

    @property
    def hostname(self) -> str:
        """The host without its port and without IPv6 brackets."""
        return split_host_port(self.host)[0]

    @property
    def port(self) -> int:
        """The TCP port, the scheme's own where none is given."""
        return split_host_port(self.host)[1] or (443 if self.scheme == "https" else 80)


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files for one place's TLS, besides those of the folders."""

    authorities: tuple[str, ...] = ()
    clients: tuple[tuple[str, str], ...] = ()


NO_FILES = TlsFiles()


class Proxies(msgspec.Struct, frozen=True, kw_only=True):
    """HTTP proxies and the hosts that are reached without one. Empty text is "none"."""

    http: str = ""
    https: str = ""
    exceptions: tuple[str, ...] = ()
    """Host names, domains (`.example.com` or `example.com`), addresses, CIDRs, or `*`."""

    def for_url(self, url: str) -> str | None:
        """The proxy for `url`, or None. Loopback is always reached directly."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        host = parts.hostname or ""
        if not proxy or _is_loopback(host) or any(_covers(e, host) for e in self.exceptions):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def proxies_from_environment(environment: Mapping[str, str]) -> Proxies:
    """The proxies that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (either case) name."""

    def value(name: str) -> str:
        return environment.get(name) or environment.get(name.lower()) or ""

    exceptions = tuple(part.strip() for part in value("NO_PROXY").split(",") if part.strip())
    return Proxies(http=value("HTTP_PROXY"), https=value("HTTPS_PROXY"), exceptions=exceptions)


class HostsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine was told about registries. Build it with `hosts_config`, which validates."""

    mirrors: tuple[str, ...] = ()
    """Base URLs asked for Docker Hub's images before the Hub itself, in order."""
    insecure_hosts: frozenset[str] = frozenset()
    """`host[:port]` names whose certificate is not checked and that may speak plain HTTP."""
    insecure_networks: tuple[str, ...] = _LOOPBACK
    """CIDRs with the same meaning; loopback is always among them."""
    proxies: Proxies = Proxies()
    certs_dirs: tuple[str, ...] = ("/etc/budu/certs.d", "/etc/docker/certs.d")
    """Folders with `<host[:port]>/*.crt` (authorities), `*.cert` and `*.key` (client)."""

    def endpoints(
        self, domain: str, addresses: Iterable[str] = (), *, blindly: bool = False
    ) -> tuple[Endpoint, ...]:
        """The places to ask for `domain`, in order.

        `addresses` are what the domain's host resolves to; they matter for insecure CIDRs only.
        With `blindly` the domain is trusted whatever the settings say.
        """
        if is_hub(domain):
            return (
                *(self._mirror(url) for url in self.mirrors),
                Endpoint(scheme="https", host=HUB_HOST),
            )
        secure = Endpoint(scheme="https", host=domain)
        if not (blindly or self.is_insecure(domain, addresses)):
            return (secure,)
        return (
            Endpoint(scheme="https", host=domain, verify=False),
            Endpoint(scheme="http", host=domain, verify=False),
        )

    def is_insecure(self, domain: str, addresses: Iterable[str] = ()) -> bool:
        """Whether `domain` may be spoken to without a trusted certificate."""
        host, _ = split_host_port(domain)
        if domain in self.insecure_hosts or host in self.insecure_hosts:
            return True
        networks = [ipaddress.ip_network(text) for text in self.insecure_networks]
        found = [_address(text) for text in (host, *addresses)]
        return any(address in network for address in found if address for network in networks)

    def _mirror(self, url: str) -> Endpoint:
        parts = urlsplit(url)
        return Endpoint(
            scheme=parts.scheme,
            host=parts.netloc,
            verify=not self.is_insecure(parts.netloc),
            is_mirror=True,
            path=parts.path.rstrip("/"),
        )


def _group(match: re.Match[str], wanted: re.Match[str]) -> str:
    """The text of a group that a replacement names; nothing for one that there is not, as in Go."""
    name = wanted[1] or wanted[2]
    try:
        return match[int(name) if name.isdigit() else name] or ""
    except IndexError:
        return ""


def hosts_config(
    *,
    mirrors: Iterable[str] = (),
    insecure_registries: Iterable[str] = (),
    proxies: Proxies | None = None,
    certs_dirs: tuple[str, ...] | None = None,
) -> HostsConfig:
    """Build the configuration from the daemon's options.

    Raises: InvalidArgument with Docker's sentence for a mirror or registry that is malformed.
    """
    hosts: set[str] = set()
    networks = list(_LOOPBACK)
    for text in insecure_registries:
        entry = _without_scheme(text)
        network = _network(entry)
        if network is None:
            hosts.add(_checked_host(entry))
        elif network not in networks:
            networks.append(network)
    return HostsConfig(
        mirrors=tuple(dict.fromkeys(_checked_mirror(url) for url in mirrors)),
        insecure_hosts=frozenset(hosts),
        insecure_networks=tuple(networks),
        proxies=proxies or Proxies(),
        certs_dirs=certs_dirs or HostsConfig().certs_dirs,
    )


def is_hub(domain: str) -> bool:
    """Whether `domain` is one of Docker Hub's names."""
    return domain in _HUB_NAMES


def registry_domain(server_address: str) -> str:
    """The registry that a `serveraddress` (URL or host, empty for the Hub) means."""
    text = server_address.removeprefix("https://").removeprefix("http://")
    host = text.split("/", 1)[0]
    return DEFAULT_DOMAIN if not host or is_hub(host) else host


def split_host_port(text: str) -> tuple[str, int | None]:
    """`("::1", 5000)` from `[::1]:5000`; the port is None where there is none."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest[1:]) if rest[1:].isdigit() else None
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        return host, int(port)
    return text, None


def _without_scheme(text: str) -> str:
    lowered = text.lower()
    for scheme in ("http://", "https://"):
        if lowered.startswith(scheme):
            return text[len(scheme) :].rstrip("/")
    if "://" in text:
        raise InvalidArgument(f"insecure registry {text} should not contain '://'")
    return text


def _checked_host(text: str) -> str:
    match = _HOST_PORT.match(text)
    if not match or text.endswith("-"):
        raise InvalidArgument(
            f'insecure registry {text} is not valid: invalid host "{split_host_port(text)[0]}"'
        )
    if match[1] and int(match[1]) > 65535:
        raise InvalidArgument(f'insecure registry {text} is not valid: invalid port "{match[1]}"')
    return text


def _checked_mirror(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not (scheme and separator and rest):
        raise InvalidArgument(
            f'invalid mirror: no scheme specified for "{url}": '
            "must use either 'https://' or 'http://'"
        )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise InvalidArgument(
            f'invalid mirror: unsupported scheme "{parts.scheme}" in "{url}": '
            "must use either 'https://' or 'http://'"
        )
    if parts.query or parts.fragment:
        raise InvalidArgument(f'invalid mirror: query or fragment at end of the URI "{url}"')
    if "@" in parts.netloc:
        safe = f"{parts.scheme}://xxxxx@{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise InvalidArgument(f'invalid mirror: username/password not allowed in URI "{safe}"')
    if not _HOST_PORT.match(parts.netloc):
        raise InvalidArgument(f'invalid mirror: "{url}" is not a valid URI')
    return url.rstrip("/") + "/"


def _network(text: str) -> str | None:
    if "/" not in text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _covers(exception: str, host: str) -> bool:
    """Whether one entry of NO_PROXY covers `host`."""
    name = split_host_port(exception)[0]
    network = _network(name)
    address = _address(host)
    if network is not None:
        return address is not None and address in ipaddress.ip_network(network)
    bare = name.removeprefix("*").removeprefix(".").lower()
    return name == "*" or host.lower() == bare or host.lower().endswith("." + bare)
