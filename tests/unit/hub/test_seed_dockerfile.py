"""What recipes stand on."""

from __future__ import annotations

import pytest

from budu.hub.seed.dockerfile import images_below


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM debian\nRUN make\n", ["debian"]),
        ("FROM scratch\nCOPY a b\n", []),
        ("from debian as one\nFROM one\nCOPY --from=one /a /b\nCOPY --from=0 /a /b\n", ["debian"]),
        ("FROM --platform=linux/amd64 debian AS one\nFROM debian\n", ["debian"]),
        ("FROM debian\nCOPY --chmod=0755 --from=busybox /a /b\n", ["debian", "busybox"]),
        ("FROM debian\nRUN --mount=type=bind,from=busybox,target=/b make\n", ["debian", "busybox"]),
        (
            "FROM debian\nRUN \\\n  # why\n\n  --mount=from=redis,target=/b \\\n make\n",
            ["debian", "redis"],
        ),
        ("FROM debian\nRUN make --from=redis\n", ["debian"]),
        ("# FROM redis\n", []),
    ],
)
def test_names_that_are_no_stages_are_images(text: str, names: list[str]) -> None:
    assert images_below(text) == names
