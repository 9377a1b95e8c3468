"""Which images may be pulled: a policy file, and cosign's signatures.

The file is containers-policy.json, read at each pull; without one everything may be pulled.

    {"default": [{"type": "insecureAcceptAnything"}],
     "transports": {"docker": {"docker.io/library": [{"type": "sigstoreSigned",
                                                      "keyPath": "/etc/budu/cosign.pub"}]}}}

The most exact scope counts: the whole name, the repository, the folders above it, the registry, its
domains (`*.example.com`), the transport's default (empty), the default. Every rule in the list has
to be met. Source: containers-policy.json(5); sigstore/cosign specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from budu.base.errors import BuduError, Hint, InvalidArgument, NotFound, PermissionDenied
from budu.distribution.ecdsa import Point, read_public_key, verify
from budu.distribution.repository import Repository
from budu.spec.digest import Digest
from budu.spec.image import Descriptor, Manifest
from budu.spec.reference import Reference, parse_reference

ACCEPT, REJECT, SIGNED = "insecureAcceptAnything", "reject", "sigstoreSigned"
PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
SIGNATURE_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""Of manifests that hold signatures and refer to the image."""
_PAYLOAD_KIND = "cosign container image signature"
_MOST = 50


class Identity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which name a signature must be for."""

    type: str = "matchRepository"
    docker_repository: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One requirement."""

    type: str
    key_path: str = ""
    key_paths: tuple[str, ...] = ()
    key_data: str = ""
    """The PEM key in base64."""
    signed_identity: Identity = Identity()


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file."""

    default: tuple[Rule, ...]
    transports: dict[str, dict[str, tuple[Rule, ...]]] = {}


class _Image(msgspec.Struct, rename="kebab"):
    docker_manifest_digest: str = ""


class _Named(msgspec.Struct, rename="kebab"):
    docker_reference: str = ""


class _Critical(msgspec.Struct):
    image: _Image
    identity: _Named = msgspec.field(default_factory=_Named)
    type: str = ""


class _Payload(msgspec.Struct):
    critical: _Critical


class SignaturePolicy:
    """The policy in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def check(self, repository: Repository, descriptor: Descriptor) -> None:
        """Let an image pass, or not.

        Raises: PermissionDenied that names the rule; InvalidArgument for a malformed file; what
        the registry raises.
        """
        policy = self._read()
        if policy is None:
            return
        scope, rules = rules_for(policy, repository.reference)
        for rule in rules:
            if rule.type == REJECT:
                raise self._rejected(
                    f"Running image docker:{repository.reference} is rejected by policy.",
                    scope=scope,
                    rule=rule,
                )
            if rule.type == SIGNED:
                await self._check_signed(repository, descriptor, scope=scope, rule=rule)

    def _read(self) -> Policy | None:
        try:
            body = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidArgument(f"open {self._path}: {error.strerror}") from None
        try:
            policy = msgspec.json.decode(body, type=Policy)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"invalid policy in {self._path}: {error}") from None
        every = [policy.default, *(r for t in policy.transports.values() for r in t.values())]
        unknown = {rule.type for rules in every for rule in rules} - {ACCEPT, REJECT, SIGNED}
        if unknown or not all(every):
            what = f'unknown rule "{sorted(unknown)[0]}"' if unknown else "a list of rules is empty"
            raise InvalidArgument(f"invalid policy in {self._path}: {what}")
        return policy

    async def _check_signed(
        self, repository: Repository, descriptor: Descriptor, *, scope: str, rule: Rule
    ) -> None:
        keys = self._keys(rule)
        digest = Digest(descriptor.digest)
        found = False
        async for payload, signature in _signatures(repository, digest):
            found = True
            if any(verify(key, payload, signature) for key in keys) and _is_about(
                payload, digest, repository.reference, rule
            ):
                return
        why = "no signature of a trusted key fits" if found else "but no signature exists"
        message = f"Source image rejected: A signature was required, {why}"
        raise self._rejected(message, scope=scope, rule=rule)

    def _keys(self, rule: Rule) -> list[Point]:
        paths = [path for path in (rule.key_path, *rule.key_paths) if path]
        try:
            texts = [Path(path).read_text() for path in paths]
            if rule.key_data:
                texts.append(base64.b64decode(rule.key_data).decode())
            if not texts:
                raise ValueError("the rule has no key")
            return [read_public_key(text) for text in texts]
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"invalid policy in {self._path}: {error}") from None

    def _rejected(self, message: str, *, scope: str, rule: Rule) -> BuduError:
        key = rule.key_path or ", ".join(rule.key_paths)
        hint = Hint(
            "distribution.policy", path=self._path, scope=scope, rule=rule.type, keys=key or "-"
        )
        return PermissionDenied(message, hint=hint)


def rules_for(policy: Policy, reference: Reference) -> tuple[str, tuple[Rule, ...]]:
    """The scope that counts for a name, and its rules. Pure."""
    scopes = policy.transports.get("docker", {})
    for scope in _scopes(reference):
        if scope in scopes:
            return scope or "docker", scopes[scope]
    return "default", policy.default


def _scopes(reference: Reference) -> Iterator[str]:
    yield str(reference)
    name = reference.name
    while True:
        yield name
        name, slash, _ = name.rpartition("/")
        if not slash:
            break
    host = reference.domain.partition(":")[0]
    while "." in host:
        host = host.partition(".")[2]
        yield f"*.{host}"
    yield ""


async def _signatures(repository: Repository, digest: Digest) -> AsyncIterator[tuple[bytes, bytes]]:
    """Payloads and their signatures, as cosign stores them: under a tag beside the image, or as
    manifests that refer to it. Those of the tag are enough where they do."""
    beside = repository.beside(f"sha256-{digest.hex}.sig")
    with suppress(NotFound):
        body = await beside.fetch_manifest(await beside.resolve())
        async for each in _signatures_in(beside, body, subject=None):
            yield each
    with suppress(NotFound):
        for descriptor in (await repository.referrers(digest, artifact_type=SIGNATURE_TYPE))[
            :_MOST
        ]:
            body = await repository.fetch_manifest(descriptor)
            async for each in _signatures_in(repository, body, subject=digest):
                yield each


async def _signatures_in(
    repository: Repository, body: bytes, *, subject: Digest | None
) -> AsyncIterator[tuple[bytes, bytes]]:
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError:
        return
    if subject and (manifest.subject is None or manifest.subject.digest != subject):
        return
    for layer in manifest.layers[:_MOST]:
        if layer.media_type != PAYLOAD_TYPE:
            continue
        try:
            signature = base64.b64decode(layer.annotations.get(SIGNATURE, ""), validate=True)
        except binascii.Error:
            continue
        yield await repository.fetch_blob(layer), signature


def _is_about(payload: bytes, digest: Digest, reference: Reference, rule: Rule) -> bool:
    """Whether a signed payload speaks of this image, under this name."""
    try:
        critical = msgspec.json.decode(payload, type=_Payload).critical
        named = critical.identity.docker_reference
        signed = parse_reference(named).name if named else ""
    except (msgspec.DecodeError, InvalidArgument):
        return False
    if critical.type != _PAYLOAD_KIND or critical.image.docker_manifest_digest != digest:
        return False
    identity = rule.signed_identity
    wanted = identity.docker_repository or reference.name
    return identity.type == "matchAny" or not signed or signed == wanted
