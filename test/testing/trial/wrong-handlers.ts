import { Deduplicator, StoreUnavailableError } from "../../../src/index.ts";
import type { Delivery, HandleDelivery, HandlerUnderTest, Reply } from "../../../src/testing/index.ts";

/** A handler that loses an event or runs its effect twice. */
export interface WrongHandler {
  readonly name: string;
  readonly handler: HandlerUnderTest;
  /** Place where people make this mistake. */
  readonly seenIn: string;
  /** Text that the explanation must contain to point at the faulty line. */
  readonly why: RegExp;
}

const subscriptionId = "billing";

/** Webhook code that answers 200 before the work, because the sender's timeout is short. */
const answersFirst: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }) => {
    dedup
      .guard({ subscriptionId, eventId: event }, (reservation) => replica.effect(event, reservation))
      .catch(() => "logged");
  };
};

interface Row {
  readonly status: "processing" | "done";
  readonly lockedAtMs: number;
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && "status" in value && "lockedAtMs" in value;
}

/** A hand-written table: a row that has been processing for 30 seconds is taken over by a plain UPDATE. */
const takesOverByUpdate: HandlerUnderTest =
  (replica) =>
  async ({ event }) => {
    const row = await replica.kv.get(event);
    const { status, lockedAtMs } = isRow(row?.value) ? row.value : { status: "new", lockedAtMs: 0 };
    if (status === "done") return { outcome: "duplicate" };
    if (status === "processing" && replica.clock.wallMs() - lockedAtMs < 30_000) return { outcome: "pending" };
    const processing: Row = { status: "processing", lockedAtMs: replica.clock.wallMs() };
    if (row === undefined) {
      const inserted = await replica.kv.put(event, processing, { expected: 0 });
      if (!inserted.ok) return { outcome: "pending" };
    } else {
      await replica.kv.put(event, processing);
    }
    await replica.effect(event);
    await replica.kv.put(event, { ...processing, status: "done" });
    return { outcome: "dispatched" };
  };

/** A Redis lock of 30 seconds, deleted in `finally` without comparing the holder's token. */
const deletesAnyLock: HandlerUnderTest =
  (replica) =>
  async ({ event }) => {
    const { kv } = replica;
    if ((await kv.get(`done:${event}`)) !== undefined) return { outcome: "duplicate" };
    const locked = await kv.put(`lock:${event}`, replica.newId(), { expected: 0, ttlMs: 30_000 });
    if (!locked.ok) return { outcome: "pending" };
    try {
      if ((await kv.get(`done:${event}`)) !== undefined) return { outcome: "duplicate" };
      await replica.effect(event);
      await kv.put(`done:${event}`, true);
      return { outcome: "dispatched" };
    } finally {
      await kv.delete(`lock:${event}`);
    }
  };

/** An idempotent repository that is filled eagerly: whatever it contains is skipped, even if it is still in progress. */
const skipsInProgress: HandlerUnderTest =
  (replica) =>
  async ({ event }) => {
    const added = await replica.kv.put(event, "seen", { expected: 0 });
    if (!added.ok) return { outcome: "duplicate" };
    try {
      await replica.effect(event);
    } catch (error) {
      await replica.kv.delete(event);
      throw error;
    }
    return { outcome: "dispatched" };
  };

/** A middleware that remembers message ids in the memory of its process. */
const remembersInMemory: HandlerUnderTest = (replica) => {
  const seen = new Set<string>();
  return async ({ event }) => {
    if (seen.has(event)) return { outcome: "duplicate" };
    await replica.effect(event);
    seen.add(event);
    return { outcome: "dispatched" };
  };
};

/** Manual reserve whose commit is in `finally`, so it also commits what failed. */
const commitsInFinally: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }) => {
    const decision = await dedup.reserve({ subscriptionId, eventId: event });
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending", retryAfterMs: decision.retryAfterMs };
    try {
      await replica.effect(event, decision);
    } finally {
      await decision.commit();
    }
    return { outcome: "dispatched" };
  };
};

/** A dispatch that logs its error instead of throwing it, so that the guard commits. */
const swallowsErrors: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const errors: unknown[] = [];
  return ({ event }) =>
    dedup.guard({ subscriptionId, eventId: event }, async (reservation) => {
      try {
        await replica.effect(event, reservation);
      } catch (error) {
        errors.push(error);
      }
    });
};

