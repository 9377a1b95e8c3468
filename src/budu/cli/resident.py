"""A process that has the program loaded and runs commands for `front`. Light.

Starting an interpreter takes longer than what most commands do. `front` (packaging/native/front.c)
is what the kernel runs for the script `budu`; where a resident listens, it hands the command over:

    front                                   a worker, forked ahead
      arguments, environment, streams, ────▶  checks, becomes what the caller is
      working directory, umask, signals
      ◀─────────────────────────── its pid    (0: declined, nothing has happened)
      ── signals, by kill ────────────────▶   runs the command
      ◀──────────────────── the exit status   (STOP: stop us both; BACK: run it yourself)

The first command of a script starts the resident; it ends when nobody has called it for a while.
A worker declines what does not fit: another user or namespace, a script or module that was edited,
a locale that is not UTF-8, commands that ask at the terminal or start other programs.
Its socket is in a folder that only its user may enter: who reaches it could run `budu` anyway.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the accelerator has no stub
import _socket
import posix
import sys

from budu.base.resident import NotHere, become_resident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType
    from typing import NoReturn

IDLE_S = 600
"""It ends when nobody has called it for so long."""
SPARES = 2
"""Workers that wait."""
REFILL_S = 0.005
"""After a call, so that the new worker is not forked while the command runs."""
MOST_LOST = 10
"""So many workers may end without a call before the resident gives up."""
STOP = -1
BACK = -2
_MAGIC = 0x75647562
_GREETING = 24
_LONGEST = 64 << 20
_WORD_SIZE = 4
"""Bytes of what a worker tells the resident: its pid, negative if a module was edited."""
_RIGHTS = ("Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
_DEADLY = (
    _signal.SIGHUP,
    _signal.SIGQUIT,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGTERM,
)
_NAMESPACES = ("mnt", "net", "pid", "user", "uts", "ipc")
_LOCALE = ("LC_ALL", "LC_CTYPE", "LANG")
_PRELOADED = (
    "budu.base.messages",
    "budu.cli.attach",
    "budu.cli.config",
    "budu.cli.context",
    "budu.cli.main",
    "budu.cli.parser",
    "budu.cli.pump",
    "budu.cli.signals",
    "budu.cli.terminal",
    "budu.client.endpoint",
    "budu.client.json",
    "budu.client.query",
    "budu.client.session",
    "budu.client.streams",
    "budu.client.transport",
)
SERVED = frozenset({
    "attach", "container", "create", "diff", "exec", "image", "images", "info", "inspect", "kill",
    "logs", "network", "pause", "port", "ps", "pull", "rename", "restart", "rm", "rmi", "run",
    "start", "stats", "stop", "tag", "top", "unpause", "update", "version", "volume", "wait", "why",
})  # fmt: skip
"""First words of commands that a worker runs; others are for the process that was called."""
_HOT = ("exec", "ps", "run", "images", "create", "start", "stop", "rm", "logs", "inspect")


def is_served(words: Sequence[str]) -> bool:
    """Whether a resident would run this command line."""
    return bool(words) and words[0] in SERVED


def start_resident(script: str) -> None:
    """Start the resident of `script` beside this process, which goes on; nothing if it has one."""
    path = socket_path(script)
    lock = _lock(f"{path}.lock") if path and own_folder(path) else -1
    if lock < 0:
        return
    posix.close(lock)
    null = [(posix.POSIX_SPAWN_OPEN, fd, "/dev/null", posix.O_RDWR, 0) for fd in (0, 1, 2)]
    command = [sys.executable, "-IS", script]
    environ = {b"BUDU_RESIDENT": b"serve", **_kept(posix.environ)}
    try:
        posix.posix_spawn(sys.executable, command, environ, file_actions=null, setsid=True)
    except OSError:
        pass  # the next command tries again; this one is done


def _kept(environ: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    wanted = [b"XDG_RUNTIME_DIR", b"PATH", *map(str.encode, _LOCALE)]
    return {name: environ[name] for name in wanted if name in environ}


def socket_path(script: str) -> str:
    """Where the resident of a script listens, as `front` computes it; empty where it cannot."""
    folder = "/run"
    if posix.geteuid():
        folder = posix.environ.get(b"XDG_RUNTIME_DIR", b"").decode()
        if not folder.startswith("/") or len(folder) > 24:
            return ""
    facts = posix.stat(script)
    device = facts.st_dev
    spaces = (posix.stat(f"/proc/self/ns/{name}").st_ino for name in ("mnt", "net", "pid"))
    numbers = (posix.major(device), posix.minor(device), facts.st_ino, *spaces)
    return f"{folder}/budu-cli/{'-'.join(map(str, numbers))}"


def serve(script: str, *, idle_s: float = IDLE_S) -> None:
    """A resident's whole life. Its process id is in the lock file."""
    path = socket_path(script)
    if not path or sys.getfilesystemencoding() != "utf-8" or not own_folder(path):
        return
    _signal.signal(_signal.SIGTERM, _leave)
    lock = _lock(f"{path}.lock")
    if lock < 0:
        return
    posix.ftruncate(lock, 0)
    posix.write(lock, b"%d\n" % posix.getpid())
    posix.chdir("/")
    _take_name(b"budu-cli")
    _clear(path.rpartition("/")[0])
    listener = _listen(path)
    try:
        _preload()
        Resident(listener, lock).run(idle_s)
    finally:
        _remove(path)
        _remove(f"{path}.lock")


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit


