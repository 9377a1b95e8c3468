"""How a command ends early. Light."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from budu.base.errors import Hint

PROGRAM = "budu"
USAGE_ERROR = 125
"""Exit status of a flag that cannot be understood, as the docker client has it."""


class Exit(Exception):
    """Ends the program with `status`, after `message` (with Docker's wording) and a hint."""

    def __init__(self, status: int, message: str = "", *, hint: Hint | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint


class CommandFailed(Exit):
    """The common case: a message and status 1."""

    def __init__(self, message: str, *, hint: Hint | None = None) -> None:
        super().__init__(1, message, hint=hint)
