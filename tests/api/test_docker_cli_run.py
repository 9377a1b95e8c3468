"""The genuine docker command line: run in the foreground, its options and exit statuses."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from tests.support.docker import Docker
from tests.support.engine import EngineProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("clean")]


def sh(docker: Docker, script: str, *options: str) -> str:
    """What a shell in a busybox container prints."""
    return docker("run", "--rm", *options, "busybox", "sh", "-c", script)


# Output, input and exit statuses


def test_output_and_errors_stay_apart(docker: Docker) -> None:
    done = docker.run("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.status, done.out, done.err) == (3, "out\n", "err\n")


def test_rm_leaves_nothing(docker: Docker, engine: EngineProcess) -> None:
    sh(docker, "echo x > /file")
    assert engine.containers() == []


def test_image_defaults(docker: Docker) -> None:
    assert docker("run", "--rm", "app:1.0") == "app hello as daemon in /srv/app with blue"
    shown = docker("run", "--rm", "-e", "COLOUR=red", "-u", "0", "-w", "/tmp", "app:1.0", "a", "b")
    assert shown == "app a b as root in /tmp with red"


def test_run_pulls_what_is_missing(docker: Docker) -> None:
    docker("rmi", "-f", "layered:latest") if docker("images", "-q", "layered") else None
    done = docker.run("run", "--rm", "layered", "cat", "/opt/two")
    assert (done.status, done.out) == (0, "2\n")
    assert "Unable to find image 'layered:latest' locally" in done.err
    assert "Status: Downloaded newer image for layered:latest" in done.err


def test_unknown_image_ends_with_125(docker: Docker, engine: EngineProcess) -> None:
    done = docker.run("run", "--pull", "never", "nosuchimage")
    assert done.status == 125
    assert "docker: Error response from daemon: No such image: nosuchimage:latest" in done.err
    assert engine.containers() == []


def test_unknown_program_ends_with_127(docker: Docker, engine: EngineProcess) -> None:
    done = docker.run("run", "--rm", "busybox", "nosuchprogram")
    assert done.status == 127
    assert 'exec: "nosuchprogram": executable file not found in $PATH: unknown' in done.err
    assert engine.containers() == []


def test_unexecutable_program_ends_with_126(docker: Docker) -> None:
    for program in ("/etc/passwd", "/etc"):
        done = docker.run("run", "--rm", "busybox", program)
        assert done.status == 126
        assert f'exec: "{program}": ' in done.err
        assert "denied" in done.err or "is a directory" in done.err


def test_unknown_user_ends_with_dockers_sentence(docker: Docker) -> None:
    done = docker.run("run", "--rm", "-u", "nosuchuser", "busybox", "true")
    assert done.status == 125
    assert (
        "Error response from daemon: unable to find user nosuchuser: no matching entries in "
        "passwd file\n" in done.err
    )


def test_failed_start_keeps_the_container_without_rm(docker: Docker) -> None:
    docker.run("run", "--name", "bad", "busybox", "nosuchprogram")
    assert docker("ps", "-a", "--format", "{{.Names}} {{.State}}") == "bad created"
    assert docker("inspect", "-f", "{{.State.ExitCode}}", "bad") == "127"


def test_killed_program_ends_with_137(docker: Docker) -> None:
    docker("run", "-d", "--name", "victim", "busybox", "sleep", "600")
    with docker.open(["wait", "victim"], stdout=subprocess.PIPE) as waiting:
        docker("kill", "victim")
        assert waiting.communicate(timeout=20)[0] == b"137\n"


def test_taken_name(docker: Docker) -> None:
    id_ = docker("create", "--name", "taken", "busybox")
    done = docker.run("run", "--name", "taken", "busybox")
    assert done.status == 125
    assert (
        f'Conflict. The container name "/taken" is already in use by container "{id_}". You have '
        "to remove (or rename) that container to be able to reuse that name." in done.err
    )


def test_input_ends_with_the_pipe(docker: Docker) -> None:
    assert docker("run", "--rm", "-i", "busybox", "cat", stdin=b"one\ntwo\n") == "one\ntwo"


def test_a_megabyte_of_binary_goes_both_ways(docker: Docker) -> None:
    data = os.urandom(1 << 20)
    done = docker.run("run", "--rm", "-i", "busybox", "cat", stdin=data)
    assert done.raw == data


def test_input_of_a_program_that_does_not_read(docker: Docker) -> None:
    done = docker.run("run", "--rm", "-i", "busybox", "true", stdin=os.urandom(1 << 18))
    assert done.status == 0


def test_without_i_stdin_is_empty(docker: Docker) -> None:
    assert docker("run", "--rm", "busybox", "cat", stdin=b"not wanted") == ""


def test_much_output_is_complete(docker: Docker) -> None:
    done = docker.run("run", "--rm", "busybox", "seq", "200000")
    assert done.out.split() == [str(n) for n in range(1, 200001)]


def test_signals_are_forwarded(docker: Docker) -> None:
    script = "trap 'echo got; exit 7' USR1; echo ready; while :; do sleep 0.1; done"
    with docker.open(
        ["run", "--rm", "busybox", "sh", "-c", script], stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(10)
        assert process.stdout.read() == b"got\n"
        assert process.wait(20) == 7


def test_detached_prints_the_id(docker: Docker) -> None:
    id_ = docker("run", "-d", "busybox", "sleep", "600")
    assert len(id_) == 64
    assert docker("ps", "-q", "--no-trunc") == id_


def test_cidfile(docker: Docker, tmp_path: Path) -> None:
    file = tmp_path / "cid"
    docker("run", "--cidfile", str(file), "busybox", "true")
    assert docker("ps", "-aq", "--no-trunc") == file.read_text()


# Environment, user, names


def test_environment(docker: Docker, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment\nFROM_FILE=1\nBOTH=file\n")
    options = ("-e", "A=1", "-e", "BOTH=flag", "--env-file", str(file), "--hostname", "web")
    lines = sh(docker, "env | sort", *options).splitlines()
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    wanted = {"A=1", "BOTH=flag", "FROM_FILE=1", "HOSTNAME=web", f"PATH={path}"}
    assert wanted | {"HOME=/root"} <= set(lines)
    assert not any(line.startswith("TERM=") for line in lines)


def test_working_directory_is_made(docker: Docker) -> None:
    assert sh(docker, "pwd", "-w", "/new/folder") == "/new/folder"


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("daemon", "uid=1(daemon) gid=1(daemon) groups=1(daemon)"),
        ("33", "uid=33(www-data) gid=33(www-data) groups=33(www-data)"),
        ("1000:1001", "uid=1000 gid=1001 groups=1001"),
        ("nobody:users", "uid=65534(nobody) gid=100(users) groups=100(users)"),
    ],
)
def test_user(docker: Docker, user: str, shown: str) -> None:
    assert sh(docker, "id", "-u", user) == shown


def test_additional_groups(docker: Docker) -> None:
    assert sh(docker, "id -G", "-u", "1000", "--group-add", "users", "--group-add", "77") == (
        "0 77 100"
    )


def test_hostname_and_hosts_file(docker: Docker) -> None:
    script = "hostname; cat /etc/hostname; cat /etc/hosts"
    lines = sh(docker, script, "--hostname", "web", "--add-host", "db:10.1.2.3").splitlines()
    assert lines[:2] == ["web", "web"]
    assert "127.0.0.1\tlocalhost" in lines
    assert "10.1.2.3\tdb" in lines
    assert any(line.endswith("\tweb") for line in lines)


def test_default_hostname_is_the_short_id(docker: Docker) -> None:
    id_ = docker("run", "-d", "busybox", "sh", "-c", "hostname; sleep 600")
    assert eventually(lambda: docker("logs", id_)) == id_[:12]


def test_host_gateway(docker: Docker, engine: EngineProcess) -> None:
    (config,) = engine.request("GET", "/networks/bridge").json["IPAM"]["Config"]
    shown = sh(docker, "grep above /etc/hosts", "--add-host", "above:host-gateway")
    assert shown == f"{config['Gateway']}\tabove"


def test_name_servers(docker: Docker) -> None:
    options = ("--dns", "9.9.9.9", "--dns-search", "example.org", "--dns-option", "ndots:2")
    lines = sh(docker, "cat /etc/resolv.conf", *options).splitlines()
    assert [line for line in lines if line and line[0] != "#"] == [
        "nameserver 127.0.0.11",
        "search example.org",
        "options ndots:2",
    ]


def test_entrypoint(docker: Docker) -> None:
    assert docker("run", "--rm", "--entrypoint", "echo", "app:1.0", "x") == "x"
    assert docker("run", "--rm", "--entrypoint", "", "app:1.0", "echo", "y") == "y"


def test_labels(docker: Docker) -> None:
    docker("create", "--name", "labelled", "--label", "a=1", "--label", "b", "app:1.0")
    labels = json.loads(docker("inspect", "-f", "{{json .Config.Labels}}", "labelled"))
    assert labels == {"a": "1", "b": "", "org.example.tier": "front", "maintainer": "somebody"}


# Files


def test_bind(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("from host")
    assert sh(docker, "cat /mnt/in; echo back > /mnt/out", "-v", f"{tmp_path}:/mnt") == "from host"
    assert (tmp_path / "out").read_text() == "back\n"


def test_read_only_bind(docker: Docker, tmp_path: Path) -> None:
    for option in (
        ("-v", f"{tmp_path}:/mnt:ro"),
        ("--mount", f"type=bind,src={tmp_path},dst=/mnt,ro"),
    ):
        done = docker.run("run", "--rm", *option, "busybox", "touch", "/mnt/x")
        assert done.status == 1
        assert "Read-only file system" in done.err


def test_bind_of_one_file(docker: Docker, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("content")
    assert sh(docker, "cat /etc/some.conf", "-v", f"{tmp_path}/f:/etc/some.conf") == "content"


def test_v_makes_a_missing_source(docker: Docker, tmp_path: Path) -> None:
    sh(docker, "touch /mnt/x", "-v", f"{tmp_path}/made/here:/mnt")
    assert (tmp_path / "made/here/x").exists()


def test_mount_refuses_a_missing_source(docker: Docker, engine: EngineProcess) -> None:
    done = docker.run("run", "--mount", "type=bind,src=/no/such,dst=/mnt", "busybox", "true")
    assert done.status == 125
    assert (
        'invalid mount config for type "bind": bind source path does not exist: /no/such'
        in done.err
    )
    assert engine.containers() == []


def test_named_volume_gets_the_images_files(docker: Docker) -> None:
    assert sh(docker, "cat /srv/app/x; ls /v", "-v", "vol:/v") == ""
    docker("run", "--rm", "-v", "seeded:/data", "app:1.0")
    assert sh(docker, "cat /v/seed; echo more > /v/seed", "-v", "seeded:/v") == "seed"
    assert (
        docker("run", "--rm", "-v", "seeded:/data", "--entrypoint", "cat", "app:1.0", "/data/seed")
        == "more"
    )
    assert docker("volume", "ls", "-q").split() == ["seeded", "vol"]


def test_nocopy_volume_stays_empty(docker: Docker) -> None:
    done = docker(
        "run", "--rm", "-v", "bare:/data:nocopy", "--entrypoint", "ls", "app:1.0", "/data"
    )
    assert done == ""


def test_anonymous_volumes_go_with_rm(docker: Docker) -> None:
    docker("run", "--rm", "-v", "/scratch", "app:1.0")
    assert docker("volume", "ls", "-q") == ""


def test_rm_v_takes_anonymous_volumes_only(docker: Docker) -> None:
    docker("create", "--name", "owner", "-v", "kept:/k", "-v", "/scratch", "app:1.0")
    assert len(docker("volume", "ls", "-q").split()) == 3
    docker("rm", "-v", "owner")
    assert docker("volume", "ls", "-q") == "kept"


def test_volume_in_use_cannot_be_removed(docker: Docker) -> None:
    id_ = docker("create", "-v", "busy:/v", "busybox")
    done = docker.run("volume", "rm", "busy")
    assert done.status == 1
    assert f"remove busy: volume is in use - [{id_}]" in done.err


def test_tmpfs(docker: Docker) -> None:
    lines = sh(docker, "mount | grep ' on /t '", "--tmpfs", "/t:size=1m,mode=700")
    assert "tmpfs" in lines
    for word in ("size=1024k", "mode=700", "noexec", "nosuid", "nodev"):
        assert word in lines
    assert "tmpfs on /u" in sh(docker, "mount", "--mount", "type=tmpfs,dst=/u,tmpfs-size=2m")


def test_read_only_root(docker: Docker) -> None:
    done = docker.run("run", "--rm", "--read-only", "busybox", "touch", "/x")
    assert done.status == 1
    assert "Read-only file system" in done.err
    assert sh(docker, "touch /t/x /dev/shm/x && ls /t", "--read-only", "--tmpfs", "/t") == "x"


def test_duplicate_mount_point(docker: Docker) -> None:
    done = docker.run("run", "-v", "vol:/a", "--tmpfs", "/a", "busybox")
    assert done.status == 125
    assert "Duplicate mount point: /a" in done.err


# Limits and privileges


def test_memory_limit_kills(docker: Docker) -> None:
    script = "head -c 200m /dev/zero | tail | wc -c"
    docker.run("run", "--name", "big", "-m", "16m", "busybox", "sh", "-c", f"exec {script}")
    docker.run(
        "run", "--name", "hog", "-m", "16m", "busybox", "sh", "-c", "a=x; while :; do a=$a$a; done"
    )
    assert docker("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", "hog") == "137 true"


def test_limits_reach_the_cgroup(docker: Docker) -> None:
    limits = ("-m", "64m", "--cpus", "0.5", "--pids-limit", "20")
    docker("run", "-d", "--name", "limited", *limits, "busybox", "sleep", "600")
    pid = docker("inspect", "-f", "{{.State.Pid}}", "limited")
    groups = dict(
        (name, path)
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        for name, path in [line.split(":", 2)[1:]]
    )
    assert read_limit(groups, "memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
    assert read_limit(groups, "pids", "pids.max", "pids.max") == "20"
    quota = read_limit(groups, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0]
    assert quota == "50000"


def read_limit(groups: dict[str, str], controller: str, old: str, new: str) -> str:
    """A limit's file under cgroup v1 or v2."""
    for names, path in groups.items():
        if controller in names.split(","):
            return Path(f"/sys/fs/cgroup/{controller}{path}/{old}").read_text().strip()
    return Path(f"/sys/fs/cgroup{groups['']}/{new}").read_text().strip()


