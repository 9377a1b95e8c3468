"""Flags of `cp` and of `volume cp`. Light."""

from __future__ import annotations

from budu.cli.declare import Flag

COPY_FLAGS = (
    Flag("archive", short="a", help=("Archive mode (copy all uid/gid information)",
                                     "소유자(uid/gid)까지 그대로 복사합니다")),
    Flag("follow-link", short="L", help=("Always follow symlinks in SRC_PATH",
                                         "원본 경로의 심볼릭 링크를 따라갑니다")),
    Flag("quiet", short="q", help=("Suppress progress output during copy",
                                   "진행 상황을 보이지 않습니다")),
)  # fmt: skip
