"""Addresses of Git repositories: `https://host/r.git#ref:folder`, and what may stand in them. Pure.

Source: Dockerfile reference, "ADD"; docker build, "Git repositories"; buildkit dfgitutil.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import msgspec

from budu.base.errors import InvalidArgument

SCHEMES = ("http", "https", "ssh", "git")
"""Those that never lead to files of this host."""

_SCP = re.compile(r"(?P<user>[\w-]+)@(?P<host>\w[\w.-]*):(?P<path>[^?#]+)\Z", re.ASCII)
_TRUTHS = {"": True, "1": True, "true": True, "0": False, "false": False}


class GitSource(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a repository."""

    remote: str
    """What `git` is given."""
    ref: str = ""
    """A branch, a tag, a commit or a ref such as `pull/42/head`; empty: what HEAD is there."""
    subdir: str = ""
    checksum: str = ""
    """The commit that has to be found, or how it begins."""
    keeps_git: bool | None = None
    submodules: bool = True


def parse_git(text: str, *, is_context: bool = False) -> GitSource | None:
    """The repository that an address means; None when it means something else.

    `github.com/…` is one for contexts only: for ADD it may be a path. Raises: InvalidArgument for
    an address of a repository with something that does not fit in it. Pure.
    """
    main, _, fragment = text.partition("#")
    address, _, query = main.partition("?")
    if is_context and address.startswith("github.com/"):
        address = f"https://{address}"
    elif not _is_git(address):
        return None
    if any(character.isspace() or not character.isprintable() for character in text):
        raise InvalidArgument(f"invalid Git address: {text!r}")
    ref, _, subdir = fragment.partition(":")
    source = _with_query(GitSource(remote=address, ref=ref, subdir=subdir), query)
    if source.ref.startswith("-"):
        raise InvalidArgument(f"invalid refspec: {source.ref}")
    return source


def _is_git(address: str) -> bool:
    if "://" not in address:
        return _SCP.match(address) is not None
    url = urlsplit(address)
    if url.scheme not in SCHEMES or not url.hostname or url.hostname.startswith("-"):
        return False
    return url.scheme in ("git", "ssh") or url.path.endswith(".git")


def _with_query(source: GitSource, query: str) -> GitSource:
    """What stands behind a question mark. Raises: InvalidArgument with BuildKit's sentences."""
    fields: dict[str, object] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        match key:
            case "ref" | "subdir":
                _conflict(key, getattr(source, key), value)
                fields[key] = value
            case "tag" | "branch":
                prefix = "refs/tags/" if key == "tag" else "refs/heads/"
                ref = prefix + value.removeprefix(prefix)
                _conflict("ref", str(fields.get("ref", source.ref)), ref)
                fields["ref"] = ref
            case "checksum" | "commit":
                fields["checksum"] = value
            case "keep-git-dir" | "submodules":
                if value.lower() not in _TRUTHS:
                    raise InvalidArgument(f'invalid {key} value: "{value}"')
                name = "keeps_git" if key == "keep-git-dir" else key
                fields[name] = _TRUTHS[value.lower()]
            case _:
                raise InvalidArgument(f'unexpected query "{key}"')
    return msgspec.structs.replace(source, **fields)


def _conflict(what: str, first: str, second: str) -> None:
    if first and first != second:
        raise InvalidArgument(f'{what} conflicts: "{first}" vs "{second}"')
