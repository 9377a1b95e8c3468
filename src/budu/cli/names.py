"""Image names, as far as the client has to understand them. Light.

Plain names are recognised by their letters; anything else goes to `spec.reference`, which is
slower to import and gives Docker's sentence for what is wrong.
"""

from __future__ import annotations

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-/")
_TAG = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


class ImageName:
    """A name in its familiar spelling, with a tag or a digest or neither."""

    __slots__ = ("digest", "repository", "tag")

    def __init__(self, repository: str, *, tag: str = "", digest: str = "") -> None:
        self.repository = repository
        """`httpd`, `localhost:5000/a/b`."""
        self.tag = tag
        self.digest = digest

    @property
    def canonical(self) -> str:
        """`docker.io/library/httpd:latest`."""
        first, slash, _ = self.repository.partition("/")
        named = slash and ("." in first or ":" in first or first == "localhost")
        if named:
            full = self.repository
        else:
            full = f"docker.io/{'' if slash else 'library/'}{self.repository}"
        return full + self.suffix

    @property
    def suffix(self) -> str:
        """What stands behind the repository: `:tag`, `@digest`."""
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")

    @property
    def familiar(self) -> str:
        """`httpd:2.4`."""
        return self.repository + self.suffix

    def with_default_tag(self) -> ImageName:
        """`latest` when there is neither tag nor digest."""
        if self.tag or self.digest:
            return self
        return ImageName(self.repository, tag="latest")


def parse_name(text: str) -> ImageName:
    """Read a name as a person types it.

    Raises: InvalidArgument with Docker's sentence.
    """
    if not _is_plain(text):
        return _parse_slowly(text)
    head, slash, last = text.rpartition("/")
    name, _, tag = last.partition(":")
    return ImageName(head + slash + name, tag=tag)


def is_id(text: str) -> bool:
    """Whether it can be an image's id rather than a name: 64 hex digits, `sha256:` before."""
    digits = text.removeprefix("sha256:")
    return len(digits) == 64 and all(digit in "0123456789abcdef" for digit in digits)


def _is_plain(text: str) -> bool:
    """Lower-case words with single signs between them, not on `docker.io`, perhaps a tag."""
    name, colon, tag = text.partition(":")
    if colon and (not tag or not _TAG.issuperset(tag) or not tag[0].isalnum()):
        return False
    words = name.split("/")
    simple = all(word and word[0].isalnum() and word[-1].isalnum() for word in words)
    odd = any(pair in name for pair in ("..", "__", "._", "_.", "-.", ".-", "-_", "_-"))
    return (
        simple and not odd and _PLAIN.issuperset(name) and len(text) < 60
        and "docker.io" not in name and words[0] != "library"
    )  # fmt: skip


def _parse_slowly(text: str) -> ImageName:
    from budu.spec.reference import parse_reference

    reference = parse_reference(text)
    digest = str(reference.digest) if reference.digest else ""
    return ImageName(reference.familiar_name, tag=reference.tag or "", digest=digest)
