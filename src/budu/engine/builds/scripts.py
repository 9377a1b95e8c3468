"""Here-documents of RUN that are programs of their own: files mounted where they are executed."""

from __future__ import annotations

from pathlib import Path

from budu.build.dockerfile.commands import SCRIPT_FOLDER
from budu.build.dockerfile.model import Heredoc
from budu.spec.api.host_config import Mount


def script_mounts(script: Heredoc | None, folder: Path) -> tuple[Mount, ...]:
    """The mount of a script, written into the build's own folder; none without a script."""
    if script is None:
        return ()
    path = folder / f"script-{script.name}"
    path.write_text(script.content, errors="surrogateescape")
    path.chmod(0o755)
    target = f"{SCRIPT_FOLDER}/{script.name}"
    return (Mount(type="bind", source=str(path), target=target, read_only=True),)
