"""Hints of `archive`, `content` and the file work of `snapshot`."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "archive.disk-full": (
        "The disk is full. Free some space, for instance with: budu system prune",
        "디스크가 가득 찼습니다. 공간을 확보하세요. 예: budu system prune",
    ),
    "archive.not-compressed": (
        "The data is not compressed although its media type says so; the image is broken. "
        "Build and push it again.",
        "미디어 유형과 달리 데이터가 압축되어 있지 않습니다. 이미지가 손상되었으니 다시 빌드해서 "
        "푸시하세요.",
    ),
    "archive.too-large": (
        "Unpacked, it is larger than the limit of {limit} bytes. Only raise the limit for images "
        "that you trust.",
        "압축을 풀면 한도 {limit}바이트를 넘습니다. 신뢰하는 이미지에만 한도를 올리세요.",
    ),
    "archive.too-many": (
        "It has more files than the limit of {limit}. Leave out what is not needed, for instance "
        "by a .dockerignore file.",
        "파일 수가 한도 {limit}개를 넘습니다. 필요 없는 파일은 .dockerignore 등으로 빼세요.",
    ),
    "archive.bomb": (
        "{packed} packed bytes became {unpacked} and there is more: it looks like a compression "
        "bomb. Check where the image comes from.",
        "압축된 {packed}바이트가 {unpacked}바이트 넘게 늘어났습니다. 압축 폭탄으로 보이니 이미지의 "
        "출처를 확인하세요.",
    ),
    "archive.escapes": (
        "The archive tries to write outside of its own directory ({path}); it is broken or "
        "hostile and was not used.",
        "아카이브가 자기 디렉터리 밖({path})에 쓰려고 합니다. 손상되었거나 악의적이어서 사용하지 "
        "않았습니다.",
    ),
    "archive.device-refused": (
        "The image contains the device node {path}, which a rootless engine may not create. "
        "Use a rootful engine, or an image without device nodes.",
        "이미지에 장치 노드 {path}이(가) 있는데 rootless 엔진은 만들 수 없습니다. root 엔진을 "
        "쓰거나 장치 노드가 없는 이미지를 쓰세요.",
    ),
    "archive.kinds-differ": (
        "{path} is there already and is of the other kind (a folder, or no folder). Choose another "
        "name, or remove it first.",
        "{path} 이(가) 이미 있는데 종류가 다릅니다(폴더와 파일). 다른 이름을 쓰거나 먼저 지우세요.",
    ),
}
