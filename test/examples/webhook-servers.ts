import "reflect-metadata";
import { once } from "node:events";
import { type ServerType, serve } from "@hono/node-server";
import { NestFactory } from "@nestjs/core";
import type { Deduplicator } from "latchkey";
import type { Receive } from "latchkey/http";
import { createApp as createExpressApp } from "../../examples/webhook-express/app.ts";
import { createApp as createFastifyApp } from "../../examples/webhook-fastify/app.ts";
import { createApp as createHonoApp } from "../../examples/webhook-hono/app.ts";
import { WebhookModule } from "../../examples/webhook-nest/app.ts";
import { createApp as createNodeServer } from "../../examples/webhook-node/app.ts";

/** The server of an example, on a free loopback port. */
export interface WebhookServer {
  readonly url: string;
  close(): Promise<void>;
}

export type StartWebhookServer = (receive: Receive, dedup: Deduplicator) => Promise<WebhookServer>;

/** The examples by framework. */
export const WEBHOOK_SERVERS: Readonly<Record<string, StartWebhookServer>> = {
  "node:http": (receive) => listening(createNodeServer(receive).listen(0, "127.0.0.1")),
  Express: (receive) => listening(createExpressApp(receive).listen(0, "127.0.0.1")),
  Hono: (receive) => listening(serve({ fetch: createHonoApp(receive).fetch, port: 0, hostname: "127.0.0.1" })),
  async Fastify(receive) {
    const app = createFastifyApp(receive);
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
  },
  async NestJS(receive, dedup) {
    const app = await NestFactory.create(WebhookModule.register(dedup, receive), { rawBody: true, logger: false });
    await app.listen(0, "127.0.0.1");
    return { url: await app.getUrl(), close: () => app.close() };
  },
};

async function listening(server: ServerType): Promise<WebhookServer> {
  if (!server.listening) await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

function portOf(server: ServerType): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server does not listen on a port");
  return address.port;
}
