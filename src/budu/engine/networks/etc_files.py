"""The files of a container that tell of networks: /etc/hosts, /etc/hostname, /etc/resolv.conf.

Written whole at each start; while the container runs only its own lines in /etc/hosts change, so
that what somebody else wrote there stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from budu.engine.containers.model import Container
from budu.engine.networks.defaults import NetworkDefaults
from budu.engine.networks.model import HOST, NONE
from budu.engine.paths import ContainerPaths
from budu.network.contract import EndpointState, NetworkSpec
from budu.network.files import (
    RESOLVED_FILE,
    ResolverMode,
    host_mode_hosts_file,
    hostname_file,
    hosts_file,
    is_stub_only,
    resolv_conf,
)

_HOSTS = Path("/etc/hosts")
_RESOLV_CONF = Path("/etc/resolv.conf")


def write_files(
    container: Container,
    endpoints: Mapping[str, EndpointState],
    files: ContainerPaths,
    *,
    host_gateways: tuple[str, ...],
    defaults: NetworkDefaults,
    linked: Iterable[str] = (),
) -> None:
    """Write all three; `linked` are lines for hosts."""
    host, config = container.host_config, container.config
    extra = tuple(host.extra_hosts or ())
    uses_host = host.network_mode == HOST
    if uses_host:
        hosts = host_mode_hosts_file(_read(_HOSTS), extra_hosts=extra, host_gateways=host_gateways)
    else:
        hosts = hosts_file(
            config.hostname,
            addresses=_addresses(endpoints.values()),
            domain=config.domainname,
            extra_hosts=extra,
            host_gateways=host_gateways,
        )
    resolver = resolv_conf(
        _host_resolver(),
        servers=tuple(host.dns or ()) or defaults.servers,
        search=tuple(host.dns_search or ()) or defaults.search,
        options=tuple(host.dns_options or ()) or defaults.options,
        mode=_resolver_mode(container, endpoints),
    )
    files.hosts.write_text(hosts + "".join(linked))
    files.hostname.write_text(hostname_file(config.hostname))
    files.resolv_conf.write_text(resolver)


def change_own_lines(
    path: Path,
    container: Container,
    *,
    gone: EndpointState | None = None,
    new: EndpointState | None = None,
) -> None:
    """Take the addresses of an endpoint out of /etc/hosts, put those of another in."""
    try:
        lines = path.read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return
    names = container.config.hostname
    if container.config.domainname:
        names = f"{names}.{container.config.domainname} {names}"
    leaving = {f"{address}\t{names}\n" for address in _addresses([gone] if gone else ())}
    kept = [line for line in lines if line not in leaving]
    kept += [f"{address}\t{names}\n" for address in _addresses([new] if new else ())]
    path.write_text("".join(kept))  # in place: the container has this very file


def host_gateway(default: NetworkSpec) -> tuple[str, ...]:
    """The host as containers reach it: the default bridge's gateway, of IPv4 if it has one."""
    gateways = [each.gateway for each in default.subnets if each.gateway]
    return tuple(sorted(gateways, key=lambda each: ":" in each)[:1])


def _addresses(states: Iterable[EndpointState]) -> list[str]:
    return [text for state in states for text in (state.address, state.address6) if text]


def _resolver_mode(container: Container, endpoints: Mapping[str, EndpointState]) -> ResolverMode:
    if container.host_config.network_mode == HOST:
        return ResolverMode.HOST
    is_alone = container.config.network_disabled or NONE in container.endpoint_settings
    return ResolverMode.COPY if is_alone and not endpoints else ResolverMode.NAMES


def _host_resolver() -> str:
    """The host's resolv.conf; systemd-resolved's own one where the first names only its stub."""
    text = _read(_RESOLV_CONF)
    return _read(Path(RESOLVED_FILE)) or text if is_stub_only(text) else text


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
