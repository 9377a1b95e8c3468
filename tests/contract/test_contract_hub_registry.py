"""The registry over HTTP: the rules of OCI distribution-spec 1.1, on both of its foundations.

Source: the specification and the cases of its conformance suite.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import aiohttp
import pytest
from tests.support.hub import RunningHub, serving_hub
from tests.support.hub_client import (
    ABSENT,
    CONFIG,
    DOCKER,
    EMPTY,
    LAYER,
    OCI,
    OCI_INDEX,
    REPOSITORY,
    Client,
    descriptor,
    image,
    index,
)
from yarl import URL

from budu.hub.registry.limits import Limits
from budu.hub.registry.touching import touched
from budu.spec.digest import Digest

# The root


async def test_version_needs_credentials_so_that_clients_learn_where_tokens_are(
    hub: RunningHub,
) -> None:
    answer = await Client(hub, None)("GET", "/v2/")
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    host = hub.address
    challenge = f'Bearer realm="http://{host}/token",service="{host}"'
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert (await Client(hub)("GET", "/v2/")).json == {}


async def test_token_of_nobody_reads_what_is_public(hub: RunningHub, ann: Client) -> None:
    await ann.push_image("1")
    token = (await Client(hub, None)("GET", "/token")).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    nobody = Client(hub, None)
    assert (await nobody("GET", "/v2/", headers=headers)).status == 200
    assert (await nobody("GET", "manifests/1", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/ann/app/nothing", 404),
        ("GET", "/v2/ann/app/blobs", 404),
        ("GET", "/v2/_catalogue", 404),
        ("POST", "/v2/", 405),
        ("POST", "/v2/ann/app/manifests/1", 405),
        ("PUT", "/v2/ann/app/blobs/uploads/", 405),
        ("DELETE", "/v2/ann/app/tags/list", 405),
        ("PATCH", "/v2/ann/app/blobs/" + ABSENT, 405),
    ],
)
async def test_other_paths_and_methods(ann: Client, method: str, path: str, status: int) -> None:
    answer = await ann(method, path)
    assert (answer.status, answer.code) == (status, "UNSUPPORTED")
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "name",
    [
        *("Ann/app", "ann/..", "ann/../bob/app", "ann//app", "ann/%2e%2e/app", "ann/a%00b", "-/a"),
        *("ann/app.", "ann/" + "a" * 252, "ann/a%2F..%2Fb", "ann/a%20b", "ann/%c3%a9"),
    ],
)
async def test_names_that_are_none(hub: RunningHub, ann: Client, name: str) -> None:
    url = URL(f"{hub.url}/v2/{name}/blobs/uploads/", encoded=True)
    async with (
        aiohttp.ClientSession(headers=ann.headers) as session,
        session.post(url) as answer,
    ):
        assert answer.status in (400, 404)
        if answer.status == 400:
            assert (await answer.json())["errors"][0]["code"] == "NAME_INVALID"


# Blobs


async def test_whole_blob_with_one_post(ann: Client) -> None:
    digest = await ann.push_blob(LAYER)
    answer = await ann("GET", f"blobs/{digest}")
    assert (answer.status, answer.body) == (200, LAYER)
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.headers["Content-Type"] == "application/octet-stream"
    head = await ann("HEAD", f"blobs/{digest}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(LAYER))
    fresh = await ann("GET", f"blobs/{digest}", headers={"If-None-Match": f'"{digest}"'})
    assert (fresh.status, fresh.body) == (304, b"")


async def test_blob_with_post_and_put(ann: Client) -> None:
    begun = await ann("POST", "blobs/uploads/")
    assert begun.status == 202
    assert begun.headers["Range"] == "0-0"
    location = begun.headers["Location"]
    assert location.endswith(begun.headers["Docker-Upload-UUID"])
    done = await ann("PUT", f"{location}?digest={Digest.of(LAYER)}", data=LAYER)
    assert done.status == 201
    assert (await ann("GET", done.headers["Location"])).body == LAYER


async def test_blob_in_chunks(ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    for start in range(0, 200_000, 100_000):
        headers = {"Content-Range": f"{start}-{start + 99_999}"}
        answer = await ann("PATCH", location, data=LAYER[start : start + 100_000], headers=headers)
        assert answer.status == 202
        assert answer.headers["Range"] == f"0-{start + 99_999}"
        location = answer.headers["Location"]
    status = await ann("GET", location)
    assert (status.status, status.headers["Range"]) == (204, "0-199999")
    headers = {"Content-Range": f"200000-{len(LAYER) - 1}"}
    done = await ann(
        "PUT", f"{location}?digest={Digest.of(LAYER)}", data=LAYER[200_000:], headers=headers
    )
    assert done.status == 201
    assert (await ann("GET", done.headers["Location"])).body == LAYER
    assert (await ann("GET", location)).status == 404


async def test_chunk_out_of_order(ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    wrong = await ann("PATCH", location, data=b"later", headers={"Content-Range": "5-9"})
    assert (wrong.status, wrong.code) == (416, "BLOB_UPLOAD_INVALID")
    first = await ann("PATCH", location, data=b"first", headers={"Content-Range": "0-4"})
    assert first.status == 202
    again = await ann("PATCH", location, data=b"first", headers={"Content-Range": "0-4"})
    assert (again.status, again.headers["Range"]) == (416, "0-4")
    assert (await ann("GET", location)).headers["Range"] == "0-4"


@pytest.mark.parametrize("header", ["0-3", "0-5", "4-0", "a-b", "0-", "-4"])
async def test_content_range_that_does_not_fit(ann: Client, header: str) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    answer = await ann("PATCH", location, data=b"01234", headers={"Content-Range": header})
    assert answer.status in (400, 416)
    assert (await ann("GET", location)).headers["Range"] == "0-0"


@pytest.mark.parametrize("chunked", [False, True])
async def test_wrong_digest(ann: Client, chunked: bool) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    if chunked:
        for part in (LAYER[:1000], LAYER[1000:]):
            await ann("PATCH", location, data=part)
        answer = await ann("PUT", f"{location}?digest={ABSENT}")
    else:
        answer = await ann("PUT", f"{location}?digest={ABSENT}", data=LAYER)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert (await ann("HEAD", f"blobs/{ABSENT}")).status == 404
    assert (await ann("GET", location)).code == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize("digest", ["", "sha256:1", "sha512:" + "a" * 128, "md5:" + "a" * 32])
async def test_digests_that_are_none(ann: Client, digest: str) -> None:
    answer = await ann("POST", f"blobs/uploads/?digest={digest}", data=b"x")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


async def test_cancelled_upload_is_unknown(ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    await ann("PATCH", location, data=b"some")
    assert (await ann("DELETE", location)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        answer = await ann(method, location)
        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")
    assert [u async for u in ann.hub.context.blobs.list_uploads()] == []


@pytest.mark.parametrize("upload", ["x", "..%2f..%2fetc", "0" * 32])
async def test_other_uploads_are_unknown(ann: Client, upload: str) -> None:
    assert (await ann("POST", "blobs/uploads/")).status == 202
    assert (await ann("PATCH", f"blobs/uploads/{upload}", data=b"x")).status == 404


async def test_upload_of_another_repository_is_unknown(hub: RunningHub, ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    moved = location.replace(REPOSITORY, "bob/app")
    assert (await Client(hub, "bob")("POST", "/v2/bob/app/blobs/uploads/")).status == 202
    assert (await Client(hub, "bob")("PATCH", moved, data=b"x")).status == 404


async def test_broken_upload_goes_on(hub: RunningHub, ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    _, writer = await asyncio.open_connection(*hub.address.split(":"))
    credentials = ann.headers["Authorization"]
    head = f"PATCH {location} HTTP/1.1\r\nHost: hub\r\nAuthorization: {credentials}\r\n"
    writer.write(f"{head}Content-Length: {len(LAYER)}\r\n\r\n".encode() + LAYER[:123_456])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    size = await settled_size(ann, location)
    assert size <= 123_456
    rest = {"Content-Range": f"{size}-{len(LAYER) - 1}"}
    assert (await ann("PATCH", location, data=LAYER[size:], headers=rest)).status == 202
    done = await ann("PUT", f"{location}?digest={Digest.of(LAYER)}")
    assert done.status == 201
    assert (await ann("GET", done.headers["Location"])).body == LAYER


async def settled_size(client: Client, location: str) -> int:
    """The upload's size once nobody appends any more: an empty chunk waits for its turn."""
    answer = await client("PATCH", location)
    assert answer.status == 202
    last = int(answer.headers["Range"].partition("-")[2])
    return last + 1 if last else 0


