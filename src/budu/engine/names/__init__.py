"""Names of containers for each other: who has which in which network, and the resolvers' life.

`index` is the pure part, `servers` whom the host asks, `service` keeps one resolver (`network.dns`)
for each sandbox.
"""
