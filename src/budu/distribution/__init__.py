"""The registry client: names to endpoints, authentication, manifests, blobs and pull.

`hosts` decides where to ask, `auth` and `tokens` how to be let in, `transport` moves bytes (by
`http`), `client` speaks the protocol, `choose` picks a platform, `layers`
and `pull` bring an image into the stores. Neighbours: `content` keeps blobs, `snapshot` layers;
`engine` keeps names.
"""