async def test_an_upload_that_stalls_is_given_up(hub: RunningHub, ann: Client) -> None:
    hub.context.stalled_after_s = 0.2
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    _, writer = await asyncio.open_connection(*hub.address.split(":"))
    head = f"PATCH {location} HTTP/1.1\r\nHost: hub\r\n"
    head += f"Authorization: {ann.headers['Authorization']}\r\nContent-Length: 1000\r\n\r\n"
    writer.write(head.encode() + LAYER[:500])
    await writer.drain()
    size = await settled_size(ann, location)
    assert size in (0, 500)
    assert (await ann("PATCH", location, data=LAYER[size:])).status == 202
    assert (await ann("PUT", f"{location}?digest={Digest.of(LAYER)}")).status == 201
    writer.close()


async def test_two_hubs_share_an_upload(place: Any, hub: RunningHub, ann: Client) -> None:
    location = (await ann("POST", "blobs/uploads/")).headers["Location"]
    await ann("PATCH", location, data=LAYER[:1000])
    async with serving_hub(place.database, place.blobs) as other:
        theirs = Client(other)
        await theirs("PATCH", location, data=LAYER[1000:])
        done = await theirs("PUT", f"{location}?digest={Digest.of(LAYER)}")
        assert done.status == 201
    assert (await ann("GET", done.headers["Location"])).body == LAYER


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=100-", 206, 100, len(LAYER)),
        ("bytes=-10", 206, len(LAYER) - 10, len(LAYER)),
        (f"bytes=10-{len(LAYER) * 2}", 206, 10, len(LAYER)),
        (f"bytes=0-{len(LAYER) - 1}", 200, 0, len(LAYER)),
        ("bytes=9-0", 200, 0, len(LAYER)),
        ("bytes=0-1,5-6", 200, 0, len(LAYER)),
        ("lines=1-2", 200, 0, len(LAYER)),
    ],
)
async def test_ranges(ann: Client, header: str, status: int, start: int, end: int) -> None:
    digest = await ann.push_blob(LAYER)
    answer = await ann("GET", f"blobs/{digest}", headers={"Range": header})
    assert (answer.status, answer.body) == (status, LAYER[start:end])
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(LAYER)}"


