"""`images`: a row per name of each image.

Source: docker image ls reference, "Format the output"; docker/cli formatter/image.go.
"""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.format import print_rows
from budu.cli.tables.times import ago, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, TextIO

_NONE = "<none>"
_HEADERS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "Containers": "CONTAINERS",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}


def print_images(images: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print the rows of `GET /images/json`. Options: format, quiet, no-trunc, digests.

    Raises: Exit for a malformed template.
    """
    full, digests = bool(options.get("no-trunc")), bool(options.get("digests"))
    form = options.get("format") or ""
    wants_digests = digests or "{{.Digest}}" in form or form == "json"
    rows = [row for each in images for row in _rows(each, full=full, digests=wants_digests)]
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{row['ID']}\n" for row in rows))
        return
    fields = ["Repository", "Tag", *(["Digest"] if digests else []), "ID", "CreatedSince", "Size"]
    columns = [(field, _HEADERS[field]) for field in fields]
    print_rows(rows, out, columns=columns, headers=_HEADERS, form=form)


def _rows(image: Any, *, full: bool, digests: bool) -> Iterator[dict[str, object]]:
    for name in _names(image, digests=digests):
        yield row(image, name, full=full)


def row(image: Any, name: tuple[str, str, str], *, full: bool) -> dict[str, object]:
    """The fields of one image under one name: repository, tag and digest."""
    size = human_size(image["Size"], precision=3)
    return {
        "Repository": name[0],
        "Tag": name[1],
        "Digest": name[2],
        "ID": image["Id"] if full else image["Id"].removeprefix("sha256:")[:12],
        "CreatedSince": ago(image["Created"]),
        "CreatedAt": local_time(image["Created"]),
        "Size": size,
        "VirtualSize": size,
        "Containers": _count(image.get("Containers", -1)),
        "SharedSize": _bytes(image.get("SharedSize", -1)),
        "UniqueSize": _unique(image),
    }


def _names(image: Any, *, digests: bool) -> Iterator[tuple[str, str, str]]:
    """Repository, tag and digest of each row that an image has."""
    by_repository: dict[str, list[str]] = {}
    for name in image.get("RepoDigests") or []:
        repository, _, digest = name.partition("@")
        by_repository.setdefault(repository, []).append(digest)
    tags = [name for name in image.get("RepoTags") or [] if name != "<none>:<none>"]
    if not tags and not by_repository:
        yield _NONE, _NONE, _NONE
    for name in tags:
        repository, _, tag = name.rpartition(":")
        found = by_repository.get(repository) or [_NONE]
        for digest in found if digests else found[:1]:
            yield repository, tag, digest
    tagged = {name.rpartition(":")[0] for name in tags}
    for repository, found in by_repository.items():
        if repository not in tagged:
            for digest in found:
                yield repository, _NONE, digest


def _count(number: int) -> str:
    return "N/A" if number < 0 else str(number)


def _bytes(number: int) -> str:
    return "N/A" if number < 0 else human_size(number)


def _unique(image: Any) -> str:
    shared = image.get("SharedSize", -1)
    return "N/A" if shared < 0 else human_size(image["Size"] - shared)
