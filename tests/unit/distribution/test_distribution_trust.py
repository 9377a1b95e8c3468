"""hosts.toml, trust for one request, rate limits with their end, and signed images."""

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.registry import OCI_INDEX, OCI_MANIFEST, FakeRegistry
from tests.support.cosign import KeyPair, bundle_of, simple_payload

from budu.base.errors import BuduError, InvalidArgument, PermissionDenied, ResourceExhausted
from budu.distribution.claims import BUNDLE_TYPE, PAYLOAD_TYPE, SIGNATURE, SIGNATURE_TYPE
from budu.distribution.client import Registries
from budu.distribution.hosts import HostsConfig
from budu.distribution.hosts_file import read_hosts_file
from budu.distribution.policy import Identity, may_be_for
from budu.distribution.repository import Repository
from budu.distribution.retry import RetryPolicy, rate_reset_s
from budu.distribution.signatures import SignaturePolicy
from budu.distribution.trust import trusting
from budu.spec.reference import parse_reference

KEY = base64.b64encode(
    b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuKvxHs0FhLifY/hzqsR65snfg/eX
6NZF1r+VsQt2noQ3S/BIs0KBqhhHO29CiU/j2TXcecuqpehEJN4Fd8W2eQ==
-----END PUBLIC KEY-----
"""
).decode()
"""Somebody else's, as a policy file may hold it."""


async def no_pause(seconds: float) -> None:
    """Sleeps not at all."""


# hosts.toml


def write_hosts(root: Path, folder: str, text: str) -> tuple[str, ...]:
    (root / folder).mkdir()
    (root / folder / "hosts.toml").write_text(text)
    return (str(root),)


def test_mirrors_of_a_file_come_before_its_server(tmp_path: Path) -> None:
    text = """
    server = "https://registry-1.docker.io"
    [host."http://mirror:5000"]
      capabilities = ["pull", "resolve"]
    [host."https://other/path/v2"]
      override_path = true
      skip_verify = true
      ca = "ca.crt"
      client = [["a.cert", "a.key"]]
      [host."https://other/path/v2".header]
        x-team = ["blue", "red"]
    """
    one, two, origin = read_hosts_file(write_hosts(tmp_path, "docker.io", text), "docker.io")
    assert (one.base, one.is_mirror, one.pushes) == ("http://mirror:5000/v2/", True, False)
    assert (two.base, two.verify) == ("https://other/path/v2/", False)
    assert two.authorities == (str(tmp_path / "docker.io" / "ca.crt"),)
    assert two.clients[0][1] == str(tmp_path / "docker.io" / "a.key")
    assert two.headers == (("x-team", "blue, red"),)
    assert two.namespace == "docker.io"
    assert (origin.base, origin.is_mirror) == ("https://registry-1.docker.io/v2/", False)
    assert origin.namespace == ""


def test_default_file_serves_registries_without_one(tmp_path: Path) -> None:
    folders = write_hosts(tmp_path, "_default", '[host."https://cache"]\n')
    found = read_hosts_file(folders, "quay.io")
    assert [each.base for each in found] == ["https://cache/v2/", "https://quay.io/v2/"]
    assert read_hosts_file((str(tmp_path / "none"),), "quay.io") == ()


@pytest.mark.parametrize(
    "text",
    [
        *("server = [", "host = 1", '[host."ftp://x"]\n', "server = 1"),
        *("rewrite = 1", '[rewrite]\n"(" = "x"\n'),
    ],
)
def test_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"invalid .*hosts\.toml: "):
        read_hosts_file(write_hosts(tmp_path, "quay.io", text), "quay.io")


async def test_file_is_read_at_each_use(tmp_path: Path) -> None:
    async with FakeRegistry().serving() as fake:
        fake.add_image("library/app", "1")
        registries = Registries(HostsConfig(certs_dirs=(str(tmp_path),)))
        text = f'[host."http://{fake.address}"]\n'
        write_hosts(tmp_path, "registry.test", text)
        repository = await registries.repository(parse_reference("registry.test/library/app:1"))
        await repository.resolve()
        assert all(each.path.endswith("?ns=registry.test") for each in fake.requests)
        (tmp_path / "registry.test" / "hosts.toml").unlink()
        (origin,) = await registries.endpoints("registry.test")
        assert origin.host == "registry.test"
        await registries.close()


