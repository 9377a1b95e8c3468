"""Decisions and records of the engine: what exists, what may happen to it, and who does it."""
