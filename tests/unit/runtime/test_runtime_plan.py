"""Plans, printed: what launch would do for a spec."""

from __future__ import annotations

import marshal

import msgspec
import pytest

from budu.base.errors import BuduError, InvalidArgument, NotImplementedHere
from budu.linux import capabilities
from budu.runtime import steps
from budu.runtime.host import CgroupHierarchy, Host
from budu.runtime.plan import describe_plan, make_exec_plan, make_plan
from budu.spec.oci_runtime import (
    Box,
    Capabilities,
    Device,
    IDMapping,
    Linux,
    Mount,
    Namespace,
    Process,
    Rlimit,
    Root,
    RuntimeSpec,
    User,
)

HOST = Host(bounding=capabilities.ALL, permitted=capabilities.ALL, unified=True)
V1 = msgspec.structs.replace(
    HOST,
    unified=False,
    cgroups=(
        CgroupHierarchy(path="/sys/fs/cgroup/cpu,cpuacct", data="cpu,cpuacct"),
        CgroupHierarchy(path="/sys/fs/cgroup/systemd", data="name=systemd"),
    ),
)
CGROUP = Mount(destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=("ro",))


def _namespaces(*types: str) -> tuple[Namespace, ...]:
    return tuple(Namespace(type=t) for t in types)


def _spec(
    *mounts: Mount, linux: Linux | None = None, hostname: str = "", **process: object
) -> RuntimeSpec:
    return RuntimeSpec(
        oci_version="1.2.0",
        process=Process(args=("true",), **process),  # type: ignore[arg-type]  # of the test
        root=Root(path="fd:rootfs"),
        mounts=mounts,
        hostname=hostname,
        linux=linux or Linux(namespaces=_namespaces("mount")),
    )


def _lines(spec: RuntimeSpec, host: Host = HOST, **keywords: object) -> list[str]:
    return describe_plan(make_plan(spec, host, **keywords))  # type: ignore[arg-type]  # of the test


def test_smallest_plan() -> None:
    assert _lines(_spec()) == [
        "clone3 0x20000",
        "new-session",
        "new-keyring",
        "isolate-mounts",
        "enter-root fd:rootfs, propagation 0x0",
        "choose-user 0:0, groups ()",
        "working-directory /",
        "connect-stdio terminal False",
        "report",
        f"drop-bounding {tuple(range(41))}",
        "become-user supplementary groups True",
        "capabilities effective 0x0, permitted 0x0, inheritable 0x0, ambient ()",
        "umask 0022",
        "execute ('true',)",
    ]


def test_plan_travels_by_marshal() -> None:
    linux = Linux(namespaces=_namespaces("mount", "pid"), masked_paths=("/proc/kcore",))
    spec = _spec(
        CGROUP,
        linux=linux,
        env=("A=1",),
        rlimits=(Rlimit(type="RLIMIT_CORE", soft=0, hard=2**64 - 1),),
    )
    plan = make_plan(spec, V1, seccomp=b"12345678", cgroup_tasks=("/c/tasks",))
    assert marshal.loads(marshal.dumps(plan)) == plan


def test_every_step_name_is_in_the_table() -> None:
    linux = Linux(namespaces=_namespaces("mount"), devices=(Device(path="/dev/x", type="c"),))
    for step in make_plan(_spec(CGROUP, linux=linux), V1)["child"]:
        assert step[0] in steps.STEPS


def test_cgroups_are_entered_before_their_namespace_is_made() -> None:
    linux = Linux(namespaces=_namespaces("mount", "cgroup"))
    lines = _lines(_spec(linux=linux), cgroup_tasks=("/a/tasks", "/b/tasks"))
    assert lines[:3] == [
        "clone3 0x20000",
        "join-cgroups ('/a/tasks', '/b/tasks')",
        "unshare 0x2000000",
    ]


