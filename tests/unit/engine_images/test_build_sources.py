"""What images from elsewhere bring for the steps of a build."""

from budu.engine.builds.sources import CacheSources
from budu.spec.digest import Digest
from budu.spec.image import History, ImageConfig, RootFS

BASE, ONE, TWO = (str(Digest.of(text)) for text in (b"base", b"one", b"two"))


def image(*steps: tuple[str, str | None]) -> ImageConfig:
    """An image whose history tells of these commands, each with its layer."""
    return ImageConfig(
        rootfs=RootFS(diff_ids=tuple(layer for _, layer in steps if layer)),
        history=tuple(
            History(created=f"at {told}", created_by=told, empty_layer=layer is None)
            for told, layer in steps
        ),
    )


BELOW = image(("base", BASE), ("ENV A=1", None))
FOREIGN = image(("base", BASE), ("ENV A=1", None), ("RUN one", ONE), ("CMD two", None))


def test_the_layer_of_the_same_command_on_the_same_steps() -> None:
    sources = CacheSources([image(("other", TWO)), FOREIGN])
    assert sources.layer(BELOW, "RUN one") == ONE
    assert sources.created(BELOW, "RUN one", ONE) == "at RUN one"


def test_another_command_or_other_steps_below_bring_nothing() -> None:
    sources = CacheSources([FOREIGN])
    assert sources.layer(BELOW, "RUN two") is None
    assert sources.layer(image(("base", TWO), ("ENV A=1", None)), "RUN one") is None
    assert sources.layer(image(("base", BASE), ("ENV A=2", None)), "RUN one") is None
    assert sources.layer(FOREIGN, "RUN one") is None
    assert CacheSources().layer(BELOW, "RUN one") is None


def test_a_step_without_a_layer_brings_its_time_alone() -> None:
    below = image(("base", BASE), ("ENV A=1", None), ("RUN one", ONE))
    sources = CacheSources([FOREIGN])
    assert sources.layer(below, "CMD two") is None
    assert sources.created(below, "CMD two", None) == "at CMD two"
    assert sources.created(below, "CMD two", TWO) is None


def test_a_copy_that_made_another_layer_is_another_step() -> None:
    assert CacheSources([FOREIGN]).created(BELOW, "RUN one", TWO) is None


def test_a_history_that_promises_more_layers_than_there_are() -> None:
    short = ImageConfig(rootfs=RootFS(diff_ids=(BASE,)), history=FOREIGN.history)
    assert CacheSources([short]).layer(BELOW, "RUN one") is None
