"""`search`, `tags` and `history`: what registries say, and how an image came to be.

Source: docker search and docker image history references; docker/cli 28.2,
cli/command/registry/formatter_search.go, cli/command/image/formatter_history.go.
"""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.format import print_rows
from budu.cli.tables.times import ago, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

_SEARCH = {
    "Name": "NAME",
    "Description": "DESCRIPTION",
    "StarCount": "STARS",
    "IsOfficial": "OFFICIAL",
    "IsAutomated": "AUTOMATED",
}
_TAGS = {
    "Tag": "TAG",
    "Size": "SIZE",
    "CreatedSince": "CREATED",
    "Platforms": "PLATFORMS",
    "SameAs": "SAME AS",
    "Digest": "DIGEST",
}
_HISTORY = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
_DESCRIPTION_LENGTH = 45
_MOST_PLATFORMS = 3


def print_hits(hits: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print what a search found. Options: format, no-trunc. Raises: Exit for a bad template."""
    full = bool(options.get("no-trunc"))
    columns = [(key, _SEARCH[key]) for key in ("Name", "Description", "StarCount", "IsOfficial")]
    rows = [_hit(each, full=full) for each in hits]
    print_rows(rows, out, columns=columns, headers=_SEARCH, form=options.get("format") or "")


def _hit(hit: Any, *, full: bool) -> dict[str, object]:
    words = (hit.get("description") or "").replace("\n", " ").replace("\r", " ")
    return {
        "Name": hit["name"],
        "Description": words if full else _shortened(words, _DESCRIPTION_LENGTH),
        "StarCount": str(hit["star_count"]),
        "IsOfficial": "[OK]" if hit["is_official"] else "",
        "IsAutomated": "[OK]" if hit["is_automated"] else "",
    }


def print_tags(found: Mapping[str, Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print a repository's tags. Options: format, quiet, no-trunc. Raises: Exit."""
    form, full = options.get("format") or "", bool(options.get("no-trunc"))
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{each['Tag']}\n" for each in found["Tags"]))
        return
    shown = ["Tag", "Size", "CreatedSince", "Platforms", "SameAs", *(["Digest"] if full else [])]
    columns = [(key, _TAGS[key]) for key in shown]
    rows = [_tag(each, full=full) for each in found["Tags"]]
    print_rows(rows, out, columns=columns, headers=_TAGS, form=form)


def _tag(tag: Any, *, full: bool) -> dict[str, object]:
    from budu.base.clock import parse_time

    created = parse_time(tag["Created"]) // 10**9 if tag["Created"] else 0
    platforms, same = list(tag["Platforms"]), list(tag["SameAs"])
    if not full and len(platforms) > _MOST_PLATFORMS:
        platforms = [*platforms[:_MOST_PLATFORMS], f"+{len(platforms) - _MOST_PLATFORMS}"]
    return {
        "Tag": tag["Tag"],
        "Digest": tag["Digest"],
        "Size": human_size(tag["Size"], precision=3) if tag["Size"] else "N/A",
        "CreatedSince": ago(created),
        "CreatedAt": tag["Created"],
        "Platforms": ", ".join(platforms) or tag["Error"],
        "SameAs": ", ".join(same),
    }


def print_history(steps: Sequence[Any], options: Mapping[str, Any], out: TextIO) -> None:
    """Print an image's history. Options: format, human, no-trunc, quiet. Raises: Exit."""
    form, full = options.get("format") or "", bool(options.get("no-trunc"))
    rows = [_step(each, full=full, human=bool(options.get("human"))) for each in steps]
    if options.get("quiet") and form in ("", "table"):
        out.write("".join(f"{row['ID']}\n" for row in rows))
        return
    shown = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")
    headers = dict(_HISTORY)
    if not options.get("human"):
        headers["CreatedSince"] = headers["CreatedAt"]
    columns = [(key, headers[key]) for key in shown]
    print_rows(rows, out, columns=columns, headers=headers, form=form)


def _step(step: Any, *, full: bool, human: bool) -> dict[str, object]:
    identity, by = step["Id"], step["CreatedBy"].replace("\t", " ")
    short = identity.removeprefix("sha256:")[:12] if identity.startswith("sha256:") else identity
    at = _rfc3339(step["Created"])
    return {
        "ID": identity if full else short,
        "CreatedAt": at,
        "CreatedSince": ago(step["Created"]) if human else at,
        "CreatedBy": by if full else _shortened(by, _DESCRIPTION_LENGTH),
        "Size": human_size(step["Size"], precision=3) if human else str(step["Size"]),
        "Comment": step["Comment"],
    }


def _rfc3339(unix_s: int) -> str:
    date, clock, zone, *_ = local_time(unix_s).split(" ")
    return f"{date}T{clock}{'Z' if zone == '+0000' else zone[:3] + ':' + zone[3:]}"


def _shortened(text: str, length: int) -> str:
    """Docker's ellipsis: one sign, counted."""
    return text if len(text) <= length else text[: length - 1] + "…"
