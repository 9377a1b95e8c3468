"""Networks of containers: records, rules, Docker's sentences; who is in which and since when.

    service    what exists: create, remove, list, prune
    sandboxes  a container's start: its namespace, its places in its networks; and its end
    members    the same while it runs: connect, disconnect, ports
    rules, settings, ways   decisions, pure

The kernel's part is `network.contract.Fabric`'s, which knows no rules.
"""

from budu.engine.networks.sandboxes import Sandbox
from budu.engine.networks.service import NetworkService

__all__ = ["NetworkService", "Sandbox"]