async def test_range_behind_the_end(ann: Client) -> None:
    digest = await ann.push_blob(LAYER)
    headers = {"Range": f"bytes={len(LAYER)}-"}
    answer = await ann("GET", f"blobs/{digest}", headers=headers)
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(LAYER)}")


async def test_empty_blob(ann: Client) -> None:
    digest = await ann.push_blob(b"")
    answer = await ann("GET", f"blobs/{digest}")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_knowing_a_digest_opens_nothing(hub: RunningHub, ann: Client) -> None:
    digest = await ann.push_blob(LAYER)
    bob = Client(hub, "bob")
    await bob.push_blob(b"other", "bob/app")
    answer = await bob("GET", f"/v2/bob/app/blobs/{digest}")
    assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")


async def test_mount(hub: RunningHub, ann: Client) -> None:
    digest = await ann.push_blob(LAYER)
    bob = Client(hub, "bob")
    path = "/v2/bob/app/blobs/uploads/"
    mounted = await bob("POST", f"{path}?mount={digest}&from={REPOSITORY}")
    assert mounted.status == 201
    assert (await bob("GET", mounted.headers["Location"])).body == LAYER
    for query in (
        f"mount={ABSENT}&from={REPOSITORY}",
        f"mount={digest}&from=ann/other",
        f"mount={digest}&from=../x",
        f"mount={digest}",
    ):
        begun = await bob("POST", f"{path}?{query}")
        assert (begun.status, "Location" in begun.headers) == (202, True)


async def test_mount_from_a_private_repository_is_an_ordinary_upload(hub: RunningHub) -> None:
    digest = await Client(hub).push_blob(LAYER, "ann/private")
    bob = Client(hub, "bob")
    query = f"mount={digest}&from=ann/private"
    assert (await bob("POST", f"/v2/bob/app/blobs/uploads/?{query}")).status == 202
    assert (await bob("HEAD", f"/v2/bob/app/blobs/{digest}")).status == 404


