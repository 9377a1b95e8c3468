"""Images as the engine sees them: records, names to records, configs and history. Pure values.

Bringing images in is `distribution`'s work, keeping names `engine`'s.
"""
