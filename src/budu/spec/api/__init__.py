"""Bodies of the Engine API, version 1.51: one record per definition, named as the definition is.

Attributes are the API's names in snake case. A field whose default comes from `fields` is always
written, with Go's zero value (`""`, 0, false, `null` for a nil slice or map); a field with a plain
default is left out while it has that value (Go's `omitempty`). Bodies are read by `codec.decode`,
which accepts what Go's decoder accepts: `null` anywhere and unknown fields.

Source: Engine API 1.51, definitions; moby 28.3, api/types.
"""
