"""`version`: client and engine. Source: docker version reference, the default template."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TextIO


def print_version(
    client: Mapping[str, Any], server: Mapping[str, Any] | None, form: str, out: TextIO
) -> None:
    """Print both parts, or what `form` makes of them; `server` None when it does not answer.

    Raises: Exit for a malformed template.
    """
    if form:
        from budu.cli.format import print_inspected

        print_inspected([{"Client": client, "Server": server}], out, form=form)
        return
    _lines(
        out,
        "Client:",
        [
            ("Version", client["Version"]),
            ("API version", client["ApiVersion"]),
            ("Python version", client["PythonVersion"]),
            ("OS/Arch", f"{client['Os']}/{client['Arch']}"),
            ("Context", client["Context"]),
        ],
    )
    if server is not None:
        _print_server(server, out)


def _print_server(server: Mapping[str, Any], out: TextIO) -> None:
    name = (server.get("Platform") or {}).get("Name", "")
    out.write(f"\nServer: {name}\n")
    minimum = server.get("MinAPIVersion", "")
    for component in server.get("Components") or []:
        details = component.get("Details") or {}
        rows = [("Version", component["Version"])]
        if component["Name"] == "Engine":
            rows += [
                ("API version", f"{details.get('ApiVersion')} (minimum version {minimum})"),
                ("Python version", details.get("PythonVersion", "")),
                ("OS/Arch", f"{details.get('Os')}/{details.get('Arch')}"),
                ("Kernel version", details.get("KernelVersion", "")),
            ]
        _lines(out, f" {component['Name']}:", rows, indent="  ")


def _lines(out: TextIO, title: str, rows: list[tuple[str, str]], *, indent: str = " ") -> None:
    out.write(f"{title}\n")
    for name, value in rows:
        out.write(f"{indent}{name + ':':<18} {value}\n")
