import type { Deduplicator } from "../../../deduplicator.ts";
import { linkedSignal } from "../../../internal/abort.ts";
import type { Clock } from "../../../internal/clock.ts";
import type { Store } from "../../../model/store.ts";
import { memoryStore } from "../../../stores/memory-store.ts";
import { readEvent } from "../../run/event/read-event.ts";
import { KillSwitch, killableClock } from "../replicas/kill-switch.ts";
import {
  ACK_WAIT_MS,
  type Backend,
  CONCURRENCY,
  PAUSE_MS,
  type ReplicaOptions,
  type RunningReplica,
} from "./backend.ts";
import { type CommitTimes, loggedStore } from "./commit-log.ts";
import { type BrokerDelivery, MemoryBroker } from "./memory-broker.ts";
import { replicaDeduplicator } from "./replica-deduplicator.ts";

/** In-progress acks per ack wait. */
const ACKS_PER_WAIT = 3;
const SUBSCRIPTION = "demo";

/** Runs everything in this process: the replicas share an in-memory store and broker. */
export function memoryBackend(clock: Clock, commits: CommitTimes, shared: Store = memoryStore({ clock })): Backend {
  const brokerSwitch = new KillSwitch();
  const broker = new MemoryBroker(killableClock(clock, brokerSwitch), ACK_WAIT_MS);
  const store = loggedStore(shared, commits, clock);
  return {
    what: "a broker and a store in memory",
    store: shared,
    publish: async (line) => broker.publish(line),
    isIdle: async () => broker.isIdle,
    records: async () => broker.records,
    async start(options) {
      const dedup = replicaDeduplicator(options, store, clock);
      return work(options, broker, dedup, killableClock(clock, options.killSwitch));
    },
    async [Symbol.asyncDispose]() {
      brokerSwitch.kill();
    },
  };
}

function work(options: ReplicaOptions, broker: MemoryBroker, dedup: Deduplicator, clock: Clock): RunningReplica {
  const stopping = new AbortController();
  const { signal: noMore } = linkedSignal(options.killSwitch.signal, stopping.signal);
  const busy = new Set<Promise<void>>();
  const slot = async (): Promise<void> => {
    while (!noMore.aborted) {
      const delivery = await broker.next(noMore);
      const handled = handle(options, delivery, dedup, clock).finally(() => busy.delete(handled));
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

/** Handles one delivery like a trigger service: reserve, dispatch, commit, then answer the broker. */
async function handle(
  options: ReplicaOptions,
  delivery: BrokerDelivery,
  dedup: Deduplicator,
  clock: Clock,
): Promise<void> {
  const reading = readEvent(Buffer.from(delivery.line));
  if ("problem" in reading) throw new TypeError(`The demo published an invalid event: ${reading.problem}`);
  const { event } = reading;
  const identity = { subscriptionId: SUBSCRIPTION, eventId: event.eventId };
  using _ = inProgressAcks(delivery, clock);
  try {
    const outcome = await dedup.guard(
      identity,
      (reservation) => options.killSwitch.unlessKilled(options.dispatch(event, delivery.id, reservation)),
      { attempt: delivery.count },
    );
    if (outcome.outcome !== "dispatched") options.onSkipped({ eventId: event.eventId, as: outcome.outcome });
    if (outcome.outcome === "pending") delivery.nak(outcome.retryAfterMs);
    else delivery.acknowledge();
  } catch {
    delivery.nak(PAUSE_MS * delivery.count);
  }
}

function inProgressAcks(delivery: BrokerDelivery, clock: Clock): Disposable {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.schedule(ACK_WAIT_MS / ACKS_PER_WAIT, () => {
      delivery.inProgress();
      next();
    });
  };
  next();
  return { [Symbol.dispose]: () => cancel() };
}
