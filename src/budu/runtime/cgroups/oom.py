"""Hears when the kernel killed for want of memory, without asking over and over.

Both implement `contract.OomWatch`. A watch costs a descriptor or two, and no instance of inotify:
a user has 128 of them.
Source: Linux, admin-guide/cgroup-v1/memory, section 10; admin-guide/cgroup-v2, memory.events.
"""

from __future__ import annotations

import os
import select

from budu.runtime.cgroups.files import write_control


class EventfdWatch:
    """Version 1: an eventfd that memory.oom_control signals. It is also signalled at the end of
    the cgroup. Raises: OSError where there is no such file."""

    def __init__(self, directory: str) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            control = os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
            try:
                write_control(f"{directory}/cgroup.event_control", f"{self._fd} {control}")
            finally:
                os.close(control)
        except OSError:
            os.close(self._fd)
            raise

    def fileno(self) -> int:
        """The eventfd."""
        return self._fd

    def clear(self) -> None:
        """Reset its counter."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Close it; the kernel forgets the registration."""
        os.close(self._fd)


class EventsFileWatch:
    """Version 2: memory.events, which raises EPOLLPRI when it changes. An epoll of its own shows
    that as readable. Raises: OSError where there is no such file."""

    def __init__(self, directory: str) -> None:
        self._file = os.open(f"{directory}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
        self.clear()
        self._epoll = select.epoll()
        self._epoll.register(self._file, select.EPOLLPRI)

    def fileno(self) -> int:
        """The epoll."""
        return self._epoll.fileno()

    def clear(self) -> None:
        """Read the file: what it says now is known."""
        try:
            os.pread(self._file, 4096, 0)
        except OSError:
            pass  # ENODEV: the cgroup is gone, and the container's end is under way

    def close(self) -> None:
        """Close both."""
        self._epoll.close()
        os.close(self._file)
