"""Words that people search for and the repositories they mean. Data; the words are lower case and
without spaces, since `web server`, `webserver` and `웹 서버`, `웹서버` are one word each here.

A repository's own `synonyms` (its settings) count besides.
"""

from __future__ import annotations

from collections.abc import Iterable

SYNONYMS: dict[str, tuple[str, ...]] = {
    "httpd": (
        "apache", "apache2", "apachehttpd", "apachehttpserver", "apachewebserver", "httpserver",
        "webserver", "web", "아파치", "아파치2", "아파치웹서버", "웹서버", "웹",
    ),
    "nginx": (
        "enginex", "engine-x", "webserver", "web", "reverseproxy", "proxy", "loadbalancer",
        "엔진엑스", "엔진x", "웹서버", "웹", "리버스프록시", "프록시", "로드밸런서",
    ),
    "redis": ("cache", "keyvalue", "레디스", "캐시"),
    "memcached": ("memcache", "cache", "멤캐시", "멤캐시디", "캐시"),
    "postgres": (
        "postgresql", "pgsql", "pg", "psql", "database", "db", "sql",
        "포스트그레스", "포스트그레", "포스트그레스큐엘", "데이터베이스", "디비",
    ),
    "mariadb": (
        "mysql", "maria", "mysqld", "database", "db", "sql",
        "마리아디비", "마리아db", "마이에스큐엘", "데이터베이스", "디비",
    ),
    "mysql": ("mariadb", "database", "db", "sql", "마이에스큐엘", "데이터베이스", "디비"),
    "mongo": ("mongodb", "document", "몽고", "몽고디비", "데이터베이스"),
    "python": ("py", "python3", "pip", "django", "flask", "파이썬", "파이선"),
    "node": ("nodejs", "node.js", "javascript", "js", "npm", "노드", "노드js", "자바스크립트"),
    "debian": ("linux", "os", "bookworm", "trixie", "데비안", "리눅스", "운영체제"),
    "ubuntu": ("linux", "os", "우분투", "리눅스", "운영체제"),
    "alpine": ("linux", "os", "small", "알파인", "리눅스", "운영체제"),
    "busybox": ("shell", "small", "비지박스", "셸", "쉘"),
    "hello-world": ("hello", "helloworld", "test", "헬로월드", "안녕", "시작", "테스트"),
    "registry": ("dockerregistry", "distribution", "레지스트리", "저장소"),
    "golang": ("go", "고", "고랭"),
    "openjdk": ("java", "jdk", "자바"),
    "rabbitmq": ("rabbit", "amqp", "queue", "래빗엠큐", "메시지큐"),
}  # fmt: skip
"""Names of official images and what else they are called."""


def squeezed(text: str) -> str:
    """A phrase as the table has it."""
    return "".join(text.lower().split())


def meanings(text: str) -> frozenset[str]:
    """The names that a phrase may mean."""
    wanted = squeezed(text)
    return frozenset(name for name, words in SYNONYMS.items() if wanted in words)


def all_words() -> Iterable[str]:
    """Every word of the table, for near misses."""
    return (word for words in SYNONYMS.values() for word in words)
