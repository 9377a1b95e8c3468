"""`budu build`, this side of the wire: flags in, one request out, its stream shown.

`flags` declares, `options` makes the query, `source` finds the context and the Dockerfile,
`context` packs a folder, `incoming` takes what comes from standard input or a URL, `git` clones,
`view` shows. The engine reads the Dockerfile; nothing here does.
"""
