"""Calls about whole volumes, all of them budu's own below `/budu`. Light."""

from __future__ import annotations

from budu.base.errors import NotFound
from budu.client.query import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from budu.client.session import Session

    Rows = list[dict[str, Any]]


def list_with_usage(session: Session, filters: Mapping[str, list[str]], *, sizes: bool) -> Rows:
    """Volumes with users and last use, with `sizes` how much is in them too; from an engine that
    is not budu, volumes as `Session.list_volumes` has them."""
    query = {"filters": filters or None, "size": sizes or None}
    try:
        rows: Rows = session.fetch("/budu/volumes", query=query)
    except NotFound:
        return session.list_volumes(filters)
    return rows


def rename_volume(session: Session, name: str, new: str) -> None:
    """Give a volume another name."""
    session.do(_path(name, "rename"), body={"Name": new})


def clone_volume(session: Session, name: str, new: str) -> None:
    """Make a second volume with the same data."""
    session.do(_path(name, "clone"), body={"Name": new})


def export_volume(session: Session, name: str, compression: str) -> Iterator[bytes]:
    """The volume's archive, in pieces."""
    query = {"compression": compression or None}
    return session.call("GET", _path(name, "export"), query=query).chunks()


def browse_volume(session: Session, name: str, path: str) -> Rows:
    """What is in a directory of a volume."""
    rows: Rows = session.fetch(_path(name, "browse"), query={"path": path})
    return rows


def list_snapshots(session: Session, name: str) -> Rows:
    """A volume's snapshots, oldest first."""
    rows: Rows = session.fetch(_path(name, "snapshots"))
    return rows


def make_snapshot(session: Session, name: str, snapshot: str) -> str:
    """Make a snapshot; its name."""
    path = _path(name, "snapshots")
    return str(session.fetch(path, method="POST", body={"Name": snapshot})["Name"])


def restore_snapshot(session: Session, name: str, snapshot: str) -> None:
    """Make a volume what it was."""
    session.do(_path(name, "snapshots") + f"/{quote(snapshot)}/restore")


def remove_snapshot(session: Session, name: str, snapshot: str) -> None:
    """Remove a snapshot."""
    session.do(_path(name, "snapshots") + f"/{quote(snapshot)}", method="DELETE")


def _path(name: str, action: str) -> str:
    return f"/budu/volumes/{quote(name)}/{action}"
