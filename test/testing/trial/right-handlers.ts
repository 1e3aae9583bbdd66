import { Deduplicator, type Outcome } from "../../../src/index.ts";
import type { Delivery, HandlerUnderTest, RecordedReservation, Reply } from "../../../src/testing/index.ts";

const subscriptionId = "billing";

/** `await using`, with an error instead of a reply for what is pending. */
const disposes: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }) => {
    const decision = await dedup.reserve({ subscriptionId, eventId: event });
    if (decision.decision === "pending") throw new Error(`busy: retry in ${decision.retryAfterMs} ms`);
    if (decision.decision === "duplicate") return;
    await using reservation = decision;
    await replica.effect(event, reservation);
    await reservation.commit();
  };
};

interface Context extends Delivery {
  reservation?: RecordedReservation;
  reply?: Reply;
}
type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>;

/** The guard as a middleware in a chain, which writes its reply to the context. */
const inMiddleware: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const once: Middleware = async (context, next) => {
    context.reply = await dedup.guard({ subscriptionId, eventId: context.event }, (reservation) => {
      context.reservation = reservation;
      return next();
    });
  };
  const timed: Middleware = async (_, next) => {
    const startedAtMs = replica.clock.monotonicMs();
    await next();
    if (replica.clock.monotonicMs() < startedAtMs) throw new Error("time went back");
  };
  const work: Middleware = ({ event, reservation }) => replica.effect(event, reservation);
  const chain = [timed, once, work];
  const run = (context: Context, index: number): Promise<void> =>
    chain[index]?.(context, () => run(context, index + 1)) ?? Promise.resolve();
  return async (delivery) => {
    const context: Context = { ...delivery };
    await run(context, 0);
    return context.reply;
  };
};

/** A function wrapper that waits for the process that is busy, and replays its result. */
const waitsAndReplays: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, keepResults: true });
  const idempotent =
    (fn: (event: string, signal: AbortSignal) => Promise<string>) =>
    async (event: string): Promise<Reply> => {
      const outcome = await dedup.guard(
        { subscriptionId, eventId: JSON.stringify(["/orders", event]) },
        ({ signal }) => fn(event, signal),
        { onPending: "wait", waitMs: 20_000 },
      );
      if (outcome.outcome === "pending") return outcome;
      if (outcome.value !== `receipt of ${event}`) throw new Error("the result was not kept");
      return outcome;
    };
  const charge = idempotent((event, signal) => replica.effect(event, { signal }, () => `receipt of ${event}`));
  return ({ event }) => charge(event);
};

/** A deduplicator of its own: a lease by the store's lifetime, compare-and-set everywhere, and a deadline of its own. */
const ownLease: HandlerUnderTest = (replica) => {
  const leaseMs = 20_000;
  const marginMs = 5_000;
  return async ({ event }) => {
    const { kv, clock } = replica;
    const token = replica.newId();
    const sentAtMs = clock.monotonicMs();
    const locked = await kv.put(event, { token }, { expected: 0, ttlMs: leaseMs });
    if (!locked.ok) {
      const entry = await kv.get(event);
      return entry?.value === "done" ? { outcome: "duplicate" } : { outcome: "pending", retryAfterMs: 1_000 };
    }
    const leftMs = leaseMs - marginMs - (clock.monotonicMs() - sentAtMs);
    if (leftMs <= 0) return { outcome: "pending" };
    const deadline = new AbortController();
    const cancel = clock.schedule(leftMs, () => deadline.abort(new Error("the lease ends")));
    try {
      await replica.effect(event, { fence: locked.revision, signal: deadline.signal });
    } catch (error) {
      await kv.delete(event, { expected: locked.revision }).catch(() => "the lock ends with its lease");
      throw error;
    } finally {
      cancel();
    }
    const done = await kv.put(event, "done", { expected: locked.revision });
    return done.ok ? { outcome: "dispatched", commit: "confirmed" } : { outcome: "dispatched", commit: "superseded" };
  };
};

/** No reservation: the effect and its marker commit together, so deliveries may run as often as they like. */
const idempotentReceiver: HandlerUnderTest =
  (replica) =>
  async ({ event }) => {
    await replica.effectOnce(event, { idempotencyKey: `order-${event}` }, () => "stored");
  };

