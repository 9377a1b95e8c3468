"""The builder: Dockerfiles, build contexts, and what their instructions make of files.

Nothing here runs a container or knows the engine's records: `engine.builds` does, with these parts.
"""