class Resident:
    """Keeps workers ahead."""

    def __init__(self, listener: _socket.socket, lock: int) -> None:
        self._listener = listener
        self._files = _loaded_files()
        self._waiting: set[int] = set()
        self._lost = 0
        self._heard, self._told = posix.pipe2(posix.O_CLOEXEC)
        self._woken, self._wake = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        self._life, self._alive = posix.pipe2(posix.O_CLOEXEC)
        self._own = (lock, self._heard, self._woken, self._wake, self._alive)

    def run(self, idle_s: float) -> None:
        """Until nobody has called for so long, a module was edited, or workers do not live."""
        import gc
        import time

        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        _signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        while self._lost < MOST_LOST:
            while len(self._waiting) < SPARES:
                self._fork()
            if not self._hear(idle_s):
                return
            time.sleep(REFILL_S)

    def _hear(self, seconds: float) -> bool:
        """Wait for a worker's word or end; whether to go on."""
        import select

        ready, _, _ = select.select([self._heard, self._woken], [], [], seconds)
        if self._heard in ready:
            words = posix.read(self._heard, _WORD_SIZE * 512)
            for at in range(0, len(words), _WORD_SIZE):
                number = int.from_bytes(words[at : at + _WORD_SIZE], "little", signed=True)
                self._waiting.discard(abs(number))
                if number < 0:
                    return False
            self._lost = 0
        if self._woken in ready:  # after their words: who has a call is not lost
            posix.read(self._woken, 4096)
            self._reap()
        return bool(ready)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = posix.waitpid(-1, posix.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._waiting:
                self._waiting.discard(pid)
                self._lost += 1

    def _fork(self) -> None:
        pid = posix.fork()
        if pid:
            self._waiting.add(pid)
            return
        try:
            _signal.set_wakeup_fd(-1)
            _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
            posix.setpgid(0, 0)
            for fd in self._own:  # the lock, too: a long command does not hold it
                posix.close(fd)
            self._work()
        finally:
            posix._exit(1)

    def _work(self) -> NoReturn:
        """A worker's whole life: take one command, and end with it."""
        front = _accept(self._listener, self._life)
        edited = any(_facts(file) != facts for file, facts in self._files.items())
        word = -posix.getpid() if edited else posix.getpid()
        posix.write(self._told, word.to_bytes(_WORD_SIZE, "little", signed=True))
        posix.close(self._told)
        posix.close(self._life)
        self._listener.close()
        call = None if edited else _receive(front)
        if call is None or not call.fits(front):
            _answer(front, 0)
            posix._exit(0)
        call.become(front)
        _answer(front, posix.getpid())
        _answer(front, _run(call.words, call.environ))
        posix._exit(0)


def own_folder(path: str) -> bool:
    """Make the socket's folder; whether it is this user's alone."""
    folder = path.rpartition("/")[0]
    try:
        posix.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    facts = posix.lstat(folder)
    return facts.st_uid == posix.geteuid() and facts.st_mode & 0o170077 == 0o040000


def _lock(path: str) -> int:
    """A descriptor that holds the lock; -1 when another resident has it."""
    import fcntl

    lock = posix.open(
        path, posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC | posix.O_NOFOLLOW, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if posix.fstat(lock).st_ino != posix.stat(path).st_ino:
            raise FileNotFoundError(path)  # cleared away meanwhile
    except OSError:
        posix.close(lock)
        return -1
    return lock


def _take_name(name: bytes) -> None:
    """Show it in `top`."""
    fd = posix.open("/proc/self/comm", posix.O_WRONLY | posix.O_CLOEXEC)
    posix.write(fd, name)
    posix.close(fd)


def _clear(folder: str) -> None:
    """Remove what residents that were killed have left."""
    for name in posix.listdir(folder):
        if name.endswith(".lock"):
            lock = _lock(f"{folder}/{name}")
            if lock >= 0:
                _remove(f"{folder}/{name}".removesuffix(".lock"))
                _remove(f"{folder}/{name}")
                posix.close(lock)


def _remove(path: str) -> None:
    try:
        posix.unlink(path)
    except FileNotFoundError:
        pass


def _listen(path: str) -> _socket.socket:
    _remove(path)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    mask = posix.umask(0o177)
    listener.bind(path)
    posix.umask(mask)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def _preload() -> None:
    for name in _PRELOADED:
        __import__(name)
    from budu.cli.index import COMMANDS
    from budu.cli.main import load_command

    for name in _HOT:
        load_command(COMMANDS[name])


def _loaded_files() -> dict[str, tuple[int, int]]:
    """The source of each module of ours, with its time of change and size."""
    found = {}
    for name, module in tuple(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] == "budu" and file:
            found[file] = _facts(file)
    return found


def _facts(file: str) -> tuple[int, int]:
    try:
        facts = posix.stat(file)
    except OSError:
        return 0, -1
    return facts.st_mtime_ns, facts.st_size


def _accept(listener: _socket.socket, life: int) -> _socket.socket:
    """The next caller. Ends the process when the resident has ended."""
    import select

    poll = select.poll()
    poll.register(listener.fileno(), select.POLLIN)
    poll.register(life, select.POLLIN)
    while True:
        if any(fd == life for fd, _ in poll.poll()):
            posix._exit(0)
        try:
            fd, _ = listener._accept()  # type: ignore[attr-defined]  # typeshed lacks it
        except BlockingIOError:  # another worker was quicker
            continue
        front = _socket.socket(fileno=fd)
        front.setblocking(True)
        return front


def _answer(front: _socket.socket, number: int) -> None:
    try:
        front.send(number.to_bytes(4, "little", signed=True))
    except OSError:
        posix._exit(1)  # it is gone


def _run(words: list[str], environ: dict[str, str]) -> int:
    from budu.cli.main import flush, main

    become_resident()
    try:
        status = main(words, environ)
    except NotHere:
        return BACK
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # the process's edge: what the interpreter would do
        sys.excepthook(*sys.exc_info())
        status = 1
    return flush(status) & 0xFF


class Call:
    """What `front` has sent."""

    def __init__(self, numbers: tuple[int, ...], strings: list[bytes], fds: list[int]) -> None:
        _, arguments, _, _, self.umask, self.ignored = numbers
        self.words = [each.decode("utf-8", "surrogateescape") for each in strings[:arguments]]
        self.raw_environ = dict(_split(each) for each in strings[arguments:] if b"=" in each)
        self.folder, *self.streams = fds
        self.environ = {
            name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
            for name, value in self.raw_environ.items()
        }

    def fits(self, front: _socket.socket) -> bool:
        """Whether this process may run it as if it were the caller."""
        import struct

        credentials = front.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        pid, uid, _ = struct.unpack("3i", credentials)
        return (
            uid == posix.geteuid()
            and is_served(self.words)
            and _speaks_utf8(self.environ)
            and _lives_with(pid)
        )

    def become(self, front: _socket.socket) -> None:
        """Take the caller's place: streams, folder, environment, signals."""
        for fd, source in enumerate(self.streams):
            posix.dup2(source, fd)
            posix.close(source)
        posix.fchdir(self.folder)
        posix.close(self.folder)
        posix.umask(self.umask)
        _take_environment(self.raw_environ)
        _open_streams()
        _watch(front)
        actions = _actions(front)
        for number in actions:
            if self.ignored >> (number - 1) & 1:
                actions[number] = _signal.SIG_IGN
        for number, action in actions.items():
            _signal.signal(number, action)


def _actions(front: _socket.socket) -> dict[int, object]:
    """What signals do to a command; this process may have inherited something else."""
    return {
        **dict.fromkeys(_DEADLY, _signal.SIG_DFL),
        _signal.SIGCHLD: _signal.SIG_DFL,
        _signal.SIGINT: _signal.default_int_handler,
        _signal.SIGTSTP: lambda number, frame: _answer(front, STOP),
    }


def _split(text: bytes) -> tuple[bytes, bytes]:
    name, _, value = text.partition(b"=")
    return name, value


def _receive(front: _socket.socket) -> Call | None:
    """The whole call; None when it is none."""
    data, ancillary, _, _ = front.recvmsg(1 << 16, _socket.CMSG_SPACE(16))
    fds = [
        int.from_bytes(content[at : at + 4], sys.byteorder)
        for _, _, content in ancillary
        for at in range(0, len(content), 4)
    ]
    while 0 < len(data) < _GREETING:
        data += front.recv(_GREETING)
    numbers = tuple(int.from_bytes(data[at : at + 4], sys.byteorder) for at in range(0, 24, 4))
    magic, arguments, variables, size = numbers[:4]
    if magic != _MAGIC or len(fds) != 4 or size > _LONGEST:
        return None
    while len(data) < _GREETING + size:
        more = front.recv(1 << 16)
        if not more:
            return None
        data += more
    strings = data[_GREETING:].split(b"\0")[:-1]
    return Call(numbers, strings, fds) if len(strings) == arguments + variables else None


def _speaks_utf8(environ: Mapping[str, str]) -> bool:
    """Whether an interpreter that is started there would read and write UTF-8."""
    locale = next((environ[name] for name in _LOCALE if environ.get(name)), "")
    return locale in ("", "C", "POSIX") or locale.lower().replace("-", "").endswith("utf8")


def _lives_with(pid: int) -> bool:
    """Whether the process may the same, sees the same root and is in the same namespaces."""
    try:
        return (
            _rights(f"{pid}") == _rights("self")
            and posix.readlink(f"/proc/{pid}/root") == "/"
            and all(
                posix.readlink(f"/proc/{pid}/ns/{name}") == posix.readlink(f"/proc/self/ns/{name}")
                for name in _NAMESPACES
            )
        )
    except OSError:
        return False


def _rights(pid: str) -> list[bytes]:
    """Who a process is and what it may. Source: man 5 proc_pid_status."""
    fd = posix.open(f"/proc/{pid}/status", posix.O_RDONLY | posix.O_CLOEXEC)
    lines = posix.read(fd, 1 << 14).splitlines()
    posix.close(fd)
    return [line for line in lines if line.partition(b":")[0].decode() in _RIGHTS]


def _take_environment(environ: Mapping[bytes, bytes]) -> None:
    import time

    for name in tuple(posix.environ):
        if name not in environ:
            posix.unsetenv(name)
    for name, value in environ.items():
        posix.putenv(name, value)
    posix.environ.clear()
    posix.environ.update(environ)
    time.tzset()


def _open_streams() -> None:
    """Text streams on 0, 1 and 2 as the interpreter opens them."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        stream = open(  # they stay open
            fd,
            "w" if fd else "r",
            encoding="utf-8",
            errors="backslashreplace" if name == "stderr" else "strict",
            closefd=False,
        )
        if name == "stderr":
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _watch(front: _socket.socket) -> None:
    """End when the caller is gone: the kernel tells of it by SIGIO."""
    import fcntl

    def look(number: int, frame: FrameType | None) -> None:
        try:
            gone = not front.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            posix._exit(1)

    _signal.signal(_signal.SIGIO, look)
    fd = front.fileno()
    fcntl.fcntl(fd, fcntl.F_SETOWN, posix.getpid())
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | fcntl.FASYNC)
    look(0, None)
