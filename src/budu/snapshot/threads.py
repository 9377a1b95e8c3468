"""Threads for one piece of work each, and the bounded channel between them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


def in_thread(name: str, work: Callable[[], _T]) -> Future[_T]:
    """Runs `work` in a thread of its own; its result or exception is in the future.

    The caller sees to it that the work ends: interpreter exit waits for it.
    """
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    try:
        return executor.submit(work)
    finally:
        executor.shutdown(wait=False)


class Channel:
    """Chunks from one thread to another; `put` waits while `max_bytes` are under way."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._is_closed = False
        self._is_abandoned = False
        self._changed = threading.Condition()

    def put(self, chunk: bytes) -> bool:
        """Adds a chunk; False when the reader has gone, and the chunk is dropped."""
        with self._changed:
            while self._held >= self._max_bytes and not self._is_abandoned:
                self._changed.wait()
            if self._is_abandoned:
                return False
            self._chunks.append(chunk)
            self._held += len(chunk)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """No chunk follows: the reader's loop ends after the last one."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """From either side: chunks under way are dropped, nobody waits any more."""
        with self._changed:
            self._is_abandoned = True
            self._chunks.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._take()) is not None:
            yield chunk

    def _take(self) -> bytes | None:
        with self._changed:
            while not (self._chunks or self._is_closed or self._is_abandoned):
                self._changed.wait()
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._held -= len(chunk)
            self._changed.notify_all()
            return chunk
