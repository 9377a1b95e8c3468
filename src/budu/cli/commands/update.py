"""`budu update`: other limits for containers that exist. Light.

Source: docker/cli 28.5 `cli/command/container/update.go`.
"""

from __future__ import annotations

from budu.base.errors import BuduError
from budu.cli.declare import Call, Command, Flag
from budu.cli.failures import CommandFailed
from budu.cli.resources import read_cpus, read_restart
from budu.cli.values import read_swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from budu.cli.context import Context

_NUMBERS = {
    "BlkioWeight": "blkio-weight",
    "CpuShares": "cpu-shares",
    "Memory": "memory",
    "MemoryReservation": "memory-reservation",
    "MemorySwap": "memory-swap",
    "CpuPeriod": "cpu-period",
    "CpuQuota": "cpu-quota",
    "CpuRealtimePeriod": "cpu-rt-period",
    "CpuRealtimeRuntime": "cpu-rt-runtime",
    "NanoCpus": "cpus",
}


def run_update(context: Context, call: Call) -> int:
    """Update each container; print names, then warnings. 1 if any failed."""
    if not call.given:
        raise CommandFailed("you must provide one or more flags when using this command")
    body = update_body(call)
    warnings: list[str] = []
    status = 0
    for name in call.args:
        try:
            warnings += context.session.update_container(name, body)
        except BuduError as error:
            context.out.flush()
            context.report(error)
            status = 1
        else:
            context.out.write(name + "\n")
    context.out.write("".join(f"{each}\n" for each in warnings))
    return status


def update_body(call: Call) -> dict[str, Any]:
    """The body of the request; zero leaves what is there.

    Raises: InvalidArgument for the restart policy.
    """
    restart = call.text("restart")
    return {
        **{field: call.number(flag) for field, flag in _NUMBERS.items()},
        "CpusetCpus": call.text("cpuset-cpus"),
        "CpusetMems": call.text("cpuset-mems"),
        "PidsLimit": call.number("pids-limit") or None,
        "RestartPolicy": read_restart(restart) if restart else {},
    }


UPDATE = Command(
    run_update,
    usage="[OPTIONS] CONTAINER [CONTAINER...]",
    help=("Change limits of containers", "컨테이너의 자원 한도를 바꿉니다"),
    flags=(
        Flag("blkio-weight", "uint16", help=("Block I/O weight, 10 to 1000, 0 for none",
                                             "블록 I/O 가중치, 10~1000, 0은 없음")),
        Flag("cpu-period", "int",
             help=("CPU CFS period in microseconds", "CPU CFS 주기 (마이크로초)")),
        Flag("cpu-quota", "int",
             help=("CPU CFS quota in microseconds", "CPU CFS 할당량 (마이크로초)")),
        Flag("cpu-rt-period", "int",
             help=("CPU real-time period in microseconds", "CPU 실시간 주기 (마이크로초)")),
        Flag("cpu-rt-runtime", "int",
             help=("CPU real-time runtime in microseconds", "CPU 실시간 실행 시간 (마이크로초)")),
        Flag("cpu-shares", "int", short="c",
             help=("CPU shares (relative weight)", "CPU 몫 (상대 가중치)")),
        Flag("cpus", "decimal", read=read_cpus, help=("Number of CPUs", "CPU 개수")),
        Flag("cpuset-cpus", "string", help=("CPUs to run on (0-3, 0,1)", "사용할 CPU (0-3, 0,1)")),
        Flag("cpuset-mems", "string",
             help=("Memory nodes to use (0-3, 0,1)", "사용할 메모리 노드 (0-3, 0,1)")),
        Flag("kernel-memory", "bytes", hidden=True,
             deprecated="and no longer supported by the kernel",
             help=("Kernel memory limit (deprecated)", "커널 메모리 제한 (사라진 기능)")),
        Flag("memory", "bytes", short="m", help=("Memory limit", "메모리 한도")),
        Flag("memory-reservation", "bytes", help=("Memory soft limit", "메모리 권장 한도")),
        Flag("memory-swap", "bytes", read=read_swap,
             help=("Memory plus swap; -1 for no limit", "메모리와 스왑의 합; -1은 무제한")),
        Flag("pids-limit", "int", help=("Most processes (-1 for no limit)",
                                        "최대 프로세스 수 (-1은 무제한)")),
        Flag("restart", "string",
             help=("What to do when the container exits: no, on-failure[:retries], always, "
                   "unless-stopped",
                   "끝났을 때의 동작: no, on-failure[:횟수], always, unless-stopped")),
    ),
    least=1,
)  # fmt: skip
