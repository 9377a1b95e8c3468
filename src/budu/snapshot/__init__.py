"""Layered file systems: layers, the overlay of a container, unpacking as a layer arrives.

Knows diff ids and mounts, not images or registries. Neighbours: `distribution`, `image` and
`engine` above; `content`, `archive` and `linux` below.
"""
