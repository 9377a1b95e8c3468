"""Names that people look for: official images, and words that mean one of them. Pure.

The catalogue of a registry goes before this list where there is one; these are what beginners type
when no catalogue can be asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from budu.base.suggest import near_words

OFFICIAL = (
    *("adminer", "almalinux", "alpine", "archlinux", "bash", "busybox", "caddy", "cassandra"),
    *("couchdb", "debian", "docker", "drupal", "eclipse-temurin", "elasticsearch", "fedora"),
    *("gcc", "ghost", "golang", "gradle", "haproxy", "hello-world", "httpd", "influxdb", "joomla"),
    *("julia", "kibana", "kong", "logstash", "mariadb", "matomo", "maven", "memcached", "mongo"),
    *("mysql", "nats", "neo4j", "nextcloud", "nginx", "node", "openjdk", "perl", "php"),
    *("postgres", "python", "r-base", "rabbitmq", "redis", "redmine", "registry", "rockylinux"),
    *("ruby", "rust", "solr", "sonarqube", "swift", "tomcat", "traefik", "ubuntu", "vault"),
    *("wordpress", "zookeeper"),
)
"""Docker Hub's official images that are asked for most."""

SYNONYMS = {
    "apache": "httpd",
    "apache2": "httpd",
    "apache-httpd": "httpd",
    "http": "httpd",
    "아파치": "httpd",
    "webserver": "httpd",
    "web-server": "httpd",
    "웹서버": "httpd",
    "postgresql": "postgres",
    "psql": "postgres",
    "pgsql": "postgres",
    "nodejs": "node",
    "node.js": "node",
    "mongodb": "mongo",
    "maria": "mariadb",
    "memcache": "memcached",
    "rabbit": "rabbitmq",
    "go": "golang",
    "java": "eclipse-temurin",
    "jdk": "eclipse-temurin",
    "py": "python",
    "python3": "python",
    "파이썬": "python",
    "hello": "hello-world",
    "elastic": "elasticsearch",
    "centos": "rockylinux",
    "데비안": "debian",
    "우분투": "ubuntu",
    "엔진엑스": "nginx",
}
"""What people say, and the image that it means."""


def near_names(path: str, known: Iterable[str]) -> list[str]:
    """At most three names that the writer of `path` may have meant, the likeliest first.

    `known` are familiar names; a synonym counts when the image that it means is among them.
    """
    names = list(dict.fromkeys(known))
    folder, slash, last = path.rpartition("/")
    meant = SYNONYMS.get(last.lower(), last if slash else "")  # perhaps it is in another folder
    first = [name for name in names if _last(name) == meant]
    beside = [name for name in names if name.rpartition("/")[0] == folder]
    near = [folder + slash + word for word in near_words(last, map(_last, beside))]
    if not near:
        near = near_words(path, [name for name in names if name not in beside])
    if not near:  # a slip in the name, and in another folder
        words = near_words(last, {_last(name): None for name in names if name not in beside})
        near = [name for word in words for name in names if _last(name) == word]
    return [name for name in dict.fromkeys(first + near) if name != path][:3]


def _last(name: str) -> str:
    return name.rpartition("/")[2]
