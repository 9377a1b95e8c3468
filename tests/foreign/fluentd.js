// Prints its port, then every record that it receives, as JSON lines.
"use strict";

const { FluentServer } = require("@fluent-org/logger");

const server = new FluentServer({ listenOptions: { port: 0, host: "127.0.0.1" } });
server.on("entry", (tag, time, record) => {
  const plain = typeof time === "number";
  const seconds = plain ? time : time.epoch;
  const nanoseconds = plain ? null : time.nano;
  process.stdout.write(JSON.stringify({ tag, seconds, nanoseconds, record }) + "\n");
});
server.listen().then(() => process.stdout.write(JSON.stringify({ port: server.port }) + "\n"));
