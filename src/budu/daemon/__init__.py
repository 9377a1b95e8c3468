"""The composition root: options in, a running engine out."""
