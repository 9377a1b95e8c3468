"""Makes the plan of a container's init, or of an exec: what `launch` and its child will do.

Pure: a plan depends on the spec and the host's facts only, and can be printed and compared. It is a
dict of builtins, so that it travels by marshal:

    version      1
    clone_flags  CLONE_NEW* of the child
    join_pid     None, or the pid namespace to be born in: `fd:NAME` or a path
    parent       ((file below /proc/PID, text), …) written by the parent before the child goes on
    child        ((step, *arguments), …), the last is "execute"; see `runtime.steps`
    terminal     whether `launch` returns a pty master
    argv, env    of the program

References `fd:NAME` in the spec (root path, namespace path, mount source) are descriptors that the
caller hands to `launch`. A mount's descriptor is a detached mount of its own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from budu.base.errors import InvalidArgument, NotImplementedHere
from budu.linux import capabilities, limits, namespaces, system
from budu.runtime import steps
from budu.runtime.host import Host
from budu.runtime.mount_options import parse_propagation
from budu.runtime.plan_mounts import MountPlan, Step, clean_path
from budu.spec.oci_runtime import (
    Capabilities,
    IDMapping,
    Linux,
    Namespace,
    Process,
    Rlimit,
    Root,
    RuntimeSpec,
)

Plan = dict[str, Any]

DEFAULT_UMASK = 0o022

_NAMESPACES = {
    "user": namespaces.CLONE_NEWUSER,
    "mount": namespaces.CLONE_NEWNS,
    "pid": namespaces.CLONE_NEWPID,
    "network": namespaces.CLONE_NEWNET,
    "uts": namespaces.CLONE_NEWUTS,
    "ipc": namespaces.CLONE_NEWIPC,
    "cgroup": namespaces.CLONE_NEWCGROUP,
    "time": namespaces.CLONE_NEWTIME,
}
"""Namespace types in the order in which they are joined."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Docker's user string and `--group-add` names, resolved inside the container."""

    user: str
    groups: tuple[str, ...] = ()


def make_plan(
    spec: RuntimeSpec,
    host: Host,
    *,
    user: str | None = None,
    groups: tuple[str, ...] = (),
    seccomp: bytes | None = None,
    cgroup_tasks: tuple[str, ...] = (),
) -> Plan:
    """Return the plan for the init process of `spec`.

    `user` is Docker's user string; None takes the numbers of `spec.process.user`. `seccomp` is a
    compiled filter. `cgroup_tasks` are the v1 `tasks` files to enter.

    Raises: InvalidArgument for a spec that cannot be carried out; NotImplementedHere.
    """
    process = _checked_process(spec)
    linux = spec.linux or Linux()
    flags = _new_namespaces(linux)
    identity = None if user is None else Identity(user=user, groups=groups)
    # The cgroup namespace's root is the cgroup at its making, so it is made after joining.
    mounts = MountPlan(
        spec,
        host,
        private_cgroup=bool(flags & namespaces.CLONE_NEWCGROUP),
        new_userns=_has_new_userns(linux),
        cgroup_tasks=cgroup_tasks,
    )
    mounts.build()
    child = [
        *_enter_kernel_objects(process, linux, host, cgroup_tasks),
        *_build_root(spec, mounts),
        *_set_up_system(spec, linux),
        *_find_identity(process, identity, home=True),
        ("working-directory", clean_path(process.cwd), True),
        *_hide_paths(spec, linux),
        *_become_program(process, host, seccomp, new_userns=_has_new_userns(linux)),
    ]
    return _plan(
        process,
        clone_flags=flags & ~namespaces.CLONE_NEWCGROUP,
        join_pid=_joined_pid(linux),
        parent=_id_maps(linux),
        child=tuple(child),
    )


def make_exec_plan(
    process: Process,
    host: Host,
    *,
    spec: RuntimeSpec,
    user: str | None = None,
    groups: tuple[str, ...] = (),
    seccomp: bytes | None = None,
    cgroup_tasks: tuple[str, ...] = (),
) -> Plan:
    """Return the plan for one more process in the running container of `spec`.

    It enters those namespaces that the container does not share with the host.
    """
    _check_process(process)
    linux = spec.linux or Linux()
    flags = 0
    for namespace in linux.namespaces:
        flags |= _flag(namespace)
    identity = None if user is None else Identity(user=user, groups=groups)
    size = process.console_size
    child: list[Step] = []
    if cgroup_tasks:
        child.append(("join-cgroups", cgroup_tasks))
    child.append(("join-process", flags & ~namespaces.CLONE_NEWPID))
    child.append(("new-session",))
    if process.terminal:
        child.append(("open-console", size.height if size else 0, size.width if size else 0, False))
    child += _rlimits(process.rlimits)
    child += _find_identity(process, identity, home=True)
    child.append(("working-directory", clean_path(process.cwd), False))
    child += _become_program(process, host, seccomp, new_userns=_has_new_userns(linux))
    pid = flags & namespaces.CLONE_NEWPID
    return _plan(process, clone_flags=0, join_pid="fd:target" if pid else None, child=tuple(child))


