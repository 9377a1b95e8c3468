"""`budu cp`. Light.

    here ──tar──▶ PUT          GET ──tar──▶ here          GET ──tar──▶ PUT

`cli.copy_rules` decides, `cli.copy_local` packs, `cli.copy_unpack` unpacks. Docker copies one thing
between here and a container; several sources, patterns, volumes and both ends with the engine are
ours.
"""

from __future__ import annotations

import os

from budu.base.errors import Hint
from budu.cli.copy_flags import COPY_FLAGS
from budu.cli.copy_progress import Progress
from budu.cli.copy_rules import (
    End,
    Target,
    base_name,
    check_direction,
    parse_end,
    place,
    rebase,
    split_entry,
)
from budu.cli.declare import Call, Command
from budu.cli.failures import CommandFailed
from budu.cli.reading import pieces_of
from budu.client.archives import Archives, PathStat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from budu.cli.context import Context

_READ_SIZE = 1 << 18


def run_cp(context: Context, call: Call) -> int:
    """Copy every source to the last argument."""
    *texts, last = call.args
    if not all(texts):
        raise CommandFailed("source can not be empty")
    if not last:
        raise CommandFailed("destination can not be empty")
    copier = Copier(context, call)
    target = parse_end(last)
    sources = [end for text in texts for end in copier.expand(parse_end(text), target)]
    if len(sources) > 1:
        copier.require_directory(target)
    for source in sources:
        copier.copy(source, target)
    return 0


class Copier:
    """One use of `cp`: its flags, applied to each source."""

    def __init__(self, context: Context, call: Call) -> None:
        self._context = context
        self._archive = call.on("archive")
        self._follow = call.on("follow-link")
        given = "quiet" in call.given
        self._quiet = call.on("quiet") if given else not context.out.isatty()

    def expand(self, source: End, target: End) -> list[End]:
        """What an argument names: patterns are matched by the engine.

        Raises: CommandFailed for two ends between which nothing can be copied.
        """
        check_direction(source, target)
        if not source.has_pattern:
            return [source]
        return [source.at(path) for path in self._archives(source).find(source.path)]

    def require_directory(self, target: End) -> None:
        """Raises: CommandFailed unless several things can be put there."""
        if target.kind == "local":
            is_directory = os.path.isdir(target.path)
        else:
            is_directory = target.is_remote and self._find_target(target).is_directory
        if not is_directory:
            raise CommandFailed(
                f'destination "{target.text}" must be a directory', hint=Hint("cli.cp-many")
            )

    def copy(self, source: End, target: End) -> None:
        """Copy one thing."""
        if not source.is_remote:
            self._upload(source, target)
        elif not target.is_remote:
            self._download(source, target)
        else:
            self._pass_on(source, target)

    # From here

    def _upload(self, source: End, target: End) -> None:
        from budu.cli.copy_local import find_source, pack

        found = self._find_target(target)
        if source.kind == "pipe":
            if not found.is_directory:
                raise CommandFailed(f'destination "{target.text}" must be a directory')
            self._put(pieces_of(0), found.path, target, shown=found.path)
            return
        thing = find_source(source.path, follow=self._follow)
        folder, name = place(thing.name, is_directory=thing.is_directory, target=found)
        pieces = pack(thing, name, exact=self._archive)
        self._put(pieces, folder, target, shown=found.path)

    def _put(self, pieces: Iterator[bytes], folder: str, target: End, *, shown: str) -> None:
        progress = self._progress(f"Copying to {target.kind}")
        try:
            counted = progress.count(pieces)
            self._archives(target).write(folder, counted, own=self._archive)
        finally:
            progress.clear()
        progress.done(target.show(shown))

    def _find_target(self, target: End) -> Target:
        """What is at a remote path; links lead to what is written.

        What cannot be told is taken for missing: the engine says why when it is written to.
        """
        archives = self._archives(target)
        path = target.path
        stat = archives.stat(path)
        if stat is not None and stat.is_link:
            path = os.path.join(split_entry(path)[0], stat.link_target)
            stat = archives.stat(path)
        if stat is None:
            return Target(path)
        if stat.is_device:
            raise CommandFailed(
                f'destination "{target.text}" must be a directory or a regular file: got a device'
            )
        return Target(path, exists=True, is_directory=stat.is_directory)

    # To here

    def _download(self, source: End, target: End) -> None:
        from budu.cli.copy_local import find_target

        found = None if target.kind == "pipe" else find_target(target.path)
        source, kept = self._followed(source)
        stat, response = self._archives(source).read(source.path, sparse=found is not None)
        if found is None:
            self._context.out.flush()
            for piece in response.chunks():
                _write_all(1, piece)
            return
        from budu.cli.copy_local import absolute
        from budu.cli.copy_unpack import Unpacker

        old = base_name(source.path)
        folder, new = place(kept or old, is_directory=_is_directory(stat), target=found)
        progress = self._progress(f"Copying from {source.kind}")
        try:
            unpacker = Unpacker(folder, old=old, new=new, archive=self._archive)
            unpacker.run(progress.count(response.chunks()))
        finally:
            progress.clear()
            self._context.session.close()
        progress.done(absolute(target.path))

    def _followed(self, source: End) -> tuple[End, str]:
        """With `-L`, where a link leads and the name that it keeps."""
        stat = self._archives(source).stat(source.path) if self._follow else None
        if stat is None or not stat.is_link:
            return source, ""
        path = os.path.join(split_entry(source.path)[0], stat.link_target)
        path, kept = rebase(source.path, path)
        return source.at(path), kept

    # From engine to engine

    def _pass_on(self, source: End, target: End) -> None:
        found = self._find_target(target)
        source, kept = self._followed(source)
        from budu.client.session import Session

        with_source = Session(self._context.session.endpoint)
        try:
            archives = Archives(with_source, source.ref, volume=source.kind == "volume")
            stat, response = archives.read(source.path)
            old = base_name(source.path)
            folder, new = place(kept or old, is_directory=_is_directory(stat), target=found)
            pieces = response.chunks()
            if new != old:
                from budu.cli.copy_rename import rename_root

                pieces = rename_root(pieces, old, new)
            self._put(pieces, folder, target, shown=found.path)
        finally:
            with_source.close()

    def _archives(self, end: End) -> Archives:
        return Archives(self._context.session, end.ref, volume=end.kind == "volume")

    def _progress(self, header: str) -> Progress:
        return Progress(self._context.err, quiet=self._quiet, header=header)


def _is_directory(stat: PathStat | None) -> bool:
    return stat is not None and stat.is_directory


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


CP = Command(
    run_cp,
    usage="[OPTIONS] SRC_PATH|- [SRC_PATH...] DEST_PATH|-",
    help=(
        "Copy files between containers, volumes and this machine",
        "컨테이너, 볼륨, 이 컴퓨터 사이에서 파일을 복사합니다",
    ),
    flags=COPY_FLAGS,
    least=2,
    examples=(
        "cp web:/etc/nginx.conf .",
        "cp index.html style.css web:/srv/",
        "cp 'web:/var/log/*.log' logs/",
        "cp old:/data new:/data",
        "cp volume:db/dump.sql .",
    ),
)  # fmt: skip
