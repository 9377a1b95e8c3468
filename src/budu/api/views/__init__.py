"""Renders the engine's records as Docker's documents, per API version. Pure.

What a version of the API leaves out or adds is decided here and nowhere else.
"""