def describe_plan(plan: Plan) -> list[str]:
    """Print a plan, one line a step."""
    lines = [f"clone3 {plan['clone_flags']:#x}"]
    if plan["join_pid"]:
        lines.append(f"in pid namespace {plan['join_pid']}")
    lines += [f"parent: {name} = {text!r}" for name, text in plan["parent"]]
    return lines + [steps.describe(step) for step in plan["child"]]


def _plan(
    process: Process,
    *,
    clone_flags: int,
    join_pid: str | None,
    parent: tuple[tuple[str, str], ...] = (),
    child: tuple[Step, ...],
) -> Plan:
    return {
        "version": 1,
        "clone_flags": clone_flags,
        "join_pid": join_pid,
        "parent": parent,
        "child": child,
        "terminal": process.terminal,
        "argv": process.args,
        "env": process.env,
    }


def _checked_process(spec: RuntimeSpec) -> Process:
    if spec.process is None:
        raise InvalidArgument("the runtime spec has no process")
    if spec.root is None:
        raise InvalidArgument("the runtime spec has no root")
    kinds = {namespace.type for namespace in (spec.linux or Linux()).namespaces}
    if "mount" not in kinds:
        raise InvalidArgument("a container needs a mount namespace of its own")
    if "user" in kinds and not (spec.linux and spec.linux.uid_mappings):
        raise InvalidArgument("a new user namespace needs id mappings")
    if spec.hostname and "uts" not in kinds:
        raise InvalidArgument("unable to set hostname without a private UTS namespace")
    _check_process(spec.process)
    return spec.process


def _check_process(process: Process) -> None:
    if not process.args:
        raise InvalidArgument("no command specified")
    unsupported = {
        "AppArmor profile": process.apparmor_profile,
        "SELinux label": process.selinux_label,
        "scheduler": process.scheduler,
        "I/O priority": process.io_priority,
    }
    for name, value in unsupported.items():
        if value:
            raise NotImplementedHere(f"process {name} is not supported by this runtime")


def _flag(namespace: Namespace) -> int:
    flag = _NAMESPACES.get(namespace.type)
    if flag is None:
        raise InvalidArgument(f'unknown namespace type "{namespace.type}"')
    return flag


def _new_namespaces(linux: Linux) -> int:
    flags = 0
    for namespace in linux.namespaces:
        if not namespace.path:
            flags |= _flag(namespace)
    return flags


def _has_new_userns(linux: Linux) -> bool:
    return any(n.type == "user" and not n.path for n in linux.namespaces)


def _joined_pid(linux: Linux) -> str | None:
    for namespace in linux.namespaces:
        if namespace.type == "pid" and namespace.path:
            return namespace.path
    return None


def _id_maps(linux: Linux) -> tuple[tuple[str, str], ...]:
    if not _has_new_userns(linux):
        return ()
    return (
        ("uid_map", _map_text(linux.uid_mappings)),
        ("gid_map", _map_text(linux.gid_mappings)),
    )


def _map_text(mappings: tuple[IDMapping, ...]) -> str:
    return "".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in mappings)


def _enter_kernel_objects(
    process: Process, linux: Linux, host: Host, cgroup_tasks: tuple[str, ...]
) -> list[Step]:
    """Cgroups first, while the process is still the host's root; then the namespaces."""
    steps: list[Step] = []
    if cgroup_tasks:
        steps.append(("join-cgroups", cgroup_tasks))
    if process.oom_score_adj is not None and process.oom_score_adj != host.oom_score_adj:
        steps.append(("oom-score", process.oom_score_adj))
    if _has_new_userns(linux):
        steps.append(("wait-for-parent",))
    if _new_namespaces(linux) & namespaces.CLONE_NEWCGROUP:
        steps.append(("unshare", namespaces.CLONE_NEWCGROUP))
    for kind in _NAMESPACES:
        for namespace in linux.namespaces:
            if namespace.type == kind != "pid" and namespace.path:
                steps.append(("join-namespace", namespace.path, _flag(namespace)))
    steps.append(("new-session",))
    steps.append(("new-keyring",))
    return steps


