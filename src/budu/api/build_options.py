"""From the request of a build to its options: every parameter, with Docker's sentences. Pure.

Source: Engine API 1.51 ImageBuild; moby 28.5, api/server/router/build/build_routes.go
(newImageBuildOptions), api/server/backend/build/tag.go (sanitizeRepoAndTags).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from budu.api.http.query import Query
from budu.api.http.request import Request
from budu.api.platforms import query_platform
from budu.api.registry_config import decode_registry_config
from budu.base.errors import Hint, InvalidArgument, NotImplementedHere
from budu.engine.contract.builds import BuildOptions
from budu.spec.api.host_config import Ulimit
from budu.spec.platform import Platform
from budu.spec.reference import parse_reference

T = TypeVar("T")

_BUILDKIT = "2"
_CLIENT_SESSION = "client-session"
_DEFAULT_ISOLATION = frozenset(("", "default"))

_Arguments = dict[str, str | None]


def build_options(request: Request) -> BuildOptions:
    """What is to be built. A number that is none is refused, where Docker takes it for 0.

    Raises: InvalidArgument; NotImplementedHere for what only BuildKit's own protocol brings.
    """
    query = request.query
    _refuse(query)
    always_removes = query.flag("forcerm")
    return BuildOptions(
        dockerfile=query.text("dockerfile"),
        names=build_names(query.all("t")),
        remote=_remote(query.text("remote")),
        arguments=_json(query, "buildargs", _Arguments, "error reading build args") or {},
        labels=_labels(query),
        target=query.text("target"),
        platform=_platform(query),
        uses_cache=not query.flag("nocache"),
        cache_from=tuple(_json(query, "cachefrom", list[str], "error reading cache-from") or ()),
        pulls=query.flag("pull"),
        is_quiet=query.flag("q"),
        removes=always_removes or not query.text("rm") or query.flag("rm"),
        always_removes=always_removes,
        network_mode=query.text("networkmode"),
        extra_hosts=tuple(query.all("extrahosts")),
        shm_size=_number(query, "shmsize"),
        memory=_number(query, "memory"),
        memory_swap=_number(query, "memswap"),
        cpu_shares=_number(query, "cpushares"),
        cpu_period=_number(query, "cpuperiod"),
        cpu_quota=_number(query, "cpuquota"),
        cpuset_cpus=query.text("cpusetcpus"),
        cpuset_mems=query.text("cpusetmems"),
        cgroup_parent=query.text("cgroupparent"),
        ulimits=tuple(_json(query, "ulimits", list[Ulimit], "error reading ulimit settings") or ()),
        security_opt=tuple(query.all("securityopt")),
        credentials=decode_registry_config(request.header("x-registry-config")),
    )


def build_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The image's names as people write them, with tags and each once; empty texts are none.

    Raises: InvalidArgument for one that is no name, or has a digest.
    """
    names: dict[str, None] = {}
    for text in filter(None, texts):
        reference = parse_reference(text)
        if reference.digest:
            raise InvalidArgument("build tag cannot contain a digest", reference=text)
        names[reference.with_default_tag().familiar] = None
    return tuple(names)


def _refuse(query: Query) -> None:
    """What BuildKit's protocol would have to bring, what is Windows', and one layer of many."""
    version = query.text("version")
    if version == _BUILDKIT:
        raise NotImplementedHere(
            "BuildKit's protocol (version=2) is not served by this engine",
            hint=Hint("api.buildkit"),
        )
    if version not in ("", "1"):
        raise InvalidArgument(f'invalid version "{version}"')
    if _json(query, "outputs", list[dict[str, object]], "invalid outputs specified"):
        raise NotImplementedHere(
            "outputs need BuildKit's protocol, which is not served by this engine",
            hint=Hint("api.build-outputs"),
        )
    if query.flag("squash"):
        raise InvalidArgument(
            "squash is only supported with experimental mode", hint=Hint("api.build-squash")
        )
    isolation = query.text("isolation")
    if isolation.lower() not in _DEFAULT_ISOLATION:
        raise InvalidArgument(f'unsupported isolation: "{isolation}"')


def _remote(text: str) -> str:
    if text == _CLIENT_SESSION:
        raise InvalidArgument(
            "experimental session with v1 builder is no longer supported, "
            "use builder version v2 (BuildKit) instead",
            hint=Hint("api.buildkit"),
        )
    return text


def _platform(query: Query) -> Platform | None:
    platform = query_platform(query)
    if platform is not None and platform.os != "linux":
        raise InvalidArgument("operating system is not supported", reference=str(platform))
    return platform


def _labels(query: Query) -> dict[str, str]:
    labels = _json(query, "labels", _Arguments, "error reading labels") or {}
    return {name: value or "" for name, value in labels.items()}


def _number(query: Query, name: str) -> int:
    try:
        return query.integer(name) or 0
    except InvalidArgument as error:
        raise InvalidArgument(f"invalid {name}: {error.message}") from None


def _json(query: Query, name: str, kind: type[T], trouble: str) -> T | None:
    """The parameter's document; None when it is absent, empty or null."""
    text = query.text(name)
    if text in ("", "null"):
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArgument(f"{trouble}: {error}") from None
