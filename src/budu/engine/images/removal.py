"""What `rmi` may do. Pure: decides which names go and whether the image goes with them.

Source: moby 28.3, daemon/images/image_delete.go (the rules and sentences); Engine API 1.51
ImageDelete.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    rest = [name for name in names if name != reference]
    tags_left = [name for name in rest if name.tag]
    if reference.digest and not reference.tag:
        if tags_left:
            return RemovalPlan(untag=(reference,), delete=False)
    elif tags_left:
        same_repository = any(name.name == reference.name for name in tags_left)
        gone = () if same_repository else _digests_of(reference, rest)
        return RemovalPlan(untag=(reference, *gone), delete=False)
    if users and not force:
        raise Conflict(
            f'conflict: unable to remove repository reference "{asked}" (must force) - '
            f"container {users[0].short_id} is using its referenced image {image.short_id}"
        )
    if users:
        return RemovalPlan(untag=(reference, *_digests_of(reference, rest)), delete=False)
    return RemovalPlan(untag=(reference, *rest), delete=True)


def _digests_of(reference: Reference, names: Sequence[Reference]) -> tuple[Reference, ...]:
    return tuple(name for name in names if name.digest and name.name == reference.name)


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
    repositories = {name.name for name in names if name.tag}
    if len(repositories) > 1 and not force:
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
