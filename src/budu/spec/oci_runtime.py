"""OCI runtime configuration: the records of a bundle's `config.json`.

Names are the specification's in snake case; camel case and the initialisms on the wire. Absent and
zero are the same (`omitempty`), so encoding writes only what was set. Unknown fields are ignored.
Plans are made from these records in `runtime.plan`; nothing here checks their meaning.

Source: OCI runtime-spec 1.2, config.md and config-linux.md; schema/config-linux.json.
"""

from __future__ import annotations

import msgspec

OCI_VERSION = "1.2.0"
"""Version of the specification that `RuntimeSpec` writes."""


class _Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Shared settings of every record here."""


class Box(_Record, frozen=True, kw_only=True):
    """Size of a terminal in characters."""

    height: int
    width: int


class User(_Record, frozen=True, kw_only=True):
    """Who the process is, in the container's user namespace; `umask` None inherits."""

    uid: int = 0
    gid: int = 0
    umask: int | None = None
    additional_gids: tuple[int, ...] = ()
    username: str = ""


class Capabilities(_Record, frozen=True, kw_only=True):
    """The five capability sets, names with `CAP_`."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()


class Rlimit(_Record, frozen=True, kw_only=True):
    """One resource limit; `type` is `RLIMIT_NOFILE` and the like."""

    type: str
    hard: int
    soft: int


class IOPriority(_Record, frozen=True, kw_only=True):
    """I/O scheduling class (`IOPRIO_CLASS_BE`, …) and level. Source: man 2 ioprio_set."""

    class_: str = msgspec.field(name="class")
    priority: int = 0


class Scheduler(_Record, frozen=True, kw_only=True):
    """CPU scheduling policy; times in nanoseconds. Source: man 2 sched_setattr."""

    policy: str
    nice: int = 0
    priority: int = 0
    flags: tuple[str, ...] = ()
    runtime: int = 0
    deadline: int = 0
    period: int = 0


class ExecCPUAffinity(_Record, frozen=True, kw_only=True):
    """CPUs that an exec'd process runs on before and after it entered the cgroup."""

    initial: str = ""
    final: str = ""


class Process(_Record, frozen=True, kw_only=True):
    """The container's program. `cwd` is absolute; `console_size` counts only with `terminal`."""

    terminal: bool = False
    console_size: Box | None = None
    user: User = User()
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    cwd: str = msgspec.field(default_factory=lambda: "/")
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    oom_score_adj: int | None = None
    scheduler: Scheduler | None = None
    selinux_label: str = ""
    io_priority: IOPriority | None = None
    exec_cpu_affinity: ExecCPUAffinity | None = msgspec.field(default=None, name="execCPUAffinity")


class Root(_Record, frozen=True, kw_only=True):
    """The root file system: absolute path, or relative to the bundle."""

    path: str
    readonly: bool = False


class IDMapping(_Record, frozen=True, kw_only=True):
    """A run of `size` ids: from `container_id` inside to `host_id` outside."""

    container_id: int = msgspec.field(name="containerID")
    host_id: int = msgspec.field(name="hostID")
    size: int


class Mount(_Record, frozen=True, kw_only=True):
    """One mount, in order. `options` are those of fstab(5), `rbind`, `rprivate`, `tmpcopyup`, …"""

    destination: str
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()


class Hook(_Record, frozen=True, kw_only=True):
    """A program that is given the state on stdin; `timeout` in seconds."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class Hooks(_Record, frozen=True, kw_only=True):
    """Programs to run at the points of the life cycle. Source: config.md, POSIX-platform hooks."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()


class Namespace(_Record, frozen=True, kw_only=True):
    """A namespace: a new one, or the one at `path`.

    `type` is mount, pid, network, uts, ipc, user, cgroup or time.
    """

    type: str
    path: str = ""


class Device(_Record, frozen=True, kw_only=True):
    """A device node to make; `type` is c, b, u or p, `file_mode` the permission bits."""

    path: str
    type: str
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class DeviceRule(_Record, frozen=True, kw_only=True):
    """A rule of the devices cgroup, later ones win. `type` a, b or c; None matches any number.

    `access` is made of r, w and m; empty stands for all three. `allow` is always written.
    """

    allow: bool
    type: str = ""
    major: int | None = None
    minor: int | None = None
    access: str = ""


