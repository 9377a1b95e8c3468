"""The engines that are compared and the command lines that drive them.

An *engine* is what owns containers and is started in a room of its own; a *peer* is one command
line on one engine, thus one column of the table. budu's engine has two: its own command line and
the genuine docker CLI.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import images
from bench.room import PROJECT, BenchError, Finished, Memory, Room

SOCKET = "/run/engine/engine.sock"
"""Where a daemon listens, in its room."""
REMOVE_AT_ONCE = {"podman": ("--time", "0")}
"""Podman's `rm -f` waits for a polite end; the others kill."""
PEER_PACKAGES = ("docker.io", "podman", "netavark", "crun", "skopeo", "pigz")
"""What `--install` installs. pigz makes Docker's pulls faster, netavark is Podman's network."""

BIN = PROJECT / ".venv/bin"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How one engine is started."""

    name: str
    """Its name in tables and files."""
    programs: tuple[str, ...]
    """Programs it cannot run without."""
    daemon: Callable[[Path], Sequence[str]] | None
    """Command line of its daemon for a data folder; None when it has none."""
    without_unified: bool = False
    """Whether its runtime refuses the unified cgroup hierarchy beside the others."""
    environment: Callable[[Path], Mapping[str, str]] = lambda data: {}
    """Variables of its commands; may write settings into the data folder."""

    @property
    def is_installed(self) -> bool:
        """Whether all its programs are there."""
        return all(shutil.which(program) for program in self.programs)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One command line on one engine."""

    name: str
    """Its name on the command line and in `results.json`."""
    title: str
    """Head of its column."""
    engine: str
    """Name of the engine it drives."""
    program: str
    """The command line program."""

    @property
    def is_installed(self) -> bool:
        """Whether its program is there."""
        return shutil.which(self.program) is not None


def budud(data: Path) -> Sequence[str]:
    """budu's engine."""
    roots = ["--data-root", str(data), "--exec-root", "/run/engine"]
    return [str(BIN / "budud"), *roots, "-H", f"unix://{SOCKET}"]


def dockerd(data: Path) -> Sequence[str]:
    """Docker's engine, with the containerd it starts itself."""
    roots = ["--data-root", str(data), "--exec-root", "/run/engine/exec"]
    return ["dockerd", *roots, "--pidfile", "/run/engine/pid", "-H", f"unix://{SOCKET}"]


def podman_environment(data: Path) -> Mapping[str, str]:
    """Settings files for Podman: own storage, crun, no limits beyond this machine's, loopback."""
    data.mkdir(parents=True, exist_ok=True)
    files = {
        "CONTAINERS_CONF": (
            "[containers]\n"
            'default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\n'
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n'
            '[network]\nnetwork_backend = "netavark"\n'
            'network_config_dir = "/run/engine/networks"\n'
        ),
        "CONTAINERS_STORAGE_CONF": (
            '[storage]\ndriver = "overlay"\nrunroot = "/run/engine/podman"\n'
            f'graphroot = "{data / "storage"}"\n'
        ),
        "CONTAINERS_REGISTRIES_CONF": (
            f'[[registry]]\nlocation = "{images.ADDRESS}"\ninsecure = true\n'
            f'[[registry]]\nlocation = "{images.PUSH_ADDRESS}"\ninsecure = true\n'
        ),
    }
    for name, text in files.items():
        (data / name).write_text(text)
    return {name: str(data / name) for name in files}


ENGINES: tuple[Engine, ...] = (
    Engine(name="budu", programs=(str(BIN / "budud"),), daemon=budud),
    Engine(name="docker", programs=("dockerd", "containerd", "runc"), daemon=dockerd),
    Engine(
        name="podman",
        programs=("podman", "crun", "conmon"),
        daemon=None,
        without_unified=Path("/sys/fs/cgroup/unified").is_mount(),
        environment=podman_environment,
    ),
)
"""All engines, ours first."""

PEERS: tuple[Peer, ...] = (
    Peer(name="budu", title="budu", engine="budu", program=str(BIN / "budu")),
    Peer(name="docker-cli-budu", title="docker CLI on budu", engine="budu", program="docker"),
    Peer(name="docker", title="Docker", engine="docker", program="docker"),
    Peer(name="podman", title="Podman", engine="podman", program="podman"),
)
"""All peers, in the order of the table."""

VERSION_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "budu": (str(BIN / "budu"), "--version"),
    "docker CLI": ("docker", "--version"),
    "dockerd": ("dockerd", "--version"),
    "containerd": ("containerd", "--version"),
    "runc": ("runc", "--version"),
    "podman": ("podman", "--version"),
    "crun": ("crun", "--version"),
    "conmon": ("conmon", "--version"),
    "docker-registry": ("docker-registry", "--version"),
    "python": (str(BIN / "python"), "--version"),
}
"""How each program tells its version; the first line counts."""


