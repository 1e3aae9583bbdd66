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
import { type NatsFlaw, withFlaw } from "./nats-guarantees-flaws.ts";
import type { NatsServer } from "./nats-server.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Short lease, in milliseconds. With the skew, the margin before the bucket's expiry is wide enough for a busy machine. */
export const LEASE_MS = 2_000;
export const SKEW_MS = 1_000;
/** Lease that outlasts a test, in milliseconds. */
export const LONG_LEASE_MS = 60_000;
/** Request timeout where a test drops answers, in milliseconds. */
export const SHORT_TIMEOUT_MS = 300;
/** Maximum wait for a condition in milliseconds: with a flaw that may prevent it, and without. */
const MAX_WAIT_MS = { flawed: 12_000, right: 30_000 };

/** A replica with its own connection, through its own proxy. */
export interface NatsReplica {
  readonly dedup: Deduplicator;
  readonly proxy: TcpProxy;
  readonly steps: readonly DedupEvent[];
  untilStep(type: DedupEventType): Promise<DedupEvent>;
}

interface ReplicaOptions extends Partial<DeduplicatorOptions> {
  /** Request timeout in milliseconds. @default 5_000 */
  readonly timeoutMs?: number;
  /** Wraps the store before the deduplicator uses it. */
  readonly seenThrough?: (store: NatsStore) => NatsStore;
}

/** Replicas on one bucket. */
export interface Scene extends AsyncDisposable {
  /** Direct access to the bucket, independent of the replicas' views. */
  readonly directStore: NatsStore;
  newEvent(): ResolvedIdentity;
  replica(owner: string, options?: ReplicaOptions): Promise<NatsReplica>;
  /** Reserves the event, with retries until it is unseen. */
  reserved(by: NatsReplica, of: ResolvedIdentity): Promise<Reservation>;
  soon<Value>(what: string, ask: () => Promise<Value | undefined> | Value | undefined): Promise<Value>;
}

/** Violations that a check found. */
export type Found = readonly string[];

/** Checks a guarantee and returns its violations. */
export type Check = (scene: Scene) => Promise<Found>;

let scenes = 0;

export async function openScene(server: NatsServer, flaw?: NatsFlaw, openStore = natsStore): Promise<Scene> {
  scenes += 1;
  const bucket = `guarantees-${scenes}`;
  const closers: Array<() => Promise<void>> = [];
  const direct = await connected(server);
  closers.push(() => direct.close());
  const directStore = await natsStore(direct, { bucket });
  let events = 0;
  const soon: Scene["soon"] = (what, ask) =>
    eventually(what, ask, MAX_WAIT_MS[flaw === undefined ? "right" : "flawed"]);
  return {
    directStore,
    soon,
    reserved(by, of) {
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
      const store = withFlaw(plain, seenThrough(plain), flaw);
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

/** Returns the replica's decision, with retries while the store is unavailable. */
export function decided({ dedup }: NatsReplica, of: ResolvedIdentity): Promise<Decision> {
  return untilAvailable(() => dedup.reserve(of));
}

/** Repeats `ask` while the store is unavailable. Every other error ends it. */
export async function untilAvailable<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isStoreUnavailable(error)) throw error;
    }
  }
}

/** Collects violations. */
export class Findings {
  readonly #found: string[] = [];

  get all(): Found {
    return this.#found;
  }

  unless(holds: boolean, what: string): void {
    if (!holds) this.#found.push(what);
  }

  /** Returns the value, or records a violation and returns `undefined` if the promise rejects. */
  async unlessResolved<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    try {
      return await promise;
    } catch (error) {
      this.#found.push(String(error));
      return undefined;
    }
  }
}

/** Returns the clock of a replica that runs `times` times slower than real time. */
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
