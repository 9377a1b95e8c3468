"""The language of Dockerfiles, from text to values. Pure.

text ─▶ lines (directives, continuations, here-documents) ─▶ instructions ─▶ stages
"""
