import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { serveInspector } from "../../../src/inspect/index.ts";
import type { FeedMessage, Overview } from "../../../src/inspect/server/wire.ts";
import { isObject } from "../../../src/internal/is-object.ts";
import { natsStore } from "../../../src/nats/index.ts";
import { eventually } from "../../support/eventually.ts";
import { useNatsServer } from "../../support/use-nats-server.ts";

const nats = useNatsServer();

const event = { subscriptionId: "billing", eventId: "evt-1" };

/** Returns the first message of a new feed. */
async function overviewAt(url: string): Promise<Overview> {
  const stop = new AbortController();
  const response = await fetch(new URL("api/feed", url), { signal: stop.signal });
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader();
  const text = new TextDecoder().decode((await reader?.read())?.value);
  stop.abort();
  const message: unknown = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "null");
  if (!isBegin(message)) throw new Error("The feed does not begin");
  return message.overview;
}

function isBegin(value: unknown): value is Extract<FeedMessage, { type: "begin" }> {
  return isObject(value) && value["type"] === "begin";
}

const concernsOf = ({ notices = [] }: Overview): readonly string[] => notices.map(({ concern }) => concern);

it("a killed nats-server is reported, nothing is concluded until it returns, and the recovery is reported", async () => {
  const store = await natsStore(nats.connection, { bucket: "outage", storage: "file" });
  await using inspector = await serveInspector({ store, name: "outage" });
  const dedup = new Deduplicator({ store, owner: "web-1", leaseMs: 1_000, renew: false });
  const holding = async (): Promise<boolean> => {
    const { decision } = await dedup.reserve(event);
    const { totals } = await overviewAt(inspector.url);
    return decision !== "duplicate" && (totals.reserved ?? 0) > 0;
  };
  await eventually("the reservation is shown", holding);

  const killedAtMs = Date.now();
  await nats.server.kill("SIGKILL");
  const down = await eventually("the outage is shown", async () => {
    const { store: health } = await overviewAt(inspector.url);
    return health.state === "unavailable" ? health : undefined;
  });
  expect(down.sinceMs).toBeGreaterThan(killedAtMs - 2_000);
  const before = concernsOf(await overviewAt(inspector.url));
  // Longer than the lease and the skew: a reader that concludes from silence reports a lapse by now.
  await pause(4_000);
  expect(concernsOf(await overviewAt(inspector.url))).toEqual(before);

  await nats.server.restart();
  const up = await eventually("the recovery is shown", async () => {
    const { store: health } = await overviewAt(inspector.url);
    return health.state === "available" && health.outage !== undefined ? health.outage : undefined;
  });
  expect(up.toMs - up.fromMs).toBeGreaterThan(3_000);
  await dedup.close({ drainMs: 0 });
});
