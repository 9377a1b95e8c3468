"""`images --tree`: images with their platforms below them.

Source: docker image ls reference, `--tree`; docker/cli 28.2, cli/command/image/tree.go.
"""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.format import render_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TextIO

_HEAD = ("IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "IN USE")


def print_tree(images: Sequence[Any], out: TextIO) -> None:
    """Print `GET /images/json` with manifests: a row per image, and one per platform below it."""
    rows: list[Sequence[str]] = [_HEAD]
    for image in sorted(images, key=lambda each: (each.get("RepoTags") or ["~"])[0]):
        rows.extend(_rows(image))
    out.write(render_table(rows))


def _rows(image: Any) -> Iterator[Sequence[str]]:
    manifests = image.get("Manifests") or []
    shown = [each for each in manifests if each["Kind"] == "image"]
    total = sum(each["Size"]["Total"] for each in manifests) or image["Size"]
    content = sum(each["Size"]["Content"] for each in manifests)
    root = (image.get("Descriptor") or {}).get("digest") or image["Id"]
    used = any(each["ImageData"]["Containers"] for each in shown)
    for name in image.get("RepoTags") or ["<untagged>"]:
        yield name, _short(root), _size(total), _size(content), "yes" if used else ""
    for at, each in enumerate(shown):
        branch = "└─" if at + 1 == len(shown) else "├─"
        size = each["Size"]
        yield (
            f"{branch} {_platform(each['ImageData']['Platform'])}",
            _short(each["ID"]),
            _size(size["Total"]),
            _size(size["Content"]),
            "yes" if each["ImageData"]["Containers"] else "",
        )


def _platform(platform: Any) -> str:
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(part for part in parts if part) or "unknown"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _size(size: int) -> str:
    return human_size(size, precision=3)
