"""Containers on the real kernel: what a program finds inside, and what the host keeps."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from runtime_containers import CAPABILITIES, NAMESPACES, Runner, make_spec, with_linux

from budu.linux import capabilities, limits, tty
from budu.linux.process import pidfd_send_signal, wait_pidfd
from budu.runtime.launch import StepFailed, launch
from budu.runtime.plan import make_plan
from budu.runtime.seccomp_profile import compile_profile, default_profile
from budu.spec.oci_runtime import (
    Box,
    Capabilities,
    Device,
    IDMapping,
    Namespace,
    Rlimit,
    User,
)

pytestmark = pytest.mark.host


def _status(text: str) -> dict[str, int]:
    return capabilities.parse_status(text)


def test_program_is_pid_1_with_its_hostname(runner: Runner) -> None:
    result = runner.shell("echo $$; hostname; exit 7")
    assert (result.code, result.out, result.err) == (7, "1\ntester\n", "")


def test_signal_death_is_128_plus_signal(runner: Runner) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    started = runner.start(make_spec("sleep", "100"), (null, null, null), {})
    os.close(null)
    assert wait_pidfd(started.pidfd, block=False) is None
    pidfd_send_signal(started.pidfd, signal.SIGKILL)
    assert wait_pidfd(started.pidfd) == (137, 9)
    started.close()


def test_mount_table_has_only_the_containers_mounts(runner: Runner) -> None:
    result = runner.shell("cat /proc/mounts")
    targets = {line.split()[1] for line in result.out.splitlines()}
    expected = {"/", "/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue"}
    expected |= {"/dev/shm", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"}
    assert expected <= targets
    assert all(t == "/" or t.startswith(("/proc", "/dev", "/sys")) for t in targets)


def test_dev_has_the_default_nodes_and_links(runner: Runner) -> None:
    result = runner.shell(
        "for n in null zero full random urandom tty; do stat -c '%n %a %t:%T' /dev/$n; done;"
        "for n in fd stdin stdout stderr ptmx core; do readlink /dev/$n; done; echo x >/dev/null"
    )
    assert result.out.split("\n")[:6] == [
        "/dev/null 666 1:3",
        "/dev/zero 666 1:5",
        "/dev/full 666 1:7",
        "/dev/random 666 1:8",
        "/dev/urandom 666 1:9",
        "/dev/tty 666 5:0",
    ]
    assert result.out.split()[-6:] == [
        "/proc/self/fd",
        "/proc/self/fd/0",
        "/proc/self/fd/1",
        "/proc/self/fd/2",
        "pts/ptmx",
        "/proc/kcore",
    ]


def test_shm_has_its_size_and_mode(runner: Runner) -> None:
    result = runner.shell("stat -c %a /dev/shm; grep /dev/shm /proc/mounts")
    assert result.out.startswith("1777\nshm /dev/shm tmpfs rw,nosuid,nodev,noexec")
    assert "size=65536k" in result.out


def test_masked_paths_are_empty_and_read_only_ones_refuse(runner: Runner) -> None:
    result = runner.shell(
        "wc -c </proc/keys; ls /sys/firmware | wc -l; echo 1 >/proc/sys/vm/swappiness;"
        "echo 1 >/proc/sys/kernel/panic; touch /sys/firmware/x"
    )
    assert result.out.split() == ["0", "0"]
    assert result.err.count("Read-only file system") == 3


def test_root_gets_exactly_the_named_capabilities(runner: Runner) -> None:
    status = _status(runner.shell("cat /proc/self/status").out)
    wanted = capabilities.mask(CAPABILITIES)
    assert status == {
        "CapInh": 0,
        "CapPrm": wanted,
        "CapEff": wanted,
        "CapBnd": wanted,
        "CapAmb": 0,
    }


def test_user_without_ambient_capabilities_has_none_effective(runner: Runner) -> None:
    result = runner.run(make_spec("cat", "/proc/self/status"), user="1000:1000")
    status = _status(result.out)
    assert (status["CapEff"], status["CapPrm"]) == (0, 0)
    assert status["CapBnd"] == capabilities.mask(CAPABILITIES)


def test_ambient_capability_reaches_an_ordinary_user(runner: Runner) -> None:
    name = ("CAP_NET_BIND_SERVICE",)
    sets = Capabilities(
        bounding=name, permitted=name, effective=name, inheritable=name, ambient=name
    )
    spec = make_spec("cat", "/proc/self/status", capabilities=sets, user=User(uid=7, gid=7))
    status = _status(runner.run(spec).out)
    assert status["CapEff"] == status["CapAmb"] == capabilities.mask(name)


def test_all_capabilities_are_capped_to_the_engines(runner: Runner) -> None:
    names = capabilities.NAMES
    sets = Capabilities(bounding=names, permitted=names, effective=names)
    status = _status(runner.run(make_spec("cat", "/proc/self/status", capabilities=sets)).out)
    assert status["CapEff"] == runner.host.bounding & runner.host.permitted


def test_user_by_name_has_groups_and_home(runner: Runner) -> None:
    result = runner.run(make_spec("sh", "-c", "id; echo $HOME"), user="www", groups=("wheel",))
    assert result.out == "uid=33(www) gid=34(www) groups=10(wheel),34(www),99(extra)\n/var/www\n"


def test_default_user_is_root_with_its_groups(runner: Runner) -> None:
    result = runner.run(make_spec("sh", "-c", "id; echo $HOME"), user="")
    assert result.out == "uid=0(root) gid=0(root) groups=0(root),10(wheel)\n/root\n"


def test_user_may_reopen_its_stdout(runner: Runner) -> None:
    result = runner.run(make_spec("sh", "-c", "echo again >/dev/stdout"), user="www")
    assert (result.out, result.err) == ("again\n", "")


def test_unknown_user_fails_with_dockers_sentence(runner: Runner) -> None:
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec("true"), user="nobody-here")
    assert failure.value.detail == (
        "unable to find user nobody-here: no matching entries in passwd file"
    )
    assert failure.value.exit_code == 128


@pytest.mark.parametrize(
    ("program", "detail", "code"),
    [
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH', 127),
        ("/nope", 'exec: "/nope": stat /nope: no such file or directory', 127),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied', 126),
        ("/etc", 'exec: "/etc": is a directory', 126),
        ("/bin/text", "exec /bin/text: exec format error", 126),
        ("/bin/script", "exec /bin/script: no such file or directory", 127),
    ],
)
def test_program_that_cannot_run(runner: Runner, program: str, detail: str, code: int) -> None:
    for name, content in (("text", "\x01\x02"), ("script", "#!/no/interpreter\n")):
        (runner.root / "bin" / name).write_text(content)
        (runner.root / "bin" / name).chmod(0o755)
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec(program))
    assert (failure.value.detail, failure.value.exit_code) == (detail, code)


def test_no_descriptor_of_the_host_reaches_the_program(runner: Runner) -> None:
    extra = os.open("/etc", os.O_RDONLY)
    os.set_inheritable(extra, True)
    result = runner.shell("ls /proc/self/fd; readlink /proc/self/cwd; readlink /proc/self/root")
    os.close(extra)
    # 3 is the directory that ls itself reads.
    assert result.out.split() == ["0", "1", "2", "3", "/", "/"]


def test_ignored_signals_are_restored(runner: Runner) -> None:
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    result = runner.run(make_spec("grep", "-E", "SigIgn|SigBlk", "/proc/self/status"))
    signal.signal(signal.SIGHUP, old)
    assert [int(line.split()[1], 16) for line in result.out.splitlines()] == [0, 0]


def test_working_directory_is_made(runner: Runner) -> None:
    assert runner.run(make_spec("pwd", cwd="/srv/app/deep")).out == "/srv/app/deep\n"


def test_working_directory_that_is_a_file_fails(runner: Runner) -> None:
    with pytest.raises(StepFailed) as failure:
        runner.run(make_spec("pwd", cwd="/etc/passwd"))
    assert failure.value.detail == (
        'mkdir or chdir to cwd ("/etc/passwd") set in config.json failed: not a directory'
    )


def test_working_directory_cannot_be_a_leaked_descriptor(runner: Runner) -> None:
    leaked = os.open("/", os.O_RDONLY)
    with pytest.raises(StepFailed):
        runner.run(make_spec("ls", cwd=f"/proc/self/fd/{leaked}"))
    os.close(leaked)


def test_rlimits_are_set(runner: Runner) -> None:
    spec = make_spec(
        "sh",
        "-c",
        "ulimit -Sn; ulimit -Hn",
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=100, hard=200),),
    )
    result = runner.run(spec)
    assert (result.out, result.warnings) == ("100\n200\n", [])


@pytest.fixture
def without_resource_right() -> Iterator[None]:
    """This process may not raise limits for the time of a test."""
    effective, permitted, inheritable = capabilities.capget()
    kept = effective & ~capabilities.mask(["CAP_SYS_RESOURCE"])
    capabilities.capset(effective=kept, permitted=permitted, inheritable=inheritable)
    yield
    capabilities.capset(effective=effective, permitted=permitted, inheritable=inheritable)


@pytest.mark.usefixtures("without_resource_right")
def test_rlimit_that_may_not_rise_is_a_warning(runner: Runner) -> None:
    _soft, hard = limits.getrlimit(limits.NUMBERS["RLIMIT_NOFILE"])
    wanted = Rlimit(type="RLIMIT_NOFILE", soft=hard + 1, hard=hard + 1)
    result = runner.run(make_spec("sh", "-c", "ulimit -Sn", rlimits=(wanted,)))
    assert result.out == f"{hard}\n"
    assert result.warnings == [
        f"RLIMIT_NOFILE soft {hard + 1} hard {hard + 1}: operation not permitted"
    ]


def test_oom_score_rises(runner: Runner) -> None:
    result = runner.run(make_spec("cat", "/proc/self/oom_score_adj", oom_score_adj=300))
    assert result.out == "300\n"


def test_umask_and_session(runner: Runner) -> None:
    result = runner.shell("umask; cut=$(cat /proc/1/stat); set -- $cut; echo $5 $6")
    assert result.out == "0022\n1 1\n"


def test_sysctl_of_the_network_namespace(runner: Runner) -> None:
    spec = make_spec("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")
    spec = with_linux(spec, sysctl={"net.ipv4.ip_unprivileged_port_start": "0"})
    assert runner.run(spec).out == "0\n"


def test_sysctl_that_is_not_there_fails(runner: Runner) -> None:
    with pytest.raises(StepFailed) as failure:
        runner.run(with_linux(make_spec("true"), sysctl={"net.nothing": "0"}))
    assert failure.value.detail == "open /proc/sys/net/nothing: no such file or directory"


def test_extra_device_is_made_with_owner_and_mode(runner: Runner) -> None:
    device = Device(path="/dev/own/zero", type="c", major=1, minor=5, file_mode=0o600, uid=3, gid=4)
    spec = with_linux(make_spec("stat", "-c", "%a %u:%g %t:%T", "/dev/own/zero"), devices=(device,))
    assert runner.run(spec).out == "600 3:4 1:5\n"


def test_no_new_privileges(runner: Runner) -> None:
    spec = make_spec("grep", "NoNewPrivs", "/proc/self/status", no_new_privileges=True)
    assert runner.run(spec).out.split() == ["NoNewPrivs:", "1"]


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_seccomp_filter_holds(runner: Runner, no_new_privileges: bool) -> None:
    number = {"x86_64": 83, "aarch64": 34}[os.uname().machine]
    # mkdir (arm: mkdirat) fails with errno 7, everything else is allowed
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50007), (6, 0, 0, 0x7FFF0000)]
    program = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
    script = "grep -w Seccomp: /proc/self/status; mkdir /tmp/x"
    spec = make_spec("sh", "-c", script, no_new_privileges=no_new_privileges)
    result = runner.run(spec, seccomp=program, user="www")
    assert result.out.split() == ["Seccomp:", "2"]
    assert "Argument list too long" in result.err


def test_terminal_is_the_controlling_one(runner: Runner) -> None:
    spec = make_spec(
        "sh",
        "-c",
        "tty; stty size; test -c /dev/console && read x && echo got $x >/dev/tty",
        terminal=True,
        console_size=Box(height=33, width=99),
    )
    null = os.open("/dev/null", os.O_RDWR)
    started = runner.start(spec, (null, null, null), {})
    os.close(null)
    assert started.console is not None
    os.write(started.console, b"word\n")
    output = b""
    while True:
        try:
            output += os.read(started.console, 4096)
        except OSError:  # EIO: the last process has closed the terminal
            break
    assert wait_pidfd(started.pidfd) == (0, None)
    started.close()
    words = output.replace(b"\r", b"").split(b"\n")
    assert b"/dev/pts/0" in words
    assert b"33 99" in words
    assert b"got word" in words


def _printed(console: int) -> bytes:
    """All that a terminal shows until its last holder has gone."""
    shown = b""
    with suppress(OSError):  # EIO: nobody holds the other side
        while piece := os.read(console, 4096):
            shown += piece
    return shown


def test_terminal_can_be_resized_by_the_master(runner: Runner) -> None:
    spec = make_spec("sh", "-c", "read x; stty size", terminal=True)
    null = os.open("/dev/null", os.O_RDWR)
    started = runner.start(spec, (null, null, null), {})
    os.close(null)
    assert started.console is not None
    tty.set_size(started.console, 12, 34)
    assert os.get_terminal_size(started.console) == (34, 12)
    os.write(started.console, b"\n")
    assert b"12 34" in _printed(started.console)
    assert wait_pidfd(started.pidfd) == (0, None)
    started.close()


def test_network_namespace_is_joined_by_descriptor(runner: Runner) -> None:
    netns = os.open("/proc/self/ns/net", os.O_RDONLY)
    inode = os.fstat(netns).st_ino
    kinds = [n for n in NAMESPACES if n.type != "network"]
    spec = with_linux(
        make_spec("readlink", "/proc/self/ns/net"),
        namespaces=(*kinds, Namespace(type="network", path="fd:netns")),
    )
    result = runner.run(spec, fds={"netns": netns})
    os.close(netns)
    assert result.out == f"net:[{inode}]\n"


def test_pid_namespace_of_another_container_is_joined(runner: Runner) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    first = runner.start(make_spec("sleep", "100"), (null, null, null), {})
    os.close(null)
    kinds = [n for n in NAMESPACES if n.type != "pid"]
    joined = Namespace(type="pid", path=f"/proc/{first.pid}/ns/pid")
    spec = with_linux(make_spec("ps", "-o", "pid,args"), namespaces=(*kinds, joined))
    result = runner.run(spec)
    pidfd_send_signal(first.pidfd, signal.SIGKILL)
    wait_pidfd(first.pidfd)
    first.close()
    assert "1 sleep 100" in result.out
    own = os.readlink("/proc/self/ns/pid")
    assert own == os.readlink(f"/proc/{os.getpid()}/ns/pid_for_children")


def test_user_namespace_maps_root(runner: Runner) -> None:
    for path in [runner.root, *runner.root.rglob("*")]:
        os.chown(path, 100000, 100000, follow_symlinks=False)
    for parent in [*runner.root.parents][:-1]:
        parent.chmod(parent.stat().st_mode | 0o011)
    mapping = (IDMapping(container_id=0, host_id=100000, size=65536),)
    spec = with_linux(
        make_spec("sh", "-c", "id -u; cat /proc/self/uid_map; stat -c %u /bin/busybox; ls /dev"),
        namespaces=(*NAMESPACES, Namespace(type="user")),
        uid_mappings=mapping,
        gid_mappings=mapping,
    )
    host = runner.host
    runner.host = type(host)(
        bounding=host.bounding,
        permitted=host.permitted,
        cgroups=host.cgroups,
        unified=host.unified,
        oom_score_adj=host.oom_score_adj,
        can_mknod=False,
    )
    result = runner.run(spec)
    assert result.err == ""
    assert result.out.split()[:5] == ["0", "0", "100000", "65536", "0"]
    assert "null" in result.out.split()


def test_cgroup_tree_is_shown(runner: Runner) -> None:
    result = runner.shell("ls /sys/fs/cgroup; cat /proc/self/cgroup")
    names = {Path(h.path).name for h in runner.host.cgroups}
    assert names <= set(result.out.split())


@pytest.mark.cgroup_v1
def test_v1_cgroup_is_entered_and_is_the_namespaces_root(runner: Runner) -> None:
    pids = next(h.path for h in runner.host.cgroups if h.data == "pids")
    group = Path(pids) / f"budu-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / "pids.max").write_text("77")
        script = "grep :pids: /proc/self/cgroup; cat /sys/fs/cgroup/pids/pids.max"
        result = runner.shell(script, cgroup_tasks=(f"{group}/tasks",))
    finally:
        group.rmdir()
    assert result.out.split("\n")[0].endswith(":pids:/")
    assert result.out.split("\n")[1] == "77"


@pytest.mark.cgroup_v2
def test_process_is_born_in_the_v2_cgroup(runner: Runner) -> None:
    roots = [Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")]
    root = next(r for r in roots if (r / "cgroup.controllers").exists())
    group = root / f"budu-test-{os.getpid()}"
    group.mkdir()
    fd = os.open(group, os.O_RDONLY)
    try:
        spec = with_linux(
            make_spec("grep", "^0:", "/proc/self/cgroup"),
            namespaces=tuple(n for n in NAMESPACES if n.type != "cgroup"),
        )
        shown = runner.run(spec, fds={"cgroup": fd}).out
        private = runner.run(make_spec("grep", "^0:", "/proc/self/cgroup"), fds={"cgroup": fd})
    finally:
        os.close(fd)
        group.rmdir()
    assert (shown, private.out) == (f"0::/{group.name}\n", "0::/\n")


def test_bug_in_a_step_is_reported(runner: Runner) -> None:
    plan = make_plan(make_spec("true"), runner.host)
    plan["child"] = (("no-such-step",), *plan["child"])
    with pytest.raises(StepFailed) as failure:
        launch(plan, (0, 1, 2), {})
    assert failure.value.detail == "KeyError('no-such-step')"


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_default_profile_lets_the_start_through(runner: Runner, no_new_privileges: bool) -> None:
    program = compile_profile(
        default_profile(),
        capabilities=frozenset(CAPABILITIES),
        architecture=os.uname().machine,
    )
    spec = make_spec(
        "sh", "-c", "mount -t tmpfs x /tmp; id -u", no_new_privileges=no_new_privileges
    )
    result = runner.run(spec, seccomp=program, user="www")
    assert (result.out, result.code) == ("33\n", 0)
    assert "denied" in result.err or "not permitted" in result.err
