import { Deduplicator } from "../../src/deduplicator.ts";
import { isStoreUnavailable } from "../../src/errors.ts";
import type { Clock } from "../../src/internal/clock.ts";
import type { Decision, Reservation } from "../../src/model/decision.ts";
import type { DedupEvent, DedupEventType } from "../../src/model/event.ts";
import { type ResolvedIdentity, resolveIdentity } from "../../src/model/identity.ts";
import { type NatsStore, natsStore } from "../../src/nats/index.ts";
import type { DeduplicatorOptions } from "../../src/options.ts";
import { eventually } from "./eventually.ts";
import { connected } from "./nats-bucket.ts";
import { type NatsFlaw, spoiled } from "./nats-guarantees-flaws.ts";
import type { NatsServer } from "./nats-server.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Short, and with so much between its end here and in the bucket that a busy machine does not blur the order. */
export const LEASE_MS = 1_000;
export const SKEW_MS = 500;
/** A lease that does not end within a test. */
export const LONG_LEASE_MS = 60_000;
/** How long a request waits for its answer where answers are lost on purpose. */
export const SHORT_TIMEOUT_MS = 300;
/** How long to wait for what a flaw keeps from happening, and for what is sure to happen. */
const PATIENCE_MS = { flawed: 8_000, right: 30_000 };

/** A replica with its own connection, through its own proxy. */
export interface NatsReplica {
  readonly dedup: Deduplicator;
  readonly proxy: TcpProxy;
  readonly steps: readonly DedupEvent[];
  untilStep(type: DedupEventType): Promise<DedupEvent>;
}

interface ReplicaOptions extends Partial<DeduplicatorOptions> {
  /** How long a request waits for its answer. @default as for everybody */
  readonly timeoutMs?: number;
  /** Stands between the store and its user. */
  readonly seenThrough?: (store: NatsStore) => NatsStore;
}

/** Replicas on one bucket. */
export interface Scene extends AsyncDisposable {
  /** What the bucket holds, whatever the replicas see. */
  readonly truth: NatsStore;
  newEvent(): ResolvedIdentity;
  replica(owner: string, options?: ReplicaOptions): Promise<NatsReplica>;
  /** Asks for the event until it is unseen. */
  taken(by: NatsReplica, of: ResolvedIdentity): Promise<Reservation>;
  soon<Value>(what: string, ask: () => Promise<Value | undefined> | Value | undefined): Promise<Value>;
}

/** What did not hold. */
export type Found = readonly string[];

/** Tries out a guarantee, and tells what did not hold. */
export type Check = (scene: Scene) => Promise<Found>;

let scenes = 0;

export async function openScene(server: NatsServer, flaw?: NatsFlaw, openStore = natsStore): Promise<Scene> {
  scenes += 1;
  const bucket = `guarantees-${scenes}`;
  const closers: Array<() => Promise<void>> = [];
  const direct = await connected(server);
  closers.push(() => direct.close());
  const truth = await natsStore(direct, { bucket });
  let events = 0;
  const soon: Scene["soon"] = (what, ask) =>
    eventually(what, ask, PATIENCE_MS[flaw === undefined ? "right" : "flawed"]);
  return {
    truth,
    soon,
    taken(by, of) {
      return soon(`${of.eventId} to be unseen for ${by.dedup.owner}`, async () => {
        const decision = await by.dedup.reserve(of);
        return decision.decision === "unseen" ? decision : undefined;
      });
    },
    newEvent() {
      events += 1;
      return resolveIdentity({ subscriptionId: "sub-1", eventId: `evt-${events}` });
    },
    async replica(owner, { timeoutMs = 5_000, seenThrough = (store: NatsStore) => store, ...options } = {}) {
      const proxy = await startProxy(server.port);
      closers.push(() => proxy.close());
      const connection = await connected(proxy, { maxReconnectAttempts: -1, reconnectTimeWait: 20 });
      closers.push(() => connection.close());
      const plain = await soon("the store to open", () => openStore(connection, { bucket, timeoutMs }));
      const store = spoiled(plain, seenThrough(plain), flaw);
      const dedup = new Deduplicator({ store, owner, leaseMs: LEASE_MS, skewMs: SKEW_MS, ...options });
      closers.push(() => dedup.close({ drainMs: 0 }));
      const steps: DedupEvent[] = [];
      dedup.subscribe((step) => steps.push(step));
      const untilStep = (type: DedupEventType): Promise<DedupEvent> =>
        soon(`${owner} to have ${type}`, () => steps.find((step) => step.type === type));
      return { dedup, proxy, steps, untilStep };
    },
    async [Symbol.asyncDispose]() {
      for (const close of closers.reverse()) await close();
    },
  };
}

/** What the replica decides, asked again where the store is too slow to say. */
export async function decided({ dedup }: NatsReplica, of: ResolvedIdentity): Promise<Decision> {
  for (;;) {
    try {
      return await dedup.reserve(of);
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
    }
  }
}

/** Collects what did not hold. */
export class Findings {
  readonly #found: string[] = [];

  get all(): Found {
    return this.#found;
  }

  unless(holds: boolean, what: string): void {
    if (!holds) this.#found.push(what);
  }

  /** The value, or `undefined` when it does not come; then that was found. */
  async unlessComes<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    try {
      return await promise;
    } catch (error) {
      this.#found.push(String(error));
      return undefined;
    }
  }
}

/** The clock of a replica on which everything takes longer than it should. */
export function slowClock(times: number): Clock {
  return {
    monotonicMs: () => performance.now() / times,
    wallMs: () => Date.now(),
    schedule(delayMs, run) {
      const timer = setTimeout(run, delayMs * times);
      return () => clearTimeout(timer);
    },
  };
}
