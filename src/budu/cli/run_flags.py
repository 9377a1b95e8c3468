"""The flags of `run` and `create`, as a table. Light.

Source: docker/cli 28.2 `cli/command/container/{opts,run,create}.go`.
"""

from __future__ import annotations

import os

from budu.cli import resources as res
from budu.cli.declare import Flag
from budu.cli.environment import read_env, read_label
from budu.cli.mounts import read_mount
from budu.cli.networks import read_dns, read_dns_search, read_extra_host, read_link, read_network
from budu.cli.values import read_swap


def _map(text: str) -> dict[str, str]:
    name, _, value = text.partition("=")
    return {name: value}


PROCESS = (
    Flag("attach", "list", short="a", read=res.read_attach,
         help=("Attach to STDIN, STDOUT or STDERR", "STDIN, STDOUT, STDERR에 연결합니다")),
    Flag("entrypoint", "string",
         help=("Run this in place of the image's ENTRYPOINT", "ENTRYPOINT 대신 실행합니다")),
    Flag("env", "list", short="e", read=read_env,
         help=("Set environment variables", "환경 변수를 정합니다")),
    Flag("env-file", "list",
         help=("Read environment variables from a file", "파일에서 환경 변수를 읽습니다")),
    Flag("hostname", "string", short="h",
         help=("Host name inside the container", "컨테이너 안의 호스트 이름")),
    Flag("domainname", "string",
         help=("NIS domain name inside the container", "컨테이너 안의 NIS 도메인 이름")),
    Flag("interactive", short="i",
         help=("Keep STDIN open even if not attached", "연결하지 않아도 STDIN을 열어 둡니다")),
    Flag("tty", short="t", help=("Allocate a pseudo-TTY", "가상 터미널(TTY)을 만듭니다")),
    Flag("user", "string", short="u",
         help=("User name or UID (format: <name|uid>[:<group|gid>])",
               "사용자 이름 또는 UID (형식: <name|uid>[:<group|gid>])")),
    Flag("workdir", "string", short="w",
         help=("Working directory inside the container", "컨테이너 안의 작업 폴더")),
    Flag("group-add", "list", help=("Join additional groups", "그룹을 더 추가합니다")),
    Flag("init", help=("Run a small init inside the container that forwards signals and reaps "
                       "processes", "신호를 전달하고 끝난 프로세스를 거두는 init을 넣습니다")),
    Flag("stop-signal", "string", help=("Signal that stops the container", "컨테이너를 멈출 신호")),
    Flag("stop-timeout", "int",
         help=("Seconds to wait before killing on stop", "멈출 때 강제 종료까지 기다릴 초")),
    Flag("restart", "string", default="no",
         help=("What to do when the container exits: no, on-failure[:retries], always, "
               "unless-stopped",
               "끝났을 때의 동작: no, on-failure[:횟수], always, unless-stopped")),
    Flag("rm", help=("Remove the container and its anonymous volumes when it exits",
                     "끝나면 컨테이너와 익명 볼륨을 지웁니다")),
    Flag("read-only", help=("Mount the root file system read-only",
                            "루트 파일 시스템을 읽기 전용으로 붙입니다")),
    Flag("label", "list", short="l", read=read_label,
         help=("Set metadata on the container", "컨테이너에 라벨을 붙입니다")),
    Flag("label-file", "list", help=("Read labels from a file", "파일에서 라벨을 읽습니다")),
    Flag("annotation", "map", read=_map,
         help=("Add an annotation, passed to the OCI runtime", "OCI 런타임에 주석을 전달합니다")),
    Flag("cidfile", "string", help=("Write the container's ID to a file",
                                    "컨테이너 ID를 파일에 씁니다")),
)  # fmt: skip
SECURITY = (
    Flag("cap-add", "list", help=("Add Linux capabilities", "리눅스 권한(capability)을 더합니다")),
    Flag("cap-drop", "list", help=("Drop Linux capabilities", "리눅스 권한(capability)을 뺍니다")),
    Flag("privileged", help=("Give the container extended privileges",
                             "컨테이너에 호스트 수준 권한을 줍니다")),
    Flag("security-opt", "list", help=("Security options", "보안 옵션")),
    Flag("userns", "string", help=("User namespace to use", "사용할 사용자 네임스페이스")),
    Flag("cgroupns", "string",
         help=("Cgroup namespace to use (host|private)", "cgroup 네임스페이스 (host|private)")),
    Flag("ipc", "string", help=("IPC mode to use", "IPC 방식")),
    Flag("pid", "string", help=("PID namespace to use", "PID 네임스페이스")),
    Flag("uts", "string", help=("UTS namespace to use", "UTS 네임스페이스")),
    Flag("isolation", "string",
         help=("Container isolation technology", "컨테이너 격리 기술")),
    Flag("runtime", "string", help=("Runtime to use", "사용할 런타임")),
    Flag("sysctl", "map", read=res.read_sysctl, help=("Kernel parameters", "커널 매개변수")),
    Flag("device", "list",
         help=("Add a host device to the container", "호스트 장치를 컨테이너에 넣습니다")),
    Flag("device-cgroup-rule", "list", read=res.read_device_rule,
         help=("Add a rule to the allowed devices list", "허용 장치 목록에 규칙을 더합니다")),
    Flag("gpus", "gpu-request", read=res.read_gpus,
         help=("GPU devices to add ('all' for every GPU)", "추가할 GPU 장치 ('all'은 모두)")),
)  # fmt: skip
NETWORK = (
    Flag("add-host", "list", read=read_extra_host,
         help=("Add a host-to-IP mapping (host:ip)", "호스트 이름과 IP를 더합니다 (host:ip)")),
    Flag("dns", "list", read=read_dns, help=("Set DNS servers", "DNS 서버를 정합니다")),
    Flag("dns-option", "list", also="dns-opt", help=("Set DNS options", "DNS 옵션을 정합니다")),
    Flag("dns-search", "list", read=read_dns_search,
         help=("Set DNS search domains", "DNS 검색 도메인을 정합니다")),
    Flag("expose", "list", help=("Expose a port or a range of ports",
                                 "포트(또는 범위)를 노출한다고 알립니다")),
    Flag("ip", "string", help=("IPv4 address (e.g., 172.30.100.104)",
                               "IPv4 주소 (예: 172.30.100.104)")),
    Flag("ip6", "string", help=("IPv6 address (e.g., 2001:db8::33)",
                                "IPv6 주소 (예: 2001:db8::33)")),
    Flag("link", "list", read=read_link,
         help=("Add a link to another container", "다른 컨테이너와 잇습니다")),
    Flag("link-local-ip", "list",
         help=("IPv4/IPv6 link-local addresses", "IPv4/IPv6 링크 로컬 주소")),
    Flag("mac-address", "string", help=("MAC address (e.g., 92:d0:c6:0a:29:33)",
                                        "MAC 주소 (예: 92:d0:c6:0a:29:33)")),
    Flag("network", "network", also="net", read=read_network,
         help=("Connect the container to a network", "컨테이너를 네트워크에 연결합니다")),
    Flag("network-alias", "list", also="net-alias",
         help=("Add a name for the container in its network",
               "네트워크 안에서 쓸 별명을 더합니다")),
    Flag("publish", "list", short="p",
         help=("Publish a container's port(s) to the host ([ip:]host:container)",
               "컨테이너 포트를 호스트에 공개합니다 ([ip:]호스트:컨테이너)")),
    Flag("publish-all", short="P", help=("Publish all exposed ports to random ports",
                                         "노출된 모든 포트를 임의의 포트로 공개합니다")),
)  # fmt: skip
STORAGE = (
    Flag("mount", "mount", read=read_mount,
         help=("Attach a file system to the container", "컨테이너에 파일 시스템을 붙입니다")),
    Flag("volume", "list", short="v", help=("Bind mount a folder or a volume (source:target)",
                                            "폴더나 볼륨을 붙입니다 (원본:대상)")),
    Flag("volume-driver", "string", help=("Volume driver for the container", "볼륨 드라이버")),
    Flag("volumes-from", "list",
         help=("Mount the volumes of other containers", "다른 컨테이너의 볼륨을 붙입니다")),
    Flag("tmpfs", "list", help=("Mount a tmpfs folder", "메모리 파일 시스템(tmpfs)을 붙입니다")),
    Flag("storage-opt", "list", help=("Storage options", "저장소 옵션")),
    Flag("shm-size", "bytes", help=("Size of /dev/shm", "/dev/shm의 크기")),
    Flag("log-driver", "string", help=("Logging driver", "로그 드라이버")),
    Flag("log-opt", "list", help=("Log driver options", "로그 드라이버 옵션")),
)  # fmt: skip
HEALTH = (
    Flag("health-cmd", "string", help=("Command that checks health", "상태를 검사할 명령")),
    Flag("health-interval", "duration",
         help=("Time between checks (ms|s|m|h)", "검사 간격 (ms|s|m|h)")),
    Flag("health-retries", "int", help=("Failures in a row that mean unhealthy",
                                        "비정상으로 볼 연속 실패 횟수")),
    Flag("health-start-interval", "duration",
         help=("Time between checks during the start period (ms|s|m|h)",
               "시작 기간의 검사 간격 (ms|s|m|h)")),
    Flag("health-start-period", "duration",
         help=("Time to start up before failures count (ms|s|m|h)",
               "실패를 세기 전의 시작 시간 (ms|s|m|h)")),
    Flag("health-timeout", "duration", help=("Longest time for one check (ms|s|m|h)",
                                             "검사 한 번의 최대 시간 (ms|s|m|h)")),
    Flag("no-healthcheck", help=("Turn off the image's HEALTHCHECK",
                                 "이미지의 HEALTHCHECK를 끕니다")),
)  # fmt: skip
RESOURCES = (
    Flag("blkio-weight", "uint16", help=("Block I/O weight, 10 to 1000, 0 for none",
                                         "블록 I/O 가중치, 10~1000, 0은 없음")),
    Flag("blkio-weight-device", "list", read=res.read_weight,
         help=("Block I/O weight of a device", "장치별 블록 I/O 가중치")),
    Flag("cgroup-parent", "string", help=("Parent cgroup", "상위 cgroup")),
    Flag("cpu-count", "int", help=("CPU count (Windows only)", "CPU 수 (Windows 전용)")),
    Flag("cpu-percent", "int", help=("CPU percent (Windows only)", "CPU 비율 (Windows 전용)")),
    Flag("cpu-period", "int", help=("CPU CFS period in microseconds", "CPU CFS 주기 (마이크로초)")),
    Flag("cpu-quota", "int", help=("CPU CFS quota in microseconds", "CPU CFS 할당량 (마이크로초)")),
    Flag("cpu-rt-period", "int",
         help=("CPU real-time period in microseconds", "CPU 실시간 주기 (마이크로초)")),
    Flag("cpu-rt-runtime", "int",
         help=("CPU real-time runtime in microseconds", "CPU 실시간 실행 시간 (마이크로초)")),
    Flag("cpu-shares", "int", short="c", help=("CPU shares (relative weight)",
                                               "CPU 몫 (상대 가중치)")),
    Flag("cpus", "decimal", read=res.read_cpus, help=("Number of CPUs", "CPU 개수")),
    Flag("cpuset-cpus", "string", help=("CPUs to run on (0-3, 0,1)", "사용할 CPU (0-3, 0,1)")),
    Flag("cpuset-mems", "string",
         help=("Memory nodes to use (0-3, 0,1)", "사용할 메모리 노드 (0-3, 0,1)")),
    Flag("device-read-bps", "list", read=res.read_rate_bytes,
         help=("Limit the read rate of a device (bytes a second)", "장치 읽기 속도 (바이트/초)")),
    Flag("device-read-iops", "list", read=res.read_rate_operations,
         help=("Limit the read rate of a device (I/O a second)", "장치 읽기 횟수 제한 (회/초)")),
    Flag("device-write-bps", "list", read=res.read_rate_bytes,
         help=("Limit the write rate of a device (bytes a second)",
               "장치 쓰기 속도 제한 (바이트/초)")),
    Flag("device-write-iops", "list", read=res.read_rate_operations,
         help=("Limit the write rate of a device (I/O a second)", "장치 쓰기 횟수 제한 (회/초)")),
    Flag("io-maxbandwidth", "bytes",
         help=("Most I/O bandwidth of the system drive (Windows only)",
               "시스템 드라이브의 최대 대역폭 (Windows 전용)")),
    Flag("io-maxiops", "uint", help=("Most I/O operations of the system drive (Windows only)",
                                     "시스템 드라이브의 최대 입출력 횟수 (Windows 전용)")),
    Flag("kernel-memory", "bytes", hidden=True,
         deprecated="and no longer supported by the kernel",
         help=("Kernel memory limit (deprecated)", "커널 메모리 제한 (사라진 기능)")),
    Flag("memory", "bytes", short="m", help=("Memory limit", "메모리 한도")),
    Flag("memory-reservation", "bytes", help=("Memory soft limit", "메모리 권장 한도")),
    Flag("memory-swap", "bytes", read=read_swap,
         help=("Memory plus swap; -1 for no limit", "메모리와 스왑의 합; -1은 무제한")),
    Flag("memory-swappiness", "int", default=-1,
         help=("Swappiness of the container (0 to 100)", "스왑 성향 (0~100)")),
    Flag("oom-kill-disable", help=("Do not kill the container when memory runs out",
                                   "메모리가 부족해도 강제 종료하지 않습니다")),
    Flag("oom-score-adj", "int", help=("Tune the host's preference for killing (-1000 to 1000)",
                                       "메모리 부족 시 종료 우선순위 (-1000~1000)")),
    Flag("pids-limit", "int", help=("Most processes (-1 for no limit)",
                                    "최대 프로세스 수 (-1은 무제한)")),
    Flag("ulimit", "ulimit", read=res.read_ulimit, help=("Resource limits (name=soft[:hard])",
                                                         "자원 한도 (이름=soft[:hard])")),
)  # fmt: skip
CREATE = (
    Flag("name", "string", help=("Name the container", "컨테이너 이름을 정합니다")),
    Flag("platform", "string", default=os.environ.get("DOCKER_DEFAULT_PLATFORM", ""),
         help=("Platform of the image (os/arch[/variant])", "이미지 플랫폼 (os/arch[/variant])")),
    Flag("pull", "string", default="missing",
         help=("Pull the image first: always, missing, never",
               "이미지 받기: always, missing, never")),
    Flag("quiet", short="q", help=("Do not show the pull", "받는 과정을 보이지 않습니다")),
    Flag("use-api-socket", help=("Give the container the engine's socket and your logins",
                                 "엔진 소켓과 로그인 정보를 컨테이너에 넣습니다")),
    Flag("disable-content-trust", default=True, hidden=True,
         help=("Skip image verification (no effect)", "이미지 검증 생략 (효과 없음)")),
)  # fmt: skip
RUN = (
    Flag("detach", short="d", help=("Run in the background and print the container's ID",
                                    "뒤에서 실행하고 컨테이너 ID를 출력합니다")),
    Flag("detach-keys", "string", help=("Key sequence for detaching", "분리할 때 누를 키")),
    Flag("sig-proxy", default=True, help=("Pass received signals to the process",
                                          "받은 신호를 프로세스에 전달합니다")),
)  # fmt: skip

CREATE_FLAGS = (*PROCESS, *SECURITY, *NETWORK, *STORAGE, *HEALTH, *RESOURCES, *CREATE)
"""All flags of `create`."""
RUN_FLAGS = (*CREATE_FLAGS, *RUN)
"""All flags of `run`."""