async def test_delete_blob(ann: Client) -> None:
    digest = await ann.push_blob(LAYER)
    assert (await ann("DELETE", f"blobs/{digest}")).status == 202
    assert (await ann("DELETE", f"blobs/{digest}")).code == "BLOB_UNKNOWN"
    assert (await ann("GET", f"blobs/{digest}")).status == 404


async def test_blob_of_a_manifest_is_not_deleted(ann: Client) -> None:
    await ann.push_image("1")
    answer = await ann("DELETE", f"blobs/{Digest.of(LAYER)}")
    assert (answer.status, answer.code) == (409, "DENIED")
    assert (await ann("GET", f"blobs/{Digest.of(LAYER)}")).status == 200


async def test_quota(hub: RunningHub, ann: Client) -> None:
    hub.accounts.quota_bytes = 1000
    path = f"blobs/uploads/?digest={Digest.of(LAYER)}"
    answer = await ann("POST", path, data=LAYER)
    assert (answer.status, answer.code) == (403, "DENIED")
    assert (await ann("HEAD", f"blobs/{Digest.of(LAYER)}")).status == 404
    await ann.push_blob(b"small")


# Manifests


@pytest.mark.parametrize("media_type", [OCI, DOCKER])
async def test_manifest_is_kept_byte_for_byte(ann: Client, media_type: str) -> None:
    config, layer = await ann.push_blob(CONFIG), await ann.push_blob(LAYER)
    manifest = image(config, layer, media_type=media_type)
    digest = await ann.push_manifest("1.0", manifest, media_type)
    for reference in ("1.0", digest):
        answer = await ann("GET", f"manifests/{reference}")
        assert (answer.status, answer.body) == (200, manifest)
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Docker-Content-Digest"] == digest
        head = await ann("HEAD", f"manifests/{reference}")
        assert head.headers["Content-Length"] == str(len(manifest))
    fresh = await ann("GET", "manifests/1.0", headers={"If-None-Match": f'"{digest}"'})
    assert fresh.status == 304


async def test_unknown_media_type_is_kept(ann: Client) -> None:
    body = b'{ "anything": [1, 2, 3],\n "config": null }'
    digest = await ann.push_manifest("odd", body, "application/vnd.example.thing+json")
    answer = await ann("GET", f"manifests/{digest}")
    assert (answer.body, answer.headers["Content-Type"]) == (
        body,
        "application/vnd.example.thing+json",
    )


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", OCI),
        (b"{", OCI),
        (b"[]", OCI),
        (b'{"schemaVersion": 2}', OCI),
        (b'{"schemaVersion": 1, "config": null}', DOCKER),
        (b'{"schemaVersion": 2, "config": {"digest": "x", "size": 1}}', OCI),
        (b'{"schemaVersion": 2, "manifests": [{"digest": "../x", "size": 1}]}', OCI_INDEX),
        (b'{"schemaVersion": 2, "manifests": [], "layers": []}', OCI_INDEX),
        (index(), OCI),
        (b"{}", ""),
        (b'{"schemaVersion": 1}', "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        (b"[" * 100_000, OCI),
    ],
)
async def test_manifests_that_are_none(ann: Client, body: bytes, media_type: str) -> None:
    answer = await ann.put_manifest("1", body, media_type)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert (await ann("GET", "manifests/1")).status == 404


async def test_manifest_that_names_missing_things(ann: Client) -> None:
    config, layer = await ann.push_blob(CONFIG), await ann.push_blob(LAYER)
    for manifest, kind in (
        (image(config, layer, ABSENT), OCI),
        (image(ABSENT, layer), OCI),
        (index(descriptor(ABSENT, OCI)), OCI_INDEX),
    ):
        answer = await ann.put_manifest("1", manifest, kind)
        assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")
        assert ABSENT in answer.body.decode()
    assert (await ann("GET", "tags/list")).json["tags"] == []


async def test_blob_of_another_repository_does_not_count(hub: RunningHub, ann: Client) -> None:
    layer = await Client(hub, "bob").push_blob(LAYER, "bob/app")
    manifest = image(await ann.push_blob(CONFIG), layer)
    assert (await ann.put_manifest("1", manifest)).code == "MANIFEST_BLOB_UNKNOWN"


async def test_foreign_layers_are_elsewhere(ann: Client) -> None:
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    foreign = descriptor(ABSENT, kind, urls=["https://example.com/layer"])
    await ann.push_manifest("win", image(await ann.push_blob(CONFIG), layers=[foreign]))


