"""What commands execute: argument vectors, with the config's shell and with here-documents. Pure.

Source: Dockerfile reference, RUN; buildkit 0.23 dockerfile2llb/convert.go, dispatchRun.
"""

from __future__ import annotations

import re

import msgspec

from budu.build.dockerfile.heredocs import opening_of
from budu.build.dockerfile.model import Command, HealthProbe, Heredoc

SHELL = ("/bin/sh", "-c")
"""Runs commands in the shell form when the image names no other."""
SCRIPT_FOLDER = "/dev/pipes"
"""Where a here-document stands that is a script of its own."""
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A RUN, ready to be executed."""

    arguments: tuple[str, ...]
    """The argument vector."""
    script: Heredoc | None = None
    """A file that has to stand in `SCRIPT_FOLDER`, executable (mode 755), while it runs. Its name
    is one of plain letters, whatever the here-document is called."""


def argument_vector(command: Command, shell: tuple[str, ...] | None) -> tuple[str, ...]:
    """The words; in the shell form the shell (None: `SHELL`), and the text for it."""
    if not command.is_shell or not command.words:
        return command.words
    return (*(shell or SHELL), *command.words)


def execution(command: Command, shell: tuple[str, ...] | None) -> Execution:
    """What RUN executes.

    A command that is nothing but a here-document is its text: for the shell, or as a program where
    it begins with `#!`. Other here-documents are the shell's matter, and follow the command.
    """
    if not command.heredocs or not command.words:
        return Execution(arguments=argument_vector(command, shell))
    text, first, script = command.words[0], command.heredocs[0], None
    if opening_of(text) is None:
        documents = (f"\n{each.content}{each.name}" for each in command.heredocs)
        text += "".join(documents)
    elif first.content.startswith("#!"):
        name = first.name if _FILE_NAME.match(first.name) else "script"
        text, script = f"{SCRIPT_FOLDER}/{name}", msgspec.structs.replace(first, name=name)
    else:
        text = first.content
    return Execution(arguments=(*(shell or SHELL), text), script=script)


def probe_test(probe: HealthProbe) -> tuple[str, ...]:
    """`Test` of the config's health probe."""
    if probe.command is None:
        return ("NONE",)
    return ("CMD-SHELL" if probe.command.is_shell else "CMD", *probe.command.words)
