"""Where an engine keeps its things: one place that knows every path below its two roots.

`data_root` survives a reboot, `exec_root` (on a tmpfs) does not need to.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class ContainerPaths(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one container."""

    root: Path
    """Folder of the container below the data root."""
    exec_root: Path
    """Folder of the container below the exec root."""

    @property
    def hosts(self) -> Path:
        """Becomes /etc/hosts."""
        return self.root / "hosts"

    @property
    def hostname(self) -> Path:
        """Becomes /etc/hostname."""
        return self.root / "hostname"

    @property
    def resolv_conf(self) -> Path:
        """Becomes /etc/resolv.conf."""
        return self.root / "resolv.conf"

    @property
    def log_dir(self) -> Path:
        """Folder of the log's files."""
        return self.root / "log"

    @property
    def log(self) -> Path:
        """The newest log file."""
        return self.log_dir / "container.log"

    @property
    def json_log(self) -> Path:
        """What the log driver `json-file` writes besides, where Docker has it."""
        return self.root / f"{self.root.name}-json.log"

    @property
    def log_state(self) -> Path:
        """How far the log was passed on to a log server or the JSON file."""
        return self.root / "log-state"

    @property
    def exit(self) -> Path:
        """Written by the shim when the container ended."""
        return self.root / "exit"

    @property
    def shim_socket(self) -> Path:
        """Where the container's shim listens."""
        return self.exec_root / "shim.sock"


class EnginePaths(msgspec.Struct, frozen=True, kw_only=True):
    """The two roots and what lies below them."""

    data_root: Path
    exec_root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_root / "budu.db"

    @property
    def content(self) -> Path:
        """Blobs."""
        return self.data_root / "content"

    @property
    def layers(self) -> Path:
        """Unpacked or indexed layers."""
        return self.data_root / "layers"

    @property
    def snapshots(self) -> Path:
        """Writable layers of containers."""
        return self.data_root / "snapshots"

    @property
    def volumes(self) -> Path:
        """Local volumes."""
        return self.data_root / "volumes"

    @property
    def containers(self) -> Path:
        """One folder per container."""
        return self.data_root / "containers"

    @property
    def init(self) -> Path:
        """The small init that `--init` puts before a container's program."""
        return self.data_root / "init"

    @property
    def build_contexts(self) -> Path:
        """One folder per build that runs."""
        return self.data_root / "build" / "contexts"

    @property
    def build_caches(self) -> Path:
        """What `RUN --mount=type=cache` keeps."""
        return self.data_root / "build" / "caches"

    @property
    def plugin_mounts(self) -> Path:
        """Which users of volumes plugins were told of."""
        return self.exec_root / "plugin-mounts.json"

    @property
    def exec_containers(self) -> Path:
        """One folder per container that was started."""
        return self.exec_root / "containers"

    def container(self, id_: str) -> ContainerPaths:
        """The files of one container."""
        return ContainerPaths(root=self.containers / id_, exec_root=self.exec_containers / id_)
