"""Builds the official images of `hub/library/` and publishes them to a hub.

    library ─▶ build ─▶ push ─▶ describe

`library` reads recipes, `dockerfile` tells what they stand on, `rootfs` makes the system below all
of them, `engine` runs an engine for them alone, `build` has it build and push, `publish` asks the
hub and tells it the texts, `main` is the command line. Engine and hub are spoken to as any client
speaks to them: nothing of their rooms is known here.
"""
