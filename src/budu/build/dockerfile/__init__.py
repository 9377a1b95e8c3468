"""The language of Dockerfiles, from text to values. Pure.

    text ─▶ lines (directives, continuations, here-documents) ─▶ statements (name, flags, form of
    arguments) ─▶ instructions, stages (`model`) ─▶ expand (variables) ─▶ apply, execution, history

`parse.parse` and `parse.parse_instruction` are the ways in; `changes.apply_changes` is the one of
`commit --change`; `remarks.remarks` tells what is not recommended.
"""
