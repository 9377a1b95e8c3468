"""The build cache in the answer about disk usage."""

from __future__ import annotations

from typing import Any

from api_engine import FakeEngine
from api_wire import serve

from budu.api.handlers.usage import UsageHandlers
from budu.api.routing import Router
from budu.engine.contract.usage import BUILD_CACHE, DiskUsage
from budu.spec.api.build import BuildCache

RECORDS = (
    BuildCache(
        id="one",
        type="regular",
        description="RUN make",
        size=5,
        created_at="2026-01-01T00:00:00Z",
        last_used_at="2026-01-02T00:00:00Z",
        usage_count=2,
    ),
    BuildCache(id="two", parents=["one"], type="regular", in_use=True, shared=True, size=7),
)


class FakeUsages:
    async def measure(self, kinds: frozenset[str]) -> DiskUsage:
        return DiskUsage(build_cache=RECORDS if BUILD_CACHE in kinds else None)


async def usage(path: str) -> Any:
    engine = FakeEngine()
    handlers = UsageHandlers(FakeUsages(), engine.images, engine.networks)
    async with serve(Router(handlers.routes())) as site:
        return (await (await site.connect()).get(path)).json


async def test_records_of_the_build_cache_are_rows() -> None:
    answer = await usage("/system/df")
    assert answer["BuildCache"] == [
        {
            "ID": "one",
            "Type": "regular",
            "Description": "RUN make",
            "InUse": False,
            "Shared": False,
            "Size": 5,
            "CreatedAt": "2026-01-01T00:00:00Z",
            "LastUsedAt": "2026-01-02T00:00:00Z",
            "UsageCount": 2,
        },
        {
            "ID": "two",
            "Parents": ["one"],
            "Type": "regular",
            "Description": "",
            "InUse": True,
            "Shared": True,
            "Size": 7,
            "CreatedAt": "",
            "LastUsedAt": None,
            "UsageCount": 0,
        },
    ]
    assert "BuilderSize" not in answer


async def test_clients_before_1_42_get_a_sum() -> None:
    assert (await usage("/v1.41/system/df"))["BuilderSize"] == 12


async def test_other_kinds_come_without_the_cache() -> None:
    assert (await usage("/system/df?type=image"))["BuildCache"] is None
