import process from "node:process";
import { Deduplicator, memoryStore } from "latchkey";
import { github, webhook } from "latchkey/http";

declare const Deno: {
  serve(
    options: { readonly port: number; readonly hostname: string; readonly onListen: () => void },
    handler: (request: Request) => Promise<Response>,
  ): { readonly shutdown: () => Promise<void> };
};

const port = Number(process.env["PORT"] ?? 8080);
const dedup = new Deduplicator({ store: memoryStore(), windowMs: 3 * 24 * 3_600_000 });
const receive = webhook({
  dedup,
  source: github({ secret: process.env["GITHUB_WEBHOOK_SECRET"] ?? "development-secret" }),
  dispatch: ({ type, reservation }) => console.log(`dispatched ${type}, fence ${reservation.fence}`),
});

const onListen = (): void => console.log(`listening on http://127.0.0.1:${port}`);
const server = Deno.serve({ port, hostname: "127.0.0.1", onListen }, receive);
process.once("SIGTERM", () => {
  void server.shutdown().then(() => dedup.close({ drainMs: 10_000 }));
});
