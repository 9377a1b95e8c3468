"""The hub: a registry with accounts, a search and an Explore site; see docs/decisions/0015-hub.md.

Neighbours: `spec`, `base`. It knows neither the engine nor the command line.
"""