REWRITE = """
server = "http://{0}"
[rewrite]
"^team/" = "wrong/"
[host."http://{0}"]
  [host."http://{0}".header]
    x-secret = "s3cret"
  [host."http://{0}".rewrite]
    "^library/(.*)" = "hub/$1"
    "^(?P<team>[a-z]+)/app$" = "${{team}}-${{2}}app"
"""


@pytest.mark.parametrize(
    ("path", "there"),
    [("library/app", "hub/app"), ("team/app", "team-app"), ("other/thing", "other/thing")],
)
async def test_repositories_are_rewritten_for_a_place(
    tmp_path: Path, path: str, there: str
) -> None:
    async with FakeRegistry(auth="token").serving() as fake:
        fake.add_image(there, "1")
        registries = Registries(HostsConfig(certs_dirs=(str(tmp_path),)))
        write_hosts(tmp_path, "registry.test_5000_", REWRITE.format(fake.address))
        name = f"registry.test:5000/{path}:1"
        repository = await registries.repository(parse_reference(name))
        await repository.resolve()
        await registries.close()
    asked = [each for each in fake.requests if "/manifests/" in each.path]
    assert {each.path.partition("?")[0] for each in asked} == {f"/v2/{there}/manifests/1"}
    (token,) = [each for each in fake.requests if each.path.startswith("/token")]
    assert f"repository%3A{there.replace('/', '%2F')}%3Apull" in token.path


async def test_headers_of_a_file_go_to_its_host_only(tmp_path: Path) -> None:
    async with FakeRegistry().serving() as fake:
        digest = fake.add_blob(b"stored elsewhere")
        fake.faults.redirect_blobs = True
        registries = Registries(HostsConfig(certs_dirs=(str(tmp_path),)))
        write_hosts(tmp_path, "registry.test", REWRITE.format(fake.address))
        repository = await registries.repository(parse_reference("registry.test/x:1"))
        async with await repository.open_blob(digest) as stream:
            assert b"".join([piece async for piece in stream.chunks()]) == b"stored elsewhere"
        await registries.close()
    asked, stored = fake.requests[-2:]
    assert (asked.server, asked.headers["x-secret"]) == ("registry", "s3cret")
    assert (stored.server, "x-secret" in stored.headers) == ("storage", False)


async def test_trust_is_for_one_request_only() -> None:
    registries = Registries(HostsConfig())
    with trusting(blindly=True):
        found = await registries.endpoints("registry.test")
    assert [(each.scheme, each.verify) for each in found] == [("https", False), ("http", False)]
    (secure,) = await registries.endpoints("registry.test")
    assert secure.verify


# Rate limits


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "120"}, 120),
        ({"RateLimit-Reset": "30"}, 30),
        ({"X-RateLimit-Reset": "1800000060"}, 60),
        ({"RateLimit-Limit": "100;w=21600"}, 21600),
        ({"RateLimit-Remaining": "0;w=600", "RateLimit-Limit": "100;w=21600"}, 600),
        ({}, None),
        ({"RateLimit-Reset": "soon"}, None),
    ],
)
def test_end_of_a_rate_limit(headers: dict[str, str], expected: float | None) -> None:
    assert rate_reset_s(lambda name: headers.get(name, ""), now=1_800_000_000) == expected


async def test_rate_limit_is_told_with_its_end() -> None:
    async with FakeRegistry().serving() as fake:
        fake.faults.retry_after = ["7200"] * 20
        registries = Registries(HostsConfig(), retry=RetryPolicy(attempts=2, sleep=no_pause))
        repository = await registries.repository(parse_reference(f"{fake.address}/team/app:1"))
        with pytest.raises(ResourceExhausted) as caught:
            await repository.resolve()
        hint = caught.value.hint
        assert hint is not None
        assert (hint.key, hint.values["minutes"]) == ("distribution.rate-limit-until", 120)
        assert hint.values["time"] == time.strftime("%H:%M", time.localtime(time.time() + 7200))
        await registries.close()


# Signatures


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    """What `cosign generate-key-pair` makes."""
    return KeyPair(tmp_path_factory.mktemp("pair"), "P-256")


