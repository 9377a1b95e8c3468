"""From a record to the runtime specification."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.records import a_container, a_volume_mount

from budu.base.errors import InvalidArgument
from budu.engine.containers.devices import DeviceNode
from budu.engine.containers.model import Container, Mount, MountKind
from budu.engine.containers.security import MASKED_PATHS
from budu.engine.containers.spec_builder import (
    DEFAULT_PATH,
    SpecInputs,
    build_environment,
    build_spec,
    check_modes,
)
from budu.spec import oci_runtime as oci
from budu.spec.api.container import ContainerConfig
from budu.spec.api.host_config import HostConfig, Ulimit

INPUTS = SpecInputs(cgroups_path="/budu/web")


def find_device(_: str) -> DeviceNode:
    return DeviceNode(kind="c", major=1, minor=3, mode=0o666, uid=0, gid=0)


def spec(
    container: Container | None = None, *, inputs: SpecInputs = INPUTS, **host: object
) -> oci.RuntimeSpec:
    chosen = container or a_container(host_config=HostConfig(**host))  # type: ignore[arg-type]
    return build_spec(chosen, inputs, find_device=find_device)


def mount_at(made: oci.RuntimeSpec, destination: str) -> oci.Mount:
    (found,) = [each for each in made.mounts if each.destination == destination]
    return found


def process(made: oci.RuntimeSpec) -> oci.Process:
    assert made.process is not None
    return made.process


def linux(made: oci.RuntimeSpec) -> oci.Linux:
    assert made.linux is not None
    return made.linux


def test_program_is_path_and_arguments() -> None:
    assert process(spec()).args == ("sleep", "60")


def test_init_stands_before_the_program() -> None:
    made = spec(inputs=msgspec.structs.replace(INPUTS, init_path="/var/lib/budu/init"))
    assert process(made).args == ("/sbin/docker-init", "--", "sleep", "60")


def test_init_is_mounted_read_only() -> None:
    made = spec(inputs=msgspec.structs.replace(INPUTS, init_path="/var/lib/budu/init"))
    mount = mount_at(made, "/sbin/docker-init")
    assert (mount.source, "ro" in mount.options) == ("/var/lib/budu/init", True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [DEFAULT_PATH, "HOSTNAME=web"]),
        ({"tty": True}, [DEFAULT_PATH, "HOSTNAME=web", "TERM=xterm"]),
        ({"env": ["A=1", "B="]}, [DEFAULT_PATH, "HOSTNAME=web", "A=1", "B="]),
        ({"env": ["PATH=/x"]}, ["PATH=/x", "HOSTNAME=web"]),
        ({"env": ["A=1", "A=2"]}, [DEFAULT_PATH, "HOSTNAME=web", "A=2"]),
        ({"env": ["HOSTNAME"]}, [DEFAULT_PATH]),
        ({"env": ["A=b=c"]}, [DEFAULT_PATH, "HOSTNAME=web", "A=b=c"]),
    ],
)
def test_environment(config: dict[str, object], expected: list[str]) -> None:
    made = ContainerConfig(hostname="web", **config)  # type: ignore[arg-type]
    assert build_environment(a_container(config=made)) == expected


def test_every_namespace_is_new_by_default() -> None:
    kinds = [each.type for each in linux(spec()).namespaces]
    assert kinds == ["mount", "network", "uts", "pid", "ipc", "cgroup"]


def test_joined_namespace_has_its_path_and_the_hosts_none() -> None:
    inputs = msgspec.structs.replace(INPUTS, namespaces={"network": "fd:netns", "pid": "host"})
    namespaces = {each.type: each.path for each in linux(spec(inputs=inputs)).namespaces}
    assert namespaces["network"] == "fd:netns"
    assert "pid" not in namespaces


@pytest.mark.parametrize(
    ("host", "masked"),
    [
        ({}, MASKED_PATHS),
        ({"privileged": True}, ()),
        ({"masked_paths": []}, ()),
        ({"masked_paths": ["/proc/x"]}, ("/proc/x",)),
    ],
)
def test_masked_paths(host: dict[str, object], masked: tuple[str, ...]) -> None:
    assert linux(spec(**host)).masked_paths == masked


@pytest.mark.parametrize(("privileged", "word"), [(False, "ro"), (True, "rw")])
def test_sys_is_writable_only_for_privileged(privileged: bool, word: str) -> None:
    assert word in mount_at(spec(privileged=privileged), "/sys").options


def test_shm_has_dockers_default_size() -> None:
    assert "size=67108864" in mount_at(spec(), "/dev/shm").options


def test_shm_is_left_out_with_ipc_none() -> None:
    assert "/dev/shm" not in {each.destination for each in spec(ipc_mode="none").mounts}


def test_shm_of_the_host_is_bound() -> None:
    assert mount_at(spec(ipc_mode="host"), "/dev/shm").source == "/dev/shm"


def test_users_mount_takes_the_place_of_a_system_mount() -> None:
    container = a_container(mounts=(a_volume_mount("shm", "/dev/shm"),))
    assert mount_at(spec(container), "/dev/shm").source == "/volumes/shm/_data"


def test_users_hosts_file_takes_the_place_of_the_engines() -> None:
    own = Mount(kind=MountKind.BIND, destination="/etc/hosts", source="/srv/hosts")
    inputs = msgspec.structs.replace(INPUTS, hosts="/engine/hosts")
    made = spec(a_container(mounts=(own,)), inputs=inputs)
    assert mount_at(made, "/etc/hosts").source == "/srv/hosts"


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, ("rbind", "rprivate")),
        ({"read_only": True}, ("rbind", "rprivate", "rro")),
        ({"recursive": False}, ("bind", "rprivate")),
        ({"recursive": False, "read_only": True}, ("bind", "rprivate", "ro")),
        ({"propagation": "rslave"}, ("rbind", "rslave")),
    ],
)
def test_bind_options(changes: dict[str, object], options: tuple[str, ...]) -> None:
    mount = msgspec.structs.replace(
        Mount(kind=MountKind.BIND, destination="/x", source="/srv"), **changes
    )
    assert mount_at(spec(a_container(mounts=(mount,))), "/x").options == options


def test_later_tmpfs_word_takes_its_opposite_away() -> None:
    mount = Mount(kind=MountKind.TMPFS, destination="/run", options=("exec", "size=1m"))
    options = mount_at(spec(a_container(mounts=(mount,))), "/run").options
    assert options == ("nosuid", "nodev", "exec", "size=1m")


@pytest.mark.parametrize(
    ("propagation", "root"), [("rprivate", ""), ("rslave", "slave"), ("shared", "shared")]
)
def test_root_propagates_as_the_mounts_need(propagation: str, root: str) -> None:
    mount = Mount(kind=MountKind.BIND, destination="/x", source="/s", propagation=propagation)
    assert linux(spec(a_container(mounts=(mount,)))).rootfs_propagation == root


def test_unlimited_ulimit_is_the_kernels_infinity() -> None:
    made = spec(ulimits=[Ulimit(name="memlock", soft=-1, hard=-1)])
    infinity = (1 << 64) - 1
    assert process(made).rlimits == (
        oci.Rlimit(type="RLIMIT_MEMLOCK", soft=infinity, hard=infinity),
    )


def test_hosts_uts_namespace_keeps_the_hosts_name() -> None:
    assert spec(uts_mode="host").hostname == ""


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ({"pid_mode": "odd"}, "invalid PID mode: odd"),
        ({"ipc_mode": "odd"}, "invalid IPC mode: odd"),
        ({"uts_mode": "odd"}, "invalid UTS mode: odd"),
        ({"cgroupns_mode": "odd"}, "invalid cgroup namespace mode: odd"),
    ],
)
def test_unknown_namespace_mode_is_refused(host: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_modes(a_container(host_config=HostConfig(**host)))  # type: ignore[arg-type]
    assert caught.value.message == message


def test_namespaces_of_another_container_are_joined_by_descriptor() -> None:
    modes = {"pid_mode": "container:db", "ipc_mode": "container:db"}
    check_modes(a_container(host_config=HostConfig(**modes)))
    inputs = msgspec.structs.replace(INPUTS, namespaces={"pid": "fd:pidns", "ipc": "fd:ipcns"})
    made = spec(inputs=inputs, **modes)
    joined = {each.type: each.path for each in linux(made).namespaces if each.path}
    assert joined == {"pid": "fd:pidns", "ipc": "fd:ipcns"}
    shared = mount_at(made, "/dev/shm")
    assert (shared.type, shared.source) == ("bind", "fd:shm")
