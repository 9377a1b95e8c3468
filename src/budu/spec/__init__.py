"""Typed records of the documents on the wire, under the specifications' own names."""
