"""The whole route table over an engine."""

from __future__ import annotations

from budu.api.handlers.builds import BuildHandlers
from budu.api.handlers.care import CareHandlers
from budu.api.handlers.container_logs import ContainerLogHandlers
from budu.api.handlers.container_streams import ContainerStreamHandlers
from budu.api.handlers.containers import ContainerHandlers
from budu.api.handlers.exec import ExecHandlers
from budu.api.handlers.files import container_file_routes, volume_file_routes
from budu.api.handlers.image_archives import ImageArchiveHandlers
from budu.api.handlers.images import ImageHandlers
from budu.api.handlers.monitor import MonitorHandlers
from budu.api.handlers.networks import NetworkHandlers
from budu.api.handlers.plugins import PluginHandlers
from budu.api.handlers.ports import PortHandlers
from budu.api.handlers.pull import PullHandlers
from budu.api.handlers.push import PushHandlers
from budu.api.handlers.registries import RegistryHandlers
from budu.api.handlers.snapshots import SnapshotHandlers
from budu.api.handlers.system import SystemHandlers
from budu.api.handlers.updates import UpdateHandlers
from budu.api.handlers.usage import UsageHandlers
from budu.api.handlers.volume_copies import VolumeCopyHandlers
from budu.api.handlers.volumes import VolumeHandlers
from budu.api.handlers.websocket_attach import WebSocketAttachHandlers
from budu.api.routing import Router
from budu.api.unserved import unserved_routes
from budu.engine.contract import Engine


def build_router(engine: Engine) -> Router:
    """All operations: those served, and those answered 501."""
    return Router(
        (
            *SystemHandlers(engine.system, engine.events).routes(),
            *ContainerHandlers(
                engine.containers, engine.images, engine.networks, engine.execs
            ).routes(),
            *ContainerStreamHandlers(engine.containers).routes(),
            *WebSocketAttachHandlers(engine.containers).routes(),
            *ContainerLogHandlers(engine.logs).routes(),
            *ExecHandlers(engine.execs).routes(),
            *container_file_routes(engine.container_files),
            *volume_file_routes(engine.volume_files),
            *MonitorHandlers(engine.monitor, engine.processes).routes(),
            *UpdateHandlers(engine.updates).routes(),
            *UsageHandlers(engine.usages, engine.images, engine.networks).routes(),
            *ImageHandlers(engine.images, engine.usages).routes(),
            *PullHandlers(engine.images, engine.imports).routes(),
            *ImageArchiveHandlers(engine.image_archives).routes(),
            *RegistryHandlers(engine.registries).routes(),
            *CareHandlers(engine.explorer, engine.storage_care, engine.cleanup).routes(),
            *PushHandlers(engine.pushes).routes(),
            *SnapshotHandlers(engine.snapshots).routes(),
            *NetworkHandlers(engine.networks, engine.network_members).routes(),
            *PortHandlers(engine.networks, engine.network_members, engine.network_doctor).routes(),
            *VolumeHandlers(engine.volumes, engine.usages).routes(),
            *VolumeCopyHandlers(engine.volume_copies, engine.volume_files).routes(),
            *BuildHandlers(engine.builds).routes(),
            *PluginHandlers().routes(),
            *unserved_routes(),
        )
    )
