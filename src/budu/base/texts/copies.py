"""Texts of the hints about whole volumes: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "copies.local-only": (
        "Only volumes of the driver local can do this; {driver} keeps its data itself.",
        "local 드라이버의 볼륨만 할 수 있습니다. {driver} 드라이버는 데이터를 스스로 보관합니다.",
    ),
    "copies.plain-only": (
        "`budu volume clone {name} NEW` copies it, `budu volume export {name}` writes an archive.",
        "`budu volume clone {name} 새이름`으로 복사하거나 `budu volume export {name}`으로"
        " 보관 파일을 만드세요.",
    ),
    "copies.stop-first": (
        "Stop them first: budu stop {names}",
        "먼저 멈추세요: budu stop {names}",
    ),
}