/** Two subscriptions one after the other; the delivery is done when both are. */
const twoSubscriptions: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }): Promise<Reply> => {
    let last: Outcome<void> | undefined;
    for (const name of ["mail", "ledger"]) {
      last = await dedup.guard({ subscriptionId: name, eventId: event }, (reservation) =>
        replica.effect(event, { ...reservation, name }),
      );
      if (last.outcome === "pending") return last;
    }
    return { outcome: "dispatched" };
  };
};

/** Acknowledges only what it knows to be committed; otherwise the message comes back as a duplicate. */
const acknowledgesConfirmed: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }): Promise<Reply> => {
    const decision = await dedup.reserve({ subscriptionId, eventId: event });
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending", retryAfterMs: decision.retryAfterMs };
    try {
      await replica.effect(event, decision);
    } catch (error) {
      await decision.release();
      throw error;
    }
    const { commit } = await decision.commit();
    if (commit === "confirmed" || commit === "adopted") return { outcome: "dispatched", commit };
    return { outcome: "pending" };
  };
};

/** One event at a time within a process, by a chain of promises, and the guard for everything else. */
const oneAtATime: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const chains = new Map<string, Promise<unknown>>();
  return ({ event }) => {
    const before = chains.get(event) ?? Promise.resolve();
    const mine = before.then(() =>
      dedup.guard({ subscriptionId, eventId: event }, (reservation) => replica.effect(event, reservation)),
    );
    const settled = mine.catch(() => undefined);
    chains.set(event, settled);
    return mine;
  };
};

/** Collects deliveries for 50 milliseconds and then handles them together. */
const inSmallBatches: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  let batch: Array<() => void> = [];
  const nextBatch = (): Promise<void> =>
    new Promise((resolve) => {
      batch.push(resolve);
      if (batch.length > 1) return;
      replica.clock.schedule(50, () => {
        const waiting = batch;
        batch = [];
        for (const go of waiting) go();
      });
    });
  return async ({ event }) => {
    await nextBatch();
    return dedup.guard({ subscriptionId, eventId: event }, (reservation) => replica.effect(event, reservation));
  };
};

/** A class whose method keeps the open reservation in a field until a later step closes it. */
class Importer {
  readonly #dedup: Deduplicator;
  readonly #effect: Parameters<HandlerUnderTest>[0]["effect"];

  constructor(replica: Parameters<HandlerUnderTest>[0]) {
    this.#dedup = new Deduplicator({ ...replica, owner: replica.owner.toLowerCase() });
    this.#effect = replica.effect;
  }

  async handle({ event }: Delivery): Promise<Reply> {
    const decision = await this.#dedup.reserve({ workspaceId: "acme", subscriptionId, eventId: `evt-${event}` });
    switch (decision.decision) {
      case "unseen": {
        const { fence, signal, commit, release } = decision;
        const imported = await this.#effect(event, { fence, signal }).then(
          () => ({ ok: true as const }),
          (error: unknown) => ({ ok: false as const, error }),
        );
        if (imported.ok) return { outcome: "dispatched", commit: (await commit()).commit };
        await release();
        return { outcome: "pending", retryAfterMs: 250 };
      }
      case "duplicate":
        return { outcome: "duplicate" };
      case "pending":
        return { outcome: "pending", retryAfterMs: decision.retryAfterMs };
    }
  }
}

/** A class with destructured reservations, its own ids, a tenant, and a nak instead of an error. */
const inAClass: HandlerUnderTest = (replica) => {
  const importer = new Importer(replica);
  return (delivery) => importer.handle(delivery);
};

/** The correct handlers of the trial, in unusual styles. They were written without sight of the kit's own handlers. */
export const rightHandlers: ReadonlyArray<{ readonly name: string; readonly handler: HandlerUnderTest }> = [
  { name: "disposes its reservation, and throws while the key is pending", handler: disposes },
  { name: "guards in a middleware", handler: inMiddleware },
  { name: "waits and replays the result", handler: waitsAndReplays },
  { name: "holds a lease of its own", handler: ownLease },
  { name: "relies on an idempotent receiver", handler: idempotentReceiver },
  { name: "serves two subscriptions", handler: twoSubscriptions },
  { name: "acknowledges only confirmed commits", handler: acknowledgesConfirmed },
  { name: "handles one delivery of an event at a time", handler: oneAtATime },
  { name: "handles small batches", handler: inSmallBatches },
  { name: "keeps its logic in a class", handler: inAClass },
];
