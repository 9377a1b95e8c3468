"""OCI runtime configuration records."""

from __future__ import annotations

import json

import msgspec

from budu.spec.oci_runtime import (
    CPU,
    BlockIO,
    Capabilities,
    DeviceRule,
    Linux,
    Memory,
    Mount,
    Namespace,
    Process,
    Resources,
    Root,
    RuntimeSpec,
    ThrottleDevice,
    User,
)

CONFIG = {
    "ociVersion": "1.2.0",
    "process": {
        "terminal": True,
        "consoleSize": {"height": 24, "width": 80},
        "user": {"uid": 1000, "gid": 1000, "additionalGids": [10]},
        "args": ["sh"],
        "env": ["A=1"],
        "cwd": "/work",
        "capabilities": {"bounding": ["CAP_CHOWN"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
        "oomScoreAdj": -500,
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "web",
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
    "hooks": {"createRuntime": [{"path": "/bin/hook", "timeout": 5}]},
    "linux": {
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "resources": {
            "devices": [{"allow": False, "access": "rwm"}],
            "memory": {"limit": 1024, "kernelTCP": 5, "disableOOMKiller": True},
            "cpu": {"shares": 0, "quota": -1, "cpus": "0-1"},
            "pids": {"limit": 0},
            "blockIO": {"throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 5}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 1}],
        },
        "cgroupsPath": "/docker/x",
        "namespaces": [{"type": "network", "path": "/run/netns/x"}],
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438}],
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 1,
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [
                {
                    "names": ["clone"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}],
                }
            ],
        },
        "maskedPaths": ["/proc/kcore"],
        "readonlyPaths": ["/proc/sys"],
        "rootfsPropagation": "private",
        "timeOffsets": {"boottime": {"secs": 1}},
    },
    "annotations": {"a": "b"},
}


def test_a_full_document_survives_a_round_trip() -> None:
    spec = msgspec.json.decode(json.dumps(CONFIG), type=RuntimeSpec)
    assert json.loads(msgspec.json.encode(spec)) == CONFIG


def test_names_on_the_wire_are_the_specifications() -> None:
    spec = RuntimeSpec(
        oci_version="1.2.0",
        process=Process(user=User(uid=5), capabilities=Capabilities(ambient=("CAP_KILL",))),
        root=Root(path="/r"),
        mounts=(Mount(destination="/x", options=("ro",)),),
        linux=Linux(
            namespaces=(Namespace(type="pid"),),
            resources=Resources(
                devices=(DeviceRule(allow=True, major=-1),),
                memory=Memory(swap=-1),
                cpu=CPU(realtime_runtime=1),
                block_io=BlockIO(throttle_write_bps_device=(ThrottleDevice(major=1, minor=2),)),
            ),
        ),
    )
    document = json.loads(msgspec.json.encode(spec))
    assert document["process"] == {
        "user": {"uid": 5},
        "cwd": "/",
        "capabilities": {"ambient": ["CAP_KILL"]},
    }
    assert document["linux"]["resources"] == {
        "devices": [{"allow": True, "major": -1}],
        "memory": {"swap": -1},
        "cpu": {"realtimeRuntime": 1},
        "blockIO": {"throttleWriteBpsDevice": [{"major": 1, "minor": 2}]},
    }


def test_unknown_fields_are_ignored() -> None:
    spec = msgspec.json.decode(b'{"ociVersion":"1.0.2","windows":{"x":1}}', type=RuntimeSpec)
    assert spec.oci_version == "1.0.2"
