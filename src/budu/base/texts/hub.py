"""Sentences of the hub's API and site."""

TEXTS: dict[str, tuple[str, str]] = {
    "hub.unexpected": (
        "The hub failed in an unexpected way ({kind}).",
        "허브에 예상하지 못한 오류가 생겼습니다({kind}).",
    ),
    "hub.no-route": ("Nothing is at {method} {path}.", "{method} {path} 은(는) 없는 주소입니다."),
    "hub.json-only": (
        "The request's body must be application/json.",
        "요청 본문은 application/json 이어야 합니다.",
    ),
    "hub.body-too-large": ("The request's body is too large.", "요청 본문이 너무 큽니다."),
    "hub.bad-body": (
        "The request's body is not as it should be: {problem}",
        "요청 본문이 올바르지 않습니다: {problem}",
    ),
    "hub.bad-query": (
        "The request's parameters are not as they should be: {problem}",
        "요청 매개변수가 올바르지 않습니다: {problem}",
    ),
    "hub.bad-page": (
        "There is no such page: pages begin at 1 and hold at most 100.",
        "없는 페이지입니다. 페이지는 1부터이고 한 페이지는 최대 100개입니다.",
    ),
    "hub.bad-value": ("{field} can't have this value.", "{field} 값이 올바르지 않습니다."),
    "hub.too-long": (
        "The text is too long: at most {most} letters.",
        "글이 너무 깁니다. 최대 {most}자입니다.",
    ),
    "hub.bad-csrf": (
        "The request did not come from this hub's own page. Load the page again.",
        "이 허브의 페이지에서 보낸 요청이 아닙니다. 페이지를 새로 고치세요.",
    ),
    "hub.sign-in-first": ("Sign in first.", "먼저 로그인하세요."),
    "hub.admins-only": (
        "Only the hub's admin may do this.",
        "허브 관리자만 할 수 있습니다.",
    ),
    "hub.token-too-small": (
        "This token's scope does not allow it.",
        "이 토큰의 범위로는 할 수 없습니다.",
    ),
    "hub.not-yours": (
        "{name} is not yours to change.",
        "{name} 을(를) 바꿀 권한이 없습니다.",
    ),
    "hub.wrong-password": (
        "The name or the password is wrong.",
        "이름이나 비밀번호가 맞지 않습니다.",
    ),
    "hub.bad-token": (
        "The token is wrong, has expired or was revoked.",
        "토큰이 잘못되었거나 만료되었거나 취소되었습니다.",
    ),
    "hub.no-token-sign-in": (
        "Sign in to the site with your password: tokens are for programs.",
        "사이트에는 비밀번호로 로그인하세요. 토큰은 프로그램용입니다.",
    ),
    "hub.too-many-attempts": (
        "Too many failed attempts. Try again in {seconds} seconds.",
        "실패한 시도가 너무 많습니다. {seconds}초 뒤에 다시 시도하세요.",
    ),
    "hub.sign-up-closed": (
        "This hub's admin makes the accounts; ask there.",
        "이 허브의 계정은 관리자가 만듭니다. 관리자에게 요청하세요.",
    ),
    "hub.bad-account-name": (
        "An account's name has 2 to 39 lower-case letters and digits, with single dots, dashes or "
        "underscores between them.",
        "계정 이름은 영문 소문자와 숫자 2~39자이고, 사이에 점, 하이픈, 밑줄을 하나씩 쓸 수 "
        "있습니다.",
    ),
    "hub.bad-team-name": (
        "A team's name has 1 to 39 lower-case letters and digits, with single dots, dashes or "
        "underscores between them.",
        "팀 이름은 영문 소문자와 숫자 1~39자이고, 사이에 점, 하이픈, 밑줄을 하나씩 쓸 수 있습니다.",
    ),
    "hub.bad-repository-name": (
        "A repository's name has lower-case letters and digits, with dots, dashes or underscores "
        "between them.",
        "저장소 이름은 영문 소문자와 숫자이고, 사이에 점, 하이픈, 밑줄을 쓸 수 있습니다.",
    ),
    "hub.reserved-name": (
        "{name} is a word of the hub's own addresses. Choose another name.",
        "{name} 은(는) 허브가 쓰는 주소입니다. 다른 이름을 고르세요.",
    ),
    "hub.name-taken": ("{name} is taken.", "{name} 은(는) 이미 쓰이고 있습니다."),
    "hub.name-retired": (
        "{name} was given up lately. Nobody gets the name within {days} days, so that nobody is "
        "taken for who had it.",
        "{name} 은(는) 얼마 전에 삭제된 이름입니다. 이전 사용자로 오해하지 않도록 {days}일 동안은 "
        "쓸 수 없습니다.",
    ),
    "hub.bad-key-file": (
        "{path} holds no key: it should be 64 hex digits.",
        "{path} 에 키가 없습니다. 16진수 64자리여야 합니다.",
    ),
    "hub.other-key": (
        "The secrets in this database are sealed with another key than that of {path}.",
        "이 데이터베이스의 비밀 값은 {path} 와(과) 다른 키로 잠겨 있습니다.",
    ),
    "hub.other-key-hint": (
        "every process of a hub needs the same key: copy the first one's secret.key and name it "
        "with --secret-key; if it is lost: budu hub forget-secrets",
        "허브의 모든 프로세스는 같은 키를 써야 합니다. 첫 프로세스의 secret.key 를 복사해 "
        "--secret-key 로 지정하세요. 잃어버렸다면: budu hub forget-secrets",
    ),
    "hub.secrets-forgotten": (
        "{count} secrets were given up. Webhooks are unsigned and mirrors without a password until "
        "they are given new ones.",
        "비밀 값 {count}개를 버렸습니다. 새 값을 넣을 때까지 웹훅에는 서명이 없고 미러에는 "
        "비밀번호가 없습니다.",
    ),
    "hub.official-stays": (
        "{name} holds the official images and can't be deleted.",
        "{name} 은(는) 공식 이미지를 담고 있어 삭제할 수 없습니다.",
    ),
    "hub.owns-organizations": (
        "Nobody else owns {names}. Make another member an owner there, or delete it first.",
        "{names} 조직에 다른 소유자가 없습니다. 다른 구성원을 소유자로 정하거나 조직을 먼저 "
        "삭제하세요.",
    ),
    "hub.bad-email": ("This is no address of mail.", "올바른 메일 주소가 아닙니다."),
    "hub.bad-password": (
        "A password has {least} to {most} letters.",
        "비밀번호는 {least}~{most}자입니다.",
    ),
    "hub.password-is-name": (
        "The password must not be the name.",
        "비밀번호는 이름과 달라야 합니다.",
    ),
    "hub.no-account": ("There is no account {name}.", "{name} 계정이 없습니다."),
    "hub.no-organization": ("There is no organization {name}.", "{name} 조직이 없습니다."),
    "hub.no-member": ("{name} is no member.", "{name} 은(는) 구성원이 아닙니다."),
    "hub.no-team": ("There is no team {name}.", "{name} 팀이 없습니다."),
    "hub.member-first": (
        "{name} is no member of {organization}. Take the user in first.",
        "{name} 은(는) {organization} 의 구성원이 아닙니다. 먼저 구성원으로 추가하세요.",
    ),
    "hub.last-owner": (
        "{name} would be left without an owner.",
        "{name} 조직에 소유자가 없게 됩니다.",
    ),
    "hub.last-admin": (
        "The hub would be left without an admin.",
        "허브에 관리자가 없게 됩니다.",
    ),
    "hub.users-only": (
        "This can be said of users, not of organizations.",
        "조직이 아닌 사용자에게만 쓸 수 있습니다.",
    ),
    "hub.bad-role": ("A role is one of {roles}.", "역할은 {roles} 중 하나입니다."),
    "hub.bad-scope": ("A scope is one of {scopes}.", "범위는 {scopes} 중 하나입니다."),
    "hub.bad-token-name": (
        "A token has a name of up to 100 letters.",
        "토큰 이름은 1~100자입니다.",
    ),
    "hub.bad-expiry": (
        "A token lasts 1 to 3650 days.",
        "토큰의 기간은 1~3650일입니다.",
    ),
    "hub.no-token": ("There is no such token.", "그런 토큰이 없습니다."),
    "hub.no-repository": (
        "There is no repository {name}, or you may not see it.",
        "{name} 저장소가 없거나 볼 권한이 없습니다.",
    ),
    "hub.needs-writer": (
        "Only who may push to {name} may do this.",
        "{name} 에 푸시할 권한이 있어야 합니다.",
    ),
    "hub.needs-owner": (
        "Only owners of {name} may do this.",
        "{name} 의 소유자만 할 수 있습니다.",
    ),
    "hub.bad-categories": (
        "Choose up to {most} categories of the list.",
        "목록에서 카테고리를 {most}개까지 고르세요.",
    ),
    "hub.no-tag": (
        "{repository} has no tag {tag}.",
        "{repository} 저장소에 {tag} 태그가 없습니다.",
    ),
    "hub.immutable-tag": (
        "The tag {tag} is immutable: it neither moves nor goes.",
        "{tag} 태그는 변경 불가로 설정되어 있어 옮기거나 지울 수 없습니다.",
    ),
    "hub.quota": (
        "The account {name} has used {used} of its {quota}. Remove tags, or ask the hub's admin.",
        "{name} 계정이 {quota} 중 {used}를 썼습니다. 태그를 지우거나 허브 관리자에게 요청하세요.",
    ),
    "hub.bad-rules": (
        "A rule has a pattern and a number to keep or of days (0 to 36500); at most 20 rules.",
        "규칙에는 패턴과, 남길 개수나 일수(0~36500)가 있어야 합니다. 규칙은 최대 20개입니다.",
    ),
    "hub.no-grant": ("{subject} was given no role here.", "{subject} 에게 준 역할이 없습니다."),
    "hub.bad-subject": (
        "A role is given to user:NAME or team:NAME.",
        "역할은 user:이름 또는 team:이름에게 줍니다.",
    ),
    "hub.no-webhook": ("There is no such webhook.", "그런 웹훅이 없습니다."),
    "hub.too-many-webhooks": (
        "A repository has at most {most} webhooks.",
        "저장소의 웹훅은 최대 {most}개입니다.",
    ),
    "hub.bad-url": (
        "The URL must be http:// or https:// with a host, without a user.",
        "URL은 호스트가 있고 사용자 정보가 없는 http:// 또는 https:// 주소여야 합니다.",
    ),
    "hub.private-address": (
        "The address is private. The hub's owner may allow it: --allow-private-webhooks",
        "사설 주소입니다. 허브 운영자가 허용할 수 있습니다: --allow-private-webhooks",
    ),
    "hub.no-upstream": (
        "{name} mirrors no registry.",
        "{name} 계정이 복제하는 레지스트리가 없습니다.",
    ),
}
