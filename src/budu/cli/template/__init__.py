"""Go templates for `--format`: the part of text/template that Docker's users write.

Pipelines, fields, variables, if/else, range, break, continue, with, comments, trimming, Docker's
functions. There is no define, block or template, and no method calls. Light: the command line
loads it on demand.
Source: pkg.go.dev/text/template; docker docs, "Format command and log output".
"""

from __future__ import annotations

from budu.cli.template.evaluate import execute
from budu.cli.template.parse import TemplateError, parse

__all__ = ["TemplateError", "check", "render"]


def check(text: str) -> None:
    """Parse a template without applying it. Raises: TemplateError with Go's wording."""
    parse(text)


def render(text: str, value: object, *, missing_is_error: bool = False) -> str:
    """The text that the template makes of `value` (dicts, lists, scalars).

    `missing_is_error`: a key that a dict does not have is an error, as `docker inspect` treats it.

    Raises: TemplateError with Go's wording.
    """
    return execute(text, parse(text), value, missing_is_error=missing_is_error)
