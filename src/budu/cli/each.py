"""The same call for every name on the command line. Light."""

from __future__ import annotations

from budu.base.errors import BuduError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from budu.cli.context import Context


def for_each(context: Context, names: Sequence[str], act: Callable[[str], object]) -> int:
    """Call `act` for every name and print the name; errors go on to the next. 1 if any failed."""
    status = 0
    for name in names:
        try:
            act(name)
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = 1
        else:
            context.out.write(name + "\n")
    return status
