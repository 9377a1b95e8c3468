"""Images: pull, push, and a list of many."""

from __future__ import annotations

from collections.abc import Callable

from bench import images
from bench.case import Case, Context, command
from bench.peers import SOCKET, Site
from bench.targets import AtMost, Target, TimesFaster

CROWD = 500
"""Images in the list of many."""
TARGETS = (TimesFaster("docker", 3), TimesFaster("podman", 3))
"""What a pull wants to reach."""
PUSHED = f"{images.PUSH_ADDRESS}/pushed/debian:bookworm"
"""Under which name an image is pushed."""


def pull(image: str) -> Callable[[Context], float]:
    """Measures a pull; the image must not be there."""
    return command("pull", "-q", image)


def forget_image(image: str) -> Callable[[Site], None]:
    """A step that removes an image where it is and writes everything out."""

    def step(site: Site) -> None:
        if image in site.run("images", "--format", "{{.Repository}}:{{.Tag}}").split():
            site.run("rmi", image)
        site.room.call("bench.storage:sync", path=str(site.data))

    return step


def forget_both(image: str) -> Callable[[Site], None]:
    """A step that removes the images that share `image`'s layers as well."""

    def step(site: Site) -> None:
        for one in {images.HTTPD, images.DEBIAN, image}:
            forget_image(one)(site)

    return step


def measure_over_floor(context: Context) -> float:
    """How many times as long a pull takes as gunzip and both digests of its layer, measured just
    before by the same libraries with as many threads as they can use."""
    floor_s = context.site.room.call("bench.floor:seconds", cache=str(context.site.cache))
    return pull(images.DEBIAN)(context) / 1000 / float(floor_s)


def have_debian(site: Site) -> None:
    """The image to push, under the name of the registry it goes to."""
    site.run("pull", "-q", images.DEBIAN)
    site.run("tag", images.DEBIAN, PUSHED)


def forget_pushed(site: Site) -> None:
    """Neither of the names, nor the registry."""
    site.empty_registry(serve=False)
    forget_image(PUSHED)(site)
    forget_image(images.DEBIAN)(site)


def have_many(site: Site) -> None:
    """`CROWD` images of one small layer each, by the API."""
    site.room.call("bench.load:import_images", path=SOCKET, count=CROWD)


def forget_many(site: Site) -> None:
    """None of them."""
    ids = site.run("images", "-q", "many").split()
    if ids:
        site.run("rmi", "-f", *dict.fromkeys(ids))


def pull_case(name: str, title: str, image: str, targets: tuple[Target, ...] = TARGETS) -> Case:
    """The case of a pull from the registry on loopback."""
    return Case(
        name=name,
        title=title,
        measure=pull(image),
        before=forget_both(image),
        teardown=forget_both(image),
        max_rounds=5,
        targets=targets,
    )


CASES: tuple[Case, ...] = (
    pull_case("pull.debian", "`pull` of debian (1 layer, 50 MB gzip)", images.DEBIAN),
    pull_case("pull.httpd", "`pull` of httpd (2 layers, 85 MB gzip)", images.HTTPD),
    Case(
        name="pull.floor",
        title="`pull` of debian ÷ the floor (gunzip and both digests of its layer)",
        unit="×",
        measure=measure_over_floor,
        before=forget_both(images.DEBIAN),
        teardown=forget_both(images.DEBIAN),
        max_rounds=3,
        is_per_engine=True,
    ),
    Case(
        name="push",
        title="`push` of debian to an empty registry",
        measure=command("push", "-q", PUSHED),
        setup=have_debian,
        before=Site.empty_registry,
        teardown=forget_pushed,
        max_rounds=3,
        targets=(TimesFaster("docker", 1), TimesFaster("podman", 1)),
    ),
    Case(
        name="images.500",
        title=f"`images`, {CROWD} images",
        measure=command("images"),
        setup=have_many,
        teardown=forget_many,
        max_rounds=10,
        needs_daemon=True,
        targets=(AtMost(50),),
    ),
)
"""In the order of the table."""