def test_pids_limit_stops_forks(docker: Docker) -> None:
    done = docker.run(
        "run",
        "--rm",
        "--pids-limit",
        "4",
        "busybox",
        "sh",
        "-c",
        "for n in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait",
    )
    assert "can't fork" in done.err


def test_impossible_limits_are_refused(docker: Docker) -> None:
    for option, sentence in (
        (("--cpus", "9999"), "range of CPUs is from 0.01 to"),
        (("-m", "1m"), "Minimum memory limit allowed is 6MB"),
        (("--cap-add", "NONSENSE"), 'invalid CapAdd: unknown capability: "CAP_NONSENSE"'),
    ):
        done = docker.run("run", "--rm", *option, "busybox", "true")
        assert done.status == 125
        assert sentence.lower() in done.err.lower()


def capabilities(text: str) -> int:
    return int(next(line for line in text.splitlines() if "CapEff" in line).split()[1], 16)


def test_capabilities(docker: Docker) -> None:
    status = "cat /proc/self/status"
    default = capabilities(sh(docker, status))
    assert default == 0xA80425FB
    assert capabilities(sh(docker, status, "--cap-drop", "ALL")) == 0
    added = sh(docker, status, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN")
    assert capabilities(added) == 1 << 12
    assert capabilities(sh(docker, status, "--cap-add", "SYS_TIME")) == default | 1 << 25
    assert capabilities(sh(docker, status, "-u", "1000")) == 0


def test_privileged(docker: Docker) -> None:
    script = "mount -t tmpfs none /mnt && echo mounted; ls /dev/loop-control /dev/kmsg"
    assert "mounted" in sh(docker, f"mkdir -p /mnt; {script}", "--privileged")
    assert "mounted" not in sh(docker, f"mkdir -p /mnt; {script}; true")


def test_seccomp_and_no_new_privileges(docker: Docker) -> None:
    status = "grep -E 'Seccomp:|NoNewPrivs' /proc/self/status"
    assert sh(docker, status).split() == ["NoNewPrivs:", "0", "Seccomp:", "2"]
    options = ("--security-opt", "seccomp=unconfined", "--security-opt", "no-new-privileges")
    assert sh(docker, status, *options).split() == ["NoNewPrivs:", "1", "Seccomp:", "0"]


def test_ulimits(docker: Docker) -> None:
    shown = sh(docker, "ulimit -Sn; ulimit -Hn", "--ulimit", "nofile=100:200")
    assert shown.split() == ["100", "200"]


def test_devices(docker: Docker) -> None:
    shown = sh(
        docker, "ls -l /dev/mine; head -c 3 /dev/mine | wc -c", "--device", "/dev/zero:/dev/mine"
    )
    assert shown.splitlines()[1] == "3"
    assert sh(docker, "mknod /x c 1 5 && head -c 1 /x | wc -c || echo no") == "1"


def test_shm_size_and_sysctl(docker: Docker) -> None:
    assert "65536" in sh(docker, "df -k /dev/shm")
    assert "2048" in sh(docker, "df -k /dev/shm", "--shm-size", "2m")
    option = ("--sysctl", "net.ipv4.ip_forward=1")
    assert sh(docker, "cat /proc/sys/net/ipv4/ip_forward", *option) == "1"


def test_masked_and_read_only_paths(docker: Docker) -> None:
    assert sh(docker, "cat /proc/timer_list | wc -c; ls /proc/acpi /sys/firmware | wc -l") in (
        "0\n0",
        "0\n3",
    )
    done = docker.run("run", "--rm", "busybox", "sh", "-c", "echo 1 > /proc/sys/kernel/panic")
    assert "Read-only file system" in done.err


def test_namespaces_of_the_host(docker: Docker) -> None:
    shown = sh(docker, "hostname; ls /proc | grep -c '^[0-9]'", "--uts", "host", "--pid", "host")
    name, processes = shown.splitlines()
    assert name == socket.gethostname()
    assert int(processes) > 10
    assert sh(docker, "echo $$", "--pid", "host") != "1"
