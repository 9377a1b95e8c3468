"""Which manifest of an image index serves a platform. Pure.

Source: OCI image-spec 1.1, image-index; BuildKit attestation storage (manifests that only
describe another one are never an image).
"""

from __future__ import annotations

from budu.base.errors import Hint, NotFound
from budu.spec.image import Descriptor, Index
from budu.spec.platform import Platform, platform_rank

_ATTESTATION = "vnd.docker.reference.type"
ATTESTED = "vnd.docker.reference.digest"
"""The annotation that names the manifest which an attestation is about."""


def is_attestation(descriptor: Descriptor) -> bool:
    """Whether the entry describes another manifest instead of being an image."""
    platform = descriptor.platform
    return _ATTESTATION in descriptor.annotations or (
        platform is not None and (platform.os, platform.architecture) == ("unknown", "unknown")
    )


def attestations_of(index: Index, manifest: Descriptor) -> tuple[Descriptor, ...]:
    """The attestations about a manifest of the index."""
    return tuple(
        each for each in index.manifests if each.annotations.get(ATTESTED) == manifest.digest
    )


def choose_manifest(index: Index, wanted: Platform, *, reference: str) -> Descriptor:
    """The entry that serves `wanted` best; the first of equals.

    An entry without a platform is taken only where no other entry is an image: what it is shows
    in its config. Raises: NotFound with Docker's sentence when nothing serves the platform.
    """
    images = [entry for entry in index.manifests if not is_attestation(entry)]
    stated = [entry for entry in images if entry.platform is not None]
    if not stated and len(images) == 1:
        return images[0]
    ranked = [(_rank(wanted, entry), entry) for entry in stated]
    best = max((rank for rank, _ in ranked), default=0)
    if not best:
        raise _no_match(wanted, stated, reference=reference)
    return next(entry for rank, entry in ranked if rank == best)


def full_name(platform: Platform) -> str:
    """Docker's spelling in errors, where arm64 carries its only variant: `linux/arm64/v8`."""
    name = str(platform)
    return name + "/v8" if platform.architecture == "arm64" and not platform.variant else name


def _rank(wanted: Platform, entry: Descriptor) -> int:
    return platform_rank(wanted, entry.platform) if entry.platform is not None else 0


def _no_match(wanted: Platform, offered: list[Descriptor], *, reference: str) -> NotFound:
    names = sorted({str(entry.platform) for entry in offered})
    hint = (
        Hint(
            "distribution.platform-missing",
            reference=reference,
            platform=str(wanted),
            offered=", ".join(names),
            first=names[0],
        )
        if names
        else Hint("distribution.platform-none", reference=reference)
    )
    return NotFound(
        f"no matching manifest for {full_name(wanted)} in the manifest list entries: "
        "no match for platform in manifest: not found",
        hint=hint,
        reference=reference,
    )
