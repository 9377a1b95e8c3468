"""budu: a complete container platform in Python."""

__version__ = "0.1.0"
