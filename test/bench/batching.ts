import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "../../src/deduplicator.ts";
import type { Sending } from "../../src/nats/kv/bucket-store.ts";
import { openNatsStore } from "../../src/nats/kv/nats-store.ts";
import { QUEUE_LIMITS, type QueueLimits } from "../../src/nats/kv/write-queue.ts";
import { alwaysInBatches, alwaysSingly } from "../support/nats-sending.ts";
import { startCluster, startNats } from "../support/nats-server.ts";
import { CONCURRENCY } from "./contestant.ts";
import { shown } from "./figures.ts";
import { median, type Rate, takeTurns, throughput } from "./measure.ts";
import { table } from "./table.ts";

// `npm run bench:batching`: varies one constant of the write queue at a time. The constants in src/nats/kv come from its table.

const ROUNDS = 7;
const EVENTS = 4_000;

interface Variant {
  readonly name: string;
  readonly replicas: number;
  /** Number of events in flight. */
  readonly load: number;
  readonly sending: Sending;
}

const limited = (of: Sending, limits: Partial<QueueLimits>): Sending => ({
  ...of,
  queueLimits: { ...QUEUE_LIMITS, ...limits },
});
const inBatches = { replicas: 3, load: CONCURRENCY };
const variants: readonly Variant[] = [
  ...[32, 64, 128, 256, 512].map((fullQueue) => ({
    ...inBatches,
    name: `\`fullQueue\` ${fullQueue}`,
    sending: limited(alwaysInBatches, { fullQueue }),
  })),
  ...[1, 2, 3, 4].map((maxBatchesInFlight) => ({
    ...inBatches,
    name: `\`maxBatchesInFlight\` ${maxBatchesInFlight}`,
    sending: limited(alwaysInBatches, { maxBatchesInFlight }),
  })),
  ...[1, 4, 8, 16, 64].map((minCoalescedLoad) => ({
    replicas: 1,
    load: 16,
    name: `\`minCoalescedLoad\` ${minCoalescedLoad}`,
    sending: limited(alwaysSingly, { minCoalescedLoad }),
  })),
  ...[4, 8, 16, 32, 64].flatMap((load) => [
    { replicas: 3, load, name: "singly", sending: alwaysSingly },
    { replicas: 3, load, name: "in batches", sending: alwaysInBatches },
  ]),
];

await using server = await startNats();
await using cluster = await startCluster({ size: 3 });
const one = await connect({ servers: server.url });
const three = await connect({ servers: [...cluster.urls] });
const deduplicators = new Map<Variant, Deduplicator>();
for (const [index, variant] of variants.entries()) {
  const { replicas, sending } = variant;
  const options = { bucket: `variant-${index}`, replicas };
  const store = await openNatsStore(replicas === 1 ? one : three, options, sending);
  deduplicators.set(variant, new Deduplicator({ store }));
}
const rates = await takeTurns(variants, { rounds: 1 + ROUNDS }, (variant, round) => {
  console.error(`round ${round} of ${ROUNDS}: ${variant.name}`);
  const guard = (index: number) =>
    deduplicators.get(variant)?.guard({ subscriptionId: "bench", eventId: `${round}-${index}` }, () => undefined);
  return throughput(EVENTS, variant.load, async (index) => guard(index));
});
console.log(
  table(
    ["writes", "replicas", "in flight", "events/s", "from", "to", "CPU µs"],
    variants.map((variant) => row(variant, (rates.get(variant) ?? []).slice(1))),
  ),
);
for (const dedup of deduplicators.values()) await dedup.close();
await Promise.all([one.close(), three.close()]);

function row({ name, replicas, load }: Variant, measured: readonly Rate[]): readonly string[] {
  const perSecond = measured.map((rate) => rate.perSecond);
  const figures = [median(perSecond), Math.min(...perSecond), Math.max(...perSecond)];
  return [
    name,
    String(replicas),
    String(load),
    ...figures.map(shown),
    shown(median(measured.map(({ cpuUs }) => cpuUs))),
  ];
}