def add_signature(
    fake: FakeRegistry,
    digest: str,
    pair: KeyPair,
    *,
    name: str = "",
    about: str = "",
    kind: str = "cosign container image signature",
    refers_to: str = "",
) -> None:
    """As cosign's tag, or as a manifest that refers to another one."""
    payload = simple_payload(name or f"{fake.address}/team/app", about or digest, kind=kind)
    layer = {
        "mediaType": PAYLOAD_TYPE,
        "digest": fake.add_blob(payload),
        "size": len(payload),
        "annotations": {SIGNATURE: base64.b64encode(pair.sign(payload)).decode()},
    }
    if refers_to:
        add_referrer(fake, digest, layer, kind=SIGNATURE_TYPE, subject=refers_to)
        return
    tag = digest.replace(":", "-") + ".sig"
    fake.add_manifest("team/app", tag, json.dumps(manifest_of(fake, layer)).encode(), OCI_MANIFEST)


def add_bundle(fake: FakeRegistry, digest: str, body: bytes) -> None:
    """As cosign 3 stores what it signs."""
    layer = {"mediaType": BUNDLE_TYPE, "digest": fake.add_blob(body), "size": len(body)}
    add_referrer(fake, digest, layer, kind=BUNDLE_TYPE, subject=digest)


def manifest_of(fake: FakeRegistry, layer: dict[str, Any]) -> dict[str, Any]:
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2}
    config["digest"] = fake.add_blob(b"{}")
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]}


def add_referrer(
    fake: FakeRegistry, digest: str, layer: dict[str, Any], *, kind: str, subject: str
) -> None:
    """A manifest about `subject`; a registry without the list of them shows it under `digest`."""
    about = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    manifest = manifest_of(fake, layer) | {"artifactType": kind, "subject": about}
    body = json.dumps(manifest).encode()
    row = {"mediaType": OCI_MANIFEST, "size": len(body)}
    row["digest"] = fake.add_manifest("team/app", None, body, OCI_MANIFEST)
    rows = [{**row, "artifactType": each} for each in ("text/sbom", kind)]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows}
    if not fake.has_referrers:
        tag = digest.replace(":", "-")
        fake.add_manifest("team/app", tag, json.dumps(index).encode(), OCI_INDEX)


class Checked:
    """An image in a registry, and a policy that demands a signature of it."""

    def __init__(
        self, root: Path, fake: FakeRegistry, repository: Repository, pair: KeyPair
    ) -> None:
        self.root = root
        self.fake = fake
        self.pair = pair
        self._repository = repository
        self.digest = fake.add_image("team/app", "1").digest
        (root / "key.pub").write_text(pair.public)
        self.rule: dict[str, Any] = {"type": "sigstoreSigned", "keyPath": str(root / "key.pub")}

    async def check(self, scope: str = "") -> None:
        document = {
            "default": [{"type": "insecureAcceptAnything"}],
            "transports": {"docker": {scope or f"{self.fake.address}/team": [self.rule]}},
        }
        (self.root / "policy.json").write_text(json.dumps(document))
        policy = SignaturePolicy(self.root / "policy.json")
        await policy.check(self._repository, await self._repository.resolve())


@pytest.fixture
async def checked(tmp_path: Path, pair: KeyPair) -> AsyncIterator[Checked]:
    async with opened(tmp_path, pair) as one:
        yield one


@asynccontextmanager
async def opened(
    root: Path, pair: KeyPair, *, has_referrers: bool = False, tag: str = "1"
) -> AsyncIterator[Checked]:
    async with FakeRegistry(has_referrers=has_referrers).serving() as fake:
        registries = Registries(HostsConfig())
        repository = await registries.repository(parse_reference(f"{fake.address}/team/app:{tag}"))
        yield Checked(root, fake, repository, pair)
        await registries.close()


async def test_signed_image_passes(checked: Checked) -> None:
    add_signature(checked.fake, checked.digest, checked.pair)
    await checked.check()


@pytest.mark.parametrize("has_referrers", [True, False])
async def test_signature_that_refers_to_the_image_passes(
    tmp_path: Path, pair: KeyPair, has_referrers: bool
) -> None:
    async with opened(tmp_path, pair, has_referrers=has_referrers) as checked:
        with pytest.raises(PermissionDenied):
            await checked.check()
        add_signature(checked.fake, checked.digest, checked.pair, refers_to=checked.digest)
        await checked.check()


