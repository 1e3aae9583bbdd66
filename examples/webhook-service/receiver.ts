import { createServer } from "node:http";
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { enqueue, github, toNodeHandler, webhook } from "latchkey/http";

// Accepts webhooks by storing them in the stream. Run any number of them.

const port = Number(process.env["PORT"] ?? 8080);
const connection = await connect({
  servers: process.env["NATS_URL"] ?? "127.0.0.1:4222",
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
});
const receive = webhook({
  source: github({ secret: process.env["GITHUB_WEBHOOK_SECRET"] ?? "development-secret" }),
  enqueue: enqueue({ jetstream: jetstream(connection), headers, subject: ({ type }) => `webhooks.${type}` }),
  onError: (error, { code }) => console.error(code, String(error)),
});

const server = createServer(toNodeHandler(receive)).listen(port, "127.0.0.1", () =>
  console.log(`listening on http://127.0.0.1:${port}`),
);
process.once("SIGTERM", () => {
  server.close(() => void connection.drain());
});
