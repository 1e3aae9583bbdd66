import { join } from "node:path";
import type { JsMsg } from "@nats-io/jetstream";
import { errors } from "@nats-io/nats-core";
import fc from "fast-check";
import { expect } from "vitest";
import type * as Latchkey from "../../../../src/index.ts";
import type * as Auditing from "../../../../src/nats/consumer/auditor.ts";
import type * as Acks from "../../../../src/nats/consumer/confirmed-ack.ts";
import type * as Options from "../../../../src/nats/consumer/consume-options.ts";
import type * as Deliveries from "../../../../src/nats/consumer/delivery.ts";
import type * as Failures from "../../../../src/nats/consumer/failure-counts.ts";
import type * as Finished from "../../../../src/nats/consumer/finished-messages.ts";
import { ServerTime } from "../../../../src/nats/consumer/server-time.ts";
import type * as System from "../../../../src/statechart/actor-system.ts";
import { copyWithBug, type PlantedBug } from "../../../support/planted-bugs.ts";
import { receivedMessage } from "../../../support/received-message.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

/** Everything that a delivery is made of. */
export interface Package {
  readonly latchkey: typeof Latchkey;
  readonly options: typeof Options;
  readonly acks: typeof Acks;
  readonly auditing: typeof Auditing;
  readonly deliveries: typeof Deliveries;
  readonly failures: typeof Failures;
  readonly finished: typeof Finished;
  readonly system: typeof System;
}

/** Loads the package from a folder: the repository, or a copy with a planted bug. */
export async function loadPackage(root: string): Promise<Package> {
  const load = <Module>(file: string): Promise<Module> => import(/* @vite-ignore */ join(root, "src", file));
  const consumer = "nats/consumer";
  return {
    latchkey: await load<typeof Latchkey>("index.ts"),
    options: await load<typeof Options>(`${consumer}/consume-options.ts`),
    acks: await load<typeof Acks>(`${consumer}/confirmed-ack.ts`),
    auditing: await load<typeof Auditing>(`${consumer}/auditor.ts`),
    deliveries: await load<typeof Deliveries>(`${consumer}/delivery.ts`),
    failures: await load<typeof Failures>(`${consumer}/failure-counts.ts`),
    finished: await load<typeof Finished>(`${consumer}/finished-messages.ts`),
    system: await load<typeof System>("statechart/actor-system.ts"),
  };
}

export function plantInConsumer(bug: PlantedBug): Promise<Package> {
  return loadPackage(copyWithBug(bug));
}

/** Fates of the calls and messages of a run. Beyond the end of a list, everything happens without a fault. */
export interface Fates {
  /** Result of each dispatch. */
  readonly dispatches: ReadonlyArray<"returns" | "returns what cannot be kept" | "throws" | "throws for good">;
  /** Fate of each answer to the server. */
  readonly answers: ReadonlyArray<"arrives" | "is lost" | "arrives unconfirmed">;
  /** Fate of each attempt to store a dead letter. */
  readonly letters: ReadonlyArray<"stored" | "refused" | "stored unconfirmed" | "too large">;
  /** Fate of each commit. */
  readonly commits: ReadonlyArray<"stored" | "refused" | "stored unconfirmed">;
  /** Number of writes for which the store is away at first. Until then, events are dispatched without protection. */
  readonly outage: number;
  /** True for each redelivery that the server makes while an earlier delivery is in progress. */
  readonly earlyRedeliveries: readonly boolean[];
  /** Number of deliveries to other replicas, of which this process saw nothing. */
  readonly deliveredElsewhere: number;
}

const listOf = <const Fate>(...fates: readonly Fate[]) => fc.array(fc.constantFrom(...fates), { maxLength: 6 });

export const anyFates: fc.Arbitrary<Fates> = fc.record({
  dispatches: listOf("returns", "throws for good", "throws", "returns what cannot be kept"),
  answers: listOf("arrives", "is lost", "arrives unconfirmed"),
  letters: listOf("stored", "refused", "stored unconfirmed", "too large"),
  commits: listOf("stored", "refused", "stored unconfirmed"),
  outage: fc.constantFrom(0, 0, 5, 20, 40),
  earlyRedeliveries: fc.array(fc.boolean(), { maxLength: 6 }),
  deliveredElsewhere: fc.constantFrom(0, 0, 1, 29),
});