def versions() -> dict[str, str]:
    """The versions of all programs that are there."""
    found = {}
    for name, command in VERSION_COMMANDS.items():
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True)
            found[name] = (done.stdout or done.stderr).strip().partition("\n")[0]
    return found


class Site:
    """A running engine in its room, with a registry and the busybox image.

    A context manager. `run` drives it with its first command line, for what is not measured.
    """

    def __init__(self, engine: Engine, peers: Sequence[Peer], *, storage: Path, cache: Path):
        """`storage` is where engines keep their data, `cache` where images come from."""
        self.engine = engine
        self.data = storage / engine.name
        self._peers = peers
        self.cache = cache
        self._room = Room(without_unified=engine.without_unified)
        self._daemon: int | None = None
        self._registries: list[int] = []
        self._push_registry: int | None = None
        self._stack = ExitStack()

    @property
    def room(self) -> Room:
        """Its namespaces."""
        return self._room

    def __enter__(self) -> Site:
        with ExitStack() as stack:
            stack.enter_context(self._room)
            self._environment = {
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/run/home",
                "LANG": "C.UTF-8",
                "DOCKER_HOST": f"unix://{SOCKET}",
                "BUDU_HOST": f"unix://{SOCKET}",
                **self.engine.environment(self.data),
            }
            self._room.call("os:makedirs", name="/run/engine")
            self._serve_images()
            self.start_daemon()
            stack.callback(self.stop_daemon)
            self.pull_busybox()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _serve_images(self) -> None:
        config = images.write_registry_config(self.cache)
        argv = ["docker-registry", "serve", str(config)]
        log = self.cache / f"registry-{self.engine.name}.log"
        self._registries.append(self._room.start(argv, self._environment, log))
        self._room.call("bench.images:push_images", cache=str(self.cache))

    def start_daemon(self) -> None:
        """Start the daemon, if there is one, and wait until it answers."""
        if self.engine.daemon is None:
            return
        argv = self.engine.daemon(self.data)
        log = self.cache / f"{self.engine.name}.log"
        self._daemon = self._room.start(argv, self._environment, log)
        self._room.call("bench.load:wait_for_unix", path=SOCKET, seconds=30)

    def stop_daemon(self) -> None:
        """End the daemon."""
        if self._daemon is not None:
            pid, self._daemon = self._daemon, None
            self._room.stop(pid)

    def pull_busybox(self) -> None:
        """Have the busybox image under its short name."""
        self.run("pull", "-q", images.BUSYBOX)
        self.run("tag", images.BUSYBOX, "busybox")

    def empty_registry(self, *, serve: bool = True) -> None:
        """Have a registry without any image at `images.PUSH_ADDRESS`, or, unless `serve`, none."""
        if self._push_registry is not None:
            self._registries.remove(self._push_registry)
            self._room.stop(self._push_registry)
            self._push_registry = None
        folder = self.data.parent / f"pushed-{self.engine.name}"
        shutil.rmtree(folder, ignore_errors=True)
        if serve:
            folder.mkdir()
            config = images.write_registry_config(folder, address=images.PUSH_ADDRESS)
            argv, log = ["docker-registry", "serve", str(config)], folder / "log"
            self._push_registry = self._room.start(argv, self._environment, log)
            self._registries.append(self._push_registry)
            self._room.call("bench.images:wait_for_registry", address=images.PUSH_ADDRESS)

    def run(self, *words: str) -> str:
        """Run a command that is not measured; its output.

        Raises: BenchError when it fails.
        """
        return self.run_as(self._peers[0], words, keep=True).out

    def run_as(self, peer: Peer, words: Sequence[str], *, keep: bool = False) -> Finished:
        """Run a peer's command.

        Raises: BenchError when it fails.
        """
        done = self._room.run([peer.program, *words], self._environment, keep=keep)
        if done.code:
            ending = "took too long" if done.is_late else f"exit code {done.code}"
            message = done.errors.strip().splitlines()[-3:] or [done.out[-200:]]
            raise BenchError(f"{peer.name} {' '.join(words)}: {ending}: {' '.join(message)}")
        return done

    def run_parallel(self, peer: Peer, commands: Sequence[Sequence[str]], *, width: int) -> float:
        """Run many commands of a peer, `width` at a time; wall seconds."""
        argvs = [[peer.program, *words] for words in commands]
        return self._room.parallel(argvs, self._environment, width=width)

    def remove(self, *names: str) -> None:
        """Remove containers at once, running or not."""
        self.run("rm", "-f", *REMOVE_AT_ONCE.get(self.engine.name, ()), *names)

    def remove_all(self) -> None:
        """Remove every container, whatever an earlier failure left behind."""
        if names := self.run("ps", "-aq").split():
            self.remove(*names)

    def memory(self, *, names_without: Sequence[str] = ()) -> Memory:
        """Memory of the engine and its helpers; the registry does not count."""
        return self._room.memory(without=self._registries, names_without=names_without)
