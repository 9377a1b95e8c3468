"""Logs beyond their files: passing them on, keeping them small, emptying them."""