async def test_oversized_manifest(ann: Client) -> None:
    body = b'{"annotations": {"a": "%s"}}' % (b"a" * (4 << 20))
    answer = await ann.put_manifest("1", body, "application/vnd.example+json")
    assert (answer.status, answer.code) == (413, "MANIFEST_INVALID")


async def test_manifest_under_a_wrong_digest(ann: Client) -> None:
    manifest = image(await ann.push_blob(CONFIG))
    answer = await ann.put_manifest(ABSENT, manifest)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    digest = await ann.push_manifest(Digest.of(manifest), manifest)
    assert (await ann("GET", f"manifests/{digest}")).body == manifest
    assert (await ann("GET", "tags/list")).json["tags"] == []


@pytest.mark.parametrize("tag", [".hidden", "-x", "a" * 129, "a%20b", "a%2fb%2fc", "é"])
async def test_tags_that_are_none(ann: Client, tag: str) -> None:
    manifest = image(await ann.push_blob(CONFIG))
    assert (await ann.put_manifest(tag, manifest)).status in (400, 404)
    assert (await ann("GET", f"manifests/{tag}")).status == 404


async def test_missing_manifest_and_repository(hub: RunningHub, ann: Client) -> None:
    await ann.push_blob(CONFIG)
    for reference in ("absent", ABSENT):
        answer = await ann("GET", f"manifests/{reference}")
        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    denied = await Client(hub, "bob")("GET", "/v2/ann/never/manifests/1")
    assert (denied.status, denied.code) == (403, "DENIED")


async def test_who_may_make_a_repository_finds_nothing_in_it_yet(ann: Client) -> None:
    answer = await ann("HEAD", f"/v2/ann/never/blobs/{ABSENT}")
    assert answer.status == 404
    assert (await ann("GET", "/v2/ann/never/tags/list")).code == "NAME_UNKNOWN"


async def test_tag_moves(ann: Client) -> None:
    first = await ann.push_image("latest")
    second = await ann.push_image("latest", layer=b"other")
    assert (await ann("HEAD", "manifests/latest")).headers["Docker-Content-Digest"] == second
    assert (await ann("GET", f"manifests/{first}")).status == 200


async def test_immutable_tag_stays(hub: RunningHub, ann: Client) -> None:
    first = await ann.push_image("v1.0")
    await hub.accounts.change(REPOSITORY, immutable_tags="v*, stable")
    await ann.push_image("v1.0")
    manifest = image(await ann.push_blob(CONFIG))
    answer = await ann.put_manifest("v1.0", manifest)
    assert (answer.status, answer.code) == (403, "DENIED")
    assert (await ann("HEAD", "manifests/v1.0")).headers["Docker-Content-Digest"] == first
    await ann.push_manifest("v1.1", manifest)
    await ann.push_manifest("edge", manifest)


async def test_two_writers_of_one_tag(ann: Client) -> None:
    digests = await asyncio.gather(
        *(ann.push_image("latest", layer=b"layer %d" % number) for number in range(8))
    )
    answer = await ann("GET", "manifests/latest")
    assert Digest.of(answer.body) == answer.headers["Docker-Content-Digest"]
    assert Digest.of(answer.body) in digests


async def pushed_index(ann: Client, media_type: str = OCI_INDEX) -> tuple[Digest, Digest]:
    child = await ann.push_image("child")
    platform = {"os": "linux", "architecture": "amd64"}
    body = index(descriptor(child, OCI, platform=platform), media_type=media_type)
    return await ann.push_manifest("multi", body, media_type), child


async def test_index_and_clients_that_know_none(ann: Client) -> None:
    digest, child = await pushed_index(ann)
    accept = {"Accept": f"{OCI}, {OCI_INDEX}"}
    answer = await ann("GET", "manifests/multi", headers=accept)
    assert answer.headers["Docker-Content-Digest"] == digest
    old = await ann("GET", "manifests/multi", headers={"Accept": DOCKER})
    assert old.headers["Docker-Content-Digest"] == child
    exact = await ann("GET", f"manifests/{digest}", headers={"Accept": DOCKER})
    assert exact.headers["Docker-Content-Digest"] == digest


