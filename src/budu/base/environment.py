"""The process's environment, without loading `os` for it. Light.

`os` builds a family of abstract classes when it is imported, which takes a command line 2 ms;
whatever is only a system call is in `posix`, which is built in.
"""

from __future__ import annotations

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """`os.environ` when somebody has loaded `os`, else a copy made of the same bytes."""
    loaded = sys.modules.get("os")
    if loaded is not None:
        environ: Mapping[str, str] = loaded.environ
        return environ
    encoding = sys.getfilesystemencoding()
    return {
        name.decode(encoding, "surrogateescape"): value.decode(encoding, "surrogateescape")
        for name, value in posix.environ.items()
    }
