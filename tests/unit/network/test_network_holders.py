"""Who holds a port, read from a /proc tree."""

from __future__ import annotations

from pathlib import Path

from budu.network.holders import Holder, find_holder

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1
   1: 0100007F:0050 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4343 1
"""


def make_proc(root: Path, *, inode: int = 4242) -> Path:
    (root / "net").mkdir()
    (root / "net/tcp").write_text(TABLE)
    (root / "812/fd").mkdir(parents=True)
    (root / "812/comm").write_text("nginx\n")
    (root / "812/fd/3").symlink_to(f"socket:[{inode}]")
    return root


def test_listener_is_found_by_its_socket(tmp_path: Path) -> None:
    assert find_holder("tcp", 8080, proc=make_proc(tmp_path)) == Holder(name="nginx", pid=812)


def test_connection_does_not_count_as_listener(tmp_path: Path) -> None:
    assert find_holder("tcp", 80, proc=make_proc(tmp_path, inode=4343)) is None


def test_holder_out_of_sight_is_none(tmp_path: Path) -> None:
    assert find_holder("tcp", 8080, proc=make_proc(tmp_path, inode=1)) is None