async def test_image_of_an_index_is_not_deleted_before_it(ann: Client) -> None:
    digest, child = await pushed_index(ann)
    assert (await ann("DELETE", f"manifests/{child}")).status == 409
    assert (await ann("DELETE", f"manifests/{digest}")).status == 202
    assert (await ann("DELETE", f"manifests/{child}")).status == 202


async def test_delete_manifest_takes_its_tags(ann: Client) -> None:
    digest = await ann.push_image("1")
    await ann.push_image("2")
    assert (await ann("DELETE", f"manifests/{digest}")).status == 202
    for reference in ("1", "2", digest):
        assert (await ann("GET", f"manifests/{reference}")).status == 404
    assert (await ann("DELETE", f"manifests/{digest}")).code == "MANIFEST_UNKNOWN"


async def test_delete_tag_leaves_the_manifest(ann: Client) -> None:
    digest = await ann.push_image("1")
    await ann.push_image("2")
    assert (await ann("DELETE", "manifests/1")).status == 202
    assert (await ann("GET", "manifests/1")).status == 404
    assert (await ann("GET", "manifests/2")).status == 200
    assert (await ann("GET", f"manifests/{digest}")).status == 200
    assert (await ann("DELETE", "manifests/1")).status == 404


async def test_platform_and_size_are_recorded(hub: RunningHub, ann: Client) -> None:
    from sqlalchemy import select

    from budu.hub.schema import manifests

    await ann.push_image("1")
    query = select(manifests.c.platform, manifests.c.image_bytes, manifests.c.artifact_type)
    row = await hub.database.read(lambda c: c.execute(query).one())
    assert tuple(row) == ("linux/arm64/v8", 2, "application/vnd.oci.image.config.v1+json")


# Tags, referrers, catalog


async def test_tags_in_pages(ann: Client) -> None:
    manifest = image(await ann.push_blob(CONFIG))
    names = ["B", "a", "a.b", "a-b", "a_b", "latest", "10", "9"]
    for name in names:
        await ann.push_manifest(name, manifest)
    assert (await ann("GET", "tags/list")).json == {"name": REPOSITORY, "tags": sorted(names)}
    found: list[str] = []
    path = f"/v2/{REPOSITORY}/tags/list?n=3"
    while path:
        answer = await ann("GET", path)
        found += answer.json["tags"]
        link = answer.headers.get("Link", "")
        path = link.partition("<")[2].partition(">")[0]
    assert found == sorted(names)
    assert (await ann("GET", "tags/list?n=0")).json["tags"] == []
    assert (await ann("GET", "tags/list?last=a_b")).json["tags"] == ["latest"]
    for wrong in ("-1", "x", "", "²"):
        assert (await ann("GET", f"tags/list?n={wrong}")).code == "PAGINATION_NUMBER_INVALID"


async def test_referrers(ann: Client) -> None:
    subject = await ann.push_image("1")
    kinds = ("application/vnd.example.sbom", "application/vnd.example.signature")
    config = await ann.push_blob(EMPTY)
    pushed = {}
    for kind in kinds:
        body = image(
            config,
            subject=descriptor(subject, OCI),
            artifactType=kind,
            annotations={"org.example": kind},
        )
        answer = await ann.put_manifest(Digest.of(body), body)
        assert answer.headers["OCI-Subject"] == subject
        pushed[kind] = Digest.of(body)
    answer = await ann("GET", f"referrers/{subject}")
    assert answer.headers["Content-Type"] == OCI_INDEX
    assert {m["artifactType"]: m["digest"] for m in answer.json["manifests"]} == pushed
    assert answer.json["manifests"][0]["annotations"]["org.example"] in kinds
    filtered = await ann("GET", f"referrers/{subject}?artifactType={kinds[0]}")
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    assert [m["digest"] for m in filtered.json["manifests"]] == [pushed[kinds[0]]]
    assert (await ann("GET", f"referrers/{ABSENT}")).json["manifests"] == []
    assert (await ann("GET", "referrers/nothing")).code == "DIGEST_INVALID"
    assert (await ann("DELETE", f"manifests/{pushed[kinds[0]]}")).status == 202
    left = (await ann("GET", f"referrers/{subject}")).json["manifests"]
    assert [m["digest"] for m in left] == [pushed[kinds[1]]]


