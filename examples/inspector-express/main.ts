import { timingSafeEqual } from "node:crypto";
import express, { type RequestHandler } from "express";
import { Deduplicator, memoryStore } from "latchkey";
import { inspectorHandler, toNodeHandler } from "latchkey/inspect";

// Ships orders, and shows operators in the browser what happened to each.

const port = Number(process.env["PORT"] ?? 8080);
const password = process.env["OPERATOR_PASSWORD"] ?? "development-password";
const expected = Buffer.from(`Basic ${Buffer.from(`operator:${password}`).toString("base64")}`);

/** Replace it by the login of your application. */
const operatorsOnly: RequestHandler = (request, response, next) => {
  const given = Buffer.from(request.get("authorization") ?? "");
  if (given.length === expected.length && timingSafeEqual(given, expected)) next();
  else response.set("www-authenticate", 'Basic realm="operators"').sendStatus(401);
};

const dedup = new Deduplicator({ store: memoryStore() });
const inspector = inspectorHandler({
  dedup,
  name: "Orders",
  basePath: "/ops/latchkey",
  // Only requests that passed `operatorsOnly` arrive here.
  authorize: () => true,
});

const app = express();
app.use("/ops/latchkey", operatorsOnly, toNodeHandler(inspector));
app.post("/orders/:order/ship", async (request, response) => {
  const { outcome } = await dedup.guard({ subscriptionId: "ship-orders", eventId: request.params.order }, () => {
    console.log(`shipped ${request.params.order}`);
  });
  response
    .status(outcome === "pending" ? 409 : 200)
    .type("text")
    .send(`${outcome}\n`);
});

const server = app.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${port}`));
process.once("SIGTERM", () => void stop());

async function stop(): Promise<void> {
  // The page's streams keep connections open, so the inspector closes first.
  await inspector.close();
  server.close();
  await dedup.close({ drainMs: 10_000 });
}
