"""Builds every object of the engine, by hand and in order. Nothing else makes services."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from budu.base.clock import now_ns
from budu.base.ids import new_id
from budu.content.disk import DiskContent
from budu.content.leases import Leases
from budu.daemon.fabric import fabric_config, network_defaults
from budu.daemon.init_binary import install_init
from budu.daemon.options import Options
from budu.distribution.auth import Credentials
from budu.distribution.client import Registries
from budu.distribution.download import Downloads
from budu.distribution.hosts import hosts_config, proxies_from_environment
from budu.distribution.login import login
from budu.distribution.pull import Puller
from budu.distribution.push import Pusher
from budu.distribution.signatures import SignaturePolicy
from budu.engine.containers.create import ContainerCreator
from budu.engine.containers.files import container_files, volume_files
from budu.engine.containers.health import HealthService
from budu.engine.containers.linked_hosts import LinkedHosts
from budu.engine.containers.memory_kills import MemoryKills
from budu.engine.containers.monitor import MonitorService
from budu.engine.containers.probe_exec import ProgramProbes
from budu.engine.containers.probe_net import ConnectionProbes
from budu.engine.containers.probes import Prober
from budu.engine.containers.processes import ProcessService
from budu.engine.containers.repository import ContainerRepository
from budu.engine.containers.rootfs import ContainerRoots
from budu.engine.containers.service import ContainerService
from budu.engine.containers.snapshots import SnapshotService
from budu.engine.containers.start import ContainerStarter
from budu.engine.containers.stdio import Stdio
from budu.engine.containers.update import UpdateService
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.execs.service import ExecService
from budu.engine.housekeeping import Housekeeping
from budu.engine.images.archives import ImageArchiveService
from budu.engine.images.care import StorageCareService
from budu.engine.images.cleanup import CleanupService, read_policy
from budu.engine.images.exploring import ExploringService
from budu.engine.images.importing import ImportService
from budu.engine.images.loading import ImageLoader
from budu.engine.images.making import ImageMaker
from budu.engine.images.pushing import PushService
from budu.engine.images.registries import RegistryService
from budu.engine.images.repository import ImageRepository
from budu.engine.images.saving import ImageSaver
from budu.engine.images.service import ImageService
from budu.engine.images.storage import ImageStorage
from budu.engine.leftovers import Leftovers
from budu.engine.logs.defaults import default_log_config
from budu.engine.logs.keeping import LogKeeper, budget_bytes
from budu.engine.logs.servers import LogServers
from budu.engine.logs.service import LogService
from budu.engine.names.service import NameService
from budu.engine.networks import NetworkService
from budu.engine.networks.doctor import NetworkDoctor
from budu.engine.networks.members import NetworkMembers
from budu.engine.networks.remotes import RemoteNetworks
from budu.engine.paths import EnginePaths
from budu.engine.reconcile import Reconciler
from budu.engine.reserve import Reserve
from budu.engine.sandboxes import SandboxFactory
from budu.engine.system import HostFacts, SystemService
from budu.engine.usage import UsageService
from budu.engine.volumes import VolumeDrivers, VolumeService
from budu.engine.volumes.copies import VolumeCopies
from budu.logs.watch import Watch
from budu.network.fabric import NetworkFabric
from budu.plugin.client import Patience
from budu.plugin.discovery import PluginFolders
from budu.plugin.registry import Plugins
from budu.runtime.cgroups.choose import choose_cgroups
from budu.runtime.cgroups.layout import read_layout
from budu.runtime.host import read_host
from budu.runtime.seccomp_profile import ProgramCache
from budu.shim.pool import ShimPool
from budu.snapshot.blobs import Blobs
from budu.snapshot.choose import choose_layer_store, probe
from budu.snapshot.container import ContainerSnapshots
from budu.snapshot.differences import ContainerDifferences
from budu.spec.api.auth import AuthConfig
from budu.volume.folders import VolumeFolders
from budu.volume.local import LocalVolumes
from budu.volume.plugin import MountBook, PluginVolumes


class Engine:
    """All services of one engine. Implements `engine.contract.Engine`.

    Make it inside the event loop; `open` before the first request, `close` at the end.
    """

    def __init__(
        self,
        options: Options,
        shims: ShimPool,
        *,
        tasks: asyncio.TaskGroup,
        shutdown: Callable[[], None],
    ) -> None:
        paths = EnginePaths(data_root=options.data_root, exec_root=options.exec_root)
        for folder in (paths.containers, paths.exec_root / "containers"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o710)
        reserve = Reserve(paths.data_root)
        reserve.give()
        self._database = database = Database(paths.database)
        self._shims = shims
        engine_id, created_ns = _identity(database)
        abilities = probe(_made(paths.layers))
        self._layers = layers = choose_layer_store(paths.layers, abilities)
        content = DiskContent(paths.content)
        snapshots = ContainerSnapshots(
            paths.snapshots, layers, style=abilities.style, userxattr=abilities.userxattr
        )
        self._snapshots = snapshots
        registry_hosts = hosts_config(
            mirrors=options.registry_mirrors,
            insecure_registries=options.insecure_registries,
            proxies=proxies_from_environment(os.environ),
            certs_dirs=(str(options.registry_config), "/etc/docker/certs.d"),
        )
        self._registries = registries = Registries(registry_hosts)
        self._container_records = container_records = ContainerRepository(database)
        image_records = ImageRepository(database)
        self.events = EventLog(database)
        leases = Leases()
        image_storage = ImageStorage(
            content,
            layers,
            leases,
            images=image_records.all,
            containers=container_records.all,
        )
        puller = Puller(
            registries,
            content,
            layers,
            leases=leases,
            unnamed=image_storage.unnamed,
            max_downloads=options.max_concurrent_downloads,
            policy=SignaturePolicy(options.signature_policy),
        )
        self._puller = puller
        maker = ImageMaker(image_records, image_storage, content, layers, folder=paths.data_root)
        self.images = ImageService(
            image_records,
            image_storage,
            puller,
            self.events,
            containers=container_records.all,
        )
        local_volumes = LocalVolumes(paths.volumes)
        self.volumes = VolumeService(
            database,
            local_volumes,
            VolumeDrivers(local_volumes),
            self.events,
            containers=container_records.all,
        )
        self._plugins = plugins = Plugins(
            PluginFolders(sockets=options.plugin_sockets, specs=options.plugin_specs),
            patience=Patience(total_s=options.plugin_timeout),
        )
        self.volume_copies = VolumeCopies(
            self.volumes,
            local_volumes,
            VolumeFolders(paths.volumes),
            container_records,
            database,
            self.events,
        )
        self._plugin_volumes = PluginVolumes(plugins, MountBook(paths.plugin_mounts))
        self.volumes.drivers.add_source(self._plugin_volumes)
        fabric = NetworkFabric(fabric_config(options, engine_id))
        self._remotes = RemoteNetworks(plugins, fabric, database)
        self.networks = NetworkService(
            fabric,
            SandboxFactory(),
            self._remotes,
            database,
            self.events,
            engine_id=engine_id,
            created_ns=created_ns,
            containers=container_records.all,
            defaults=network_defaults(options),
        )
        self._watch = Watch()
        cgroups = choose_cgroups(read_layout())
        cgroup_parent = "/budu" + (f"-{options.instance}" if options.instance else "")
        log_servers = LogServers(paths)
        starter = ContainerStarter(
            paths=paths,
            snapshots=snapshots,
            networks=self.networks,
            volumes=self.volumes,
            cgroups=cgroups,
            cgroup_parent=cgroup_parent,
            shims=shims,
            seccomp=ProgramCache(str(options.data_root / "seccomp")),
            host=read_host(),
            find=container_records.get,
            log_servers=log_servers,
            init_path=install_init(paths.init),
        )
        log_default = default_log_config(options.log_driver, options.log_opts)
        self.containers = ContainerService(
            database=database,
            repository=container_records,
            creator=ContainerCreator(
                container_records,
                self.images,
                self.volumes,
                self.networks,
                snapshots,
                self.events,
                paths,
                log_default=log_default,
                can_disable_oom_killer=cgroups.features().oom_disable,
            ),
            starter=starter,
            snapshots=snapshots,
            images=image_records,
            image_storage=image_storage,
            networks=self.networks,
            volumes=self.volumes,
            events=self.events,
            stdio=Stdio(paths, self._watch),
            paths=paths,
            tasks=tasks,
        )
        self.health = HealthService(
            self.containers,
            Prober(
                ProgramProbes(paths, shims, starter, emit=self.containers.emit), ConnectionProbes()
            ),
            database,
            tasks=tasks,
        )
        self.containers.observe(self.health)
        self.execs = ExecService(self.containers, starter, shims, paths, tasks=tasks)
        self.containers.observe(self.execs)
        self._names = NameService(
            container_records, is_internal=self.networks.is_internal, servers=options.dns
        )
        self.containers.observe(self._names)
        self.containers.observe(LinkedHosts(container_records, self.networks, paths))
        self.network_members = NetworkMembers(self.containers, self.networks, fabric, paths)
        self.network_doctor = NetworkDoctor(
            self.containers, self.networks, all_containers=container_records.all
        )
        self.logs = LogService(
            self.containers,
            paths,
            self._watch,
            servers=log_servers,
            all_containers=container_records.all,
            tasks=tasks,
        )
        self.containers.observe(self.logs)
        self._log_keeper = LogKeeper(
            paths, budget_bytes(options.log_budget, options.data_root), container_records.all
        )
        self._memory_kills = MemoryKills(self.containers)
        self.containers.observe(self._memory_kills)
        self.monitor = MonitorService(self.containers, cgroup_version=cgroups.version, tasks=tasks)
        self.containers.observe(self.monitor)
        self.processes = ProcessService(self.containers)
        self.updates = UpdateService(self.containers, cgroups.features())
        self.usages = UsageService(
            self.containers,
            self.images,
            image_storage,
            self.volumes,
            volume_size=local_volumes.size_at_rest,
        )
        roots = ContainerRoots(self.containers, snapshots, self.volumes, paths)
        self.container_files = container_files(self.containers, roots)
        self.volume_files = volume_files(self.volumes)
        self.snapshots = SnapshotService(
            self.containers,
            self.images,
            ContainerDifferences(
                snapshots, layers, style=abilities.style, userxattr=abilities.userxattr
            ),
            layers,
            maker,
            self.events,
        )
        blobs = Blobs(content, layers)
        pusher = Pusher(registries, blobs, max_uploads=options.max_concurrent_uploads)
        self.registries = RegistryService(registries, pusher)
        self.pushes = PushService(image_records, image_storage, pusher, self.events)
        self.image_archives = ImageArchiveService(
            ImageSaver(image_records, image_storage, self.events),
            ImageLoader(
                image_records,
                image_storage,
                maker,
                blobs,
                self.events,
            ),
        )
        self.explorer = ExploringService(self.images, layers)
        self.cleanup = CleanupService(
            self.images,
            image_records,
            database,
            read_policy(options.image_cleanup),
            containers=container_records.all,
        )
        self.containers.observe(self.cleanup)
        self.storage_care = StorageCareService(
            image_records,
            image_storage,
            content,
            containers=container_records.all,
            layers_root=paths.layers,
        )
        self._downloads = Downloads(registry_hosts)
        self.imports = ImportService(maker, layers, self._downloads, self.events)
        facts = HostFacts(
            engine_id=engine_id,
            data_root=str(options.data_root),
            storage_driver="overlay2",
            storage_status=(("Layers", abilities.summary),),
            cgroup_version=cgroups.version,
            cgroup_features=cgroups.features(),
            logging_driver=log_default.type,
        )
        self.system = SystemService(
            facts,
            registry_hosts,
            self.events,
            containers=container_records.all,
            images=lambda: len(image_records),
            plugins=plugins.names,
            login=self._login,
            shutdown=shutdown,
            debug=options.debug,
        )
        self._housekeeping = Housekeeping(snapshots, layers, reserve=reserve, database=database)
        self._reconciler = Reconciler(
            container_records,
            self.containers,
            starter,
            self.networks,
            self.volumes,
            Leftovers(container_records, snapshots, cgroups, paths, cgroup_parent=cgroup_parent),
            paths,
        )

    async def _login(self, auth: AuthConfig) -> tuple[str, str]:
        result = await login(self._registries, credentials_of(auth))
        return result.status, result.identity_token

    async def open(self) -> None:
        """Bring the bridge up, meet the containers of the last engine, warm the pools."""
        self.networks.start()
        await self._shims.start()
        self.volume_copies.recover()
        await self._reconciler.run()
        self.network_members.mend(self._container_records.all())
        self.networks.serve(asyncio.get_running_loop())
        self._meeting = asyncio.create_task(self._meet_plugins(), name="plugins")
        self.logs.open()
        self._log_keeper.start()
        self._housekeeping.start()
        self.storage_care.start()
        self.cleanup.start()

    async def _meet_plugins(self) -> None:
        """Greet the plugins, and tell them of users that went while no engine ran."""
        users: dict[str, frozenset[str]] = {}
        for container in self._container_records.all():
            if container.is_running:
                for mount in container.mounts:
                    users[mount.name] = users.get(mount.name, frozenset()) | {container.id}
        await self._plugin_volumes.recover(users)
        await self._plugins.survey()

    async def close(self) -> None:
        """Let go of everything that is this process's; containers live on."""
        self._meeting.cancel()
        await self._remotes.close()
        await self.health.close()
        self.containers.close()
        self._memory_kills.close()
        self.execs.close()
        self._names.close()
        self.monitor.close()
        await self._log_keeper.stop()
        await self.logs.close()
        await self.cleanup.stop()
        await self.storage_care.stop()
        await self._housekeeping.stop()
        await self._shims.close()
        self._puller.close()
        await self._registries.close()
        await self._downloads.close()
        self.networks.close()
        self._watch.close()
        self._layers.close()
        self._database.close()


def credentials_of(auth: AuthConfig) -> Credentials:
    """What the API got, as the registry client wants it."""
    return Credentials(
        username=auth.username,
        password=auth.password,
        identity_token=auth.identitytoken,
        registry_token=auth.registrytoken,
        server_address=auth.serveraddress,
    )


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _identity(database: Database) -> tuple[str, int]:
    """The engine's id and birth, made once."""
    rows = dict(database.execute("SELECT key, value FROM settings").fetchall())
    if "engine-id" not in rows:
        rows = {"engine-id": new_id(), "created-ns": str(now_ns())}
        with database.transaction() as connection:
            connection.executemany("INSERT INTO settings (key, value) VALUES (?, ?)", rows.items())
    return rows["engine-id"], int(rows["created-ns"])
