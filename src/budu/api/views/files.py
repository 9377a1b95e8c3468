"""What is at a path, as Docker tells it: a header of base64 JSON, and our list of matches."""

from __future__ import annotations

import base64

import msgspec

from budu.base.clock import format_time
from budu.engine.contract.files import FoundPath, PathStat

STAT_HEADER = "X-Docker-Container-Path-Stat"


def stat_document(stat: PathStat) -> dict[str, object]:
    """The JSON of one entry. Source: Engine API 1.51 ContainerArchiveInfo; moby, PathStat."""
    return {
        "name": _text(stat.name),
        "size": stat.size,
        "mode": stat.mode,
        "mtime": format_time(stat.mtime_ns),
        "linkTarget": _text(stat.link_target),
    }


def stat_header(stat: PathStat) -> dict[str, str]:
    """The header that goes with an archive, or instead of it."""
    return {STAT_HEADER: base64.b64encode(msgspec.json.encode(stat_document(stat))).decode()}


def match_document(found: FoundPath) -> dict[str, object]:
    """One match of a pattern: its path and what is there."""
    return {"path": _text(found.path), **stat_document(found.stat)}


def _text(name: str) -> str:
    """A name that JSON can hold: bytes that are no UTF-8 are shown as Go shows them."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
