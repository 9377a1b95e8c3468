"""The registry: OCI distribution-spec 1.1 under `/v2/`.

`service.Registry` holds what a process needs and gives the routes; `contract` says what it asks of
the accounts. Neighbours: `hub.database`, `hub.blobs`, `hub.access`; it knows neither users nor
tokens.
"""
