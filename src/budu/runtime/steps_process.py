"""Steps that make the process what the container's program expects, and execute it.

Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import marshal
import os

from budu.linux import capabilities, limits, namespaces, process, tty
from budu.linux.paths import O_PATH, make_directories, open_in_root, read_file
from budu.linux.seccomp_load import SECCOMP_FILTER_FLAG_SPEC_ALLOW, set_filter
from budu.runtime.context import Context
from budu.runtime.failure import (
    EXIT_FAILED,
    EXIT_NOT_EXECUTABLE,
    EXIT_NOT_FOUND,
    Refused,
    errno_text,
)
from budu.runtime.users import home_of, resolve_user

_NOT_FOUND = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


def wait_for_parent(context: Context) -> None:
    """Wait until the parent has done its steps (id maps); then be root of the user namespace."""
    if context.sync.recv(1) != b"G":
        os._exit(EXIT_FAILED)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def join_cgroups(_context: Context, task_files: tuple[str, ...]) -> None:
    """Enter v1 cgroups: "0" in `tasks` is this thread and spares the wait of cgroup.procs."""
    for path in task_files:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        os.write(fd, b"0")
        os.close(fd)


def unshare(_context: Context, flags: int) -> None:
    """Enter new namespaces (the cgroup namespace must be made inside the cgroup)."""
    namespaces.unshare(flags)


def join_namespace(context: Context, reference: str, flag: int) -> None:
    """Enter an existing namespace: `fd:NAME` or a path."""
    namespaces.setns(context.open(reference), flag)


def join_process(context: Context, flags: int) -> None:
    """Enter the namespaces of the process behind the descriptor "target"; root is its root."""
    namespaces.setns(context.fds["target"], flags)
    context.root = os.open("/", O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def new_session(_context: Context) -> None:
    """Lead a new session."""
    os.setsid()


def new_keyring(context: Context) -> None:
    """Leave the session keyring of the host."""
    try:
        process.join_session_keyring()
    except OSError as error:
        context.warnings.append(f"session keyring: {errno_text(error.errno or 0)}")


def set_hostname(_context: Context, name: str) -> None:
    """Set the host name."""
    process.sethostname(name)


def set_domainname(_context: Context, name: str) -> None:
    """Set the NIS domain name."""
    process.setdomainname(name)


def set_oom_score(context: Context, score: int) -> None:
    """Set how readily the kernel kills the process; lowering it needs CAP_SYS_RESOURCE."""
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(score).encode())
    except PermissionError as error:
        context.warnings.append(f"oom_score_adj {score}: {errno_text(error.errno or 0)}")
    finally:
        os.close(fd)


def set_rlimits(context: Context, rlimits: tuple[tuple[str, int, int, int], ...]) -> None:
    """Set resource limits (name, number, soft, hard); what may not be raised stays."""
    for name, number, soft, hard in rlimits:
        try:
            limits.setrlimit(number, soft, hard)
        except PermissionError as error:
            context.warnings.append(
                f"{name} soft {soft} hard {hard}: {errno_text(error.errno or 0)}"
            )
            _raise_soft_limit(number, soft)


def enter_directory(context: Context, path: str, create: bool) -> None:
    """Change to the working directory, made where it is missing."""
    if create:
        directory = make_directories(context.root, path)
    else:
        directory = open_in_root(context.root, path, O_PATH | os.O_DIRECTORY)
    os.fchdir(directory)
    os.close(directory)


def choose_user(
    context: Context, uid: int, gid: int, groups: tuple[int, ...], need_home: bool
) -> None:
    """Take ids as given; look the home directory up in the container's passwd file."""
    context.uid, context.gid, context.groups = uid, gid, groups
    if need_home:
        context.home = home_of(uid, read_file(context.root, "/etc/passwd"))


def find_user(context: Context, user: str, extra_groups: tuple[str, ...]) -> None:
    """Resolve Docker's user string by the container's passwd and group files."""
    found = resolve_user(
        user,
        passwd=read_file(context.root, "/etc/passwd"),
        group=read_file(context.root, "/etc/group"),
        extra_groups=extra_groups,
    )
    context.uid, context.gid, context.home = found.uid, found.gid, found.home
    # The primary group is among the supplementary ones, lest a program drop it unseen.
    context.groups = (found.gid, *(gid for gid in found.groups if gid != found.gid))


def connect_stdio(context: Context, terminal: bool) -> None:
    """Put the streams on descriptors 0 to 2 and mark all others close-on-exec."""
    _give_stdio(context)
    sources = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) if fd < 3 else fd for fd in context.stdio]
    for number, fd in enumerate(sources):
        os.dup2(fd, number)
    if terminal:
        tty.set_controlling(0)
    process.close_range(3, flags=process.CLOSE_RANGE_CLOEXEC)