def _build_root(spec: RuntimeSpec, mounts: MountPlan) -> list[Step]:
    process, root, linux = spec.process or Process(), spec.root or Root(path=""), spec.linux
    key = mounts.open_source(root.path, recursive=True)
    propagation, _recursive = parse_propagation(linux.rootfs_propagation if linux else "")
    steps: list[Step] = [
        *mounts.sources,
        ("isolate-mounts",),
        ("enter-root", key, propagation),
        *mounts.steps,
    ]
    if process.terminal:
        size = process.console_size
        steps.append(("open-console", size.height if size else 0, size.width if size else 0, True))
    return steps


def _set_up_system(spec: RuntimeSpec, linux: Linux) -> list[Step]:
    steps: list[Step] = []
    if spec.hostname:
        steps.append(("hostname", spec.hostname))
    if spec.domainname:
        steps.append(("domainname", spec.domainname))
    steps += [("sysctl", system.sysctl_path(k), value) for k, value in linux.sysctl.items()]
    if spec.process:
        steps += _rlimits(spec.process.rlimits)
    return steps


def _rlimits(rlimits: tuple[Rlimit, ...]) -> list[Step]:
    rows = []
    for limit in rlimits:
        number = limits.NUMBERS.get(limit.type)
        if number is None:
            raise InvalidArgument(f"invalid rlimit type: {limit.type}")
        rows.append((limit.type, number, _signed(limit.soft), _signed(limit.hard)))
    return [("rlimits", tuple(rows))] if rows else []


def _signed(value: int) -> int:
    """Return -1 for no limit, however the spec writes it."""
    return -1 if value == limits.RLIM_INFINITY else value


def _find_identity(process: Process, identity: Identity | None, *, home: bool) -> list[Step]:
    if identity is not None:
        return [("find-user", identity.user, identity.groups)]
    user = process.user
    need_home = home and not any(entry.startswith("HOME=") for entry in process.env)
    return [("choose-user", user.uid, user.gid, user.additional_gids, need_home)]


def _hide_paths(spec: RuntimeSpec, linux: Linux) -> list[Step]:
    steps: list[Step] = []
    if linux.masked_paths:
        steps.append(("mask-paths", linux.masked_paths))
    if linux.readonly_paths:
        steps.append(("protect-paths", linux.readonly_paths))
    if spec.root and spec.root.readonly:
        steps.append(("protect-root",))
    return steps


def _become_program(
    process: Process, host: Host, seccomp: bytes | None, *, new_userns: bool
) -> list[Step]:
    """From root with all capabilities to the program. Source: runc finalizeNamespace."""
    filters: list[Step] = [("seccomp", seccomp)] if seccomp else []
    umask = DEFAULT_UMASK if process.user.umask is None else process.user.umask
    steps: list[Step] = [("connect-stdio", process.terminal), ("report",)]
    if process.no_new_privileges:
        steps.append(("no-new-privileges",))
    else:
        # Without no_new_privs a filter needs CAP_SYS_ADMIN, which the next steps may take away.
        steps += filters
    steps += _capabilities(process.capabilities or Capabilities(), host, new_userns=new_userns)
    steps.append(("umask", umask))
    if process.no_new_privileges:
        steps += filters
    steps.append(("execute", process.args, process.env))
    return steps


def _capabilities(wanted: Capabilities, host: Host, *, new_userns: bool) -> list[Step]:
    """Cap the wanted sets by what this engine itself may pass on."""
    available = host.bounding if new_userns else host.bounding & host.permitted
    bounding = capabilities.mask(wanted.bounding) & available
    permitted = capabilities.mask(wanted.permitted) & available
    inheritable = capabilities.mask(wanted.inheritable) & available
    ambient = capabilities.mask(wanted.ambient) & permitted & inheritable
    effective = capabilities.mask(wanted.effective) & permitted
    return [
        ("drop-bounding", _numbers(host.bounding & ~bounding)),
        ("become-user", True),
        ("capabilities", effective, permitted, inheritable, _numbers(ambient)),
    ]


def _numbers(mask: int) -> tuple[int, ...]:
    return tuple(number for number in range(mask.bit_length()) if mask >> number & 1)
