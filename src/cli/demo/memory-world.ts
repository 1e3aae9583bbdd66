import { Deduplicator } from "../../deduplicator.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Store } from "../../model/store.ts";
import { memoryStore } from "../../stores/memory-store.ts";
import { readEvent } from "../run/incoming.ts";
import { type Commits, witnessedStore } from "./commit-log.ts";
import { type BrokerDelivery, MemoryBroker } from "./memory-broker.ts";
import { mortalClock, mortalStore, ReplicaLife } from "./replica-life.ts";
import { ACK_WAIT_MS, CONCURRENCY, LEASE_MS, PAUSE_MS, type Seat, SKEW_MS, type Working, type World } from "./world.ts";

const SIGNS_OF_LIFE = 3;
const SUBSCRIPTION = "demo";

/** Everything in this process: replicas that share a memory store and a broker. */
export function memoryWorld(clock: Clock, commits: Commits, shared: Store = memoryStore({ clock })): World {
  const brokerLife = new ReplicaLife();
  const broker = new MemoryBroker(mortalClock(clock, brokerLife), ACK_WAIT_MS);
  const store = witnessedStore(shared, commits, clock);
  return {
    what: "a broker and a store in memory",
    store: shared,
    publish: async (line) => broker.publish(line),
    isIdle: async () => broker.isIdle,
    books: async () => broker.books,
    async start(seat) {
      const ownClock = mortalClock(clock, seat.life);
      const dedup = new Deduplicator({
        store: mortalStore(store, seat.life),
        clock: ownClock,
        owner: seat.name,
        leaseMs: LEASE_MS,
        skewMs: SKEW_MS,
      });
      seat.works(dedup);
      return work(seat, broker, dedup, ownClock);
    },
    async [Symbol.asyncDispose]() {
      brokerLife.end();
    },
  };
}

function work(seat: Seat, broker: MemoryBroker, dedup: Deduplicator, clock: Clock): Working {
  const stopping = new AbortController();
  const noMore = AbortSignal.any([seat.life.signal, stopping.signal]);
  const busy = new Set<Promise<void>>();
  const slot = async (): Promise<void> => {
    while (!noMore.aborted) {
      const delivery = await broker.next(noMore);
      const handled = handle(seat, delivery, dedup, clock).finally(() => busy.delete(handled));
      busy.add(handled);
      await handled;
    }
  };
  for (let index = 0; index < CONCURRENCY; index += 1) void slot();
  return {
    async stop() {
      stopping.abort();
      await Promise.all(busy);
      await dedup.close();
    },
  };
}

/** The life of one delivery, as a trigger service has it: reserve, dispatch, commit; then answer the broker. */
async function handle(seat: Seat, delivery: BrokerDelivery, dedup: Deduplicator, clock: Clock): Promise<void> {
  const reading = readEvent(Buffer.from(delivery.line));
  if ("problem" in reading) throw new TypeError(`The demo published what is no event: ${reading.problem}`);
  const { event } = reading;
  const identity = { subscriptionId: SUBSCRIPTION, eventId: event.eventId };
  using _ = signsOfLife(delivery, clock);
  try {
    const outcome = await dedup.guard(
      identity,
      (reservation) => seat.life.outlive(seat.dispatch(event, delivery.id, reservation)),
      { attempt: delivery.count },
    );
    if (outcome.outcome !== "dispatched") seat.turnedAway({ eventId: event.eventId, as: outcome.outcome });
    if (outcome.outcome === "pending") delivery.putBack(outcome.retryAfterMs);
    else delivery.acknowledge();
  } catch {
    delivery.putBack(PAUSE_MS * delivery.count);
  }
}

function signsOfLife(delivery: BrokerDelivery, clock: Clock): Disposable {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.schedule(ACK_WAIT_MS / SIGNS_OF_LIFE, () => {
      delivery.working();
      next();
    });
  };
  next();
  return { [Symbol.dispose]: () => cancel() };
}