/** An id made of the delivery, like the receipt handle of a queue: each redelivery is a new event. */
const identifiesDeliveries: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return ({ event, count }) =>
    dedup.guard({ subscriptionId, eventId: `${event}/${count}` }, (reservation) => replica.effect(event, reservation));
};

/** A timeout of its own around the work, which continues in the background after the reservation was released. */
const racesATimeout: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const timeout = (delayMs: number): Promise<never> =>
    new Promise((_, reject) => {
      replica.clock.schedule(delayMs, () => reject(new Error("timed out")));
    });
  return ({ event }) =>
    dedup.guard({ subscriptionId, eventId: event }, () => Promise.race([replica.effect(event), timeout(10_000)]));
};

/** Availability first: without the store, the event is processed without protection and acknowledged. */
const worksWithoutStore: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }): Promise<Reply> => {
    try {
      return await dedup.guard({ subscriptionId, eventId: event }, (reservation) => replica.effect(event, reservation));
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await replica.effect(event);
      return { outcome: "dispatched" };
    }
  };
};

/** The id is the event's type, so the second event of a type is a duplicate of the first. */
const identifiesTypes: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const typeOf = (_: Delivery): string => "invoice.paid";
  return (delivery) =>
    dedup.guard({ subscriptionId, eventId: typeOf(delivery) }, (reservation) =>
      replica.effect(delivery.event, reservation),
    );
};

/** Commits in batches: what waits for the next batch is acknowledged but not committed. */
const commitsInBatches: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const batch: Array<() => Promise<unknown>> = [];
  const flush = async (): Promise<void> => {
    await Promise.all(batch.splice(0).map((commit) => commit()));
  };
  return async ({ event }) => {
    const decision = await dedup.reserve({ subscriptionId, eventId: event });
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending" };
    try {
      await replica.effect(event, decision);
    } catch (error) {
      await decision.release();
      throw error;
    }
    batch.push(() => decision.commit());
    if (batch.length === 1) replica.clock.schedule(500, () => void flush());
    return { outcome: "dispatched" };
  };
};

/** A job queue's lock: renewed without looking at the result, and completed without comparing the holder. */
const completesWithoutLock: HandlerUnderTest = (replica) => {
  const lockMs = 30_000;
  return async ({ event }) => {
    const { kv, clock } = replica;
    const job = await kv.get(event);
    if (job?.value === "completed") return { outcome: "duplicate" };
    const token = replica.newId();
    const locked = await kv.put(event, token, { expected: 0, ttlMs: lockMs });
    if (!locked.ok) return { outcome: "pending" };
    let { revision } = locked;
    let cancel = (): void => undefined;
    const renewLater = (): void => {
      cancel = clock.schedule(lockMs / 2, () => {
        kv.put(event, token, { expected: revision, ttlMs: lockMs }).then(
          (renewed) => {
            if (renewed.ok) revision = renewed.revision;
            renewLater();
          },
          () => renewLater(),
        );
      });
    };
    renewLater();
    try {
      await replica.effect(event);
      await kv.put(event, "completed");
      return { outcome: "dispatched" };
    } catch (error) {
      await kv.delete(event);
      throw error;
    } finally {
      cancel();
    }
  };
};

/** Looks first, works, and then marks the event: two deliveries can both look before either marks. */
const peeksFirst: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }) => {
    const identity = { subscriptionId, eventId: event };
    const known = await dedup.peek(identity);
    if (known?.record.state === "committed") return { outcome: "duplicate" };
    await replica.effect(event);
    const decision = await dedup.reserve(identity);
    if (decision.decision === "unseen") await decision.commit();
    return { outcome: "dispatched" };
  };
};

/** Records the result of a failed attempt as final, like a response cache that also keeps the 500. */
const keepsFailures: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica, keepResults: true });
  return ({ event }) =>
    dedup.guard({ subscriptionId, eventId: event }, (reservation) =>
      replica.effect(event, reservation).then(
        () => ({ status: 200 }),
        () => ({ status: 500 }),
      ),
    );
};

