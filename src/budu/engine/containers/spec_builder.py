"""From a container's record to the runtime specification. Pure.

Everything that had to be looked up on the host comes in through `SpecInputs`.
Source: OCI runtime-spec 1.2; Docker's defaults as `docker run busybox mount`, `cat
/proc/self/status` and `env` show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from budu.base.errors import InvalidArgument
from budu.engine.containers.model import Container, Mount, MountKind
from budu.engine.containers.resources import FindDevice, build_resources
from budu.engine.containers.security import (
    effective_capabilities,
    masked_paths,
    parse_security_options,
    readonly_paths,
)
from budu.engine.containers.servable import check_device_requests
from budu.engine.containers.sharing import donors
from budu.spec import oci_runtime as oci
from budu.spec.api.host_config import HostConfig, Ulimit

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SHM_SIZE = 64 << 20
_UNLIMITED = (1 << 64) - 1


class SpecInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the host adds to a record.

    `hosts`, `hostname` and `resolv_conf` are files of the container on the host, empty where the
    image's own are kept. `namespaces` maps a type (`network`, `pid`, `ipc`, `uts`) to what is
    joined: a path, `fd:NAME`, or `host`; types that are absent are made anew. `init_path` is the
    host path of the small init, empty without `--init`.
    """

    cgroups_path: str
    hosts: str = ""
    hostname: str = ""
    resolv_conf: str = ""
    namespaces: dict[str, str] = {}
    cgroup_v2: bool = False
    init_path: str = ""


def build_spec(
    container: Container, inputs: SpecInputs, *, find_device: FindDevice
) -> oci.RuntimeSpec:
    """The runtime specification of one container.

    Raises: InvalidArgument or NotImplementedHere for options that cannot be served.
    """
    host = container.host_config
    check_device_requests(host)
    return oci.RuntimeSpec(
        oci_version=oci.OCI_VERSION,
        process=_process(container, inputs),
        root=oci.Root(path="fd:rootfs", readonly=host.readonly_rootfs),
        hostname="" if host.uts_mode == "host" else container.config.hostname,
        domainname=container.config.domainname,
        mounts=tuple(_mounts(container, inputs)),
        annotations=host.annotations or {},
        linux=oci.Linux(
            sysctl=host.sysctls or {},
            resources=build_resources(host, privileged=host.privileged, find_device=find_device),
            cgroups_path=inputs.cgroups_path,
            namespaces=tuple(_namespaces(inputs)),
            devices=tuple(_devices(host, find_device)),
            rootfs_propagation=_root_propagation(container.mounts),
            masked_paths=tuple(masked_paths(host) or ()),
            readonly_paths=tuple(readonly_paths(host) or ()),
        ),
    )


def _process(container: Container, inputs: SpecInputs) -> oci.Process:
    host = container.host_config
    capabilities = effective_capabilities(
        add=host.cap_add or (), drop=host.cap_drop or (), privileged=host.privileged
    )
    options = parse_security_options(host.security_opt or ())
    command = (container.path, *container.args)
    return oci.Process(
        terminal=container.config.tty,
        console_size=_console_size(host.console_size),
        args=(INIT_TARGET, "--", *command) if inputs.init_path else command,
        env=tuple(build_environment(container)),
        cwd=container.config.working_dir or "/",
        capabilities=oci.Capabilities(
            bounding=capabilities, effective=capabilities, permitted=capabilities
        ),
        rlimits=tuple(map(_rlimit, host.ulimits or ())),
        no_new_privileges=options.no_new_privileges,
        oom_score_adj=host.oom_score_adj or None,
    )


INIT_TARGET = "/sbin/docker-init"


def _console_size(size: tuple[int, int]) -> oci.Box | None:
    height, width = size
    return oci.Box(height=height, width=width) if height and width else None


def _rlimit(limit: Ulimit) -> oci.Rlimit:
    def value(number: int) -> int:
        return _UNLIMITED if number < 0 else number

    return oci.Rlimit(
        type=f"RLIMIT_{limit.name.upper()}", hard=value(limit.hard), soft=value(limit.soft)
    )


def build_environment(container: Container) -> list[str]:
    """Docker's own variables, then the image's and the user's over them; `KEY` alone unsets."""
    config = container.config
    variables = {"PATH": DEFAULT_PATH, "HOSTNAME": f"HOSTNAME={config.hostname}"}
    if config.tty:
        variables["TERM"] = "TERM=xterm"
    for entry in config.env or ():
        key, separator, _ = entry.partition("=")
        if separator:
            variables[key] = entry
        else:
            variables.pop(key, None)
    return list(variables.values())


def _namespaces(inputs: SpecInputs) -> Iterator[oci.Namespace]:
    for kind in ("mount", "network", "uts", "pid", "ipc", "cgroup"):
        joined = inputs.namespaces.get(kind, "")
        if joined != "host":
            yield oci.Namespace(type=kind, path=joined)


