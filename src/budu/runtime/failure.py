"""What goes wrong while a container's init is set up, in runc's words.

Standard library only: made in the child, sent to the parent as a tuple, raised there.
"""

from __future__ import annotations

import os

EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127
EXIT_FAILED = 128
"""Docker's exit code of a container that could not be started for any other reason."""


class StepFailed(Exception):
    """A step of the set-up failed; nothing of the container's process is left.

    `step` is the printed step, `errno` the kernel's number or 0, `detail` the sentence that
    belongs after "error during container init: ", `exit_code` what Docker reports.
    """

    def __init__(self, step: str, errno: int, detail: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(detail)
        self.step = step
        self.errno = errno
        self.detail = detail
        self.exit_code = exit_code

    def as_tuple(self) -> tuple[str, int, str, int]:
        """Return builtins that `from_tuple` understands, for the wire."""
        return self.step, self.errno, self.detail, self.exit_code

    @classmethod
    def from_tuple(cls, values: tuple[str, int, str, int]) -> StepFailed:
        """Make the error that `as_tuple` took apart."""
        return cls(*values)


def as_failure(step: str, error: Exception) -> StepFailed:
    """The error itself if it is one, else one that tells of it."""
    if isinstance(error, StepFailed):
        return error
    number = getattr(error, "errno", None) or 0
    return StepFailed(step, number, str(error) or type(error).__name__)


class Refused(Exception):
    """A step knows better words than its errno has; caught by `steps.run` only."""

    def __init__(self, detail: str, *, errno: int = 0, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errno = errno
        self.exit_code = exit_code


def errno_text(number: int) -> str:
    """Return the kernel's error text in the lower case that Go prints."""
    text = os.strerror(number)
    return text[:1].lower() + text[1:]
