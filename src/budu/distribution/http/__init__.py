"""A small HTTP/1.1 client for registries: `connection` speaks it, `dial` opens connections through
proxies and TLS, `pool` keeps them, `failures` words what goes wrong. It follows no redirects and
knows no registries; `distribution.transport` does. See docs/decisions/0018-own-http-client.md.
"""
