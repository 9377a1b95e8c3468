"""Calls of one plugin: with a time limit, tried again while the plugin is not there.

Docker waits up to 30 seconds for a plugin that does not answer, in growing steps: it may be
starting at this moment. What is sent twice was not answered the first time.
Source: moby 28.3, pkg/plugins/client.go (backoff, errors).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

import msgspec

from budu.base.errors import (
    BuduError,
    DeadlineExceeded,
    Hint,
    Internal,
    InvalidArgument,
    Unavailable,
)
from budu.plugin.discovery import Address
from budu.plugin.wire import Answer, BadAnswer, Unreached, post
from budu.spec.api.codec import decode

log = logging.getLogger(__name__)

_REFUSED = "plugin.refused"
_LONGEST_STEP_S = 30.0
_LONGEST_ERROR = 4096
_NOT_FOUND = 404


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long plugins are waited for, in seconds."""

    total_s: float = 30.0
    """For a plugin that is not there, over all attempts."""
    first_step_s: float = 1.0
    """Before the second attempt; each further step is twice as long."""
    short_s: float = 60.0
    """For the answer to a call that has little to do."""
    long_s: float = 120.0
    """For the answer to one that makes or mounts something."""


class Reply(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What every answer may hold: the plugin's complaint, by either of two names."""

    err: str = ""
    error: str = ""


R = TypeVar("R", bound=Reply)


class PluginClient:
    """Speaks to the plugin `name` at `address`."""

    def __init__(self, name: str, address: Address, *, patience: Patience) -> None:
        self.name = name
        self.address = address
        self._patience = patience

    async def call(
        self,
        method: str,
        arguments: object,
        kind: type[R],
        *,
        long: bool = False,
        optional: bool = False,
        retry: bool = True,
    ) -> R:
        """Call `VolumeDriver.Mount` and the like.

        A method that is `optional` and unknown to the plugin answers with `kind`'s defaults.

        Raises: Unavailable when the plugin is not there; DeadlineExceeded when it does not answer;
        Internal with the plugin's own words, or when its answer is of no use.
        """
        body = b"" if arguments is None else msgspec.json.encode(arguments)
        limit_s = self._patience.long_s if long else self._patience.short_s
        answer = await self._post(method, body, limit_s=limit_s, retry=retry)
        if optional and answer.status == _NOT_FOUND:
            return kind()
        if answer.status != 200:
            raise Internal(f"{method}: {_complaint(answer)}", hint=Hint(_REFUSED, name=self.name))
        reply = self._read(method, answer, kind)
        complaint = reply.err or reply.error
        if complaint:
            raise Internal(_printable(complaint), hint=Hint(_REFUSED, name=self.name))
        return reply

    async def _post(self, method: str, body: bytes, *, limit_s: float, retry: bool) -> Answer:
        clock = asyncio.get_running_loop().time
        give_up = clock() + (self._patience.total_s if retry else 0)
        step = self._patience.first_step_s
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    return await post(self.address, method, body)
            except TimeoutError:
                raise self._too_slow(method, limit_s) from None
            except BadAnswer as error:
                raise Internal(
                    f'plugin "{self.name}": {method}: {error}',
                    hint=Hint("plugin.broken", name=self.name),
                ) from error
            except Unreached as error:
                if clock() + step >= give_up:
                    raise self._not_there(method, error) from error
                log.warning("plugin %s: %s; again in %gs", self.name, error.reason, step)
            await asyncio.sleep(step)
            step = min(step * 2, _LONGEST_STEP_S)

    def _read(self, method: str, answer: Answer, kind: type[R]) -> R:
        try:
            return decode(kind, answer.body or b"{}")
        except InvalidArgument as error:
            raise Internal(
                f'plugin "{self.name}": {method}: {error.message}',
                hint=Hint("plugin.broken", name=self.name),
            ) from error

    def _too_slow(self, method: str, limit_s: float) -> DeadlineExceeded:
        return DeadlineExceeded(
            f'plugin "{self.name}": {method}: no answer within {limit_s:g} seconds',
            reference=self.name,
            hint=Hint("plugin.slow", name=self.name, address=str(self.address)),
        )

    def _not_there(self, method: str, error: Unreached) -> Unavailable:
        return Unavailable(
            f'plugin "{self.name}" is not answering: {method}: {error.reason}',
            reference=self.name,
            hint=Hint("plugin.died", name=self.name, address=str(self.address)),
        )


def is_refusal(error: BuduError) -> bool:
    """Whether the plugin itself said no, in an answer of the right form."""
    return error.hint is not None and error.hint.key == _REFUSED


def _complaint(answer: Answer) -> str:
    """What a plugin says with a status other than 200: in JSON, or in plain words."""
    try:
        reply = decode(Reply, answer.body)
    except InvalidArgument:
        reply = Reply()
    words = reply.err or reply.error or answer.body[:_LONGEST_ERROR].decode(errors="replace")
    return _printable(words) or f"status {answer.status}"


def _printable(text: str) -> str:
    """Others' words without control characters, and not too many."""
    kept = "".join(each if each.isprintable() else " " for each in text[:_LONGEST_ERROR])
    return kept.strip()
