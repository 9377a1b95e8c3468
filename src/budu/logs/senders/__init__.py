"""Log servers: one module per protocol, and the sockets to reach them."""
