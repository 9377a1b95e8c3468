"""The stored contexts, in docker's own layout below the folder of config.json. Light.

Source: docker/cli, cli/context/store: `contexts/meta/<sha256 of the name>/meta.json`.
"""

from __future__ import annotations

import posix

from budu.client.json import loads


def context_names(config_folder: str) -> list[str]:
    """The names of all stored contexts, sorted; `default` is not stored."""
    place = f"{config_folder}/contexts/meta"
    try:
        entries = posix.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = []
    for entry in entries:
        try:
            with open(f"{place}/{entry}/meta.json", "rb") as file:  # noqa: PTH123 - light
                names.append(str(loads(file.read())["Name"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(names)
