"""Which images may be pulled: the policy (`policy`) applied to what was signed (`claims`).

The file is read at each pull; without one everything may be pulled. Every rule in the list that
counts has to be met. Keys may be RSA, ECDSA (P-256, P-384, P-521) and Ed25519.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from budu.base.errors import BuduError, Hint, InvalidArgument, PermissionDenied
from budu.distribution.claims import Claim, claims_about
from budu.distribution.policy import REJECT, SIGNED, Rule, may_be_for, read_policy, rules_for
from budu.distribution.public_keys import PublicKey
from budu.distribution.repository import Repository
from budu.spec.digest import Digest
from budu.spec.image import Descriptor


class SignaturePolicy:
    """The policy in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def check(self, repository: Repository, descriptor: Descriptor) -> None:
        """Let an image pass, or not.

        Raises: PermissionDenied that names the rule; InvalidArgument for a malformed file; what
        the registry raises.
        """
        policy = read_policy(self._path)
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

    async def _check_signed(
        self, repository: Repository, descriptor: Descriptor, *, scope: str, rule: Rule
    ) -> None:
        keys = self._keys(rule)
        digest = Digest(descriptor.digest)
        found = False
        async for claim in claims_about(repository, digest):
            found = True
            is_about_it = digest in claim.digests and may_be_for(
                rule.signed_identity, claim.name, repository.reference
            )
            if is_about_it and await asyncio.to_thread(_is_signed, claim, keys):
                return
        why = "no signature of a trusted key fits" if found else "but no signature exists"
        message = f"Source image rejected: A signature was required, {why}"
        raise self._rejected(message, scope=scope, rule=rule)

    def _keys(self, rule: Rule) -> list[PublicKey]:
        try:
            return rule.keys()
        except OSError as error:
            what = f"open {error.filename}: {(error.strerror or '').lower()}"
        except ValueError as error:
            what = str(error)
        raise InvalidArgument(f"invalid policy in {self._path}: {what}")

    def _rejected(self, message: str, *, scope: str, rule: Rule) -> BuduError:
        hint = Hint(
            "distribution.policy",
            path=self._path,
            scope=scope,
            rule=rule.type,
            keys=", ".join(rule.paths) or "-",
        )
        # in the sentence, too: foreign clients show no hints
        named = f'{message.removesuffix(".")} (rule "{rule.type}" for "{scope}")'
        return PermissionDenied(named, hint=hint)


def _is_signed(claim: Claim, keys: list[PublicKey]) -> bool:
    return any(key.verify(claim.message, claim.signature) for key in keys)
