"""Which images go by a policy."""

import pytest

from budu.base.errors import InvalidArgument
from budu.engine.images.cleanup import CleanupPolicy, ImageUse, plan_cleanup, read_policy
from budu.image.model import ImageRecord
from budu.spec.platform import Platform

HOUR = 3600 * 10**9
NOW = 1000 * HOUR
SIZES = {"a": 100, "b": 200, "c": 300}


def use(
    number: int,
    *names: str,
    ago_h: int = 0,
    needed: bool = False,
    layers: str = "a",
    day: int = 1,
) -> ImageUse:
    image = ImageRecord(
        id=f"sha256:{number:064x}",
        manifest_digest="",
        repo_tags=names,
        size=0,
        created=f"2026-01-{day:02}T00:00:00Z",
        platform=Platform(),
        diff_ids=tuple(layers),
    )
    return ImageUse(image=image, used_ns=NOW - ago_h * HOUR, is_needed=needed)


def plan(policy: CleanupPolicy, *uses: ImageUse) -> list[tuple[int, str]]:
    found = plan_cleanup(uses, policy, now=NOW, layer_size=SIZES.__getitem__)
    return [(int(image.id[7:], 16), rule) for image, rule in found]


def test_unused_images_go_and_needed_ones_stay() -> None:
    policy = CleanupPolicy(unused_ns=10 * HOUR)
    uses = use(1, "x:1", ago_h=11), use(2, "x:2", ago_h=9), use(3, "x:3", ago_h=99, needed=True)
    assert plan(policy, *uses) == [(1, "unused-for")]


def test_newest_of_each_repository_are_kept() -> None:
    policy = CleanupPolicy(keep_last=2)
    uses = [use(day, f"x:{day}", day=day) for day in (1, 2, 3)]
    assert plan(policy, *uses, use(9, "y:1")) == [(1, "keep-last")]


def test_kept_ones_stay_whatever_other_rules_say() -> None:
    uses = [use(day, f"x:{day}", day=day, ago_h=99, layers=layers) for day, layers in
            ((1, "a"), (2, "b"), (3, "c"))]  # fmt: skip
    policy = CleanupPolicy(keep_last=1, unused_ns=HOUR)
    assert plan(policy, *uses) == [(1, "unused-for"), (2, "unused-for")]
    assert plan(CleanupPolicy(keep_last=2, max_bytes=1), *uses) == [(1, "keep-last")]
    assert plan(CleanupPolicy(keep_last=1, max_bytes=1), *uses, use(9, ago_h=1)) == [
        (1, "keep-last"),
        (2, "keep-last"),
        (9, "max-size"),
    ]


def test_image_that_one_repository_keeps_stays() -> None:
    policy = CleanupPolicy(keep_last=1)
    assert plan(policy, use(1, "x:1", "y:1", day=1), use(2, "x:2", day=2)) == []


def test_longest_unused_go_until_the_size_fits_and_shared_layers_count_once() -> None:
    policy = CleanupPolicy(max_bytes=300)
    uses = use(1, ago_h=3, layers="ab"), use(2, ago_h=2, layers="ac"), use(3, ago_h=1, layers="ab")
    assert plan(policy, *uses) == [(1, "max-size"), (2, "max-size")]


def test_nothing_goes_without_rules() -> None:
    assert plan(CleanupPolicy(), use(1, ago_h=9999)) == []
    assert not CleanupPolicy()


def test_policy_is_read() -> None:
    policy = read_policy({"unused-for": "2d", "keep-last": "3", "max-size": "1k"})
    assert policy == CleanupPolicy(unused_ns=48 * HOUR, keep_last=3, max_bytes=1024)
    assert read_policy({"unused-for": "90m"}).unused_ns == 90 * 60 * 10**9


@pytest.mark.parametrize(
    "options", [{"keep": "1"}, {"keep-last": "x"}, {"unused-for": "soon"}, {"max-size": "big"}]
)
def test_malformed_policy_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        read_policy(options)
