import { expect } from "vitest";
import { Deduplicator, type Handler } from "../../src/deduplicator.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { Deferred } from "../../src/internal/deferred.ts";
import type { Decision, Duplicate, Pending, Reservation } from "../../src/model/decision.ts";
import type { DedupEvent, DedupEventType } from "../../src/model/event.ts";
import { type Identity, type ResolvedIdentity, resolveIdentity } from "../../src/model/identity.ts";
import type { DeduplicatorOptions } from "../../src/options.ts";
import { type MemoryStore, memoryStore } from "../../src/stores/memory-store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { SimulatedClock } from "./simulated-clock.ts";

export const event: Identity = { subscriptionId: "sub-1", eventId: "evt-1" };
export const resolved: ResolvedIdentity = resolveIdentity(event);
export const LEASE_MS = 30_000;
export const SKEW_MS = 2_000;
export const WINDOW_MS = 86_400_000;

/** One process of a service, with its own connection to the shared store. */
export interface Replica {
  readonly dedup: Deduplicator;
  readonly store: FaultyStore;
  readonly steps: DedupEvent[];
  /** Returns the types of the events so far. */
  readonly trail: () => DedupEventType[];
}

/** Replicas that share one store and one simulated clock. */
export interface World {
  readonly clock: SimulatedClock;
  readonly memory: MemoryStore;
  replica(owner: string, options?: Partial<DeduplicatorOptions>): Replica;
  /** Advances the clock and runs all timers that fall due. */
  pass(ms: number): Promise<void>;
}

export function world(): World {
  const clock = new SimulatedClock();
  const memory = memoryStore({ clock });
  let ids = 0;
  return {
    clock,
    memory,
    replica(owner, options = {}) {
      const store = new FaultyStore(memory, options.clock ?? clock);
      const newId = (): string => `token-${++ids}`;
      const dedup = new Deduplicator({ store, clock, owner, newId, ...options });
      const steps: DedupEvent[] = [];
      dedup.subscribe((step) => steps.push(step));
      return { dedup, store, steps, trail: () => steps.map(({ type }) => type) };
    },
    pass: (ms) => clock.advanceAsync(ms),
  };
}

/** A handler that runs until the test ends it. */
export interface Task<Value> {
  readonly handler: Handler<Value>;
  /** Resolves with the handler's reservation once the handler starts. */
  readonly reservation: Promise<Reservation>;
  readonly runs: () => number;
  succeed(value: Value): void;
  fail(error: unknown): void;
}

export function task<Value = string>(): Task<Value> {
  const started = new Deferred<Reservation>();
  const ended = new Deferred<Value>();
  ended.promise.catch(() => {});
  let runs = 0;
  return {
    handler(reservation) {
      runs += 1;
      started.resolve(reservation);
      return ended.promise;
    },
    reservation: started.promise,
    runs: () => runs,
    succeed: ended.resolve,
    fail: ended.reject,
  };
}

/** @throws {Error} unless the decision is a reservation. */
export async function unseen(decision: Promise<Decision>): Promise<Reservation> {
  const found = await decision;
  if (found.decision !== "unseen") throw new Error(`The event is ${found.decision}, not unseen`);
  return found;
}

/** @throws {Error} unless the event was committed. */
export async function duplicate(decision: Promise<Decision>): Promise<Duplicate> {
  const found = await decision;
  if (found.decision !== "duplicate") throw new Error(`The event is ${found.decision}, not a duplicate`);
  return found;
}

/** @throws {Error} unless another holder has the event. */
export async function pending(decision: Promise<Decision>): Promise<Pending> {
  const found = await decision;
  if (found.decision !== "pending") throw new Error(`The event is ${found.decision}, not pending`);
  return found;
}

/** Dispatches and commits the event. */
export async function commitEvent({ dedup }: Replica, of: Identity = event, value: unknown = "done"): Promise<void> {
  expect(await dedup.guard(of, () => value)).toMatchObject({ outcome: "dispatched", commit: "confirmed" });
}

/** Tracks the state of a promise. */
export function watched<Value>(promise: Promise<Value>): {
  readonly state: () => "waiting" | "resolved" | "rejected";
  readonly promise: Promise<Value>;
} {
  let state: "waiting" | "resolved" | "rejected" = "waiting";
  promise.then(
    () => (state = "resolved"),
    () => (state = "rejected"),
  );
  return { state: () => state, promise };
}

/** Clock of a process whose event loop can be blocked: time passes, but timers fire late. */
export class BlockableClock implements Clock {
  readonly #clock: SimulatedClock;
  #late: Array<() => void> | undefined;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  block(): void {
    this.#late ??= [];
  }

  /** Runs the timers that fell due during the block. */
  unblock(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const run of late) run();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  schedule(delayMs: number, run: () => void): () => void {
    let isOff = false;
    const cancel = this.#clock.schedule(delayMs, () => {
      if (this.#late === undefined) run();
      else
        this.#late.push(() => {
          if (!isOff) run();
        });
    });
    return () => {
      isOff = true;
      cancel();
    };
  }
}

/** Calls a method with arguments that its types forbid. Rejects with the error that the method throws. */
export async function calling(on: object, method: string, ...args: readonly unknown[]): Promise<unknown> {
  const called: unknown = Reflect.get(on, method);
  if (typeof called !== "function") throw new Error(`There is no method \`${method}\``);
  const answer: unknown = Reflect.apply(called, on, args);
  return answer;
}
