"""From the flags of `run` and `create` to the body of ContainerCreate, as docker sends it. Light.

Pure but for the files that flags name (`--env-file`, `--label-file`, seccomp profiles).
Source: docker/cli 28.2 `cli/command/container/opts.go` (parse); Engine API 1.51 ContainerCreate.
"""

from __future__ import annotations

from budu.base.environment import environment
from budu.base.errors import InvalidArgument
from budu.cli.addresses import is_mac
from budu.cli.environment import read_files, to_map
from budu.cli.mounts import read_tmpfs, read_volumes
from budu.cli.networks import endpoints_of, network_mode
from budu.cli.ports import read_ports
from budu.cli.resources import (
    is_cdi_name,
    read_device,
    read_on_unhealthy,
    read_pull_policy,
    read_restart,
    ulimits_of,
)
from budu.cli.security import check_modes, normal_capabilities, read_security

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from budu.cli.declare import Call

_HEALTH = (
    ("health-interval", "Interval"),
    ("health-timeout", "Timeout"),
    ("health-retries", "Retries"),
    ("health-start-period", "StartPeriod"),
    ("health-start-interval", "StartInterval"),
)


def create_body(
    call: Call,
    *,
    environ: Mapping[str, str] | None = None,
    proxy: Mapping[str, str] | None = None,
    console_size: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    """ContainerCreateBody of a parsed command line; `call.args` are the image and its command.

    `proxy` are variables of config.json, which stand before `--env`; `console_size` is (rows,
    columns).
    Raises: InvalidArgument with Docker's sentence for what cannot be.
    """
    _check(call)
    exposed, bindings = read_ports(call.texts("publish"), call.texts("expose"))
    binds, volumes = read_volumes(call.texts("volume"))
    surroundings = environment() if environ is None else environ
    body = _config(call, surroundings, proxy or {})
    body["ExposedPorts"] = exposed
    body["Volumes"] = volumes
    if not exposed:
        del body["ExposedPorts"]
    host_config = _host_config(call)
    host_config["Binds"] = binds or None
    host_config["PortBindings"] = bindings
    host_config["ConsoleSize"] = list(console_size)
    body["HostConfig"] = host_config
    body["NetworkingConfig"] = {"EndpointsConfig": endpoints_of(call)}
    return body


def _check(call: Call) -> None:
    read_pull_policy(call.text("pull"))
    address = call.text("mac-address")
    if address and not is_mac(address):
        raise InvalidArgument(f"{address} is not a valid mac address")
    swappiness = call.number("memory-swappiness")
    if swappiness != -1 and not 0 <= swappiness <= 100:
        raise InvalidArgument(
            f"invalid value: {swappiness}. Valid memory swappiness range is 0-100"
        )
    check_modes({name: call.text(name) for name in ("pid", "uts", "userns", "cgroupns")})


def _config(call: Call, environ: Mapping[str, str], proxy: Mapping[str, str]) -> dict[str, Any]:
    attached = call.texts("attach")
    interactive = call.on("interactive")
    stdin = interactive or "stdin" in attached
    env = [f"{name}={value}" for name, value in proxy.items()]
    env = read_files(call.texts("env-file"), environ=environ) + env + call.texts("env")
    labels = read_files(call.texts("label-file"), environ=None) + call.texts("label")
    config: dict[str, Any] = {
        "Hostname": call.text("hostname"),
        "Domainname": call.text("domainname"),
        "User": call.text("user"),
        "AttachStdin": stdin,
        "AttachStdout": not attached or "stdout" in attached,
        "AttachStderr": not attached or "stderr" in attached,
        "Tty": call.on("tty"),
        "OpenStdin": interactive,
        "StdinOnce": interactive and stdin,
        "Env": env or None,
        "Cmd": call.args[1:] or None,
        "Image": call.args[0],
        "WorkingDir": call.text("workdir"),
        "Entrypoint": _entrypoint(call),
        "OnBuild": None,
        "Labels": to_map(labels),
    }
    return {**config, **_optional_config(call)}


def _entrypoint(call: Call) -> list[str] | None:
    return [call.text("entrypoint")] if "entrypoint" in call.given else None


def _optional_config(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if call.text("stop-signal"):
        fields["StopSignal"] = call.text("stop-signal")
    if "stop-timeout" in call.given:
        fields["StopTimeout"] = call.number("stop-timeout")
    health = _health(call)
    if health:
        fields["Healthcheck"] = health
    return fields


def _health(call: Call) -> dict[str, Any] | None:
    settings: dict[str, Any] = {
        name: call.number(flag) for flag, name in _HEALTH if call.number(flag)
    }
    if call.text("on-unhealthy"):
        settings["OnUnhealthy"] = read_on_unhealthy(call.text("on-unhealthy"))
    test = _health_test(call)
    if call.on("no-healthcheck"):
        if test or settings:
            raise InvalidArgument("--no-healthcheck conflicts with --health-* options")
        return {"Test": ["NONE"]}
    for flag, _ in _HEALTH:
        if call.number(flag) < 0:
            raise InvalidArgument(f"--{flag} cannot be negative")
    return {**test, **settings} or None


def _health_test(call: Call) -> dict[str, list[str]]:
    flags = {"health-cmd": "CMD-SHELL", "health-http": "HTTP", "health-tcp": "TCP"}
    given = [flag for flag in flags if call.text(flag)]
    if len(given) > 1:
        raise InvalidArgument(f"--{given[0]} conflicts with --{given[1]}")
    return {"Test": [flags[given[0]], call.text(given[0])]} if given else {}


def _host_config(call: Call) -> dict[str, Any]:
    restart = read_restart(call.text("restart"))
    if call.on("rm") and restart["Name"] not in ("", "no"):
        raise InvalidArgument("conflicting options: cannot specify both --restart and --rm")
    security, unconfined = read_security(call.texts("security-opt"))
    fields: dict[str, Any] = {
        "ContainerIDFile": call.text("cidfile"),
        "LogConfig": _log_config(call),
        "NetworkMode": network_mode(call),
        "RestartPolicy": restart,
        "AutoRemove": call.on("rm"),
        "VolumeDriver": call.text("volume-driver"),
        "VolumesFrom": call.texts("volumes-from") or None,
        "CapAdd": normal_capabilities(call.texts("cap-add")),
        "CapDrop": normal_capabilities(call.texts("cap-drop")),
        "CgroupnsMode": call.text("cgroupns"),
        "Dns": call.texts("dns"),
        "DnsOptions": call.texts("dns-option"),
        "DnsSearch": call.texts("dns-search"),
        "ExtraHosts": call.texts("add-host") or None,
        "GroupAdd": call.texts("group-add") or None,
        "IpcMode": call.text("ipc"),
        "Cgroup": "",
        "Links": call.texts("link") or None,
        "OomScoreAdj": call.number("oom-score-adj"),
        "PidMode": call.text("pid"),
        "Privileged": call.on("privileged"),
        "PublishAllPorts": call.on("publish-all"),
        "ReadonlyRootfs": call.on("read-only"),
        "SecurityOpt": security or None,
        "UTSMode": call.text("uts"),
        "UsernsMode": call.text("userns"),
        "ShmSize": call.number("shm-size"),
        "Isolation": call.text("isolation"),
        "MaskedPaths": [] if unconfined else None,
        "ReadonlyPaths": [] if unconfined else None,
    }
    return {**fields, **_optional_host_config(call), **_resources(call)}


def _optional_host_config(call: Call) -> dict[str, Any]:
    fields = {
        "Annotations": call.values["annotation"],
        "Mounts": call.values["mount"],
        "Runtime": call.text("runtime"),
        "StorageOpt": _storage(call),
        "Sysctls": call.values["sysctl"],
        "Tmpfs": read_tmpfs(call.texts("tmpfs")),
    }
    present = {name: value for name, value in fields.items() if value}
    return {**present, "Init": call.on("init")} if "init" in call.given else present


def _log_config(call: Call) -> dict[str, Any]:
    driver, options = call.text("log-driver"), call.texts("log-opt")
    if driver == "none" and options:
        raise InvalidArgument(f"invalid logging opts for driver {driver}")
    return {"Type": driver, "Config": to_map(options)}


def _storage(call: Call) -> dict[str, str]:
    options = call.texts("storage-opt")
    if any("=" not in option for option in options):
        raise InvalidArgument("invalid storage option")
    return to_map(options)


def _resources(call: Call) -> dict[str, Any]:
    devices = call.texts("device")
    ulimits = call.values["ulimit"]
    return {
        "CpuShares": call.number("cpu-shares"),
        "Memory": call.number("memory"),
        "NanoCpus": call.number("cpus"),
        "CgroupParent": call.text("cgroup-parent"),
        "BlkioWeight": call.number("blkio-weight"),
        "BlkioWeightDevice": call.values["blkio-weight-device"],
        "BlkioDeviceReadBps": call.values["device-read-bps"],
        "BlkioDeviceWriteBps": call.values["device-write-bps"],
        "BlkioDeviceReadIOps": call.values["device-read-iops"],
        "BlkioDeviceWriteIOps": call.values["device-write-iops"],
        "CpuPeriod": call.number("cpu-period"),
        "CpuQuota": call.number("cpu-quota"),
        "CpuRealtimePeriod": call.number("cpu-rt-period"),
        "CpuRealtimeRuntime": call.number("cpu-rt-runtime"),
        "CpusetCpus": call.text("cpuset-cpus"),
        "CpusetMems": call.text("cpuset-mems"),
        "Devices": [read_device(text) for text in devices if not is_cdi_name(text)],
        "DeviceCgroupRules": call.texts("device-cgroup-rule") or None,
        "DeviceRequests": _device_requests(call, devices),
        "MemoryReservation": call.number("memory-reservation"),
        "MemorySwap": call.number("memory-swap"),
        "MemorySwappiness": call.number("memory-swappiness"),
        "OomKillDisable": call.on("oom-kill-disable"),
        "PidsLimit": call.number("pids-limit"),
        "Ulimits": ulimits_of(ulimits) if isinstance(ulimits, dict) else [],
        "CpuCount": call.number("cpu-count"),
        "CpuPercent": call.number("cpu-percent"),
        "IOMaximumIOps": call.number("io-maxiops"),
        "IOMaximumBandwidth": call.number("io-maxbandwidth"),
    }


def _device_requests(call: Call, devices: list[str]) -> list[object] | None:
    gpus = call.values["gpus"]
    requests = list(gpus) if isinstance(gpus, list) else []
    names = [text for text in devices if is_cdi_name(text)]
    if names:
        requests.append(
            {
                "Driver": "cdi",
                "Count": 0,
                "DeviceIDs": names,
                "Capabilities": None,
                "Options": None,
            }
        )
    return requests or None
