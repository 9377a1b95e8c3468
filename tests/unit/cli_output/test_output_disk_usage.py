"""`system df -v`: the build cache as docker shows it."""

from __future__ import annotations

import io
import json

from budu.base.clock import format_time, now_ns
from budu.base.units import SECOND_NS
from budu.cli.tables.disk_usage import print_objects

HOUR_NS = 3600 * SECOND_NS
ID = "ab" * 32


def usage() -> dict[str, object]:
    used = {
        "ID": f"sha256:{ID}", "Parents": ["x"], "Type": "regular", "Description": "RUN x",
        "InUse": True, "Shared": False, "Size": 1500, "UsageCount": 2,
        "CreatedAt": format_time(now_ns() - 24 * HOUR_NS - SECOND_NS),
        "LastUsedAt": format_time(now_ns() - 5 * HOUR_NS - SECOND_NS),
    }  # fmt: skip
    new = {
        "ID": "k2m5n8q1w3e4r5t6", "Type": "exec.cachemount", "InUse": False, "Shared": True,
        "Size": 7, "UsageCount": 0, "CreatedAt": "2020-11-29T18:00:00.5+09:00",
        "LastUsedAt": None,
    }  # fmt: skip
    return {"BuildCache": [used, new]}


def test_the_table_of_the_cache() -> None:
    out = io.StringIO()
    print_objects(usage(), "table", out)
    _, _, cache = out.getvalue().partition("Build cache usage: 1.5kB\n\n")
    head, first, second = (line.split("  ") for line in cache.splitlines())
    assert [word.strip() for word in head if word.strip()] == [
        "CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED",
    ]  # fmt: skip
    assert [word.strip() for word in first if word.strip()][:3] == [
        "k2m5n8q1w3e4", "exec.cachemount", "7B",
    ]  # fmt: skip
    assert [word.strip() for word in second if word.strip()] == [
        "abababababab*", "regular", "1.5kB", "24 hours ago", "5 hours ago", "2", "false",
    ]  # fmt: skip


def test_the_cache_as_json() -> None:
    out = io.StringIO()
    print_objects(usage(), "json", out)
    new, used = json.loads(out.getvalue())["BuildCache"]
    assert used["ID"] == f"sha256:{ID}*"
    assert new["CreatedAt"] == "2020-11-29 18:00:00.5 +0900 +0900"
    assert (new["LastUsedAt"], new["LastUsedSince"], new["Parent"]) == ("", "", "")
    assert used["LastUsedAt"].endswith(" +0000 UTC")
