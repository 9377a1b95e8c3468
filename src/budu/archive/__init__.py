"""Archives: compression, streaming tar, extraction below a root, whiteouts, packing.

Knows bytes and directory trees, nothing of images, layers or stores. Neighbours: `content` and
`snapshot` above, `linux` and `base` below.
"""