def test_namespaces_are_joined_by_path_and_descriptor() -> None:
    linux = Linux(
        namespaces=(
            Namespace(type="network", path="fd:netns"),
            Namespace(type="pid", path="/proc/7/ns/pid"),
            *_namespaces("mount"),
        )
    )
    lines = _lines(_spec(linux=linux))
    assert lines[1] == "in pid namespace /proc/7/ns/pid"
    assert "join-namespace fd:netns (0x40000000)" in lines


def test_bind_sources_are_opened_before_the_root_is_entered() -> None:
    bind = Mount(
        destination="/data/../d", type="bind", source="/host", options=("rbind", "ro", "rslave")
    )
    passed = Mount(destination="/v", type="bind", source="fd:v", options=("bind",))
    lines = _lines(_spec(bind, passed))
    opened = lines.index("open-source /host as tree0, recursive True")
    entered = lines.index("enter-root fd:rootfs, propagation 0x0")
    bound = lines.index("bind tree0 at /d, attributes (1, 0, 0, 0), propagation 0x80000")
    assert opened < entered < bound
    assert "bind fd:v at /v, attributes (0, 0, 0, 0), propagation 0x40000" in lines


def test_fresh_dev_is_populated_with_its_mount_points() -> None:
    dev = Mount(destination="/dev", type="tmpfs", source="tmpfs", options=("mode=755",))
    pts = Mount(destination="/dev/pts", type="devpts", source="devpts")
    plan = make_plan(_spec(dev, pts), HOST)
    populate = next(step for step in plan["child"] if step[0] == "populate-dev")
    assert ("null", 1, 3) in populate[1]
    assert ("ptmx", "pts/ptmx") in populate[2]
    assert populate[3] == ("pts",)


def test_devices_are_bound_where_mknod_is_not_allowed() -> None:
    dev = Mount(destination="/dev", type="tmpfs", source="tmpfs")
    host = msgspec.structs.replace(HOST, can_mknod=False)
    lines = _lines(_spec(dev), host)
    assert "open-source /dev/null as tree0, recursive False" in lines
    assert any(line.startswith("bind tree0 at /dev/null") for line in lines)
    assert any(line.startswith("populate-dev nodes ()") for line in lines)


def test_v2_cgroup_mount() -> None:
    lines = _lines(_spec(CGROUP))
    assert "mount cgroup2 at /sys/fs/cgroup, flags 0x1, data ''" in lines


def test_v1_cgroup_mounts_in_a_private_namespace() -> None:
    linux = Linux(namespaces=_namespaces("mount", "cgroup"))
    lines = _lines(_spec(CGROUP, linux=linux), V1)
    assert (
        "mount-cgroups (('cpu,cpuacct', 'cpu,cpuacct'), ('systemd', 'name=systemd')) at "
        "/sys/fs/cgroup, flags 0x1, links (('cpu', 'cpu,cpuacct'), ('cpuacct', 'cpu,cpuacct'))"
    ) in lines


def test_v1_cgroup_mounts_of_the_host_namespace_are_binds_of_its_own_group() -> None:
    tasks = ("/sys/fs/cgroup/cpu,cpuacct/budu/c/tasks",)
    lines = _lines(_spec(CGROUP), V1, cgroup_tasks=tasks)
    assert "open-source /sys/fs/cgroup/cpu,cpuacct/budu/c as tree0, recursive False" in lines
    assert any(line.startswith("bind tree0 at /sys/fs/cgroup/cpu,cpuacct,") for line in lines)


def test_seccomp_comes_before_capabilities_without_no_new_privileges() -> None:
    names = [step[0] for step in make_plan(_spec(), HOST, seccomp=b"8" * 8)["child"]]
    assert names.index("seccomp") < names.index("drop-bounding")


def test_seccomp_comes_last_with_no_new_privileges() -> None:
    plan = make_plan(_spec(no_new_privileges=True), HOST, seccomp=b"8" * 8)
    names = [step[0] for step in plan["child"]]
    assert names[-2:] == ["seccomp", "execute"]
    assert names.index("no-new-privileges") < names.index("seccomp")


