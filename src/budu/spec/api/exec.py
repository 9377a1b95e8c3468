"""Execs: more processes in a running container.

Source: Engine API 1.51, ExecConfig, ExecStartConfig, ExecInspectResponse; moby 28.3,
api/types/backend (which fields are left out).
"""

from __future__ import annotations

import msgspec

from budu.spec.api.fields import FALSE, NO_ITEMS, NULL, TEXT, ZERO, Body, named


class ExecCreateBody(Body, frozen=True, kw_only=True):
    """What is to be run, and which streams a client will want."""

    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    console_size: tuple[int, int] | None = None
    detach_keys: str = ""
    tty: bool = False
    env: list[str] | None = None
    cmd: list[str] | None = None
    privileged: bool = False
    user: str = ""
    working_dir: str = ""


class ExecStartBody(Body, frozen=True, kw_only=True):
    """How a client wants to be connected."""

    detach: bool = False
    tty: bool = False
    console_size: tuple[int, int] | None = None


class ProcessConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The process of an exec. Names are in lower case on the wire."""

    tty: bool = FALSE
    entrypoint: str = TEXT
    arguments: list[str] = NO_ITEMS
    privileged: bool = FALSE
    user: str = ""


class ExecInspection(Body, frozen=True, kw_only=True):
    """Everything about one exec. `exit_code` is null while it has not ended."""

    id: str = named("ID", TEXT)
    running: bool = FALSE
    exit_code: int | None = NULL
    process_config: ProcessConfig
    open_stdin: bool = FALSE
    open_stderr: bool = FALSE
    open_stdout: bool = FALSE
    can_remove: bool = FALSE
    container_id: str = named("ContainerID", TEXT)
    detach_keys: bytes = msgspec.field(default_factory=bytes)
    pid: int = ZERO
