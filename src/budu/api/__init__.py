"""The engine's HTTP edge: Docker's Engine API 1.40 to 1.51 over our own connection protocol.

Here requests become calls of `engine` services and records become Docker's documents; nothing is
decided here. `http` knows HTTP/1.1 and no Docker, `routing` the table of operations, `errors` the
one mapping of our errors to statuses, `handlers` one module per group of operations.
"""
