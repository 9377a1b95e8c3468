"""Execs: more processes in running containers, each kept by a shim of its own.

`streams` moves the bytes between the process and one client, `service` is what may be done.
"""
