"""Docker's plugin protocol: finding plugins, greeting them, calling them. No drivers.

A plugin is a program of somebody else that answers HTTP POSTs of JSON at a unix socket or an
address. It is treated as hostile: every call ends in time, every answer has a size that is
bounded, and nothing of it runs in this process. What its calls mean is the matter of
`volume.plugin`, `network.remote` and `network.remote_ipam`.

Source: Docker docs, "Docker Plugin API" and "Docker engine plugins".
"""
