"""Builds the official images of `hub/library/` and publishes them to a hub.

`library` reads recipes, `dockerfile` parses them, `room` runs their commands, `build` makes layers,
`image` writes configs, `publish` pushes over `/v2/` and describes over `/api/v1`, `main` is the
command line. It speaks to the hub as any client does and knows none of its rooms.
"""
