"""The closed tree of errors that budu raises on purpose.

    BuduError
    ├── InvalidArgument      the request is wrong and will stay wrong
    ├── Unauthenticated      credentials are missing or were refused
    ├── PermissionDenied     the caller is known and may not do this
    ├── NotFound             the object does not exist
    ├── Conflict             the object's state forbids the request now
    ├── AlreadyExists        the name or id is taken
    ├── NotModified          nothing to do: the object is there already
    ├── ResourceExhausted    disk, address pool, memory or a limit is used up
    ├── NotImplementedHere   Docker has it, this engine does not (yet)
    ├── Unavailable          something outside did not answer; trying again may help
    ├── DeadlineExceeded     a bounded wait ran out
    ├── Internal             a bug or a broken host
    └── DataLoss             stored or received bytes are not what they must be

Only the edges map them: `api.errors` to HTTP statuses, `cli` to exit codes, `client.errors` back.
Standard library only and cheap to import: the runtime and the command line's hot path load it.
"""

from __future__ import annotations


class Hint:
    """A key into `base.messages` with the values for its placeholders; rendered at the edge.

    The engine never renders a hint: the language belongs to whoever reads it.
    """

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: object) -> None:
        self.key = key
        self.values = values

    def __repr__(self) -> str:
        return f"Hint({self.key!r}, {self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hint) and other.key == self.key and other.values == self.values

    def __hash__(self) -> int:
        return hash(self.key)


class BuduError(Exception):
    """Root of the tree.

    `message` is Docker's own sentence where Docker has one, because clients parse it.
    `hint` names the cause found by looking at this machine and one cure.
    `reference` is the name or id of the object that the error is about.
    """

    def __init__(
        self, message: str, *, hint: Hint | None = None, reference: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reference = reference

    def after(self, words: str) -> BuduError:
        """The same error, whose sentence begins with `words`: the operation that met it."""
        return type(self)(words + self.message, hint=self.hint, reference=self.reference)


class InvalidArgument(BuduError):
    """The request is wrong and will stay wrong."""


class Unauthenticated(BuduError):
    """Credentials are missing or were refused."""


class PermissionDenied(BuduError):
    """The caller is known and may not do this."""


class NotFound(BuduError):
    """The object does not exist."""


class Conflict(BuduError):
    """The object's present state forbids the request."""


class AlreadyExists(BuduError):
    """The name or id is taken."""


class NotModified(BuduError):
    """Nothing to do: the object is in the wanted state already."""


class ResourceExhausted(BuduError):
    """Disk, address pool, memory or a limit is used up."""


class NotImplementedHere(BuduError):
    """Docker has it, this engine does not."""


class Unavailable(BuduError):
    """Something outside did not answer; trying again may help."""


class DeadlineExceeded(BuduError):
    """A bounded wait ran out."""


class Internal(BuduError):
    """A bug or a broken host."""


class DataLoss(BuduError):
    """Stored or received bytes are not what they must be."""