async def test_list_of_referrers_that_lies_helps_nobody(checked: Checked) -> None:
    other = "sha256:" + "1" * 64
    add_signature(checked.fake, checked.digest, checked.pair, refers_to=other)
    with pytest.raises(PermissionDenied):
        await checked.check()


async def test_payload_of_another_kind_is_refused(checked: Checked) -> None:
    add_signature(checked.fake, checked.digest, checked.pair, kind="atomic container signature")
    with pytest.raises(PermissionDenied):
        await checked.check()


async def test_looking_for_signatures_asks_for_no_near_names(checked: Checked) -> None:
    with pytest.raises(PermissionDenied):
        await checked.check()
    paths = [each.path for each in checked.fake.requests]
    assert not [each for each in paths if "/tags/" in each or "_catalog" in each]


async def test_image_outside_the_scope_passes(checked: Checked) -> None:
    await checked.check(scope="quay.io/team")


async def test_unsigned_image_is_refused_and_the_rule_named(checked: Checked) -> None:
    with pytest.raises(PermissionDenied, match="no signature exists") as caught:
        await checked.check()
    scope = f"{checked.fake.address}/team"
    assert caught.value.message.endswith(f' (rule "sigstoreSigned" for "{scope}")')
    hint = caught.value.hint
    assert hint is not None
    assert (hint.values["scope"], hint.values["rule"]) == (
        f"{checked.fake.address}/team",
        "sigstoreSigned",
    )


@pytest.mark.parametrize("lie", ["name", "about"])
async def test_signature_for_something_else_is_refused(checked: Checked, lie: str) -> None:
    value = "quay.io/other/app" if lie == "name" else "sha256:" + "0" * 64
    add_signature(checked.fake, checked.digest, checked.pair, **{lie: value})
    with pytest.raises(PermissionDenied, match="no signature of a trusted key fits"):
        await checked.check()


async def test_signature_of_another_key_is_refused(checked: Checked) -> None:
    add_signature(checked.fake, checked.digest, checked.pair)
    (checked.root / "key.pub").write_text(KeyPair(checked.root, "P-256").public)
    with pytest.raises(PermissionDenied, match="no signature of a trusted key fits"):
        await checked.check()


async def test_one_of_several_keys_is_enough(checked: Checked) -> None:
    add_signature(checked.fake, checked.digest, checked.pair)
    own = base64.b64encode(checked.pair.public.encode()).decode()
    checked.rule = {"type": "sigstoreSigned", "keyDatas": [KEY, own]}
    await checked.check()


async def test_signature_without_its_parts_is_passed_over(checked: Checked) -> None:
    add_signature(checked.fake, checked.digest, checked.pair)
    await checked.check()
    checked.fake.faults.missing_blobs = set(checked.fake.blobs)
    with pytest.raises(PermissionDenied, match="no signature exists"):
        await checked.check()


# Bundles of cosign 3


@pytest.mark.parametrize("has_referrers", [True, False])
async def test_bundle_passes(tmp_path: Path, pair: KeyPair, has_referrers: bool) -> None:
    async with opened(tmp_path, pair, has_referrers=has_referrers) as checked:
        add_bundle(checked.fake, checked.digest, bundle_of(pair, checked.digest))
        await checked.check()


@pytest.mark.parametrize("kind", ["P-384", "P-521", "RSA", "ED25519"])
async def test_keys_of_every_kind(tmp_path: Path, kind: str) -> None:
    pair = KeyPair(tmp_path, kind)
    async with opened(tmp_path, pair) as checked:
        add_signature(checked.fake, checked.digest, pair)
        await checked.check()
    async with opened(tmp_path, pair) as checked:
        add_bundle(checked.fake, checked.digest, bundle_of(pair, checked.digest))
        await checked.check()


@pytest.mark.parametrize(
    "lie",
    [
        {"about": "sha256:" + "0" * 64},
        {"predicate": "https://slsa.dev/provenance/v1"},
        {"statement": "https://example.com/Statement/v1"},
        {"payload_type": "application/json"},
        {"spoilt": True},
    ],
)
async def test_bundle_that_is_no_signature_of_the_image(
    checked: Checked, lie: dict[str, Any]
) -> None:
    add_bundle(checked.fake, checked.digest, bundle_of(checked.pair, checked.digest, **lie))
    with pytest.raises(PermissionDenied):
        await checked.check()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"dsseEnvelope": {"payload": "!"}}'])
