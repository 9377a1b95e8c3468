"""Texts of the hints about logs: key to English and Korean."""

TEXTS: dict[str, tuple[str, str]] = {
    "logs.known-options": (
        "This driver knows: {options}.",
        "이 드라이버가 아는 옵션: {options}.",
    ),
    "logs.known-drivers": (
        "Log drivers here: {drivers}. Leave --log-driver out for the default.",
        "사용할 수 있는 로그 드라이버: {drivers}. --log-driver를 빼면 기본값을 씁니다.",
    ),
    "logs.driver-none": (
        "The container was created with --log-driver none, which keeps no log."
        " Create it again without that flag.",
        "이 컨테이너는 로그를 남기지 않는 --log-driver none으로 만들어졌습니다."
        " 이 플래그 없이 다시 만드세요.",
    ),
    "logs.address-form": (
        "An address begins with one of {schemes}, for example tcp://192.0.2.1:5140 or"
        " unix:///dev/log.",
        "주소는 {schemes} 가운데 하나로 시작합니다(예: tcp://192.0.2.1:5140, unix:///dev/log).",
    ),
    "logs.server-away": (
        "The container's log goes to {driver} and its server does not answer. Start the server, or"
        " create the container with another --log-driver.",
        "컨테이너 로그를 받을 {driver} 서버가 응답하지 않습니다. 서버를 시작하거나 다른"
        " --log-driver로 컨테이너를 만드세요.",
    ),
    "logs.max-size-form": (
        "max-size is a number with a unit, for example 10m or 1g; -1 is no limit.",
        "max-size는 단위가 붙은 수입니다(예: 10m, 1g). -1은 제한 없음입니다.",
    ),
    "logs.max-file-form": (
        "max-file is a whole number from 1 to 1000, not {value}.",
        "max-file은 1부터 1000까지의 정수여야 합니다({value}는 안 됩니다).",
    ),
}
