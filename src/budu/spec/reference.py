"""Image references: parsing, defaults and the two spellings, familiar and canonical.

Source: distribution/reference grammar (`domain/path:tag@digest`); OCI distribution-spec 1.1,
"Pulling manifests".
"""

from __future__ import annotations

import re

from budu.base.errors import InvalidArgument
from budu.spec.digest import Digest

DEFAULT_DOMAIN = "docker.io"
OFFICIAL_PREFIX = "library/"
DEFAULT_TAG = "latest"
_LEGACY_DOMAIN = "index.docker.io"

_DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z")
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*\Z"
)
_TAG = re.compile(r"[\w][\w.-]{0,127}\Z", re.ASCII)
_HEX_ID = re.compile(r"[a-f0-9]{64}\Z")


class Reference:
    """A parsed, complete name: `domain/path`, with a tag, a digest, both or neither.

    Immutable and hashable by its canonical text.
    """

    __slots__ = ("digest", "domain", "path", "tag")

    def __init__(
        self, domain: str, path: str, *, tag: str | None = None, digest: Digest | None = None
    ) -> None:
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest

    @property
    def name(self) -> str:
        """`docker.io/library/httpd`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """`httpd`: the name as people write it, without the default domain and `library/`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        return self.path.removeprefix(OFFICIAL_PREFIX) if self._is_official else self.path

    @property
    def _is_official(self) -> bool:
        return (
            self.path.startswith(OFFICIAL_PREFIX) and "/" not in self.path[len(OFFICIAL_PREFIX) :]
        )

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar(self) -> str:
        """`httpd:2.4`, the spelling of `docker images` and RepoTags."""
        return self.familiar_name + self._suffix

    def __str__(self) -> str:
        return self.name + self._suffix

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reference) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def with_tag(self, tag: str) -> Reference:
        """The same repository under another tag, without a digest.

        Raises: InvalidArgument when `tag` is not a valid tag.
        """
        if not _TAG.match(tag):
            raise InvalidArgument("invalid tag format")
        return Reference(self.domain, self.path, tag=tag)

    def with_digest(self, digest: Digest) -> Reference:
        """The same repository pinned to `digest`, without a tag."""
        return Reference(self.domain, self.path, digest=digest)

    def with_default_tag(self) -> Reference:
        """`latest` added when there is neither tag nor digest."""
        return self if self.tag or self.digest else self.with_tag(DEFAULT_TAG)


def parse_reference(text: str) -> Reference:
    """Read what a person typed: `httpd`, `localhost:5000/a/b:1`, `debian@sha256:…`.

    Raises: InvalidArgument with Docker's sentence for every malformed name.
    """
    if _HEX_ID.match(text):
        raise InvalidArgument(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    rest, _, digest_text = text.partition("@")
    domain, path = _split_domain(rest)
    path, tag = _split_tag(path)
    if path.lower() != path and _PATH.match(path.lower()):
        raise InvalidArgument(
            f"invalid reference format: repository name ({path}) must be lowercase"
        )
    if not _DOMAIN.match(domain) or not _PATH.match(path) or ("@" in text and not digest_text):
        raise InvalidArgument("invalid reference format")
    if tag is not None and not _TAG.match(tag):
        raise InvalidArgument("invalid reference format")
    if len(path) + len(domain) + 1 > 255:
        raise InvalidArgument("repository name must not be more than 255 characters")
    digest = _parse_digest(digest_text) if digest_text else None
    return Reference(domain, path, tag=tag, digest=digest)


def _parse_digest(text: str) -> Digest:
    try:
        return Digest(text)
    except InvalidArgument as error:
        if error.hint is not None:  # a digest, but of another algorithm
            raise
        raise InvalidArgument("invalid reference format") from None


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost"
    is_domain = slash and (looks_like_host or first != first.lower())
    if not is_domain:
        domain, path = DEFAULT_DOMAIN, text
    else:
        domain, path = first, rest
    if domain == _LEGACY_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = OFFICIAL_PREFIX + path
    return domain, path


def _split_tag(path: str) -> tuple[str, str | None]:
    head, slash, last = path.rpartition("/")
    name, colon, tag = last.partition(":")
    return head + slash + name, tag if colon else None
