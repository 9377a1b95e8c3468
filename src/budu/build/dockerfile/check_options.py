"""The directive `# check=skip=A,B;error=true`: which build checks count. Pure.

Source: Dockerfile reference, "check"; buildkit 0.23 linter/linter.go, ParseLintOptions.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from budu.base.errors import InvalidArgument
from budu.base.quoting import quote
from budu.build.dockerfile.model import Remark

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")


class CheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the author wants of the checks."""

    skips: frozenset[str] = frozenset()
    """Rules that do not count; `all` for every one."""
    fails: bool = False
    """Whether a remark ends the build."""


def parse_check_options(text: str) -> CheckOptions:
    """Read the directive's value. Raises: InvalidArgument with Docker's sentence."""
    options = CheckOptions()
    for part in text.split(";", 2) if text.strip() else ():
        name, equals, value = part.partition("=")
        match name.strip() if equals else "":
            case "skip":
                skips = frozenset(rule.strip() for rule in value.split(","))
                options = msgspec.structs.replace(options, skips=skips)
            case "experimental":
                pass  # There is one such rule, and it is about comments.
            case "error":
                options = msgspec.structs.replace(options, fails=_boolean(part, value.strip()))
            case _:
                wrong = quote(name.strip() if equals else part)
                raise InvalidArgument(
                    f"failed to parse check options: invalid check option {wrong}"
                )
    return options


def _boolean(part: str, value: str) -> bool:
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise InvalidArgument(
        f"failed to parse check options: failed to parse check option {quote(part)}: "
        f"strconv.ParseBool: parsing {quote(value)}: invalid syntax"
    )


def refuse_remarks(options: CheckOptions, remarks: Iterable[Remark]) -> None:
    """Raises: InvalidArgument with Docker's sentence when the author wants no remarks."""
    rules = sorted({remark.rule for remark in remarks})
    if options.fails and rules:
        raise InvalidArgument(f"lint violation found for rules: {', '.join(rules)}")
