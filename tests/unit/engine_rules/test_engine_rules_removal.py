"""What `rmi` takes away."""

from __future__ import annotations

import pytest
from tests.support.records import a_running_container, an_exited_container, an_image

from budu.base.errors import Conflict
from budu.engine.containers.model import Container
from budu.engine.images.removal import RemovalPlan, plan_removal
from budu.spec.reference import Reference, parse_reference

IMAGE = an_image()
SHORT = IMAGE.short_id
DIGEST = "@sha256:" + "1" * 64
RUNNING = a_running_container("web")
STOPPED = an_exited_container("web")


def plan(
    asked: str,
    names: list[str],
    *users: Container,
    force: bool = False,
) -> RemovalPlan:
    references = [parse_reference(each) for each in names]
    by_id = asked == "id"
    return plan_removal(
        IMAGE,
        asked,
        by_id=by_id,
        reference=None if by_id else parse_reference(asked),
        names=references,
        users=users,
        force=force,
    )


def untagged(made: RemovalPlan) -> list[str]:
    return [each.familiar for each in made.untag]


def test_last_tag_takes_the_image_with_it() -> None:
    made = plan("a:1", ["a:1"])
    assert (untagged(made), made.delete) == (["a:1"], True)


def test_last_tag_takes_its_repositorys_digests_with_it() -> None:
    made = plan("a:1", ["a:1", "a" + DIGEST])
    assert (untagged(made), made.delete) == (["a:1", "a" + DIGEST], True)


def test_one_of_two_tags_only_goes_itself() -> None:
    made = plan("a:1", ["a:1", "a:2", "a" + DIGEST])
    assert (untagged(made), made.delete) == (["a:1"], False)


def test_tag_of_another_repository_keeps_the_image() -> None:
    made = plan("a:1", ["a:1", "b:1", "a" + DIGEST])
    assert (untagged(made), made.delete) == (["a:1", "a" + DIGEST], False)


def test_digest_of_another_repository_keeps_the_image() -> None:
    made = plan("a:1", ["a:1", "b" + DIGEST])
    assert (untagged(made), made.delete) == (["a:1"], False)


def test_digest_goes_alone_while_there_is_a_tag() -> None:
    made = plan("a" + DIGEST, ["a:1", "a" + DIGEST])
    assert (untagged(made), made.delete) == (["a" + DIGEST], False)


def test_last_digest_takes_the_image_with_it() -> None:
    assert plan("a" + DIGEST, ["a" + DIGEST]).delete


@pytest.mark.parametrize("user", [RUNNING, STOPPED])
def test_only_name_of_a_used_image_stays(user: Container) -> None:
    with pytest.raises(Conflict) as caught:
        plan("a:1", ["a:1", "a" + DIGEST], user)
    assert caught.value.message == (
        'conflict: unable to remove repository reference "a:1" (must force) - container '
        f"{user.short_id} is using its referenced image {SHORT}"
    )


def test_one_of_two_names_of_a_used_image_goes() -> None:
    assert untagged(plan("a:1", ["a:1", "b:1"], RUNNING)) == ["a:1"]


@pytest.mark.parametrize(("user", "deleted"), [(RUNNING, False), (STOPPED, True)])
def test_force_takes_the_name_and_keeps_what_runs(user: Container, deleted: bool) -> None:
    made = plan("a:1", ["a:1"], user, force=True)
    assert (untagged(made), made.delete) == (["a:1"], deleted)


def test_id_takes_the_only_tag_and_the_image() -> None:
    made = plan("id", ["a:1", "a" + DIGEST])
    assert (untagged(made), made.delete) == (["a:1", "a" + DIGEST], True)


def test_id_of_an_image_without_names_is_enough() -> None:
    assert plan("id", []) == RemovalPlan(untag=(), delete=True)


MANY = (
    f"conflict: unable to delete {SHORT} (must be forced) - image is referenced in multiple "
    "repositories"
)


@pytest.mark.parametrize(
    ("names", "users", "force", "message"),
    [
        (
            ["a:1"],
            [RUNNING],
            True,
            f"conflict: unable to delete {SHORT} (cannot be forced) - image is being used by "
            f"running container {RUNNING.short_id}",
        ),
        (
            ["a:1"],
            [STOPPED],
            False,
            f"conflict: unable to delete {SHORT} (must be forced) - image is being used by "
            f"stopped container {STOPPED.short_id}",
        ),
        (["a:1", "b:1"], [], False, MANY),
        (["a:1", "a:2"], [], False, MANY),
        (["a:1", "b" + DIGEST], [], False, MANY),
    ],
)
def test_id_is_refused_in_dockers_words(
    names: list[str], users: list[Container], force: bool, message: str
) -> None:
    with pytest.raises(Conflict) as caught:
        plan("id", names, *users, force=force)
    assert caught.value.message == message


def test_forced_id_takes_every_name() -> None:
    made = plan("id", ["a:1", "b:1"], STOPPED, force=True)
    assert (untagged(made), made.delete) == (["a:1", "b:1"], True)


def test_plan_names_references() -> None:
    (reference,) = plan("a:1", ["a:1"]).untag
    assert isinstance(reference, Reference)