async def test_subject_may_come_later(ann: Client) -> None:
    config = await ann.push_blob(EMPTY)
    body = image(config, subject=descriptor(ABSENT, OCI))
    assert (await ann.put_manifest("early", body)).headers["OCI-Subject"] == ABSENT
    found = (await ann("GET", f"referrers/{ABSENT}")).json["manifests"]
    assert [m["digest"] for m in found] == [Digest.of(body)]


async def test_catalog_shows_what_the_asker_may_read(hub: RunningHub, ann: Client) -> None:
    for name in ("ann/b", "ann/a", "ann/private"):
        await ann.push_blob(CONFIG, name)
    assert (await ann("GET", "/v2/_catalog")).json["repositories"] == [
        "ann/a",
        "ann/b",
        "ann/private",
    ]
    bob = Client(hub, "bob")
    assert (await bob("GET", "/v2/_catalog")).json["repositories"] == ["ann/a", "ann/b"]
    first = await bob("GET", "/v2/_catalog?n=1")
    assert first.json["repositories"] == ["ann/a"]
    path = first.headers["Link"].partition("<")[2].partition(">")[0]
    second = await bob("GET", path)
    assert (second.json["repositories"], "Link" in second.headers) == (["ann/b"], False)


# Who may what


@pytest.mark.parametrize(
    ("user", "role", "allowed"),
    [
        (None, None, set()),
        ("bob", None, set()),
        ("bob", "reader", {"read"}),
        ("bob", "writer", {"read", "write"}),
        ("bob", "owner", {"read", "write", "delete"}),
        ("ann", None, {"read", "write", "delete"}),
        ("root", None, {"read", "write", "delete"}),
    ],
)
async def test_every_route_by_role(
    hub: RunningHub, user: str | None, role: str | None, allowed: set[str]
) -> None:
    owner = Client(hub)
    name = "ann/private"
    blob = await owner.push_blob(CONFIG, name)
    layer = await owner.push_blob(LAYER, name)
    headers = {"Content-Type": OCI}
    manifest = image(blob)
    await owner("PUT", f"/v2/{name}/manifests/1", data=manifest, headers=headers)
    if role:
        await hub.accounts.grant(name, user or "", role)
    client = Client(hub, user)
    upload = (await owner("POST", f"/v2/{name}/blobs/uploads/")).headers["Location"]
    requests: list[tuple[str, str, str, dict[str, Any]]] = [
        ("read", "GET", f"manifests/{Digest.of(manifest)}", {}),
        ("read", "HEAD", "manifests/1", {}),
        ("read", "GET", f"blobs/{blob}", {}),
        ("read", "HEAD", f"blobs/{blob}", {}),
        ("read", "GET", "tags/list", {}),
        ("read", "GET", f"referrers/{blob}", {}),
        ("write", "POST", "blobs/uploads/", {}),
        ("write", "GET", upload, {}),
        ("write", "PATCH", upload, {"data": b"x"}),
        ("write", "PUT", f"{upload}?digest={Digest.of(b'xy')}", {"data": b"y"}),
        ("write", "PUT", "manifests/2", {"data": manifest, "headers": headers}),
        ("delete", "DELETE", f"blobs/{layer}", {}),
        ("delete", "DELETE", "manifests/2", {}),
        ("delete", "DELETE", f"manifests/{Digest.of(manifest)}", {}),
    ]
    for need, method, path, options in requests:
        path = path if path.startswith("/") else f"/v2/{name}/{path}"
        answer = await client(method, path, **options)
        if need in allowed:
            assert answer.status < 300, (method, path, answer.body)
        else:
            assert answer.status == (403 if user else 401), (method, path)


async def test_private_repository_looks_like_a_missing_one(hub: RunningHub) -> None:
    await Client(hub).push_blob(CONFIG, "ann/private")
    for user in (None, "bob"):
        answers = [
            await Client(hub, user)("GET", f"/v2/{name}/tags/list")
            for name in ("ann/private", "ann/absent-")
        ]
        real, missing = answers[0], await Client(hub, user)("GET", "/v2/ann/absent/tags/list")
        assert (real.status, real.code) == (missing.status, missing.code)
        assert real.json["errors"][0]["message"] == missing.json["errors"][0]["message"]


async def test_push_makes_no_repository_of_others(hub: RunningHub) -> None:
    answer = await Client(hub, "bob")("POST", "/v2/ann/new/blobs/uploads/")
    assert (answer.status, answer.code) == (403, "DENIED")
    answer = await Client(hub, None)("POST", "/v2/ann/new/blobs/uploads/")
    assert 'scope="repository:ann/new:pull,push"' in answer.headers["WWW-Authenticate"]