export interface Run {
  /** Number of dispatches that began after one had finished for good. */
  readonly repeated: number;
  /** True if the server has an answer that ends the message. */
  readonly isSettled: boolean;
  readonly dispatched: number;
  /** True if the message became a dead letter before its dispatch had failed often enough. */
  readonly isGivenUpEarly: boolean;
}

const MAX_DELIVER = 3;
const ACK_WAIT_MS = 10_000;
const LEASE_MS = 5_000;
const STEP_MS = 500;
/** More than all pauses together: 20 attempts at a letter, and one lease for each commit. */
const MAX_STEPS = 600;

/** Runs one message in one process to its end. */
export async function runMessage(of: Package, fates: Fates): Promise<Run> {
  const clock = new SimulatedClock();
  const next = feeder(fates);
  const server = new SimulatedServer(clock, next, fates.deliveredElsewhere);
  const memory = of.latchkey.memoryStore({ clock });
  let writes = 0;
  const away = (): Latchkey.StoreUnavailableError => new of.latchkey.StoreUnavailableError("away", { ambiguous: true });
  const store: Latchkey.Store = {
    get: (key) => memory.get(key),
    async put(key, record, how) {
      const fate = record.state === "committed" ? next.commit() : "stored";
      writes += 1;
      if (fate === "refused" || writes <= fates.outage) throw away();
      const answer = await memory.put(key, record, how);
      if (fate === "stored unconfirmed") throw away();
      return answer;
    },
    remove: (key, how) => memory.remove(key, how),
  };
  await using dedup = new of.latchkey.Deduplicator({
    store,
    clock,
    leaseMs: LEASE_MS,
    skewMs: 0,
    keepResults: true,
    onStoreUnavailable: "dispatch",
  });
  let finished = false;
  let thrown = 0;
  let dispatched = 0;
  let repeated = 0;
  let isGivenUpEarly = false;
  const dispatch = async (): Promise<unknown> => {
    dispatched += 1;
    if (finished) repeated += 1;
    const fate = next.dispatch();
    // Time passes in which the message can be redelivered.
    await new Promise<void>((resolve) => clock.schedule(STEP_MS, resolve));
    if (fate === "throws") thrown += 1;
    finished ||= fate !== "throws" || thrown >= MAX_DELIVER;
    if (fate === "throws for good") throw new of.latchkey.PermanentError("never");
    if (fate === "throws") throw new Error("boom");
    return fate === "returns" ? "done" : 1n;
  };
  const options = of.options.resolveConsumeOptions({
    dedup,
    dispatch,
    identify: () => ({ subscriptionId: "s", eventId: "e" }),
    maxDeliver: MAX_DELIVER,
    backoffMs: { firstMs: STEP_MS, longestMs: 4 * STEP_MS },
    deadLetter: {
      subject: "dead",
      jetstream: {
        async publish() {
          isGivenUpEarly ||= !finished;
          const fate = next.letter();
          if (fate === "too large") throw new errors.InvalidArgumentError("too large");
          if (fate !== "stored") throw new errors.TimeoutError();
          return { stream: "DEAD", seq: 1, duplicate: false };
        },
        jetstreamManager: () => Promise.reject(new Error("not used")),
      },
    },
  });
  const deliveries = new Set<Deliveries.MessageDelivery>();
  const shared: Deliveries.SharedByDeliveries = {
    options,
    consumer: "worker",
    subscriptionId: "s",
    settings: { maxDeliver: Number.POSITIVE_INFINITY, freeShare: 1 },
    clock,
    time: new ServerTime(clock),
    system: new of.system.ActorSystem(),
    failureCounts: new of.failures.FailureCounts(),
    finishedMessages: new of.finished.FinishedMessages(),
    auditor: new of.auditing.Auditor("EVENTS", "worker", clock, () => {}),
    acknowledge: of.acks.confirmedAcks({}),
    aborting: new AbortController(),
    onSlotReleased: () => {},
    onSettled: (delivery) => void deliveries.delete(delivery),
    onUnusable: () => {},
    onDeduplicatorClosed: () => {},
  };
  for (let step = 0; step < MAX_STEPS && !(server.isSettled && deliveries.size === 0); step += 1) {
    const message = server.deliver(deliveries.size > 0);
    if (message !== undefined) {
      const delivery = new of.deliveries.MessageDelivery(step, message, shared);
      deliveries.add(delivery);
      delivery.send({ type: "slot.acquired" });
    }
    await clock.advanceAsync(STEP_MS);
    for (const delivery of deliveries) delivery.sendInProgress();
  }
  for (const delivery of deliveries) delivery.send({ type: "force.stop" });
  await clock.advanceAsync(LEASE_MS);
  return { repeated, isSettled: server.isSettled, dispatched, isGivenUpEarly };
}

