"""Which module holds which command: a literal table, so that one command loads one module. Light.

Aliases are entries of their own. A value without a colon is a group; groups have tables below.
"""

from __future__ import annotations

COMMANDS = {
    "__complete": "completion:COMPLETE",
    "attach": "attach:ATTACH",
    "commit": "commit:COMMIT",
    "completion": "completion:COMPLETION",
    "cp": "cp:CP",
    "create": "create:CREATE",
    "diff": "diff:DIFF",
    "events": "events:EVENTS",
    "exec": "exec:EXEC",
    "export": "export:EXPORT",
    "history": "registries:HISTORY",
    "images": "images:IMAGES",
    "import": "imports:IMPORT",
    "info": "system:INFO",
    "inspect": "inspect:INSPECT",
    "kill": "lifecycle:KILL",
    "load": "archives:LOAD",
    "login": "login:LOGIN",
    "logout": "login:LOGOUT",
    "logs": "logs:LOGS",
    "pause": "lifecycle:PAUSE",
    "port": "port:PORT",
    "port add": "port:PORT_ADD",
    "port rm": "port:PORT_RM",
    "ps": "ps:PS",
    "pull": "pull:PULL",
    "push": "push:PUSH",
    "rename": "lifecycle:RENAME",
    "restart": "lifecycle:RESTART",
    "rm": "remove:RM",
    "rmi": "images:RMI",
    "run": "run:RUN",
    "save": "archives:SAVE",
    "search": "registries:SEARCH",
    "start": "start:START",
    "stats": "stats:STATS",
    "stop": "lifecycle:STOP",
    "tag": "images:TAG",
    "tags": "registries:TAGS",
    "top": "top:TOP",
    "unpause": "lifecycle:UNPAUSE",
    "update": "update:UPDATE",
    "version": "version:VERSION",
    "wait": "wait:WAIT",
    "why": "why:WHY",
}
"""Words that stand alone; two with a space are found when more than Docker's arguments follow."""

GROUPS = {
    "container": {
        "attach": "attach:ATTACH",
        "commit": "commit:COMMIT",
        "cp": "cp:CP",
        "create": "create:CREATE",
        "diff": "diff:DIFF",
        "exec": "exec:EXEC",
        "export": "export:EXPORT",
        "inspect": "inspect:CONTAINER_INSPECT",
        "kill": "lifecycle:KILL",
        "list": "ps:PS",
        "logs": "logs:LOGS",
        "ls": "ps:PS",
        "pause": "lifecycle:PAUSE",
        "port": "port:PORT",
        "prune": "prune:CONTAINER_PRUNE",
        "ps": "ps:PS",
        "remove": "remove:RM",
        "rename": "lifecycle:RENAME",
        "restart": "lifecycle:RESTART",
        "rm": "remove:RM",
        "run": "run:RUN",
        "start": "start:START",
        "stats": "stats:STATS",
        "stop": "lifecycle:STOP",
        "top": "top:TOP",
        "unpause": "lifecycle:UNPAUSE",
        "update": "update:UPDATE",
        "wait": "wait:WAIT",
    },
    "context": {
        "create": "context:CREATE",
        "export": "context:EXPORT",
        "import": "context:IMPORT",
        "inspect": "context:INSPECT",
        "list": "context:LS",
        "ls": "context:LS",
        "remove": "context:RM",
        "rm": "context:RM",
        "show": "context:SHOW",
        "update": "context:UPDATE",
        "use": "context:USE",
    },
    "doctor": {
        "network": "doctor:DOCTOR_NETWORK",
        "storage": "explore:DOCTOR_STORAGE",
    },
    "hub": {
        "forget-secrets": "hub:FORGET_SECRETS",
        "password": "hub:PASSWORD",
        "seed": "hub:SEED",
        "serve": "hub:SERVE",
    },
    "image": {
        "cleanup": "explore:IMAGE_CLEANUP",
        "diff": "explore:IMAGE_DIFF",
        "explore": "explore:IMAGE_EXPLORE",
        "history": "registries:HISTORY",
        "import": "imports:IMPORT",
        "inspect": "inspect:IMAGE_INSPECT",
        "list": "images:IMAGES",
        "load": "archives:LOAD",
        "ls": "images:IMAGES",
        "prune": "prune:IMAGE_PRUNE",
        "pull": "pull:PULL",
        "push": "push:PUSH",
        "remove": "images:RMI",
        "rm": "images:RMI",
        "save": "archives:SAVE",
        "tag": "images:TAG",
    },
    "manifest": {
        "annotate": "manifest:ANNOTATE",
        "create": "manifest:CREATE",
        "inspect": "manifest:INSPECT",
        "push": "manifest:PUSH",
        "rm": "manifest:RM",
    },
    "network": {
        "audit": "network:NETWORK_AUDIT",
        "connect": "network:NETWORK_CONNECT",
        "create": "network:NETWORK_CREATE",
        "disconnect": "network:NETWORK_DISCONNECT",
        "inspect": "inspect:NETWORK_INSPECT",
        "list": "listing:NETWORK_LS",
        "ls": "listing:NETWORK_LS",
        "prune": "prune:NETWORK_PRUNE",
        "remove": "network:NETWORK_RM",
        "rm": "network:NETWORK_RM",
    },
    "system": {
        "df": "df:DF",
        "dial-stdio": "dial:DIAL_STDIO",
        "events": "events:EVENTS",
        "info": "system:INFO",
        "prune": "prune:SYSTEM_PRUNE",
        "stop": "system:STOP",
    },
    "volume": {
        "browse": "volume_copies:VOLUME_BROWSE",
        "clone": "volume_copies:VOLUME_CLONE",
        "cp": "volume_copies:VOLUME_CP",
        "create": "volumes:VOLUME_CREATE",
        "export": "volume_copies:VOLUME_EXPORT",
        "import": "volume_copies:VOLUME_IMPORT",
        "inspect": "inspect:VOLUME_INSPECT",
        "list": "listing:VOLUME_LS",
        "ls": "listing:VOLUME_LS",
        "prune": "prune:VOLUME_PRUNE",
        "remove": "volumes:VOLUME_RM",
        "resize": "volumes:VOLUME_RESIZE",
        "rename": "volume_copies:VOLUME_RENAME",
        "rm": "volumes:VOLUME_RM",
        "snapshot": "volume_copies:VOLUME_SNAPSHOT",
    },
}
"""Words below a group."""

GROUP_HELP = {
    "container": ("Manage containers", "컨테이너를 다룹니다"),
    "context": ("Manage contexts", "컨텍스트를 다룹니다"),
    "doctor": ("Find out what is wrong", "무엇이 잘못됐는지 찾습니다"),
    "hub": ("Serve a hub: a registry with accounts and a page", "허브를 엽니다"),
    "image": ("Manage images", "이미지를 다룹니다"),
    "manifest": ("Manage lists of manifests", "매니페스트 목록을 다룹니다"),
    "network": ("Manage networks", "네트워크를 다룹니다"),
    "system": ("Manage the engine", "엔진을 다룹니다"),
    "volume": ("Manage volumes", "볼륨을 다룹니다"),
}

HIDDEN = frozenset(("__complete", "list", "remove", "container ps", "system dial-stdio"))
"""Aliases that help does not list."""

COMMON = ("run", "ps", "pull", "images", "login", "logout", "version", "info")
"""What help shows first."""

MISSING = {
    "": (
        "build builder buildx bake checkpoint compose config "
        "node plugin "
        "secret service stack swarm trust"
    ),
    "image": "build",
    "volume": "update",
}
"""Commands of docker that budu does not have yet."""
