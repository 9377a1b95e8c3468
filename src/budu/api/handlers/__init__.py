"""The operations of the API, one module per kind of object.

A handler reads the request, makes one call of an engine service and renders the answer. What it
raises becomes the answer too (`api.errors`).
"""
