"""What the build checks say of a Dockerfile, told at the end of its build.

Source: Docker docs, "Checking your build configuration"; buildx, what it prints after a build.
"""

from __future__ import annotations

from collections.abc import Mapping

from budu.build.dockerfile.check_options import parse_check_options, refuse_remarks
from budu.build.dockerfile.model import Dockerfile
from budu.build.dockerfile.remarks import remarks


def refuse(dockerfile: Dockerfile) -> None:
    """Raises: InvalidArgument where the author wants no build with remarks, or for what is no such
    wish."""
    refuse_remarks(parse_check_options(dockerfile.directives.check), remarks(dockerfile))


def advice(dockerfile: Dockerfile, environments: Mapping[int, Mapping[str, str]]) -> str:
    """The lines to tell; empty without remarks. `environments` as of `remarks`."""
    found = remarks(dockerfile, environments=environments)
    if not found:
        return ""
    plural = "s" if len(found) > 1 else ""
    lines = [f"{len(found)} warning{plural} found:"]
    lines += [f" - {each.rule}: {each.message} (line {each.line})" for each in found]
    return "\n".join(lines) + "\n"
