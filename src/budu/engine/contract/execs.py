"""More processes in running containers: see `engine.execs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from budu.spec.api.exec import ExecCreateBody, ExecInspection, ExecStartBody

if TYPE_CHECKING:
    from budu.engine.contract import Attachment


class Execs(Protocol):
    """Execs from their creation until their container ends."""

    def create(self, ref: str, body: ExecCreateBody) -> str:
        """Prepare one; its id.

        Raises: NotFound; Conflict when the container does not run or is paused; InvalidArgument
        without a program or for unknown detach keys.
        """

    def check_start(self, id_: str) -> None:
        """Nothing when the exec may be started now.

        Raises: NotFound; Conflict when it was started before, or its container cannot now.
        """

    async def start(self, id_: str, options: ExecStartBody) -> Attachment:
        """Run it. The caller reads the attachment or closes it; the process goes on without.

        Output is framed unless `options.tty`, whatever the exec was created with.

        Raises: as `check_start`; InvalidArgument or Internal when the program cannot be run.
        """

    def inspect(self, id_: str) -> ExecInspection:
        """Everything about one. Raises: NotFound."""

    async def resize(self, id_: str, *, height: int, width: int) -> None:
        """Set the size of its terminal. Raises: NotFound; Conflict when there is none."""

    def ids_of(self, container_id: str) -> list[str]:
        """The execs of a container that run."""
