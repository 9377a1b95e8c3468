"""Layers as an EROFS index over the plain tar: nothing is extracted.

`tree` gathers the members of a tar, `image` writes the index, `form` builds and mounts it for the
layer store. Source: Linux fs/erofs/erofs_fs.h.
"""
