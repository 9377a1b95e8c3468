"""Content-addressed blobs: the store's contract, on disk, in memory, leases.

Knows digests and bytes, not what they mean. Neighbours: `distribution`, `image` and `hub` above,
`archive`, `spec` and `base` below.
"""
