"""Hints about documents and names."""

TEXTS: dict[str, tuple[str, str]] = {
    "spec.digest-algorithm": (
        "What is stored here is named by sha256, as registries do it; this is a digest by "
        "{algorithm}. Ask the publisher for the image under sha256 digests.",
        "여기서는 레지스트리처럼 sha256 다이제스트로 저장합니다. 이것은 {algorithm} "
        "다이제스트입니다. 배포자에게 sha256 다이제스트로 된 이미지를 요청하세요.",
    ),
}
