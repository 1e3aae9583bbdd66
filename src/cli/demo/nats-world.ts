import { AckPolicy, type JetStreamManager, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { Deduplicator } from "../../deduplicator.ts";
import type { Clock } from "../../internal/clock.ts";
import { consume } from "../../nats/index.ts";
import { type Nats, openNats } from "../connection/nats.ts";
import type { NatsAddress } from "../connection/nats-address.ts";
import { eventOf, identifyMessage } from "../run/message.ts";
import { AckBooks } from "./ack-books.ts";
import { type Commits, witnessedStore } from "./commit-log.ts";
import { mortalClock, mortalStore } from "./replica-life.ts";
import { ACK_WAIT_MS, CONCURRENCY, LEASE_MS, PAUSE_MS, type Seat, SKEW_MS, type Working, type World } from "./world.ts";

const CONSUMER = "demo";
const LONGEST_PAUSE_MS = 4 * PAUSE_MS;
/** Everything is dispatched in the end; nothing becomes a dead letter. */
const MAX_DELIVER = 1_000;

interface Names {
  readonly stream: string;
  readonly subject: string;
  readonly bucket: string;
}

/** @param id makes the names of the stream and of the bucket those of this run alone. */
export async function natsWorld(address: NatsAddress, id: string, clock: Clock, commits: Commits): Promise<World> {
  const names = { stream: `LATCHKEY_DEMO_${id}`, subject: `latchkey.demo.${id}`, bucket: `latchkey-demo-${id}` };
  const nats = await openNats(address, "latchkey demo");
  try {
    const books = new AckBooks(names.stream);
    nats.connection.subscribe("$JS.ACK.>", { callback: (_, message) => books.take(message) });
    const manager = await jetstreamManager(nats.connection);
    const world = createWorld(address, names, { nats, manager, books, clock, commits });
    try {
      await createStream(manager, names);
      return { ...world, store: await nats.openStore(names.bucket) };
    } catch (error) {
      await world[Symbol.asyncDispose]();
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

interface Equipment {
  readonly nats: Nats;
  readonly manager: JetStreamManager;
  readonly books: AckBooks;
  readonly clock: Clock;
  readonly commits: Commits;
}

function createWorld(address: NatsAddress, names: Names, equipment: Equipment): Omit<World, "store"> {
  const { nats, manager, books, clock, commits } = equipment;
  const { stream, subject, bucket } = names;
  const js = jetstream(nats.connection);
  let published = 0;
  return {
    what: `a stream and a bucket of NATS at ${address.servers.join(", ")}`,
    async publish(line) {
      await js.publish(subject, line);
      published += 1;
    },
    isIdle: async () => books.acknowledged === published,
    async books() {
      const { delivered } = await manager.consumers.info(stream, CONSUMER);
      return { deliveries: delivered.consumer_seq, answers: books.answers };
    },
    start: (seat) => startReplica(seat, address, names, { clock, commits }),
    async [Symbol.asyncDispose]() {
      for (const name of [stream, `KV_${bucket}`]) {
        // One that was never created is gone already.
        await manager.streams.delete(name).catch(() => false);
      }
      await nats[Symbol.asyncDispose]();
    },
  };
}

async function startReplica(
  seat: Seat,
  address: NatsAddress,
  { stream, bucket }: Names,
  { clock, commits }: Pick<Equipment, "clock" | "commits">,
): Promise<Working> {
  const { life, name } = seat;
  const nats = await openNats(address, `latchkey demo, ${name}`);
  const store = witnessedStore(await nats.openStore(bucket), commits, clock);
  const dedup = new Deduplicator({
    store: mortalStore(store, life),
    clock: mortalClock(clock, life),
    owner: name,
    leaseMs: LEASE_MS,
    skewMs: SKEW_MS,
  });
  seat.works(dedup);
  const consumer = await jetstream(nats.connection).consumers.get(stream, CONSUMER);
  const running = await consume(consumer, {
    dedup,
    concurrency: CONCURRENCY,
    maxDeliver: MAX_DELIVER,
    backoffMs: { firstMs: PAUSE_MS, longestMs: LONGEST_PAUSE_MS },
    identify: identifyMessage,
    dispatch: (message, { identity: { eventId }, reservation }) =>
      life.outlive(
        seat.dispatch(eventOf(message, eventId), `${message.seq}.${message.info.deliveryCount}`, reservation),
      ),
    onAudit(audit) {
      if (life.isOver || !("sequence" in audit) || audit.identity === undefined) return;
      const { eventId } = audit.identity;
      if (audit.type === "trigger.deduped") seat.turnedAway({ eventId, as: "duplicate" });
      if (audit.type === "trigger.nakked" && audit.delay === "pending") seat.turnedAway({ eventId, as: "pending" });
    },
  });
  // A replica that dies loses its connection first. What then is left of it here can reach nobody, and is cleared away.
  running.finished.catch(() => {});
  life.signal.addEventListener("abort", () => {
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
