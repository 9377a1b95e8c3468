"""Facts about the engine, as older API versions have them.

Source: moby 28.5, daemon/server/router/system/system_routes.go, getInfo.
"""

from __future__ import annotations

from budu.api.codec import widen
from budu.api.versions import ApiVersion
from budu.spec.api.fields import FALSE, NULL, TEXT, named
from budu.spec.api.system import Commit, RegistryServiceConfig, SystemInfo

_ARTIFACTS_BEFORE = ApiVersion(1, 47)
_EXPECTED_BEFORE = ApiVersion(1, 49)
_BRIDGE_BEFORE = ApiVersion(1, 50)


class OldCommit(Commit, frozen=True, kw_only=True):
    """A version, and the one that was expected, before 1.49."""

    expected: str = TEXT


class OldRegistryServiceConfig(RegistryServiceConfig, frozen=True, kw_only=True):
    """With registries that got layers which others did not, before 1.47: never any."""

    allow_nondistributable_artifacts_cidrs: list[str] | None = named(
        "AllowNondistributableArtifactsCIDRs", NULL
    )
    allow_nondistributable_artifacts_hostnames: list[str] | None = NULL


class OldSystemInfo(SystemInfo, frozen=True, kw_only=True):
    """With what bridges filter, before 1.50: never told any more."""

    bridge_nf_iptables: bool = FALSE
    bridge_nf_ip6tables: bool = named("BridgeNfIp6tables", FALSE)


def info_document(info: SystemInfo, *, version: ApiVersion) -> SystemInfo:
    """`info` for a client of this version."""
    changed: dict[str, object] = {}
    if version < _EXPECTED_BEFORE:
        changed |= {"firewall_backend": None}
        changed |= {
            name: widen(commit, OldCommit, expected=commit.id)
            for name, commit in (
                ("containerd_commit", info.containerd_commit),
                ("runc_commit", info.runc_commit),
                ("init_commit", info.init_commit),
            )
        }
    if version < _ARTIFACTS_BEFORE and info.registry_config is not None:
        changed["registry_config"] = widen(info.registry_config, OldRegistryServiceConfig)
    return widen(info, OldSystemInfo, **changed) if version < _BRIDGE_BEFORE else info
