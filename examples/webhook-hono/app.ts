import { Hono } from "hono";
import type { Receive } from "latchkey/http";

/** Mounts the receiver at `/webhooks/github`. */
export function createApp(receive: Receive): Hono {
  const app = new Hono();
  app.post("/webhooks/github", (context) => receive(context.req.raw));
  app.post("/echo", async (context) => context.json(await context.req.json()));
  return app;
}