async def test_short_names_are_the_library(hub: RunningHub) -> None:
    root = Client(hub, "root")
    await root.push_blob(CONFIG, "library/tool")
    assert (await Client(hub, None)("GET", f"/v2/tool/blobs/{Digest.of(CONFIG)}")).status == 200


# Counts and limits


async def test_pulls_are_counted_once_an_image(hub: RunningHub, ann: Client) -> None:
    from sqlalchemy import select

    from budu.hub.schema import pulls, repositories, tags

    digest, child = await pushed_index(ann)
    await hub.context.counters.flush()
    for _ in range(3):
        await ann("HEAD", "manifests/multi")
        await ann("GET", f"manifests/{digest}")
        await ann("GET", f"manifests/{child}")
    await hub.context.counters.flush()
    total = await hub.database.read(lambda c: c.execute(select(repositories.c.pulls)).scalar())
    days = await hub.database.read(lambda c: c.execute(select(pulls.c.count)).scalars().all())
    assert (total, sum(days)) == (3, 3)
    query = select(tags.c.name).where(tags.c.pulled_at.is_not(None)).order_by(tags.c.name)
    used = await hub.database.read(lambda c: c.execute(query).scalars().all())
    assert used == ["child", "multi"]


async def test_limits_are_told_and_kept(place: Any) -> None:
    limits = Limits(anonymous=2, signed_in=5)
    async with serving_hub(place.database, place.blobs, limits=limits) as hub:
        await Client(hub).push_image("1")
        nobody = Client(hub, None)
        head = await nobody("HEAD", "manifests/1")
        assert head.headers["RateLimit-Limit"] == "2;w=21600"
        assert head.headers["RateLimit-Remaining"] == "2;w=21600"
        assert head.headers["Docker-RateLimit-Source"] == "127.0.0.1"
        for left in (1, 0):
            answer = await nobody("GET", "manifests/1")
            assert answer.headers["RateLimit-Remaining"] == f"{left};w=21600"
        refused = await nobody("GET", "manifests/1")
        assert (refused.status, refused.code) == (429, "TOOMANYREQUESTS")
        assert 21_000 < int(refused.headers["Retry-After"]) <= 21_600
        assert (await Client(hub)("GET", "manifests/1")).status == 200
        await hub.context.limits.exchange()
    async with serving_hub(place.database, place.blobs, limits=limits) as other:
        nobody = Client(other, None)
        await nobody("GET", "manifests/1")
        await other.context.limits.exchange()
        assert (await nobody("GET", "manifests/1")).status == 429
        assert (await Client(other, "root")("GET", "manifests/1")).status == 200


async def test_watcher_is_told(hub: RunningHub, ann: Client) -> None:
    digest = await ann.push_image("1")
    await ann("DELETE", "manifests/1")
    told = [(e.action, e.repository.name, e.digest, e.tag) for e in hub.accounts.events]
    assert told == [("push", REPOSITORY, digest, "1"), ("delete", REPOSITORY, digest, "1")]


async def test_a_watcher_that_fails_changes_nothing(
    hub: RunningHub, ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(event: Any) -> None:
        raise ValueError(event)

    monkeypatch.setattr(hub.accounts, "happened", fail)
    await ann.push_image("1")
    assert (await ann("GET", "manifests/1")).status == 200


async def test_blob_being_removed_is_waited_for(hub: RunningHub, ann: Client) -> None:
    from sqlalchemy import delete, update

    from budu.hub.schema import blobs

    digest = await ann.push_blob(LAYER)
    condemn = update(blobs).values(condemned_at=1.0)
    await hub.database.write(lambda c: c.execute(condemn).rowcount)
    assert (await ann("HEAD", f"blobs/{digest}")).status == 404
    waiting = asyncio.create_task(touched(hub.database, digest, len(LAYER), hub.context.now))
    await asyncio.sleep(0)
    assert not waiting.done()
    await hub.database.write(lambda c: c.execute(delete(blobs)).rowcount)
    await waiting


def test_secrets_of_an_upstream_are_not_shown() -> None:
    from budu.hub.registry.contract import Upstream

    word = secrets.token_hex()
    assert word not in repr(Upstream("http://x", "ann", word))
