import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import type { Clock } from "../../../internal/clock.ts";
import { consume } from "../../../nats/index.ts";
import { type Nats, openNats } from "../../connection/nats.ts";
import type { NatsAddress } from "../../connection/nats-address.ts";
import { messageEvent, messageIdentifier } from "../../run/event/message-event.ts";
import { AckLog } from "./ack-log.ts";
import {
  ACK_WAIT_MS,
  type Backend,
  CONCURRENCY,
  PAUSE_MS,
  type ReplicaOptions,
  type RunningReplica,
} from "./backend.ts";
import { type CommitTimes, loggedStore } from "./commit-log.ts";
import { replicaDeduplicator } from "./replica-deduplicator.ts";

const CONSUMER = "demo";
const LONGEST_PAUSE_MS = 4 * PAUSE_MS;
/** High enough that no event becomes a dead letter. */
const MAX_DELIVER = 1_000;

interface Names {
  readonly stream: string;
  readonly subject: string;
  readonly bucket: string;
}

/** @param id makes the names of the stream and the bucket unique to this run. */
export async function natsBackend(
  address: NatsAddress,
  id: string,
  clock: Clock,
  commits: CommitTimes,
): Promise<Backend> {
  const names = { stream: `LATCHKEY_DEMO_${id}`, subject: `latchkey.demo.${id}`, bucket: `latchkey-demo-${id}` };
  const nats = await openNats(address, "latchkey demo");
  try {
    const acks = new AckLog(names.stream);
    nats.connection.subscribe("$JS.ACK.>", { callback: (_, message) => acks.take(message) });
    const manager = await jetstreamManager(nats.connection, { apiPrefix: nats.apiPrefix });
    const backend = createBackend(address, names, { nats, manager, acks, clock, commits });
    try {
      await createStream(manager, names);
      return { ...backend, store: await nats.openStore(names.bucket) };
    } catch (error) {
      await backend[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await nats[Symbol.asyncDispose]();
    throw error;
  }
}

async function createStream(manager: JetStreamManager, { stream, subject }: Names): Promise<void> {
  await manager.streams.add({ name: stream, subjects: [subject], storage: StorageType.Memory });
  await manager.consumers.add(stream, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
  });
}

interface NatsResources {
  readonly nats: Nats;
  readonly manager: JetStreamManager;
  readonly acks: AckLog;
  readonly clock: Clock;
  readonly commits: CommitTimes;
}

function createBackend(address: NatsAddress, names: Names, resources: NatsResources): Omit<Backend, "store"> {
  const { nats, manager, acks, clock, commits } = resources;
  const { stream, subject, bucket } = names;
  const js = jetstream(nats.connection, { apiPrefix: nats.apiPrefix });
  let published = 0;
  return {
    what: `a stream and a bucket of NATS at ${address.servers.join(", ")}`,
    async publish(line) {
      await js.publish(subject, line);
      published += 1;
    },
    isIdle: async () => acks.acknowledged === published,
    async records() {
      const { delivered } = await manager.consumers.info(stream, CONSUMER);
      return { deliveries: delivered.consumer_seq, answers: acks.answers };
    },
    start: (options) => startReplica(options, address, names, { clock, commits }),
    async [Symbol.asyncDispose]() {
      for (const name of [stream, `KV_${bucket}`]) {
        // A stream that was never created needs no removal.
        await manager.streams.delete(name).catch(() => false);
      }
      await nats[Symbol.asyncDispose]();
    },
  };
}

async function startReplica(
  options: ReplicaOptions,
  address: NatsAddress,
  { stream, bucket }: Names,
  { clock, commits }: Pick<NatsResources, "clock" | "commits">,
): Promise<RunningReplica> {
  const { killSwitch, name } = options;
  const nats = await openNats(address, `latchkey demo, ${name}`);
  const dedup = replicaDeduplicator(options, loggedStore(await nats.openStore(bucket), commits, clock), clock);
  const consumer = await jetstream(nats.connection, { apiPrefix: nats.apiPrefix }).consumers.get(stream, CONSUMER);
  const running = await consume(consumer, {
    dedup,
    concurrency: CONCURRENCY,
    maxDeliver: MAX_DELIVER,
    backoffMs: { firstMs: PAUSE_MS, longestMs: LONGEST_PAUSE_MS },
    identify: messageIdentifier({}),
    dispatch: (message, { identity: { eventId }, reservation }) =>
      killSwitch.unlessKilled(
        options.dispatch(messageEvent(message, eventId), `${message.seq}.${message.info.deliveryCount}`, reservation),
      ),
    onAudit(audit) {
      if (killSwitch.isKilled || !("sequence" in audit) || audit.identity === undefined) return;
      const { eventId } = audit.identity;
      if (audit.type === "trigger.deduped") options.onSkipped({ eventId, as: "duplicate" });
      if (audit.type === "trigger.nakked" && audit.delay === "pending") options.onSkipped({ eventId, as: "pending" });
    },
  });
  // A crash closes the connection first, so that the remaining cleanup cannot reach the server.
  running.finished.catch(() => {});
  killSwitch.signal.addEventListener("abort", () => {
    void nats.connection.close().then(() => running.stop({ drainMs: 0 }));
  });
  return {
    async stop() {
      await running.stop();
      await dedup.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}
