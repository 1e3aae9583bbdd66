import { AckPolicy, type Consumer, type JetStreamManager, jetstream, StorageType } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { Deduplicator } from "latchkey";
import { consume, natsStore } from "latchkey/nats";
import { manager } from "../support/nats-bucket.ts";
import { BareClient } from "./bare-client.ts";
import type { ConsumerSetup } from "./consumers.ts";
import { CONCURRENCY } from "./contestant.ts";
import { serveContestant } from "./contestant-process.ts";
import { rateDuring, throughput } from "./measure.ts";

const STREAM = "bench_events";
const BUCKET = "consuming";

// The process of one consumer. A round begins with publishing its messages, which is not measured.

const { runs, url, ...described }: ConsumerSetup = JSON.parse(process.argv[2] ?? "");
const { events } = described;
const connection = await connect({ servers: url });
const jsm = await manager(connection);
await jsm.streams.add({ name: STREAM, subjects: ["bench.>"], storage: StorageType.File });
const dedup = new Deduplicator({ store: await natsStore(connection, { bucket: BUCKET }) });
const bare = new BareClient(connection, BUCKET);

serveContestant({
  ...described,
  async rate(round) {
    const consumer = await filledConsumer(connection, jsm, `${runs}-${round}`, events);
    const rate = await rateDuring(events, () =>
      runs === "plain" ? handlePlainly(consumer, bare, events) : handleWithLatchkey(consumer, dedup, events),
    );
    const { num_ack_pending, num_pending } = await consumer.info();
    if (num_ack_pending + num_pending > 0) throw new Error(`${num_ack_pending + num_pending} messages are left`);
    await jsm.streams.purge(STREAM);
    return rate;
  },
});

async function filledConsumer(
  connection: NatsConnection,
  jsm: JetStreamManager,
  name: string,
  count: number,
): Promise<Consumer> {
  const js = jetstream(connection);
  const subject = `bench.${name}`;
  const filter = { filter_subject: subject, ack_policy: AckPolicy.Explicit, max_ack_pending: 2 * CONCURRENCY };
  await jsm.consumers.add(STREAM, { ...filter, durable_name: name });
  await throughput(count, CONCURRENCY, (index) => {
    const fields = headers();
    fields.set("Nats-Msg-Id", `${name}-${index}`);
    return js.publish(subject, '{"type":"order.created"}', { headers: fields });
  });
  return js.consumers.get(STREAM, name);
}

async function handlePlainly(consumer: Consumer, bare: BareClient, count: number): Promise<void> {
  const messages = await consumer.consume({ max_messages: CONCURRENCY });
  let handled = 0;
  const working = new Set<Promise<void>>();
  for await (const message of messages) {
    const work = (async () => {
      await bare.pair(message.headers?.get("Nats-Msg-Id") ?? "");
      await message.ackAck();
      handled += 1;
      if (handled === count) messages.stop();
    })();
    working.add(work);
    void work.finally(() => working.delete(work));
    if (working.size >= CONCURRENCY) await Promise.race(working);
  }
  await Promise.all(working);
}

async function handleWithLatchkey(consumer: Consumer, dedup: Deduplicator, count: number): Promise<void> {
  const done = new AbortController();
  let dispatched = 0;
  const running = await consume(consumer, {
    dedup,
    concurrency: CONCURRENCY,
    dispatch: () => {
      dispatched += 1;
      if (dispatched === count) done.abort();
    },
    signal: done.signal,
  });
  await running.finished;
}
