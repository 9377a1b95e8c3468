"""The table of steps, and running them in the cloned child.

A step is a tuple `(name, *arguments)` of builtins, made by `runtime.plan`. Each name has a function
and a format that prints it; `describe` is what `--debug` and errors show. Standard library only.
"""

from __future__ import annotations

import marshal
import os

from budu.runtime import steps_mount, steps_process
from budu.runtime.context import Context
from budu.runtime.failure import EXIT_FAILED, Refused, StepFailed, errno_text
from budu.runtime.users import UserNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Step = tuple[Any, ...]

STEPS: dict[str, tuple[Callable[..., None], str]] = {
    "wait-for-parent": (steps_process.wait_for_parent, ""),
    "join-cgroups": (steps_process.join_cgroups, "{0}"),
    "unshare": (steps_process.unshare, "{0:#x}"),
    "join-namespace": (steps_process.join_namespace, "{0} ({1:#x})"),
    "join-process": (steps_process.join_process, "{0:#x}"),
    "new-session": (steps_process.new_session, ""),
    "new-keyring": (steps_process.new_keyring, ""),
    "oom-score": (steps_process.set_oom_score, "{0}"),
    "rlimits": (steps_process.set_rlimits, "{0}"),
    "open-source": (steps_mount.open_source, "{1} as {0}, recursive {2}"),
    "create-source": (steps_mount.create_source, "{1} as {0}, options {2}"),
    "isolate-mounts": (steps_mount.isolate_mounts, ""),
    "enter-root": (steps_mount.enter_root, "{0}, propagation {1:#x}"),
    "mount": (steps_mount.mount_filesystem, "{1} at {0}, flags {3:#x}, data {4!r}"),
    "mount-tmpfs": (steps_mount.mount_tmpfs, "{0}, flags {1:#x}, data {2!r}"),
    "mount-cgroups": (steps_mount.mount_cgroups, "{2} at {0}, flags {1:#x}, links {3}"),
    "bind": (steps_mount.bind, "{1} at {0}, attributes {2}, propagation {3:#x}"),
    "set-attributes": (steps_mount.set_attributes, "{0} {1:#x}"),
    "set-propagation": (steps_mount.set_propagation, "{0} {1:#x}"),
    "populate-dev": (steps_mount.populate_dev, "nodes {0}, links {1}, directories {2}"),
    "make-device": (steps_mount.make_device, "{0} {1} {2} mode {3:o} owner {4}"),
    "make-link": (steps_mount.make_link, "{0} -> {1}"),
    "open-console": (steps_mount.open_console, "{0}x{1}"),
    "sysctl": (steps_mount.write_sysctl, "{0} = {1}"),
    "hostname": (steps_process.set_hostname, "{0}"),
    "domainname": (steps_process.set_domainname, "{0}"),
    "working-directory": (steps_process.enter_directory, "{0}"),
    "choose-user": (steps_process.choose_user, "{0}:{1}, groups {2}"),
    "find-user": (steps_process.find_user, "{0!r}, more groups {1}"),
    "mask-paths": (steps_mount.mask_paths, "{0}"),
    "protect-paths": (steps_mount.protect_paths, "{0}"),
    "protect-root": (steps_mount.protect_root, ""),
    "connect-stdio": (steps_process.connect_stdio, "terminal {0}"),
    "report": (steps_process.report, ""),
    "no-new-privileges": (steps_process.set_no_new_privileges, ""),
    "seccomp": (steps_process.load_seccomp, "program"),
    "drop-bounding": (steps_process.drop_bounding, "{0}"),
    "become-user": (steps_process.become_user, "supplementary groups {0}"),
    "capabilities": (
        steps_process.set_capabilities,
        "effective {0:#x}, permitted {1:#x}, inheritable {2:#x}, ambient {3}",
    ),
    "umask": (steps_process.set_umask, "{0:04o}"),
    "execute": (steps_process.execute, "{0}"),
}
"""Name to (function, format of the arguments)."""


def describe(step: Step) -> str:
    """Print one step, without its environment variables or program bytes."""
    name, arguments = step[0], step[1:]
    if name == "seccomp":
        return f"seccomp {len(arguments[0])} bytes"
    return f"{name} {STEPS[name][1].format(*arguments)}".rstrip()


def run(context: Context, steps: tuple[Step, ...]) -> StepFailed | None:
    """Take the steps in order; return why one failed. The last step executes and never returns."""
    step = steps[0]
    try:
        for step in steps:
            STEPS[step[0]][0](context, *step[1:])
    except Refused as error:
        return StepFailed(describe(step), error.errno, error.detail, error.exit_code)
    except UserNotFound as error:
        return StepFailed(describe(step), 0, str(error))
    except OSError as error:
        return _explain(_with_sources(step, steps), error)
    return None


def run_and_exit(context: Context, steps: tuple[Step, ...]) -> None:
    """Take the steps; when one fails tell the parent and end the process."""
    try:
        try:
            failure = run(context, steps)
        except Exception as error:  # the edge of this process: a bug must reach the parent
            failure = StepFailed("init", 0, repr(error))
        if failure is not None:
            context.send(b"E" + marshal.dumps(failure.as_tuple()))
    finally:
        # Never back into the parent's code: this is a copy of its memory.
        os._exit(EXIT_FAILED)


def _with_sources(step: Step, steps: tuple[Step, ...]) -> Step:
    """The step with paths in place of the keys of opened trees: people know the paths."""
    opened = {each[1]: each[2] for each in steps if each[0] == "open-source"}
    if step[0] != "bind":
        return step
    return (step[0], step[1], opened.get(step[2], step[2]), *step[3:])


def _explain(step: Step, error: OSError) -> StepFailed:
    number = error.errno or 0
    words = _DETAILS.get(step[0], "{step}: {where}{text}")
    where = f"{error.filename}: " if error.filename else ""
    shown = describe(step)
    detail = words.format(*step[1:], step=shown, where=where, text=errno_text(number))
    return StepFailed(shown, number, detail)


_MOUNT_FAILED = 'error mounting "{1}" to rootfs at "{0}": mount {1}:{0}: {text}'

_DETAILS = {
    "mount": 'error mounting "{2}" to rootfs at "{0}": mount {2}:{0}, flags: {3:#x}, '
    "data: {4}: {text}",
    "mount-cgroups": 'error mounting "cgroup" to rootfs at "{0}": {where}{text}',
    "mount-tmpfs": 'error mounting "tmpfs" to rootfs at "{0}": mount tmpfs:{0}, flags: {1:#x}, '
    "data: {2}: {text}",
    "bind": _MOUNT_FAILED,
    "create-source": 'error mounting "{1}" to rootfs: {where}{text}',
    "open-source": 'error mounting "{1}" to rootfs: stat {1}: {text}',
    "working-directory": 'mkdir or chdir to cwd ("{0}") set in config.json failed: {text}',
    "rlimits": "error setting rlimits: {text}",
    "join-namespace": "error joining namespace {0}: {text}",
    "sysctl": "write sysctl {0}={1}: {text}",
}
"""runc's words where they differ from "step: error"."""
