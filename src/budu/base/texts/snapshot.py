"""Hints of `snapshot`."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "snapshot.store-version": (
        "{root} was written by another version of budu. Use that version, or another --data-root.",
        "{root}은(는) 다른 버전의 budu가 만들었습니다. 그 버전을 쓰거나 다른 --data-root를 "
        "지정하세요.",
    ),
    "snapshot.wrong-diff-id": (
        "The image's config promises {expected} for this layer, but it unpacks to {found}; the "
        "image is broken. Build and push it again.",
        "이미지 설정에는 이 레이어가 {expected}로 되어 있는데 풀어 보니 {found}입니다. 이미지가 "
        "손상되었으니 다시 빌드해서 푸시하세요.",
    ),
    "snapshot.no-overlay": (
        "The kernel refuses an overlay mount below {root}. Load the module (modprobe overlay), or "
        "use a --data-root on ext4, xfs or btrfs.",
        "커널이 {root} 아래의 overlay 마운트를 거부합니다. 모듈을 올리거나(modprobe overlay) ext4, "
        "xfs, btrfs에 있는 --data-root를 쓰세요.",
    ),
}