async def test_malformed_bundle_is_passed_over(checked: Checked, body: bytes) -> None:
    add_bundle(checked.fake, checked.digest, body)
    with pytest.raises(PermissionDenied, match="no signature exists"):
        await checked.check()
    add_signature(checked.fake, checked.digest, checked.pair)
    await checked.check()


async def test_bundle_names_nothing(checked: Checked) -> None:
    add_bundle(checked.fake, checked.digest, bundle_of(checked.pair, checked.digest))
    checked.rule["signedIdentity"] = {"type": "matchRepository"}
    with pytest.raises(PermissionDenied):
        await checked.check()
    checked.rule["signedIdentity"] = {"type": "matchAny"}
    await checked.check()


# Which name a signature is for

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("identity", "signed", "pulled", "expected"),
    [
        (None, "r.io/a/b", "r.io/a/b:1", True),
        (None, "r.io/a/c", "r.io/a/b:1", False),
        (None, "", "r.io/a/b:1", True),
        (None, "no name", "r.io/a/b:1", False),
        ({"type": "matchAny"}, "r.io/x", "r.io/a/b:1", True),
        ({"type": "matchRepository"}, "r.io/a/b:2", "r.io/a/b:1", True),
        ({"type": "matchRepository"}, "", "r.io/a/b:1", False),
        ({"type": "matchExact"}, "r.io/a/b:1", "r.io/a/b:1", True),
        ({"type": "matchExact"}, "r.io/a/b:2", "r.io/a/b:1", False),
        ({"type": "matchExact"}, "r.io/a/b:1", f"r.io/a/b@{DIGEST}", False),
        ({"type": "matchRepoDigestOrExact"}, "r.io/a/b:1", f"r.io/a/b@{DIGEST}", True),
        ({"type": "matchRepoDigestOrExact"}, "r.io/a/b", "r.io/a/b:1", False),
        ({"type": "exactReference", "dockerReference": "r.io/o:1"}, "r.io/o:1", "r.io/b:2", True),
        ({"type": "exactReference", "dockerReference": "r.io/o:1"}, "r.io/o:2", "r.io/b:2", False),
        ({"type": "exactRepository", "dockerRepository": "r.io/o"}, "r.io/o:9", "r.io/b:2", True),
        ({"type": "exactRepository", "dockerRepository": "r.io/o"}, "r.io/b", "r.io/b:2", False),
        (
            {"type": "remapIdentity", "prefix": "mirror.io", "signedPrefix": "r.io/up"},
            "r.io/up/a/b:1",
            "mirror.io/a/b:1",
            True,
        ),
        (
            {"type": "remapIdentity", "prefix": "mirror.io/x", "signedPrefix": "r.io"},
            "r.io/a/b:1",
            "mirror.io/a/b:1",
            False,
        ),
    ],
)
def test_which_name_a_signature_is_for(
    identity: dict[str, str] | None, signed: str, pulled: str, expected: bool
) -> None:
    asked = None if identity is None else msgspec.convert(identity, Identity)
    assert may_be_for(asked, signed, parse_reference(pulled)) is expected


async def test_reject_rule(checked: Checked) -> None:
    checked.rule = {"type": "reject"}
    with pytest.raises(PermissionDenied, match="is rejected by policy"):
        await checked.check(scope=f"{checked.fake.address}/team/app")


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "signedBy"},
        {"type": "sigstoreSigned"},
        {"type": "sigstoreSigned", "keyData": "AAAA"},
        {"type": "sigstoreSigned", "keyPath": "/nowhere"},
        {"type": "sigstoreSigned", "keyData": KEY, "rekorPublicKeyPath": "/etc/rekor.pub"},
        {"type": "sigstoreSigned", "keyData": KEY, "signedIdentity": {"type": "matchSome"}},
    ],
)
async def test_policy_that_is_not_understood_lets_nothing_pass(
    checked: Checked, rule: dict[str, Any]
) -> None:
    add_signature(checked.fake, checked.digest, checked.pair)
    checked.rule = rule
    with pytest.raises(BuduError, match="invalid policy"):
        await checked.check()
