"""The message catalogue: one module a package, each with `TEXTS`: key to (English, Korean)."""
