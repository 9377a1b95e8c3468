"""Starting a container: every effect between `created` and a running process.

    root file system ─▶ network namespace and endpoints ─▶ files ─▶ cgroup ─▶ shim ─▶ process

Each thing that is made is undone when a later one fails, in reverse order. What the process needs
by descriptor (its root, its network namespace, its cgroup) is closed here in any case: the shim has
its own copies.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import msgspec

from budu.base import faults
from budu.base.errors import BuduError, Hint, Internal, InvalidArgument
from budu.base.files import remove_if_there
from budu.engine.containers.bind_sources import make_sources
from budu.engine.containers.devices import all_devices, device_node
from budu.engine.containers.links import Linked, with_variables
from budu.engine.containers.model import Container
from budu.engine.containers.mount_sources import MountSources
from budu.engine.containers.security import parse_security_options
from budu.engine.containers.sharing import donors, open_shared
from budu.engine.containers.spec_builder import SpecInputs, build_spec
from budu.engine.logs.servers import LogServers
from budu.engine.logs.source import log_settings
from budu.engine.names.sockets import open_names
from budu.engine.networks import NetworkService
from budu.engine.paths import ContainerPaths, EnginePaths
from budu.engine.volumes import VolumeService
from budu.network.contract import EndpointState
from budu.runtime.cgroups.actions import clear
from budu.runtime.cgroups.contract import Cgroup, Cgroups
from budu.runtime.cgroups.fit import fit_resources
from budu.runtime.failure import errno_text
from budu.runtime.host import Host
from budu.runtime.launch import StepFailed
from budu.runtime.plan import Plan, make_exec_plan, make_plan
from budu.runtime.seccomp_profile import ProgramCache, default_profile
from budu.shim.client import ShimHandle
from budu.shim.pool import ShimPool, StartOrder
from budu.snapshot.container import ContainerSnapshots
from budu.spec import oci_runtime as oci
from budu.spec.digest import Digest

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_PROGRAM_FAILED = {126: "engine.not-executable", 127: "engine.not-found"}
"""Hints by the exit codes for which the client's program is to blame, not the machine."""
_NOT_FOUND = 127
_MOUNT_ADVICE = (
    ": Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified "
    "host path exists and is the expected type"
)
RUNTIME_PREFIX = (
    "failed to create task for container: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: "
)


class Running(msgspec.Struct, kw_only=True):
    """What the engine holds of a container that runs; nothing of it is stored."""

    shim: ShimHandle
    cgroup: Cgroup
    endpoints: dict[str, EndpointState]


class ProcessWish(msgspec.Struct, frozen=True, kw_only=True):
    """One more process of a running container; what is empty is as for its program.

    `env` comes on top of the container's; `size` is that of the terminal: rows, columns.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    user: str = ""
    cwd: str = ""
    tty: bool = False
    privileged: bool = False
    size: tuple[int, int] | None = None


class StartedContainer(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a start."""

    running: Running
    warnings: tuple[str, ...]


