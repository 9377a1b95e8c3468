"""A database that goes away and comes back."""

from __future__ import annotations

from pathlib import Path

from tests.support.hub_site import serving_site
from tests.support.postgres import new_database, running_postgres, stopped_postgres

PATH = "/repositories/ann/web"


async def test_a_restarted_database_is_found_again(tmp_path: Path) -> None:
    with running_postgres() as socket:
        async with serving_site(tmp_path, new_database(socket)) as site:
            ann = await site.person("ann")
            await ann.do("POST", "/repositories", {"account": "ann", "name": "web"})
            with stopped_postgres(socket):
                reply = await ann.ask("GET", PATH)
                assert (reply.status, reply.body["code"]) == (503, "unavailable")
                assert (await ann.ask("PUT", f"{PATH}/star")).status == 503
            assert (await ann.get(PATH))["stars"] == 0
            assert (await ann.do("PUT", f"{PATH}/star"))["stars"] == 1
            assert (await ann.get("/session"))["user"]["name"] == "ann"
