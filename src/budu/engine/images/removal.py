"""What `rmi` may do. Pure: decides which names go and whether the image goes with them.

Source: moby 28.3, daemon/images/image_delete.go (the rules and sentences); Engine API 1.51
ImageDelete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from budu.base.errors import Conflict
from budu.engine.containers.model import Container
from budu.image.model import ImageRecord
from budu.spec.digest import Digest
from budu.spec.reference import Reference


class RemovalPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Names to take away, in order, and whether the image is deleted then."""

    untag: tuple[Reference, ...]
    delete: bool


def plan_removal(
    image: ImageRecord,
    asked: str,
    *,
    by_id: bool,
    reference: Reference | None,
    names: Sequence[Reference],
    users: Sequence[Container],
    force: bool,
) -> RemovalPlan:
    """Decide one removal. `reference` is the name asked by, None when it was an id.

    Raises: Conflict with Docker's sentence.
    """
    if by_id or reference is None:
        return _plan_by_id(image, names=names, users=users, force=force)
    if users and not force and _is_single(names):
        raise Conflict(
            f'conflict: unable to remove repository reference "{asked}" (must force) - '
            f"container {users[0].short_id} is using its referenced image {image.short_id}"
        )
    gone = (reference, *_orphaned_digests(reference, names))
    is_last = not set(names) - set(gone)
    is_needed = any(each.is_running or not force for each in users)
    return RemovalPlan(untag=gone, delete=is_last and not is_needed)


def _is_single(names: Sequence[Reference]) -> bool:
    """Whether all names are of one repository, with at most one tag."""
    tags = [name for name in names if not name.digest]
    return bool(names) and len(tags) <= 1 and len({name.name for name in names}) == 1


def _orphaned_digests(reference: Reference, names: Sequence[Reference]) -> Iterator[Reference]:
    """The digests that go with the last tag of their repository."""
    same = [name for name in names if name.name == reference.name and name != reference]
    if not reference.digest and all(name.digest for name in same):
        yield from same


def _plan_by_id(
    image: ImageRecord, *, names: Sequence[Reference], users: Sequence[Container], force: bool
) -> RemovalPlan:
    short = Digest(image.id).short
    running = [each for each in users if each.is_running]
    if running:
        raise Conflict(
            f"conflict: unable to delete {short} (cannot be forced) - image is being used by "
            f"running container {running[0].short_id}"
        )
    if names and not _is_single(names) and not force:
        raise Conflict(
            f"conflict: unable to delete {short} (must be forced) - image is referenced in "
            "multiple repositories"
        )
    if users and not force:
        raise Conflict(
            f"conflict: unable to delete {short} (must be forced) - image is being used by "
            f"stopped container {users[0].short_id}"
        )
    return RemovalPlan(untag=tuple(names), delete=True)