def _root_propagation(mounts: Iterable[Mount]) -> str:
    words = {mount.propagation for mount in mounts}
    if words & {"shared", "rshared"}:
        return "shared"
    return "slave" if words & {"slave", "rslave"} else ""


def _mounts(container: Container, inputs: SpecInputs) -> Iterator[oci.Mount]:
    user_targets = {mount.destination for mount in container.mounts}
    for mount in _system_mounts(container, inputs):
        if mount.destination not in user_targets:
            yield mount
    for source, target in (
        (inputs.resolv_conf, "/etc/resolv.conf"),
        (inputs.hostname, "/etc/hostname"),
        (inputs.hosts, "/etc/hosts"),
    ):
        if source and target not in user_targets:
            yield oci.Mount(
                destination=target, type="bind", source=source, options=("rbind", "rprivate")
            )
    if inputs.init_path:
        yield oci.Mount(
            destination=INIT_TARGET,
            type="bind",
            source=inputs.init_path,
            options=("bind", "ro", "rprivate"),
        )
    for each in container.mounts:
        yield _user_mount(each)


def _system_mounts(container: Container, inputs: SpecInputs) -> Iterator[oci.Mount]:
    host = container.host_config
    access = "rw" if host.privileged else "ro"
    quiet = ("nosuid", "noexec", "nodev")
    yield oci.Mount(destination="/proc", type="proc", source="proc", options=quiet)
    yield oci.Mount(
        destination="/dev",
        type="tmpfs",
        source="tmpfs",
        options=("nosuid", "strictatime", "mode=755", "size=65536k"),
    )
    yield oci.Mount(
        destination="/dev/pts",
        type="devpts",
        source="devpts",
        options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    )
    yield oci.Mount(destination="/sys", type="sysfs", source="sysfs", options=(*quiet, access))
    yield oci.Mount(
        destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=(access, *quiet)
    )
    yield oci.Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=quiet)
    if host.ipc_mode == "host":
        yield oci.Mount(
            destination="/dev/shm", type="bind", source="/dev/shm", options=("rbind", "rprivate")
        )
    elif host.ipc_mode.startswith("container:"):
        yield oci.Mount(destination="/dev/shm", type="bind", source="fd:shm", options=("bind",))
    elif host.ipc_mode != "none":
        size = host.shm_size or DEFAULT_SHM_SIZE
        yield oci.Mount(
            destination="/dev/shm",
            type="tmpfs",
            source="shm",
            options=(*quiet, "mode=1777", f"size={size}"),
        )


def _user_mount(mount: Mount) -> oci.Mount:
    if mount.kind is MountKind.TMPFS:
        words = ("noexec", "nosuid", "nodev", *mount.options)
        return oci.Mount(
            destination=mount.destination,
            type="tmpfs",
            source="tmpfs",
            options=tuple(_last_word_wins(words)),
        )
    options = ["rbind" if mount.recursive else "bind", mount.propagation or "rprivate"]
    if mount.read_only:
        options.append("ro" if mount.shallow_read_only or not mount.recursive else "rro")
    return oci.Mount(
        destination=mount.destination, type="bind", source=mount.source, options=tuple(options)
    )


_OPPOSITES = {"exec": "noexec", "suid": "nosuid", "dev": "nodev", "rw": "ro"}


def _last_word_wins(words: Iterable[str]) -> list[str]:
    """`noexec,exec` means exec: a later word takes its opposite away."""
    pairs = _OPPOSITES | {value: key for key, value in _OPPOSITES.items()}
    chosen: dict[str, None] = {}
    for word in words:
        chosen.pop(pairs.get(word, ""), None)
        chosen[word] = None
    return list(chosen)


def _devices(host: HostConfig, find_device: FindDevice) -> Iterator[oci.Device]:
    for device in host.devices or ():
        node = find_device(device.path_on_host)
        yield oci.Device(
            path=device.path_in_container,
            type=node.kind,
            major=node.major,
            minor=node.minor,
            file_mode=node.mode,
            uid=node.uid,
            gid=node.gid,
        )


def check_modes(container: Container) -> None:
    """Raises: InvalidArgument for a namespace mode that is not served."""
    host = container.host_config
    joinable = set(donors(host))
    for kind, name, value, served in (
        ("pid", "PID", host.pid_mode, {"", "private", "host"}),
        ("ipc", "IPC", host.ipc_mode, {"", "private", "shareable", "host", "none"}),
        ("uts", "UTS", host.uts_mode, {"", "host"}),
        ("cgroup", "cgroup namespace", host.cgroupns_mode, {"", "private", "host"}),
        ("user", "user namespace", host.userns_mode, {"", "host"}),
    ):
        if value in served or kind in joinable:
            continue
        raise InvalidArgument(f"invalid {name} mode: {value}")
