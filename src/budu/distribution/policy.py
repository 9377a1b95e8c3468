"""The policy file that says which images may be pulled, and what it says about one. Pure but for
reading the file.

    {"default": [{"type": "insecureAcceptAnything"}],
     "transports": {"docker": {"docker.io/library": [{"type": "sigstoreSigned",
                                                      "keyPath": "/etc/budu/cosign.pub"}]}}}

The most exact scope counts: the whole name, the repository, the folders above it, the registry, its
domains (`*.example.com`), the transport's default (empty), the default. A field that is not known
here could be a demand (a transparency log, a certificate): such a file is refused, not half obeyed.
Source: containers-policy.json(5).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import msgspec

from budu.base.errors import InvalidArgument
from budu.distribution.public_keys import PublicKey, read_public_key
from budu.spec.reference import Reference, parse_reference

ACCEPT, REJECT, SIGNED = "insecureAcceptAnything", "reject", "sigstoreSigned"
_IDENTITIES = frozenset(
    {
        "matchAny",
        "matchExact",
        "matchRepoDigestOrExact",
        "matchRepository",
        "exactReference",
        "exactRepository",
        "remapIdentity",
    }
)


class Identity(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Which name a signature must be for; `matchAny` is ours, for cosign's bundles name nothing."""

    type: str
    docker_reference: str = ""
    docker_repository: str = ""
    prefix: str = ""
    signed_prefix: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One requirement."""

    type: str
    key_path: str = ""
    key_paths: tuple[str, ...] = ()
    key_data: str = ""
    """The PEM key in base64."""
    key_datas: tuple[str, ...] = ()
    signed_identity: Identity | None = None
    """None: the repository must be named where a signature names one."""

    @property
    def paths(self) -> list[str]:
        """Files with keys."""
        return [path for path in (self.key_path, *self.key_paths) if path]

    def keys(self) -> list[PublicKey]:
        """Every key, read now. Raises: OSError, ValueError."""
        texts = [Path(path).read_text() for path in self.paths]
        datas = (each for each in (self.key_data, *self.key_datas) if each)
        texts += [base64.b64decode(each).decode() for each in datas]
        if not texts:
            raise ValueError("the rule has no key")
        return [read_public_key(text) for text in texts]


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole file."""

    default: tuple[Rule, ...]
    transports: dict[str, dict[str, tuple[Rule, ...]]] = {}


def read_policy(path: Path) -> Policy | None:
    """What the file says; None where there is none. Raises: InvalidArgument with the path."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidArgument(f"open {path}: {error.strerror}") from None
    try:
        policy = msgspec.json.decode(body, type=Policy)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"invalid policy in {path}: {error}") from None
    what = _what_is_wrong(policy)
    if what:
        raise InvalidArgument(f"invalid policy in {path}: {what}")
    return policy


def _what_is_wrong(policy: Policy) -> str:
    every = [policy.default, *(r for t in policy.transports.values() for r in t.values())]
    if not all(every):
        return "a list of rules is empty"
    for rule in (rule for rules in every for rule in rules):
        if rule.type not in {ACCEPT, REJECT, SIGNED}:
            return f'unknown rule "{rule.type}"'
        identity = rule.signed_identity
        if identity is not None and identity.type not in _IDENTITIES:
            return f'unknown signedIdentity "{identity.type}"'
    return ""


def rules_for(policy: Policy, reference: Reference) -> tuple[str, tuple[Rule, ...]]:
    """The scope that counts for a name, and its rules."""
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


def may_be_for(identity: Identity | None, signed: str, reference: Reference) -> bool:
    """Whether a signature for the name `signed` (empty: for none) does for `reference`.

    Without a rule about it, what cosign says decides: it names the repository alone, or nothing.
    """
    if identity is None:
        return not signed or _repository(signed) == reference.name
    if identity.type == "matchAny":
        return True
    if not signed:
        return False
    match identity.type:
        case "matchRepository":
            return _repository(signed) == reference.name
        case "exactReference":
            return signed == identity.docker_reference
        case "exactRepository":
            return _repository(signed) == identity.docker_repository
        case "remapIdentity":
            name = _remapped(reference.name, identity)
            return _is_exactly(signed, name, reference, digest_frees=True)
        case "matchRepoDigestOrExact":
            return _is_exactly(signed, reference.name, reference, digest_frees=True)
        case _:
            return _is_exactly(signed, reference.name, reference, digest_frees=False)


def _is_exactly(signed: str, name: str, reference: Reference, *, digest_frees: bool) -> bool:
    if _repository(signed) != name:
        return False
    if digest_frees and reference.digest:
        return True
    try:
        tagged = parse_reference(signed)
    except InvalidArgument:
        return False
    return (tagged.tag, tagged.digest) == (reference.tag, reference.digest)


def _remapped(name: str, identity: Identity) -> str:
    prefix = identity.prefix
    if name == prefix or name.startswith(f"{prefix}/"):
        return identity.signed_prefix + name[len(prefix) :]
    return name


def _repository(signed: str) -> str:
    try:
        return parse_reference(signed).name
    except InvalidArgument:
        return ""
