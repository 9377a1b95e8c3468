"""Names inside containers: a resolver at 127.0.0.11 in each sandbox.

    container ─▶ 127.0.0.11:53 ─▶ a socket inside the sandbox ─▶ engine: `server`
                                                                   ├─ a name of ours: `answers`
                                                                   └─ any other: `forward`

`message` is the wire format, `answers` the decision what a question gets, `sockets` makes the two
sockets and leads port 53 to them, `server` moves datagrams and connections, `forward` asks the
host's servers. Who has which name is the engine's matter: `directory.Directory`.
"""
