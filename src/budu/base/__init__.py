"""Helpers without domain words: errors, ids, units, clock, atomic files, messages."""
