"""Shows a build: how much of the context was sent, the engine's text, pulls as `pull` does. Light.

Source: Engine API 1.51, BuildInfo; docker/cli 28.2 `cli/command/image/build.go` (what is shown
when, and where).
"""

from __future__ import annotations

from budu.base.units import human_size
from budu.cli.copy_progress import Progress
from budu.cli.progress import choose_view
from budu.cli.pulling import PLAIN, QUIET
from budu.cli.terminal import screen_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from typing import Any, TextIO

    from budu.cli.progress import View

_HELD_MAX = 1 << 20
_SENDING = "Sending build context to Docker daemon"


def show_sending(
    pieces: Iterable[bytes], out: TextIO, *, quiet: bool
) -> Generator[bytes, None, None]:
    """The same pieces; a line with their size stays when all of them were sent."""
    progress = Progress(out, quiet=quiet, header=_SENDING)
    try:
        yield from progress.count(pieces)
    finally:
        progress.clear()
    if not quiet:
        out.write(f"{_SENDING} {human_size(progress.size):>8}\n")
        out.flush()


class BuildView:
    """Takes a build's messages in order."""

    def __init__(self, out: TextIO, *, mode: str, lang: str) -> None:
        self._out = out
        self._mode = mode
        self._lang = lang
        self._pull: View | None = None
        self.image_id = ""
        """The id of the image, as soon as the engine told it."""
        self.held = ""
        """The text that `quiet` did not show, or the end of it."""

    def feed(self, message: Mapping[str, Any]) -> None:
        """Show one message."""
        aux = message.get("aux")
        if isinstance(aux, dict) and aux.get("ID"):
            self.image_id = str(aux["ID"])
        elif "stream" in message:
            self._say(str(message["stream"]))
        elif aux or message.get("status"):
            self._pulling().feed(message)

    def close(self) -> None:
        """Leave the terminal clean; idempotent."""
        if self._pull is not None:
            self._pull.close()
            self._pull = None

    def _say(self, text: str) -> None:
        self.close()
        if self._mode == QUIET:
            self.held = (self.held + text)[-_HELD_MAX:]
            return
        self._out.write(text)
        self._out.flush()

    def _pulling(self) -> View:
        if self._pull is None:
            quiet, plain = self._mode == QUIET, self._mode == PLAIN
            self._pull = choose_view(
                self._out, quiet=quiet, plain=plain, width=screen_width, lang=self._lang
            )
        return self._pull
