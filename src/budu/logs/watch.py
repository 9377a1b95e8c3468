"""Wakes readers when a log folder changes: one inotify instance for the whole engine.

Neighbours: `logs.reader`. Source: `man 7 inotify`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Self

from budu.linux import fds

_MASK = (
    fds.IN_MODIFY
    | fds.IN_MOVED_FROM
    | fds.IN_MOVED_TO
    | fds.IN_CREATE
    | fds.IN_DELETE
    | fds.IN_ONLYDIR
)
_POLL_S = 0.2


class Subscription:
    """One reader's interest in one folder; `close()` or `with` ends it."""

    def __init__(self, release: Callable[[Subscription], None]) -> None:
        self.changed = asyncio.Event()
        """Set whenever something in the folder may have changed; the reader clears it."""
        self._release = release

    def close(self) -> None:
        """End the interest. A second call does nothing."""
        self._release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Watch:
    """Folders of the engine's logs under watch. Belongs to the running event loop.

    Opens its inotify instance with the first subscription. Where the kernel's number of watches
    is used up, the folder's readers are woken five times a second instead.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: dict[int, set[Subscription]] = {}
        self._polled: dict[Subscription, asyncio.TimerHandle] = {}

    def subscribe(self, directory: str) -> Subscription:
        """Be woken by changes in `directory`."""
        subscription = Subscription(self._release)
        try:
            self._readers.setdefault(self._add(directory), set()).add(subscription)
        except OSError:
            self._poll(subscription)
        return subscription

    def close(self) -> None:
        """End all subscriptions and the inotify instance."""
        for timer in self._polled.values():
            timer.cancel()
        self._polled.clear()
        self._readers.clear()
        if self._fd >= 0 and self._loop is not None:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _add(self, directory: str) -> int:
        if self._fd < 0:
            self._fd = fds.inotify_init()
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._fd, self._dispatch)
        return fds.inotify_add_watch(self._fd, directory, _MASK)

    def _dispatch(self) -> None:
        for watch, mask, _, _ in fds.inotify_read(self._fd):
            self._wake(watch)
            if mask & fds.IN_IGNORED:
                for subscription in self._readers.pop(watch, set()):
                    self._poll(subscription)

    def _wake(self, watch: int) -> None:
        """Wake the readers of one folder, all readers after an overflow (watch -1)."""
        groups = self._readers.values() if watch < 0 else (self._readers.get(watch, set()),)
        for group in groups:
            for subscription in group:
                subscription.changed.set()

    def _poll(self, subscription: Subscription) -> None:
        subscription.changed.set()
        loop = asyncio.get_running_loop()
        self._polled[subscription] = loop.call_later(_POLL_S, self._poll, subscription)

    def _release(self, subscription: Subscription) -> None:
        timer = self._polled.pop(subscription, None)
        if timer is not None:
            timer.cancel()
        for watch, group in list(self._readers.items()):
            if subscription in group:
                group.discard(subscription)
                if not group:
                    del self._readers[watch]
                    self._forget(watch)

    def _forget(self, watch: int) -> None:
        try:
            fds.inotify_rm_watch(self._fd, watch)
        except OSError:
            pass  # the folder is gone, and the watch with it
