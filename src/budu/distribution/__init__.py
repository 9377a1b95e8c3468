"""The registry client: names to endpoints, authentication, manifests, blobs, pull and push.

`hosts` decides where to ask, `auth` and `tokens` how to be let in, `transport` moves bytes (by
`http`), `client` knows every registry and `repository` asks one for a name, `choose` picks a
platform, `fetch` and `pull` bring an image into the stores, `upload` and `push` send one.
Neighbours: `content` keeps blobs, `snapshot` layers; `engine` keeps names.
"""