def test_capabilities_are_capped_by_the_hosts() -> None:
    wanted = ("CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_FROM_THE_FUTURE")
    sets = Capabilities(bounding=wanted, permitted=wanted, effective=wanted)
    host = Host(bounding=0b11, permitted=0b11, unified=True)
    lines = _lines(_spec(capabilities=sets), host)
    assert "drop-bounding (1,)" in lines
    assert "capabilities effective 0x1, permitted 0x1, inheritable 0x0, ambient ()" in lines


def test_user_string_is_resolved_inside() -> None:
    lines = _lines(_spec(), user="www:web", groups=("audio",))
    assert "find-user 'www:web', more groups ('audio',)" in lines


def test_home_is_looked_up_only_when_the_environment_lacks_it() -> None:
    plan = make_plan(_spec(env=("HOME=/h",), user=User(uid=3)), HOST)
    assert ("choose-user", 3, 0, (), False) in plan["child"]


def test_oom_score_is_written_only_when_it_differs() -> None:
    assert "oom-score 100" in _lines(_spec(oom_score_adj=100))
    assert not any(line.startswith("oom-score") for line in _lines(_spec(oom_score_adj=0)))


def test_terminal_opens_a_console() -> None:
    plan = make_plan(_spec(terminal=True, console_size=Box(height=24, width=80)), HOST)
    assert plan["terminal"] is True
    assert ("open-console", 24, 80, True) in plan["child"]


def test_user_namespace_makes_proc_before_the_hosts_is_gone() -> None:
    mapping = (IDMapping(container_id=0, host_id=100000, size=65536),)
    linux = Linux(
        namespaces=_namespaces("user", "mount", "pid"), uid_mappings=mapping, gid_mappings=mapping
    )
    proc = Mount(destination="/proc", type="proc", source="proc", options=("nosuid",))
    lines = _lines(_spec(proc, linux=linux), cgroup_tasks=("/t",))
    assert "parent: uid_map = '0 100000 65536\\n'" in lines
    # Entering the v1 cgroup needs the host's root, which the process is until it is mapped.
    assert lines.index("join-cgroups ('/t',)") < lines.index("wait-for-parent")
    made = lines.index("create-source proc as tree0, options ()")
    assert made < lines.index("enter-root fd:rootfs, propagation 0x0")


def test_sysctl_path() -> None:
    linux = Linux(namespaces=_namespaces("mount"), sysctl={"net.ipv4.conf.eth0/1.x": "2"})
    assert "sysctl /proc/sys/net/ipv4/conf/eth0.1/x = 2" in _lines(_spec(linux=linux))


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (RuntimeSpec(oci_version="1"), InvalidArgument),
        (_spec(linux=Linux(namespaces=_namespaces("pid"))), InvalidArgument),
        (_spec(linux=Linux(namespaces=_namespaces("mount", "nonsense"))), InvalidArgument),
        (_spec(linux=Linux(namespaces=_namespaces("mount", "user"))), InvalidArgument),
        (_spec(hostname="h"), InvalidArgument),
        (_spec(rlimits=(Rlimit(type="RLIMIT_X", soft=0, hard=0),)), InvalidArgument),
        (_spec(apparmor_profile="strict"), NotImplementedHere),
    ],
)
def test_what_cannot_be_carried_out_is_refused(spec: RuntimeSpec, error: type[BuduError]) -> None:
    with pytest.raises(error):
        make_plan(spec, HOST)


def test_exec_plan() -> None:
    linux = Linux(namespaces=_namespaces("mount", "pid", "network", "user"))
    spec = _spec(linux=linux)
    plan = make_exec_plan(Process(args=("ls",), cwd="/tmp"), HOST, spec=spec, user="")
    assert describe_plan(plan)[:6] == [
        "clone3 0x0",
        "in pid namespace fd:target",
        "join-process 0x50020000",
        "new-session",
        "find-user '', more groups ()",
        "working-directory /tmp",
    ]
