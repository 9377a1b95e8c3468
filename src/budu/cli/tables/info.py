"""`info`: what the engine says of itself and its host. Source: docker system info reference."""

from __future__ import annotations

from budu.base.units import human_size_binary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TextIO


def print_info(
    client: Mapping[str, Any], info: Mapping[str, Any], form: str, out: TextIO, err: TextIO
) -> None:
    """Print the facts, or what `form` makes of them. Warnings go to `err`.

    Raises: Exit for a malformed template.
    """
    if form:
        from budu.cli.format import print_inspected

        print_inspected([{**info, "ClientInfo": client}], out, form=form)
        return
    out.write(
        f"Client:\n Version:    {client['Version']}\n Context:    {client['Context']}\n\nServer:\n"
    )
    for line in _lines(info):
        out.write(f" {line}\n")
    for warning in info.get("Warnings") or []:
        err.write(f"{warning}\n")


def _lines(info: Mapping[str, Any]) -> Iterator[str]:
    yield f"Containers: {info['Containers']}"
    for name in ("Running", "Paused", "Stopped"):
        yield f" {name}: {info['Containers' + name]}"
    yield f"Images: {info['Images']}"
    yield f"Server Version: {info['ServerVersion']}"
    yield f"Storage Driver: {info['Driver']}"
    for name, value in info.get("DriverStatus") or []:
        yield f" {name}: {value}"
    yield f"Logging Driver: {info['LoggingDriver']}"
    yield f"Cgroup Driver: {info['CgroupDriver']}"
    yield f"Cgroup Version: {info.get('CgroupVersion', '')}"
    yield "Plugins:"
    plugins = info.get("Plugins") or {}
    for name in ("Volume", "Network", "Log"):
        yield f" {name}: {' '.join(plugins.get(name) or [])}"
    yield f"Runtimes: {' '.join(info.get('Runtimes') or {})}"
    yield f"Default Runtime: {info['DefaultRuntime']}"
    yield f"Init Binary: {info['InitBinary']}"
    yield "Security Options:"
    for option in info.get("SecurityOptions") or []:
        yield from _security(option)
    yield f"Kernel Version: {info['KernelVersion']}"
    yield f"Operating System: {info['OperatingSystem']}"
    yield f"OSType: {info['OSType']}"
    yield f"Architecture: {info['Architecture']}"
    yield f"CPUs: {info['NCPU']}"
    yield f"Total Memory: {human_size_binary(info['MemTotal'])}"
    yield f"Name: {info['Name']}"
    yield f"ID: {info['ID']}"
    yield f"Docker Root Dir: {info['DockerRootDir']}"
    yield f"Debug Mode: {str(info['Debug']).lower()}"
    yield from _registries(info.get("RegistryConfig") or {})
    yield f"Live Restore Enabled: {str(info['LiveRestoreEnabled']).lower()}"


def _security(option: str) -> Iterator[str]:
    parts = dict(part.partition("=")[::2] for part in option.split(","))
    yield f" {parts.pop('name', option)}"
    for key, value in parts.items():
        yield f"  {key.capitalize()}: {value}"


def _registries(config: Mapping[str, Any]) -> Iterator[str]:
    mirrors = config.get("Mirrors") or []
    if mirrors:
        yield "Registry Mirrors:"
        yield from (f" {mirror}" for mirror in mirrors)
    yield "Insecure Registries:"
    yield from (f" {network}" for network in config.get("InsecureRegistryCIDRs") or [])