class Memory(_Record, frozen=True, kw_only=True):
    """Memory limits in bytes, -1 for none; `swap` is memory and swap together."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None
    kernel: int | None = None
    kernel_tcp: int | None = msgspec.field(default=None, name="kernelTCP")
    swappiness: int | None = None
    disable_oom_killer: bool | None = msgspec.field(default=None, name="disableOOMKiller")
    use_hierarchy: bool = False
    check_before_update: bool = False


class CPU(_Record, frozen=True, kw_only=True):
    """Processor time (`quota`, `period`, `burst` in microseconds); sets of CPUs and nodes."""

    shares: int | None = None
    quota: int | None = None
    burst: int | None = None
    period: int | None = None
    realtime_runtime: int | None = None
    realtime_period: int | None = None
    cpus: str = ""
    mems: str = ""
    idle: int | None = None


class Pids(_Record, frozen=True, kw_only=True):
    """Number of tasks; 0 or less means no limit."""

    limit: int


class WeightDevice(_Record, frozen=True, kw_only=True):
    """Weight of one block device."""

    major: int
    minor: int
    weight: int | None = None
    leaf_weight: int | None = None


class ThrottleDevice(_Record, frozen=True, kw_only=True):
    """Bytes or operations a second for one block device."""

    major: int
    minor: int
    rate: int = 0


class BlockIO(_Record, frozen=True, kw_only=True):
    """Block device weights (10 to 1000) and throttles."""

    weight: int | None = None
    leaf_weight: int | None = None
    weight_device: tuple[WeightDevice, ...] = ()
    throttle_read_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_write_bps_device: tuple[ThrottleDevice, ...] = ()
    throttle_read_iops_device: tuple[ThrottleDevice, ...] = msgspec.field(
        default=(), name="throttleReadIOPSDevice"
    )
    throttle_write_iops_device: tuple[ThrottleDevice, ...] = msgspec.field(
        default=(), name="throttleWriteIOPSDevice"
    )


class HugepageLimit(_Record, frozen=True, kw_only=True):
    """Limit in bytes for one page size (`2MB`)."""

    page_size: str
    limit: int


class InterfacePriority(_Record, frozen=True, kw_only=True):
    """Priority of the traffic that leaves by one interface (v1 net_prio)."""

    name: str
    priority: int


class NetworkResources(_Record, frozen=True, kw_only=True):
    """v1 net_cls class and net_prio priorities."""

    class_id: int | None = msgspec.field(default=None, name="classID")
    priorities: tuple[InterfacePriority, ...] = ()


class Rdma(_Record, frozen=True, kw_only=True):
    """Limits of one RDMA device."""

    hca_handles: int | None = None
    hca_objects: int | None = None


class Resources(_Record, frozen=True, kw_only=True):
    """What the cgroup limits; None and empty leave the kernel's default."""

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory | None = None
    cpu: CPU | None = None
    pids: Pids | None = None
    block_io: BlockIO | None = msgspec.field(default=None, name="blockIO")
    hugepage_limits: tuple[HugepageLimit, ...] = ()
    network: NetworkResources | None = None
    rdma: dict[str, Rdma] = {}
    unified: dict[str, str] = {}


class SyscallArg(_Record, frozen=True, kw_only=True):
    """A condition on argument `index`; `value_two` is compared by SCMP_CMP_MASKED_EQ only."""

    index: int
    value: int
    value_two: int = 0
    op: str


class Syscall(_Record, frozen=True, kw_only=True):
    """A rule: what happens to `names` when every condition in `args` holds."""

    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[SyscallArg, ...] = ()


class Seccomp(_Record, frozen=True, kw_only=True):
    """A system call filter; architectures are `SCMP_ARCH_X86_64` and the like."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    listener_metadata: str = ""
    syscalls: tuple[Syscall, ...] = ()


class Personality(_Record, frozen=True, kw_only=True):
    """Execution domain, `LINUX` or `LINUX32`. Source: man 2 personality."""

    domain: str
    flags: tuple[str, ...] = ()


class TimeOffset(_Record, frozen=True, kw_only=True):
    """Offset of one clock in a time namespace."""

    secs: int = 0
    nanosecs: int = 0


class IntelRdt(_Record, frozen=True, kw_only=True):
    """Cache and memory bandwidth allocation (resctrl)."""

    clos_id: str = msgspec.field(default="", name="closID")
    schemata: tuple[str, ...] = ()
    l3_cache_schema: str = msgspec.field(default="", name="l3CacheSchema")
    mem_bw_schema: str = msgspec.field(default="", name="memBwSchema")
    enable_monitoring: bool = False


class NetDevice(_Record, frozen=True, kw_only=True):
    """A host interface that moves into the container, under `name` when set."""

    name: str = ""


class MemoryPolicy(_Record, frozen=True, kw_only=True):
    """NUMA policy. Source: man 2 set_mempolicy."""

    mode: str
    nodes: str = ""
    flags: tuple[str, ...] = ()


class Linux(_Record, frozen=True, kw_only=True):
    """The Linux part: namespaces, devices, cgroup, seccomp, masked and read-only paths."""

    uid_mappings: tuple[IDMapping, ...] = ()
    gid_mappings: tuple[IDMapping, ...] = ()
    sysctl: dict[str, str] = {}
    resources: Resources | None = None
    cgroups_path: str = ""
    namespaces: tuple[Namespace, ...] = ()
    devices: tuple[Device, ...] = ()
    net_devices: dict[str, NetDevice] = {}
    seccomp: Seccomp | None = None
    rootfs_propagation: str = ""
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mount_label: str = ""
    intel_rdt: IntelRdt | None = None
    memory_policy: MemoryPolicy | None = None
    personality: Personality | None = None
    time_offsets: dict[str, TimeOffset] = {}


class RuntimeSpec(_Record, frozen=True, kw_only=True):
    """The whole `config.json`."""

    oci_version: str
    process: Process | None = None
    root: Root | None = None
    hostname: str = ""
    domainname: str = ""
    mounts: tuple[Mount, ...] = ()
    hooks: Hooks | None = None
    annotations: dict[str, str] = {}
    linux: Linux | None = None