/** Takes whatever is not "duplicate" for its own turn. */
const treatsPendingAsDone: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  const handle: HandleDelivery = async ({ event }) => {
    const outcome = await dedup.guard({ subscriptionId, eventId: event }, (reservation) =>
      replica.effect(event, reservation),
    );
    if (outcome.outcome !== "dispatched") return;
    return outcome;
  };
  return handle;
};

/** A saga step that commits before its second effect. */
const commitsBetweenEffects: HandlerUnderTest = (replica) => {
  const dedup = new Deduplicator({ ...replica });
  return async ({ event }) => {
    const decision = await dedup.reserve({ subscriptionId, eventId: event });
    if (decision.decision === "duplicate") return { outcome: "duplicate" };
    if (decision.decision === "pending") return { outcome: "pending" };
    try {
      await replica.effect(event, { ...decision, name: "charge" });
      await decision.commit();
      await replica.effect(event, { ...decision, name: "receipt" });
    } catch (error) {
      await decision.release();
      throw error;
    }
    return { outcome: "dispatched" };
  };
};

/** The wrong handlers of the trial. They were written without sight of the kit's own planted bugs. */
export const wrongHandlers: readonly WrongHandler[] = [
  {
    name: "answers before the work",
    seenIn: "webhook receivers",
    handler: answersFirst,
    why: /R1 acknowledged E1, and no effect had begun for it/,
  },
  {
    name: "takes over by a plain update",
    seenIn: "hand-written tables",
    handler: takesOverByUpdate,
    why: /began the effect of E1/,
  },
  {
    name: "deletes any lock",
    seenIn: "hand-written Redis locks",
    handler: deletesAnyLock,
    why: /began the effect of E1/,
  },
  {
    name: "skips what is in progress",
    seenIn: "Camel's eager idempotent consumer",
    handler: skipsInProgress,
    why: /R2 acknowledged E1, and (no effect had begun for it|its effect had not succeeded)/,
  },
  {
    name: "remembers in memory",
    seenIn: "Watermill's deduplicator middleware",
    handler: remembersInMemory,
    why: /^R2 began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "commits in finally",
    seenIn: "manual reservations",
    handler: commitsInFinally,
    why: /its effect had not succeeded: R1 committed it in line \d+ after the effect had failed in line \d+/,
  },
  {
    name: "swallows errors",
    seenIn: "handlers that log",
    handler: swallowsErrors,
    why: /its effect had not succeeded: R1 committed it in line \d+ after the effect had failed in line \d+/,
  },
  {
    name: "identifies deliveries",
    seenIn: "queue consumers that use the receipt handle",
    handler: identifiesDeliveries,
    why: /E1 was reserved under several event ids: E1\/1, E1\/2/,
  },
  {
    name: "races a timeout",
    seenIn: "handlers with a timeout of their own",
    handler: racesATimeout,
    why: /R1 had answered its last delivery in line \d+: the effect continued without one|was still running/,
  },
  {
    name: "works without the store",
    seenIn: "handlers that prefer availability",
    handler: worksWithoutStore,
    why: /began the effect of E1 after R1 had committed it/,
  },
  {
    name: "identifies types",
    seenIn: "webhook receivers that pick the wrong field",
    handler: identifiesTypes,
    why: /No replica had reserved a key for it: another event may have the same id/,
  },
  {
    name: "commits in batches",
    seenIn: "consumers that batch their writes",
    handler: commitsInBatches,
    why: /R1 acknowledged E1 without committing its reservation/,
  },
  {
    name: "completes without the lock",
    seenIn: "BullMQ's stalled jobs",
    handler: completesWithoutLock,
    why: /began the effect of E1/,
  },
  {
    name: "peeks first",
    seenIn: "exists-then-insert code",
    handler: peeksFirst,
    why: /began the effect of E1/,
  },
  {
    name: "keeps failures",
    seenIn: "response caches",
    handler: keepsFailures,
    why: /its effect had not succeeded: R1 committed it in line \d+ after the effect had failed in line \d+/,
  },
  {
    name: "treats pending as done",
    seenIn: "Powertools' in-progress error, caught",
    handler: treatsPendingAsDone,
    why: /R2 acknowledged E1, and (no effect had begun for it|its effect had not succeeded)/,
  },
  {
    name: "commits between effects",
    seenIn: "sagas",
    handler: commitsBetweenEffects,
    why: /R1 began the receipt of E1 after R1 had committed it with revision 2/,
  },
];
