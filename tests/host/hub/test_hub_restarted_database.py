"""A database that goes away and comes back."""

from __future__ import annotations

from pathlib import Path

from tests.support.hub import serving_hub
from tests.support.hub_client import LAYER, Client
from tests.support.hub_site import serving_site
from tests.support.postgres import (
    new_database,
    restart_postgres,
    running_postgres,
    stopped_postgres,
)

from budu.spec.digest import Digest

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


async def test_pushes_and_pulls_go_on_after_a_restart(tmp_path: Path) -> None:
    with running_postgres() as socket:
        async with serving_hub(new_database(socket), f"file://{tmp_path}/blobs") as hub:
            ann = Client(hub)
            location = (await ann("POST", "blobs/uploads/")).headers["Location"]
            await ann("PATCH", location, data=LAYER[:1000])
            digest = await ann.push_image("before", layer=b"other")
            restart_postgres(socket)
            assert (await ann("HEAD", "manifests/before")).status == 200
            rest = await ann("PATCH", location, data=LAYER[1000:])
            assert rest.status == 202
            done = await ann("PUT", f"{location}?digest={Digest.of(LAYER)}")
            assert done.status == 201
            assert (await ann("GET", f"manifests/{digest}")).status == 200
