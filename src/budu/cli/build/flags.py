"""The flags of `build`. Light.

What only BuildKit has is declared, too, so that whoever uses it is told which flag it is.
"""

from __future__ import annotations

from budu.base.environment import environment
from budu.base.errors import InvalidArgument
from budu.cli import resources as res
from budu.cli.declare import Flag
from budu.cli.environment import read_env, read_label
from budu.cli.names import parse_name
from budu.cli.networks import read_extra_host
from budu.cli.pulling import AUTO, PLAIN, QUIET
from budu.cli.registry_flags import TLS_VERIFY
from budu.cli.values import quoted, read_bool, read_swap

_WAYS = (AUTO, PLAIN, QUIET, "tty")
_KEPT_HERE = frozenset(("docker", "image"))
"""Exporters of BuildKit that mean what happens anyway: the image is in the engine afterwards."""


def read_tag(text: str) -> str:
    """One `--tag`, as it was typed. Raises: InvalidArgument for what is no name."""
    parse_name(text)
    return text


def read_progress(text: str) -> str:
    """`--progress`: `tty` is `auto`. Raises: InvalidArgument for other ways."""
    if text not in _WAYS:
        raise InvalidArgument(f"{quoted(text)} is not a way to show progress: auto, plain, quiet")
    return AUTO if text == "tty" else text


def read_cache_source(text: str) -> list[str]:
    """`--cache-from`: names of images, also as `type=registry,ref=NAME`."""
    if "type=" not in text:
        return text.split(",")
    fields = _fields(text)
    if fields.get("type") != "registry" or not fields.get("ref"):
        raise InvalidArgument("budu takes a cache from images only: type=registry,ref=NAME")
    return [fields["ref"]]


def read_exporter(text: str) -> str:
    """`--output`: nothing but what happens anyway. Raises: InvalidArgument for other exporters."""
    fields = _fields(text)
    if fields.get("type") not in _KEPT_HERE or fields.keys() - {"type", "name", "push"}:
        raise InvalidArgument("budu keeps what it builds as an image in the engine")
    if fields.get("push", "false") != "false":
        raise InvalidArgument("budu does not push what it builds; use budu push")
    return text


def read_no_attestation(text: str) -> str:
    """`--provenance`, `--sbom`: only `false`. Raises: InvalidArgument."""
    try:
        wanted = read_bool(text)
    except InvalidArgument:
        wanted = True
    if wanted:
        raise InvalidArgument("budu makes no attestations")
    return text


def read_builder(text: str) -> str:
    """`--builder`: the engine itself. Raises: InvalidArgument for another one."""
    if text not in ("", "default"):
        raise InvalidArgument(f"no builder {quoted(text)} found")
    return text


def _fields(text: str) -> dict[str, str]:
    """`name=value` pairs between commas; a lone path is BuildKit's short form of a folder."""
    pairs = (each.partition("=") for each in text.split(","))
    return {name.strip().lower(): value for name, _, value in pairs}


def _missing(name: str, kind: str, owner: str, *, short: str = "") -> Flag:
    text = (f"Belongs to {owner} (not available)", f"{owner} 기능 (사용할 수 없음)")
    return Flag(name, kind, short=short, hidden=True, missing=owner, help=text)


