"""Public keys and what was signed with their secret halves: verification only.

There is no secret here, so plain arithmetic does, in as little code as the algorithms take.
"""