def report(context: Context) -> None:
    """Tell the parent that all is ready, with the warnings; seccomp may forbid it later."""
    context.send(b"R" + marshal.dumps(context.warnings))


def set_no_new_privileges(_context: Context) -> None:
    """Forbid execve to add privileges."""
    process.set_no_new_privs()


def load_seccomp(_context: Context, program: bytes) -> None:
    """Attach the system call filter.

    Kernels before 5.16 switch off what the processor guesses ahead in everything that has a filter,
    unless the filter says otherwise, as runc's does: that would slow the container down.
    Source: Documentation/admin-guide/kernel-parameters.txt, spec_store_bypass_disable.
    """
    set_filter(program, SECCOMP_FILTER_FLAG_SPEC_ALLOW)


def drop_bounding(_context: Context, numbers: tuple[int, ...]) -> None:
    """Remove capabilities from the bounding set."""
    for number in numbers:
        capabilities.drop_bounding(number)


def become_user(context: Context, set_groups: bool) -> None:
    """Take the ids; the permitted capabilities stay until `set_capabilities`."""
    process.set_keep_capabilities(1)
    if set_groups:
        os.setgroups(context.groups)
    os.setresgid(context.gid, context.gid, context.gid)
    os.setresuid(context.uid, context.uid, context.uid)


def set_capabilities(
    _context: Context, effective: int, permitted: int, inheritable: int, ambient: tuple[int, ...]
) -> None:
    """Set the capability sets, the ambient one last."""
    capabilities.capset(effective=effective, permitted=permitted, inheritable=inheritable)
    for number in ambient:
        capabilities.raise_ambient(number)


def set_umask(_context: Context, umask: int) -> None:
    """Set the file mode creation mask."""
    os.umask(umask)


def execute(context: Context, argv: tuple[str, ...], env: tuple[str, ...]) -> None:
    """Execute the program, looked up in the container's PATH. Returns never."""
    environment = dict(entry.partition("=")[::2] for entry in env)
    if not environment.get("HOME"):
        environment["HOME"] = context.home or "/"
    name = argv[0] if argv else ""
    if "/" in name:
        _execute_path(name, name, argv, environment)
    for directory in environment.get("PATH", "").split(":"):
        path = f"{directory}/{name}"
        if name and directory and _is_program(path):
            _execute_path(name, path, argv, environment)
    raise Refused(
        f'exec: "{name}": executable file not found in $PATH',
        errno=errno.ENOENT,
        exit_code=EXIT_NOT_FOUND,
    )


def _execute_path(name: str, path: str, argv: tuple[str, ...], environment: dict[str, str]) -> None:
    try:
        os.execve(path, argv, environment)
    except OSError as error:
        raise _explain_exec(name, path, error.errno or 0) from None


def _explain_exec(name: str, path: str, number: int) -> Refused:
    """Find the words that Go's LookPath, or else execve, has for the failure."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        missing = error.errno or 0
        code = EXIT_NOT_FOUND if missing in _NOT_FOUND else EXIT_NOT_EXECUTABLE
        detail = f'exec: "{name}": stat {path}: {errno_text(missing)}'
        return Refused(detail, errno=missing, exit_code=code)
    if mode & 0o170000 == 0o040000:
        detail = f'exec: "{name}": is a directory'
        return Refused(detail, errno=errno.EISDIR, exit_code=EXIT_NOT_EXECUTABLE)
    if number == errno.EACCES:
        detail = f'exec: "{name}": permission denied'
        return Refused(detail, errno=number, exit_code=EXIT_NOT_EXECUTABLE)
    # The file is there: its interpreter is missing, or it is for another machine.
    code = EXIT_NOT_FOUND if number in _NOT_FOUND else EXIT_NOT_EXECUTABLE
    return Refused(f"exec {path}: {errno_text(number)}", errno=number, exit_code=code)


def _is_program(path: str) -> bool:
    try:
        return os.stat(path).st_mode & 0o170000 != 0o040000 and os.access(path, os.X_OK)
    except OSError:
        return False


def _raise_soft_limit(number: int, soft: int) -> None:
    """Come as near to the wanted soft limit as the hard one allows."""
    _old, hard = limits.getrlimit(number)
    limits.setrlimit(number, min(soft & limits.RLIM_INFINITY, hard), hard)


def _give_stdio(context: Context) -> None:
    """Let the user reopen its streams by /dev/stdout; null devices and refusals are left alone."""
    if context.uid == 0:
        return
    for fd in dict.fromkeys(context.stdio):
        if os.fstat(fd).st_rdev == os.makedev(1, 3):
            continue
        try:
            os.fchown(fd, context.uid, -1)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EPERM, errno.EROFS):
                raise