IMAGE = (
    Flag("build-arg", "list", read=read_env,
         help=("Set a build-time variable; NAME alone takes it from here",
               "빌드 변수를 정합니다; NAME만 쓰면 지금 환경의 값")),
    Flag("file", "string", short="f",
         help=("Path of the Dockerfile, - for standard input (default: PATH/Dockerfile)",
               "Dockerfile 경로, 표준 입력은 - (기본: PATH/Dockerfile)")),
    Flag("iidfile", "string", help=("Write the image's ID to a file",
                                    "이미지 ID를 파일에 씁니다")),
    Flag("label", "list", read=read_label, help=("Set metadata of the image",
                                                 "이미지에 라벨을 붙입니다")),
    Flag("platform", "string", default=environment().get("DOCKER_DEFAULT_PLATFORM", ""),
         help=("Platform of the image (os/arch[/variant])",
               "이미지 플랫폼 (os/arch[/variant])")),
    Flag("squash", hidden=True, help=("Make one layer of the new ones (not here)",
                                      "새 레이어를 하나로 합칩니다 (지원하지 않음)")),
    Flag("tag", "list", short="t", read=read_tag, help=("Name of the image (name[:tag])",
                                                        "이미지 이름 (이름[:태그])")),
    Flag("target", "string", help=("Build only up to this stage", "이 단계까지만 빌드합니다")),
)  # fmt: skip
HOW = (
    Flag("cache-from", "strings", read=read_cache_source,
         help=("Images whose steps need not be done again", "단계를 다시 쓸 수 있는 이미지")),
    Flag("compress", help=("Compress the context with gzip", "컨텍스트를 gzip으로 압축합니다")),
    Flag("force-rm", help=("Remove the containers of steps also when one fails",
                           "단계가 실패해도 컨테이너를 지웁니다")),
    Flag("no-cache", help=("Do every step again", "모든 단계를 다시 합니다")),
    Flag("progress", "string", read=read_progress,
         default=environment().get("BUILDKIT_PROGRESS", AUTO),
         help=("How to show progress: auto, plain, quiet", "진행 상황 표시: auto, plain, quiet")),
    Flag("pull", help=("Ask the registry for newer base images",
                       "더 새로운 바탕 이미지가 있는지 레지스트리에 묻습니다")),
    Flag("quiet", short="q", help=("Show only the image's ID", "이미지 ID만 보입니다")),
    Flag("rm", default=True, help=("Remove the containers of steps that worked",
                                   "성공한 단계의 컨테이너를 지웁니다")),
    TLS_VERIFY,
)  # fmt: skip
STEPS = (
    Flag("add-host", "list", read=read_extra_host,
         help=("Add a host name (name:ip)", "호스트 이름을 추가합니다 (이름:IP)")),
    Flag("cgroup-parent", "string", help=("Parent cgroup", "상위 cgroup")),
    Flag("cpu-period", "int", help=("CPU CFS period in microseconds", "CPU CFS 주기 (마이크로초)")),
    Flag("cpu-quota", "int", help=("CPU CFS quota in microseconds", "CPU CFS 할당량 (마이크로초)")),
    Flag("cpu-shares", "int", short="c", help=("CPU shares (relative weight)",
                                               "CPU 몫 (상대 가중치)")),
    Flag("cpuset-cpus", "string", help=("CPUs to run on (0-3, 0,1)", "사용할 CPU (0-3, 0,1)")),
    Flag("cpuset-mems", "string",
         help=("Memory nodes to use (0-3, 0,1)", "사용할 메모리 노드 (0-3, 0,1)")),
    Flag("isolation", "string", help=("Isolation of the steps", "단계의 격리 방식")),
    Flag("memory", "bytes", short="m", help=("Memory limit", "메모리 한도")),
    Flag("memory-swap", "bytes", read=read_swap,
         help=("Memory plus swap; -1 for no limit", "메모리와 스왑의 합; -1은 무제한")),
    Flag("network", "string", default="default",
         help=("Network of RUN steps", "RUN 단계의 네트워크")),
    Flag("security-opt", "strings", help=("Security options", "보안 옵션")),
    Flag("shm-size", "bytes", help=("Size of /dev/shm", "/dev/shm 크기")),
    Flag("ulimit", "ulimit", read=res.read_ulimit, help=("Resource limits (name=soft[:hard])",
                                                         "자원 한도 (이름=soft[:hard])")),
)  # fmt: skip
ACCEPTED = (
    Flag("builder", "string", read=read_builder, hidden=True,
         help=("Builder to use (only default)", "빌더 (default만)")),
    Flag("disable-content-trust", default=True, hidden=True,
         help=("Skip image verification (no effect)", "이미지 검증 생략 (효과 없음)")),
    Flag("load", hidden=True, help=("Keep the image in the engine (always)",
                                    "이미지를 엔진에 둡니다 (항상)")),
    Flag("output", "list", short="o", read=read_exporter, hidden=True,
         help=("Where the image goes (only type=image)", "이미지를 둘 곳 (type=image만)")),
    Flag("provenance", "string", read=read_no_attestation, hidden=True,
         help=("Attestation of provenance (only false)", "출처 증명 (false만)")),
    Flag("sbom", "string", read=read_no_attestation, hidden=True,
         help=("Attestation of contents (only false)", "구성 증명 (false만)")),
)  # fmt: skip
"""What scripts for BuildKit say, as far as it asks for what happens anyway."""
MISSING = (
    _missing("allow", "list", "BuildKit's entitlements"),
    _missing("annotation", "list", "BuildKit's exporters"),
    _missing("attest", "list", "BuildKit's attestations"),
    _missing("build-context", "list", "BuildKit's named contexts"),
    _missing("cache-to", "list", "BuildKit's cache exporters"),
    _missing("call", "string", "BuildKit's checks"),
    _missing("check", "bool", "BuildKit's checks"),
    _missing("metadata-file", "string", "BuildKit's exporters"),
    _missing("no-cache-filter", "list", "BuildKit's cache"),
    _missing("policy", "list", "BuildKit's policies"),
    _missing("push", "bool", "BuildKit's exporters; use budu push"),
    _missing("secret", "list", "BuildKit's sessions"),
    _missing("ssh", "list", "BuildKit's sessions"),
)

BUILD_FLAGS = (*IMAGE, *HOW, *STEPS, *ACCEPTED, *MISSING)
"""All flags of `build`."""
