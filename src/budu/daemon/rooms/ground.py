"""What every room stands on: folders, the database, who the engine is, what happens in it."""

from __future__ import annotations

from dataclasses import dataclass

from budu.base.clock import now_ns
from budu.base.ids import new_id
from budu.daemon.options import Options
from budu.engine.builds.records import StepRecords
from budu.engine.containers.repository import ContainerRepository
from budu.engine.database import Database
from budu.engine.events import EventLog
from budu.engine.images.repository import ImageRepository
from budu.engine.paths import EnginePaths
from budu.engine.reserve import Reserve


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What `lay_ground` gives."""

    paths: EnginePaths
    """Where everything is on the host."""
    reserve: Reserve
    """Room kept for a full disk."""
    database: Database
    """The engine's records."""
    engine_id: str
    """Who the engine is, over all its starts."""
    created_ns: int
    """When it first started."""
    events: EventLog
    """What happened."""
    containers: ContainerRepository
    """Records of the containers."""
    images: ImageRepository
    """Records of the images."""
    build_steps: StepRecords
    """Records of the steps of builds."""


def lay_ground(options: Options) -> Ground:
    """Make the folders and open the database. The reserve goes first: opening may need its room."""
    paths = EnginePaths(data_root=options.data_root, exec_root=options.exec_root)
    for folder in (paths.containers, paths.exec_root / "containers"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o710)
    reserve = Reserve(paths.data_root)
    reserve.give()
    database = Database(paths.database)
    engine_id, created_ns = _identity(database)
    return Ground(
        paths=paths,
        reserve=reserve,
        database=database,
        engine_id=engine_id,
        created_ns=created_ns,
        events=EventLog(database),
        containers=ContainerRepository(database),
        images=ImageRepository(database),
        build_steps=StepRecords(database),
    )


def _identity(database: Database) -> tuple[str, int]:
    """The engine's id and birth, made once."""
    rows = dict(database.execute("SELECT key, value FROM settings").fetchall())
    if "engine-id" not in rows:
        rows = {"engine-id": new_id(), "created-ns": str(now_ns())}
        with database.transaction() as connection:
            connection.executemany("INSERT INTO settings (key, value) VALUES (?, ?)", rows.items())
    return rows["engine-id"], int(rows["created-ns"])
