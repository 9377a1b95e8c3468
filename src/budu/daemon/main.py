"""`budud`: the engine in the foreground.

Order of start: options, logging, the lock, the zygote (before there is an event loop or a thread),
then the services, then the API. The end is the reverse; containers never notice.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence

import uvloop

from budu.api.routes import build_router
from budu.api.server import ApiServer
from budu.base.errors import BuduError
from budu.base.logging import parse_level, set_up_logging
from budu.base.messages import language_of, render
from budu.base.tasks import SteadyTasks
from budu.daemon.compose import Engine
from budu.daemon.listeners import make_listeners
from budu.daemon.lock import PidFile
from budu.daemon.options import Options
from budu.daemon.settings import read_options
from budu.daemon.thrift import Thrift
from budu.linux import memory
from budu.shim.pool import ShimPool

OPEN_FILES = 1 << 16
"""Descriptors an engine may have; a container takes five, a client one."""

log = logging.getLogger(__name__)


def entry() -> None:
    """The installed command."""
    sys.exit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run the engine until it is told to end; the process's exit status."""
    try:
        options = read_options(argv)
        set_up_logging(parse_level(options.log_level), as_json=options.log_format == "json")
        return run(options)
    except BuduError as error:
        print(f"budud: {error.message}", file=sys.stderr)
        if error.hint is not None:
            print(f"  → {render(error.hint, language_of())}", file=sys.stderr)
        return 1


def run(options: Options) -> int:
    """The engine's life."""
    os.umask(0o022)
    memory.use_one_heap()
    options.data_root.mkdir(parents=True, exist_ok=True, mode=0o711)
    options.exec_root.mkdir(parents=True, exist_ok=True, mode=0o711)
    lock = PidFile(options.pidfile)
    try:
        shims = ShimPool()
        shims.spawn_zygote()
        allow_open_files()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options, shims))
    finally:
        lock.release()
    return 0


def allow_open_files() -> None:
    """Let the engine itself open as many files as the kernel's hard limit allows, up to a number
    that is enough for thousands of containers and clients. The containers' limit stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def serve(options: Options, shims: ShimPool) -> None:
    """Serve until a signal or a client ends it."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with SteadyTasks() as tasks:
        engine = Engine(options, shims, tasks=tasks, shutdown=ending.set)
        server = ApiServer(build_router(engine), make_listeners(options))
        await engine.open()
        await server.start()
        log.info("API listen on %s", " ".join(server.addresses))
        thrift = Thrift()
        thrift.start()
        await ending.wait()
        thrift.stop()
        log.info("ending")
        await server.close()
        await engine.close()
        engine.containers.forget()


if __name__ == "__main__":
    entry()
