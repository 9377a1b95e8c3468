"""What FROM, `COPY --from` and `RUN --mount=from=` stand on: images that are here, or are fetched.

Source: moby 28.3 builder/dockerfile/imageprobe.go, daemon/images/image_builder.go.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping

import msgspec

from budu.base.errors import Hint, InvalidArgument, NotFound
from budu.distribution.progress import ProgressEvent, PullEvent
from budu.engine.contract.builds import BuildSink
from budu.engine.images.service import ImageService
from budu.image.model import ImageRecord
from budu.spec.api.auth import AuthConfig
from budu.spec.image import ImageConfig
from budu.spec.platform import Platform
from budu.spec.reference import parse_reference


class Bases:
    """Finds and fetches images for builds."""

    def __init__(self, images: ImageService) -> None:
        self._images = images

    def config(self, image: ImageRecord) -> ImageConfig:
        """The image's config document."""
        return self._images.config(image)

    async def find(
        self,
        name: str,
        platform: Platform | None,
        *,
        pulls: bool,
        credentials: Mapping[str, AuthConfig],
        tell: BuildSink,
    ) -> ImageRecord:
        """The image of that name. Raises: NotFound, and whatever a pull raises."""
        if not pulls:
            try:
                return self._usable(name, platform)
            except NotFound:
                pass
        await self._pull(name, platform, credentials, tell)
        return self._usable(name, platform)

    def _usable(self, name: str, platform: Platform | None) -> ImageRecord:
        image = self._images.of_platform(name, platform)
        if image.artifact_type:
            raise InvalidArgument(
                f"{name} is no image: it is of type {image.artifact_type}",
                hint=Hint("engine.artifact-run"),
            )
        return image

    async def _pull(
        self,
        name: str,
        platform: Platform | None,
        credentials: Mapping[str, AuthConfig],
        tell: BuildSink,
    ) -> None:
        reference = parse_reference(name).with_default_tag()
        relay = _Relay(tell)
        pulling = asyncio.create_task(
            self._images.pull(
                str(reference),
                platform=platform,
                registry_auth=_header(credentials, reference.domain),
                progress=relay.put,
            ),
            name="build-pull",
        )
        pulling.add_done_callback(lambda _: relay.end())
        try:
            await relay.run()
            await pulling
        finally:
            pulling.cancel()
            await asyncio.gather(pulling, return_exceptions=True)


class _Relay:
    """Passes progress on at the reader's pace; of a step that only moved on, the last report."""

    def __init__(self, tell: BuildSink) -> None:
        self._tell = tell
        self._waiting: dict[tuple[str, str], PullEvent] = {}
        self._changed = asyncio.Event()
        self._is_ended = False

    def put(self, event: ProgressEvent) -> None:
        """Takes a report; sums over all layers are not for builds."""
        if isinstance(event, PullEvent):
            self._waiting[event.id, event.status] = event
            self._changed.set()

    def end(self) -> None:
        self._is_ended = True
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            waiting, self._waiting = self._waiting, {}
            for event in waiting.values():
                await self._tell(event)
            if self._is_ended and not self._waiting:
                return


def _header(credentials: Mapping[str, AuthConfig], host: str) -> str:
    """X-Registry-Auth for a registry; empty when nothing is known for it."""
    for key, auth in credentials.items():
        if key == host:
            return base64.urlsafe_b64encode(msgspec.json.encode(auth)).decode()
    return ""