/** The server's view of one message. */
class SimulatedServer {
  readonly #clock: SimulatedClock;
  readonly #next: Feeder;
  #deliveries: number;
  #dueMs = 0;
  isSettled = false;

  constructor(clock: SimulatedClock, next: Feeder, deliveries: number) {
    this.#clock = clock;
    this.#next = next;
    this.#deliveries = deliveries;
  }

  /** Returns the message if it is due, or if the server redelivers it although it is in progress. */
  deliver(isInProgress: boolean): JsMsg | undefined {
    if (this.isSettled) return undefined;
    const isDue = this.#clock.monotonicMs() >= this.#dueMs;
    if (!isDue && !(isInProgress && this.#next.earlyRedelivery())) return undefined;
    this.#deliveries += 1;
    this.#dueMs = this.#clock.monotonicMs() + ACK_WAIT_MS;
    return this.#message(this.#deliveries);
  }

  #message(deliveries: number): JsMsg {
    let isAnswered = false;
    const answer = (apply: () => void): boolean => {
      if (isAnswered) return true;
      isAnswered = true;
      const fate = this.#next.answer();
      if (fate !== "is lost") apply();
      return fate === "arrives";
    };
    const settle = (): void => {
      this.isSettled = true;
    };
    return {
      ...receivedMessage({ deliveries }),
      ack: () => void answer(settle),
      ackAck: () => (answer(settle) ? Promise.resolve(true) : Promise.reject(new errors.TimeoutError())),
      nak: (delayMs = 0) => void answer(() => (this.#dueMs = this.#clock.monotonicMs() + delayMs)),
      term: () => void answer(settle),
      working: () => {
        if (!isAnswered) this.#dueMs = Math.max(this.#dueMs, this.#clock.monotonicMs() + ACK_WAIT_MS);
      },
      next: () => {},
    };
  }
}

type Feeder = ReturnType<typeof feeder>;

/** Returns functions that return the next fate of each kind. */
function feeder(fates: Fates) {
  const taken = new Map<keyof Fates, number>();
  const take = <Kind extends Exclude<keyof Fates, "outage" | "deliveredElsewhere">, Calm>(
    kind: Kind,
    calm: Calm,
  ): Fates[Kind][number] | Calm => {
    const at = taken.get(kind) ?? 0;
    taken.set(kind, at + 1);
    return fates[kind][at] ?? calm;
  };
  return {
    dispatch: () => take("dispatches", "returns"),
    answer: () => take("answers", "arrives"),
    letter: () => take("letters", "stored"),
    commit: () => take("commits", "stored"),
    earlyRedelivery: () => take("earlyRedeliveries", false),
  };
}

/** Holds if no fates make a delivery repeat a dispatch, give it up early, or stay open. */
export const dispatchedOnce = (of: Package) =>
  fc.asyncProperty(anyFates, async (fates) => {
    expect(await runMessage(of, fates)).toMatchObject({ repeated: 0, isSettled: true, isGivenUpEarly: false });
  });
