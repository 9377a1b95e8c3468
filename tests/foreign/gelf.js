// Prints its port, then every message that it receives, as JSON lines.
"use strict";

const GelfServer = require("graygelf/server");

const server = new GelfServer();
server.on("message", (message) => process.stdout.write(JSON.stringify(message) + "\n"));
server.listen(Number(process.argv[2]), "127.0.0.1");
server._udp.on("listening", () => {
  process.stdout.write(JSON.stringify({ port: server._udp.address().port }) + "\n");
});
