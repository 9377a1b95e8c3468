"""Parameters and body fields of Docker's API that served operations take and do not act on.

They are accepted, because Docker accepts them. A test holds this table against the API's
definition, the handlers and the records: what is neither acted on nor listed fails, and so does
what is listed and acted on. Neighbour: `unserved`, whole operations.
"""

from __future__ import annotations

_CLUSTER_VOLUME = (
    "ClusterVolumeSpec",
    "ClusterVolumeSpec.AccessMode",
    "ClusterVolumeSpec.AccessMode.AccessibilityRequirements",
    "ClusterVolumeSpec.AccessMode.AccessibilityRequirements.Preferred",
    "ClusterVolumeSpec.AccessMode.AccessibilityRequirements.Preferred.Segments",
    "ClusterVolumeSpec.AccessMode.AccessibilityRequirements.Requisite",
    "ClusterVolumeSpec.AccessMode.AccessibilityRequirements.Requisite.Segments",
    "ClusterVolumeSpec.AccessMode.Availability",
    "ClusterVolumeSpec.AccessMode.CapacityRange",
    "ClusterVolumeSpec.AccessMode.CapacityRange.LimitBytes",
    "ClusterVolumeSpec.AccessMode.CapacityRange.RequiredBytes",
    "ClusterVolumeSpec.AccessMode.MountVolume",
    "ClusterVolumeSpec.AccessMode.Scope",
    "ClusterVolumeSpec.AccessMode.Secrets",
    "ClusterVolumeSpec.AccessMode.Secrets.Key",
    "ClusterVolumeSpec.AccessMode.Secrets.Secret",
    "ClusterVolumeSpec.AccessMode.Sharing",
    "ClusterVolumeSpec.Group",
)

UNHEEDED_PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    "start connects nobody who could detach; Docker's handler does not read it either": {
        "ContainerStart": ("detachKeys",),
    },
    "every answer has the digests, as Docker's has since 1.10": {
        "ImageList": ("digests",),
    },
    "it asks for the services of a swarm": {"NetworkInspect": ("verbose",)},
    "the operation is for volumes of a swarm": {"VolumeUpdate": ("version",)},
    "managed plugins are not part of this engine": {"PluginList": ("filters",)},
}
"""Reason → operation id → query parameters and headers."""

UNHEEDED_FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "only containers of Windows have it": {
        "ContainerCreate": (
            "HostConfig.CpuCount",
            "HostConfig.CpuPercent",
            "HostConfig.IOMaximumBandwidth",
            "HostConfig.IOMaximumIOps",
        ),
        "ContainerUpdate": ("CpuCount", "CpuPercent", "IOMaximumBandwidth", "IOMaximumIOps"),
    },
    "only Docker's machine for a Mac has it": {
        "ContainerCreate": ("HostConfig.Mounts.Consistency",)
    },
    "kept, and told by an inspection; nothing depends on it, as in Docker": {
        "ContainerCreate": (
            "AttachStderr",
            "AttachStdin",
            "AttachStdout",
            "HostConfig.Cgroup",
            "HostConfig.ContainerIDFile",
        ),
    },
    "requests for devices by driver are refused whatever they say of these": {
        "ContainerCreate": ("HostConfig.DeviceRequests.Count", "HostConfig.DeviceRequests.Options"),
    },
    "an update does not change it, as in Docker: it is fixed at the creation": {
        "ContainerUpdate": (
            "CgroupParent",
            "DeviceRequests",
            "DeviceRequests.Count",
            "DeviceRequests.Options",
            "Init",
            "Ulimits",
        ),
    },
    "it belongs to a container and not to an image": {
        "ImageCommit": ("AttachStderr", "AttachStdin", "AttachStdout", "Image"),
    },
    "a part of answers: what a client sends there is not looked at, as in Docker": {
        "ContainerCreate": (
            "NetworkingConfig.EndpointsConfig.EndpointID",
            "NetworkingConfig.EndpointsConfig.Gateway",
            "NetworkingConfig.EndpointsConfig.GlobalIPv6Address",
            "NetworkingConfig.EndpointsConfig.GlobalIPv6PrefixLen",
            "NetworkingConfig.EndpointsConfig.IPAddress",
            "NetworkingConfig.EndpointsConfig.IPPrefixLen",
            "NetworkingConfig.EndpointsConfig.IPv6Gateway",
        ),
        "NetworkConnect": (
            "EndpointConfig.EndpointID",
            "EndpointConfig.Gateway",
            "EndpointConfig.GlobalIPv6Address",
            "EndpointConfig.GlobalIPv6PrefixLen",
            "EndpointConfig.IPAddress",
            "EndpointConfig.IPPrefixLen",
            "EndpointConfig.IPv6Gateway",
        ),
    },
    "registries have not asked for it since 2017": {"SystemAuth": ("email",)},
    "it is for volumes of a swarm": {
        "VolumeCreate": _CLUSTER_VOLUME,
        "VolumeUpdate": ("Spec", *(f"Spec{name[17:]}" for name in _CLUSTER_VOLUME[1:])),
    },
}
"""Reason → operation id → fields, with the fields they are in: `HostConfig.CpuCount`."""