class StartFailed(Exception):
    """The program could not be run: Docker's sentence and the exit code a client shall return."""

    def __init__(self, error: BuduError, exit_code: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.exit_code = exit_code


class ContainerStarter:
    """Turns records into processes."""

    def __init__(
        self,
        *,
        paths: EnginePaths,
        snapshots: ContainerSnapshots,
        networks: NetworkService,
        volumes: VolumeService,
        cgroups: Cgroups,
        cgroup_parent: str,
        shims: ShimPool,
        seccomp: ProgramCache,
        host: Host,
        find: Callable[[str], Container],
        log_servers: LogServers,
        init_path: str = "",
    ) -> None:
        self._paths = paths
        self._snapshots = snapshots
        self._networks = networks
        self._sources = MountSources(volumes, snapshots.mount_image)
        self._cgroups = cgroups
        self._cgroup_parent = cgroup_parent
        self._shims = shims
        self._seccomp = seccomp
        self._default_profile = default_profile()
        self._host = host
        self._find = find
        self._log_servers = log_servers
        self._init_path = init_path

    async def start(self, container: Container) -> StartedContainer:
        """Run the container's program.

        Raises: StartFailed when the program itself cannot be run; BuduError for everything else.
        Nothing is left behind then.
        """
        async with AsyncExitStack() as fds, AsyncExitStack() as undo:
            rootfs = self._snapshots.mount(
                container.id,
                tuple(map(Digest, container.diff_ids)),
                volatile=container.is_volatile,
            )
            fds.callback(os.close, rootfs)
            faults.at("start.root-mounted")
            await make_sources(container.mounts)
            container, passed = await self._sources.open(
                container, container.id, rootfs=rootfs, fds=fds, undo=undo
            )
            await self._sources.fill(container, rootfs)
            faults.at("start.volumes-filled")
            passed["rootfs"] = rootfs
            linked = Linked(container, self._find)
            container = with_variables(container, linked.variables())
            shared = open_shared(container, self._find)
            fds.callback(shared.close)
            passed |= shared.fds
            sandbox = await self._networks.open(container)
            if sandbox.netns is not None:
                passed["netns"] = sandbox.netns
                fds.callback(os.close, sandbox.netns)
            faults.at("start.network-connected")
            undo.callback(self._networks.disconnect, sandbox.endpoints)
            names = open_names(sandbox)
            for each in names.values():
                fds.callback(each.close)
            passed |= {name: each.fileno() for name, each in names.items()}
            files = self._paths.container(container.id)
            if shared.network_donor is None:
                hosts = linked.hosts()
                self._networks.write_files(container, sandbox.endpoints, files, linked=hosts)
            faults.at("start.files-written")
            cgroup, plan, warnings = self._plan(container, files, undo)
            faults.at("start.cgroup-made")
            if cgroup.placement.unified is not None:
                passed["cgroup"] = os.open(cgroup.placement.unified, _DIRECTORY)
                fds.callback(os.close, passed["cgroup"])
            await self._log_servers.reach(container)
            undo.push_async_callback(self._log_servers.drop, container.id)
            shim = await self._launch(container, files, plan, passed, keep=tuple(names))
            faults.at("start.process-runs")
            undo.pop_all()
        running = Running(shim=shim, cgroup=cgroup, endpoints=sandbox.endpoints)
        return StartedContainer(running=running, warnings=(*warnings, *shim.warnings))

    async def release(self, container: Container) -> None:
        """The container has ended: its volumes are given up."""
        await self._sources.release(container)

    def process_plan(self, container: Container, wish: ProcessWish, cgroup: Cgroup) -> Plan:
        """The plan of one more process in a running container, with the rights of its program.

        Raises: InvalidArgument.
        """
        config, host = container.config, container.host_config
        container = msgspec.structs.replace(
            container,
            config=msgspec.structs.replace(
                config,
                tty=wish.tty,
                env=[*(config.env or ()), *wish.env],
                user=wish.user or config.user,
                working_dir=wish.cwd or config.working_dir,
            ),
            host_config=msgspec.structs.replace(
                host, privileged=host.privileged or wish.privileged
            ),
        )
        spec = self._spec(container, self._paths.container(container.id))
        assert spec.process is not None
        size = oci.Box(height=wish.size[0], width=wish.size[1]) if wish.size else None
        return make_exec_plan(
            msgspec.structs.replace(spec.process, args=wish.argv, console_size=size),
            self._host,
            spec=spec,
            user=container.config.user,
            groups=tuple(container.host_config.group_add or ()),
            seccomp=self._seccomp_blob(container, spec.process),
            cgroup_tasks=cgroup.placement.tasks,
        )

    def open_cgroup(self, container: Container) -> Cgroup:
        """The cgroup of a container that an earlier engine started."""
        return self._cgroups.open(self._cgroup_path(container))

    def _cgroup_path(self, container: Container) -> str:
        parent = container.host_config.cgroup_parent or self._cgroup_parent
        return f"{parent.rstrip('/')}/{container.id}"

    def _plan(
        self, container: Container, files: ContainerPaths, undo: AsyncExitStack
    ) -> tuple[Cgroup, Plan, list[str]]:
        spec = self._spec(container, files)
        assert spec.linux is not None and spec.process is not None
        wanted = spec.linux.resources or oci.Resources()
        limits, warnings = fit_resources(wanted, self._cgroups.features())
        cgroup = self._cgroups.create(spec.linux.cgroups_path, limits)
        undo.push_async_callback(clear, cgroup)  # a shim that died may have left its child
        plan = make_plan(
            spec,
            self._host,
            user=container.config.user,
            groups=tuple(container.host_config.group_add or ()),
            seccomp=self._seccomp_blob(container, spec.process),
            cgroup_tasks=cgroup.placement.tasks,
        )
        return cgroup, plan, warnings

    def _spec(self, container: Container, files: ContainerPaths) -> oci.RuntimeSpec:
        host = container.host_config
        host = msgspec.structs.replace(host, devices=all_devices(host))
        container = msgspec.structs.replace(container, host_config=host)
        donor = donors(host).get("network")
        if donor:
            files = self._paths.container(donor)
        inputs = SpecInputs(
            cgroups_path=self._cgroup_path(container),
            hosts=str(files.hosts),
            hostname=str(files.hostname),
            resolv_conf=str(files.resolv_conf),
            namespaces=_namespaces(container),
            cgroup_v2=self._cgroups.version == 2,
            init_path=self._init_path if host.init else "",
        )
        return build_spec(container, inputs, find_device=device_node)

    def _seccomp_blob(self, container: Container, process: oci.Process) -> bytes | None:
        options = parse_security_options(container.host_config.security_opt or ())
        if container.host_config.privileged or options.seccomp == "unconfined":
            return None
        granted = process.capabilities.bounding if process.capabilities else ()
        profile = options.seccomp.encode() if options.seccomp else self._default_profile
        return self._seccomp.program(
            profile, capabilities=frozenset(granted), architecture=os.uname().machine
        )

    async def _launch(
        self,
        container: Container,
        files: ContainerPaths,
        plan: Plan,
        passed: dict[str, int],
        *,
        keep: tuple[str, ...],
    ) -> ShimHandle:
        files.exec_root.mkdir(parents=True, exist_ok=True)
        remove_if_there(files.exit)
        order = StartOrder(
            id=container.id,
            socket=str(files.shim_socket),
            exit=str(files.exit),
            log=log_settings(container).shim_order(str(files.log_dir)),
            stdin=container.config.open_stdin,
            stdin_once=container.config.stdin_once,
            tty=container.config.tty,
            plan=plan,
            keep=keep,
        )
        idle = await self._shims.take()
        faults.at("start.shim-taken")
        try:
            return await idle.start(order, passed)
        except StepFailed as failure:
            raise start_failure(failure, container) from failure


def start_failure(failure: StepFailed, container: Container) -> StartFailed:
    """Docker's sentence for a program that could not be run, with its cause as a hint."""
    key = _PROGRAM_FAILED.get(failure.exit_code)
    hint = Hint(key, program=container.path, image=container.image_name) if key else None
    detail = failure.detail
    if failure.step.startswith("find-user"):
        return StartFailed(InvalidArgument(detail), failure.exit_code)
    code = _NOT_FOUND if failure.errno == errno.ENOTDIR else failure.exit_code
    kind = InvalidArgument if code in _PROGRAM_FAILED else Internal
    sentence = f"{RUNTIME_PREFIX}{detail}: unknown{added_words(failure)}"
    return StartFailed(kind(sentence, hint=hint), code)


def added_words(failure: StepFailed) -> str:
    """What Docker's engine adds to the runtime's sentence: advice on mounts, and what command lines
    look for of a folder that was to be executed, as Linux said before Go 1.20.

    Source: moby 28.5, daemon/errors.go (setExitCodeFromError).
    """
    words = {errno.EISDIR: f": {errno_text(errno.EACCES)}", errno.ENOTDIR: _MOUNT_ADVICE}
    return words.get(failure.errno, "")


def _namespaces(container: Container) -> dict[str, str]:
    host = container.host_config
    modes = {
        "pid": host.pid_mode,
        "ipc": host.ipc_mode,
        "uts": host.uts_mode,
        "cgroup": host.cgroupns_mode,
    }
    joined = {kind: "host" for kind, mode in modes.items() if mode == "host"}
    joined |= {kind: f"fd:{kind}ns" for kind in donors(host) if kind != "network"}
    joined["network"] = "host" if host.network_mode == "host" else "fd:netns"
    return joined
