import { Deduplicator, memoryStore } from "latchkey";
import { github, webhook } from "latchkey/http";
import { createApp } from "./app.ts";

const port = Number(process.env["PORT"] ?? 8080);
const dedup = new Deduplicator({ store: memoryStore(), windowMs: 3 * 24 * 3_600_000 });
const receive = webhook({
  dedup,
  source: github({ secret: process.env["GITHUB_WEBHOOK_SECRET"] ?? "development-secret" }),
  dispatch: ({ type, reservation }) => console.log(`dispatched ${type}, fence ${reservation.fence}`),
});

const app = createApp(receive);
await app.listen({ port, host: "127.0.0.1" });
console.log(`listening on http://127.0.0.1:${port}`);
process.once("SIGTERM", () => {
  void app.close().then(() => dedup.close({ drainMs: 10_000 }));
});
