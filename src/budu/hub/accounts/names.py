"""Which names accounts, teams, repositories and tags may have. Pure.

Source: distribution/reference, "path-component"; OCI distribution-spec 1.1, "Pulling manifests".
"""

from __future__ import annotations

import re

from budu.base.errors import InvalidArgument
from budu.hub.sentences import Sentence

OFFICIAL = "library"
"""The organization of the official images."""

_WORDS = """
admin api assets auth explore health help hub login logout me metrics namespaces new orgs
organizations repositories repository root search settings signin signup static support tags token
tokens user users v1 v2
"""
RESERVED = frozenset(_WORDS.split())
"""Names that are words of addresses; as accounts they would hide each other."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}\Z")
_ACCOUNT = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")


def check_account(name: str, *, may_be_reserved: bool = False) -> str:
    """A name for a new account. Raises: InvalidArgument."""
    if not 2 <= len(name) <= 39 or not _ACCOUNT.match(name):
        raise InvalidArgument(Sentence("hub.bad-account-name", name=name[:64]))
    if name in RESERVED and not may_be_reserved:
        raise InvalidArgument(Sentence("hub.reserved-name", name=name))
    return name


def check_team(name: str) -> str:
    """A name for a new team. Raises: InvalidArgument."""
    if not 1 <= len(name) <= 39 or not _ACCOUNT.match(name):
        raise InvalidArgument(Sentence("hub.bad-team-name", name=name[:64]))
    return name


def check_repository(name: str) -> str:
    """The part of a repository's name after the slash. Raises: InvalidArgument."""
    if not 1 <= len(name) <= 128 or not _NAME.match(name):
        raise InvalidArgument(Sentence("hub.bad-repository-name", name=name[:128]))
    return name
