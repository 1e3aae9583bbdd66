import { StoreUnavailableError } from "../../../src/index.ts";
import type { HandleDelivery, HandlerUnderTest, Kv, Replica, Reply } from "../../../src/testing/index.ts";
import { commitWithoutFence } from "../examples/commit-without-fence.ts";
import { getThenPut } from "../examples/get-then-put.ts";
import { pendingIsDuplicate } from "../examples/pending-is-duplicate.ts";
import type { PlantedBug } from "./planted-bug.ts";

const LEASE_MS = 10_000;
const DAY_MS = 86_400_000;

/** Replies correctly for a key that another delivery has. */
async function replyTo(kv: Kv, key: string): Promise<Reply> {
  return { outcome: (await kv.get(key))?.value === "done" ? "duplicate" : "pending" };
}

/** Runs `work` with a signal that fires before a claim of `leaseMs` ends. */
async function underLease<Value>(
  { clock }: Pick<Replica, "clock">,
  work: (signal: AbortSignal) => Promise<Value>,
  leaseMs = LEASE_MS,
): Promise<Value> {
  const lease = new AbortController();
  const cancel = clock.schedule(leaseMs * 0.8, () => lease.abort(new Error("the lease ended")));
  try {
    return await work(lease.signal);
  } finally {
    cancel();
  }
}

/** A deduplicator with a lease and a fence, in which one part can be replaced by a wrong one. */
function claiming(
  part: {
    readonly claimMs?: number | undefined;
    readonly onConflict?: (replica: Replica, event: string) => Promise<Reply | undefined>;
    readonly onFailure?: (replica: Replica, event: string, revision: number) => Promise<void>;
    readonly onSuccess?: (replica: Replica, event: string, revision: number) => Promise<void>;
  } = {},
): HandlerUnderTest {
  const claimMs = "claimMs" in part ? part.claimMs : LEASE_MS;
  return (replica) =>
    async ({ event }) =>
      underLease(replica, async (signal) => {
        const { kv, effect } = replica;
        const claim = await kv.put(event, "pending", {
          expected: 0,
          ...(claimMs === undefined ? {} : { ttlMs: claimMs }),
        });
        if (!claim.ok) {
          const reply = await (part.onConflict ?? (({ kv: store }, key) => replyTo(store, key)))(replica, event);
          if (reply !== undefined) return reply;
        }
        const revision = claim.ok ? claim.revision : 0;
        try {
          await effect(event, { signal });
        } catch (error) {
          await (part.onFailure ?? removeClaim)(replica, event, revision);
          throw error;
        }
        await (part.onSuccess ?? commitClaim)(replica, event, revision);
        return { outcome: "dispatched" };
      });
}

async function removeClaim({ kv }: Replica, event: string, revision: number): Promise<void> {
  // The claim expires anyway, and the caller needs the error of the effect.
  await kv.delete(event, { expected: revision }).catch(() => {});
}

async function commitClaim({ kv }: Replica, event: string, revision: number): Promise<void> {
  const commit = await kv.put(event, "done", { expected: revision });
  if (!commit.ok) throw new Error("another delivery has taken the key");
}

/** The deduplicator without a wrong part. */
export const claimsWithLeaseAndFence = claiming();

const rejectedDuplicateUnlocks = claiming({
  onConflict: async ({ kv }, event) => {
    const reply = await replyTo(kv, event);
    if (reply.outcome === "pending") await kv.delete(event);
    return reply;
  },
});

const releasesWithoutFence = claiming({
  onFailure: async ({ kv }, event) => {
    await kv.delete(event);
  },
});

const cleansUpAfterTakeover = claiming({
  onSuccess: async ({ kv }, event, revision) => {
    const commit = await kv.put(event, "done", { expected: revision });
    if (!commit.ok) await kv.delete(event);
  },
});

const unlocksInFinally: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  return async ({ event }) =>
    underLease(replica, async (signal) => {
      const claim = await kv.put(event, "locked", { expected: 0, ttlMs: LEASE_MS });
      if (!claim.ok) return { outcome: "pending" };
      try {
        await effect(event, { signal });
      } finally {
        await kv.delete(event, { expected: claim.revision });
      }
      return { outcome: "dispatched" };
    });
};

const takesOverFromSnapshot: HandlerUnderTest = (replica) => {
  const { kv, effect, clock } = replica;
  return async ({ event }) =>
    underLease(replica, async (signal) => {
      const endsAtMs = clock.monotonicMs() + LEASE_MS;
      const claim = await kv.put(event, { state: "pending", endsAtMs }, { expected: 0 });
      if (!claim.ok) {
        const found = claimIn((await kv.get(event))?.value);
        if (found?.state === "done") return { outcome: "duplicate" };
        if (found !== undefined && found.endsAtMs > clock.monotonicMs()) return { outcome: "pending" };
        await kv.put(event, { state: "pending", endsAtMs }); // the claim looked orphaned when it was read
      }
      await effect(event, { signal });
      await kv.put(event, { state: "done", endsAtMs });
      return { outcome: "dispatched" };
    });
};

interface Claim {
  readonly state: unknown;
  readonly endsAtMs: number;
}

function claimIn(value: unknown): Claim | undefined {
  if (typeof value !== "object" || value === null || !("state" in value)) return undefined;
  const endsAtMs = "endsAtMs" in value && typeof value.endsAtMs === "number" ? value.endsAtMs : 0;
  return { state: value.state, endsAtMs };
}

/** Compares a deadline in seconds with a clock in milliseconds, so every claim appears orphaned. */
const mixesUnits: HandlerUnderTest = ({ kv, effect, clock }) => {
  return async ({ event }) => {
    const endsAtMs = Math.floor((clock.wallMs() + LEASE_MS) / 1_000);
    let claim = await kv.put(event, { state: "pending", endsAtMs }, { expected: 0 });
    if (!claim.ok) {
      const entry = await kv.get(event);
      const found = claimIn(entry?.value);
      if (found?.state === "done") return { outcome: "duplicate" };
      if (found !== undefined && found.endsAtMs > clock.wallMs()) return { outcome: "pending" };
      claim = await kv.put(event, { state: "pending", endsAtMs }, { expected: entry?.revision ?? 0 });
      if (!claim.ok) return { outcome: "pending" };
    }
    await effect(event);
    const commit = await kv.put(event, { state: "done" }, { expected: claim.revision });
    return commit.ok ? { outcome: "dispatched" } : { outcome: "pending" };
  };
};

const claimsWithoutEnd = claiming({ claimMs: undefined });
const claimsForWindow = claiming({ claimMs: DAY_MS });
/** A TTL of 30 was meant in seconds. */
const claimsForMilliseconds = claiming({ claimMs: 30 });

const marksBeforeEffect: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    const mark = await kv.put(event, "done", { expected: 0 });
    if (!mark.ok) return { outcome: "duplicate" };
    await effect(event);
    return { outcome: "dispatched" };
  };

const seenBeforeLock: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    if (!(await kv.put(`seen ${event}`, true, { expected: 0 })).ok) return { outcome: "duplicate" };
    const lock = await kv.put("lock", event, { expected: 0, ttlMs: LEASE_MS });
    if (!lock.ok) throw new Error("another event is being handled");
    await effect(event);
    await kv.delete("lock", { expected: lock.revision });
    return { outcome: "dispatched" };
  };

const cachesBeforeInsert: HandlerUnderTest = (replica) => {
  const seen = new Set<string>();
  const handle = claiming()(replica);
  return async (delivery) => {
    if (seen.has(delivery.event)) return { outcome: "duplicate" };
    seen.add(delivery.event);
    return handle(delivery);
  };
};

const checksInProgressOnly: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    if ((await kv.get(`in progress ${event}`)) !== undefined) return { outcome: "pending" };
    if ((await kv.get(event))?.value === "done") return { outcome: "duplicate" };
    await effect(event); // the key in progress was never added
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };

const acknowledgesFailure = (): HandlerUnderTest => (replica) => {
  const handle = claiming({ onFailure: async () => {} })(replica);
  return async (delivery) => handle(delivery).catch((): Reply => ({ outcome: "dispatched" }));
};

const keepsClaimAfterFailure = claiming({ claimMs: DAY_MS, onFailure: async () => {} });

const cannotSerialiseResult = claiming({
  onSuccess: async ({ kv }, event, revision) => {
    await kv.put(event, { state: "done", total: 10n }, { expected: revision });
  },
});

const takesOwnClaimForDuplicate: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  const claim = async (event: string): ReturnType<Kv["put"]> => {
    try {
      return await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS }); // a retry meets its own write
    }
  };
  return async ({ event }) =>
    underLease(replica, async (signal) => {
      const claimed = await claim(event);
      if (!claimed.ok) return { outcome: "duplicate" };
      await effect(event, { signal });
      await kv.put(event, "done", { expected: claimed.revision });
      return { outcome: "dispatched" };
    });
};

/** The claim of another delivery ended between the conflict and the read. */
const proceedsWhenGone = claiming({
  onConflict: async ({ kv }, event) => {
    const entry = await kv.get(event);
    if (entry === undefined) return undefined;
    return { outcome: entry.value === "done" ? "duplicate" : "pending" };
  },
  onSuccess: async ({ kv }, event) => {
    await kv.put(event, "done");
  },
});

const comparesContent: HandlerUnderTest =
  ({ kv, effect }) =>
  async ({ event }) => {
    if ((await kv.get(event)) === undefined) await kv.put(event, "pending", { ttlMs: LEASE_MS });
    const { value } = (await kv.get(event)) ?? {};
    if (value === "done") return { outcome: "duplicate" };
    if (value !== "pending") return { outcome: "pending" };
    await effect(event); // what it read is what it wrote, or what another delivery wrote
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };

/** Renews every `everyMs` for as long as `work` runs. */
async function renewing<Value>(
  { clock }: Replica,
  everyMs: number,
  renew: () => Promise<unknown>,
  work: () => Promise<Value>,
): Promise<Value> {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.schedule(everyMs, () => {
      next();
      void renew().catch(() => {});
    });
  };
  next();
  try {
    return await work();
  } finally {
    cancel();
  }
}

const renewsWithoutFence: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  return async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    if (!claim.ok) return replyTo(kv, event);
    const renew = (): Promise<unknown> => kv.put(event, "pending", { ttlMs: LEASE_MS });
    await renewing(replica, LEASE_MS / 3, renew, () => effect(event));
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };
};

const renewsTooLate: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  return async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    if (!claim.ok) return replyTo(kv, event);
    let { revision } = claim;
    const renew = async (): Promise<void> => {
      const renewed = await kv.put(event, "pending", { expected: revision, ttlMs: LEASE_MS });
      if (renewed.ok) ({ revision } = renewed);
    };
    await renewing(replica, LEASE_MS * 1.2, renew, () => effect(event));
    const commit = await kv.put(event, "done", { expected: revision });
    return { outcome: "dispatched", commit: commit.ok ? "confirmed" : "superseded" };
  };
};

/** Ignores a failed renewal: the effect continues without a reservation. */
const ignoresLostRenewals: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  return async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    if (!claim.ok) return replyTo(kv, event);
    let { revision } = claim;
    const renew = async (): Promise<void> => {
      const renewed = await kv.put(event, "pending", { expected: revision, ttlMs: LEASE_MS });
      if (renewed.ok) ({ revision } = renewed);
    };
    await renewing(replica, LEASE_MS / 3, renew, () => effect(event));
    const commit = await kv.put(event, "done", { expected: revision });
    return { outcome: "dispatched", commit: commit.ok ? "confirmed" : "superseded" };
  };
};

/** The renewal timer continues after the commit and overwrites it. */
const neverStopsRenewing: HandlerUnderTest = ({ kv, effect, clock }) => {
  return async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: LEASE_MS });
    if (!claim.ok) return replyTo(kv, event);
    let renewals = 0;
    const next = (): void => {
      clock.schedule(LEASE_MS / 3, () => {
        renewals += 1;
        if (renewals < 5) next();
        void kv.put(event, "pending", { ttlMs: LEASE_MS }).catch(() => {});
      });
    };
    next();
    await effect(event);
    await kv.put(event, "done");
    return { outcome: "dispatched" };
  };
};

const locksInMemory: HandlerUnderTest = ({ kv, effect }) => {
  const busy = new Set<string>();
  return async ({ event }) => {
    if (busy.has(event)) return { outcome: "pending" };
    busy.add(event);
    try {
      if ((await kv.get(event)) !== undefined) return { outcome: "duplicate" };
      await effect(event);
      await kv.put(event, "done");
      return { outcome: "dispatched" };
    } finally {
      busy.delete(event);
    }
  };
};

const trustsDeliveryCount: HandlerUnderTest =
  ({ effect }) =>
  async ({ event, count }) => {
    if (count > 1) return { outcome: "duplicate" };
    await effect(event);
    return { outcome: "dispatched" };
  };

const remembersInMemory: HandlerUnderTest = ({ effect }) => {
  const seen = new Set<string>();
  return async ({ event }) => {
    if (seen.has(event)) return { outcome: "duplicate" };
    await effect(event);
    seen.add(event);
    return { outcome: "dispatched" };
  };
};

/** Its own timeout ends the wait, but not the effect. */
const timesOutAndUnlocks: HandlerUnderTest = (replica) => {
  const { kv, effect, clock } = replica;
  const handle: HandleDelivery = async ({ event }) => {
    const claim = await kv.put(event, "pending", { expected: 0, ttlMs: 6 * LEASE_MS });
    if (!claim.ok) return replyTo(kv, event);
    const timeout = new Promise<"timeout">((resolve) => {
      clock.schedule(LEASE_MS / 2, () => resolve("timeout"));
    });
    const result = await Promise.race([effect(event), timeout]).catch(() => "failed" as const);
    if (result !== undefined) {
      await kv.delete(event, { expected: claim.revision });
      return { outcome: "pending" };
    }
    await kv.put(event, "done", { expected: claim.revision });
    return { outcome: "dispatched" };
  };
  return handle;
};

/** Computes the key twice, and the effect changes what it is computed from. */
const changesItsEvent: HandlerUnderTest = (replica) => {
  const { kv, effect } = replica;
  return async ({ event }) =>
    underLease(replica, async (signal) => {
      const payload = { id: event };
      const claim = await kv.put(payload.id, "pending", { expected: 0, ttlMs: LEASE_MS });
      if (!claim.ok) return replyTo(kv, payload.id);
      await effect(event, { signal }, () => {
        payload.id = `${payload.id} (charged)`;
      });
      await kv.put(payload.id, "done");
      return { outcome: "dispatched" };
    });
};

export const ownDeduplicatorBugs: readonly PlantedBug[] = [
  {
    name: "gets, and then puts",
    source: "Krzysztof318/MailFathom#1006",
    handler: getThenPut,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "acknowledges a delivery while another one has the key",
    source: "matutetandil/mycel#71",
    handler: pendingIsDuplicate,
    breaks: "G2",
    why: /^R2 acknowledged E1/,
  },
  {
    name: "commits without its fence",
    source: "aws-powertools/powertools-lambda-typescript, `_updateRecord`",
    handler: commitWithoutFence,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "unlocks the key of a duplicate that it rejects",
    source: "aws-powertools/powertools-lambda-typescript#5675",
    handler: rejectedDuplicateUnlocks,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "releases without its fence",
    source: "OptimalBits/bull#1416",
    handler: releasesWithoutFence,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "removes the key when its commit meets another holder",
    source: "OptimalBits/bull#308",
    handler: cleansUpAfterTakeover,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "unlocks after success and keeps no record",
    source: "symfony/symfony#61917",
    handler: unlocksInFinally,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "takes over from a snapshot",
    source: "aws-powertools/powertools-lambda-typescript#5714",
    handler: takesOverFromSnapshot,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "compares seconds with milliseconds",
    source: "aws-powertools/powertools-lambda-java#1281",
    handler: mixesUnits,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "claims without an end",
    source: "aws-powertools/powertools-lambda-python#4759",
    handler: claimsWithoutEnd,
    breaks: "G4",
    why: /E1/,
  },
  {
    name: "claims for as long as it remembers",
    source: "pathosDev/actor-ts#984",
    handler: claimsForWindow,
    breaks: "G4",
    why: /E1/,
  },
  {
    name: "claims for 30 ms instead of 30 s",
    source: "aws-powertools/powertools-lambda-java#1281",
    handler: claimsForMilliseconds,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "marks the event before its effect",
    source: "apache/pulsar#5218",
    handler: marksBeforeEffect,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "marks the event before it has the lock",
    source: "getsentry/junior#32",
    handler: seenBeforeLock,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "remembers the event before its insert succeeds",
    source: "apache/camel#24657",
    handler: cachesBeforeInsert,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "checks a key in progress that nobody adds",
    source: "apache/camel#25740",
    handler: checksInProgressOnly,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "acknowledges a failure for good",
    source: "symfony/symfony#64070",
    handler: acknowledgesFailure(),
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "keeps its claim after a failure",
    source: "symfony/symfony#64070",
    handler: keepsClaimAfterFailure,
    breaks: "G4",
    why: /E1/,
  },
  {
    name: "cannot serialise its result",
    source: "aws-powertools/powertools-lambda-typescript#2944",
    handler: cannotSerialiseResult,
    breaks: "G4",
    why: /E1/,
  },
  {
    name: "takes its own claim for a duplicate",
    source: "nats-io/nats-server#5162",
    handler: takesOwnClaimForDuplicate,
    breaks: "G2",
    why: /acknowledged E1/,
  },
  {
    name: "proceeds when the other claim is gone",
    source: "node-idempotency, its source",
    handler: proceedsWhenGone,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "compares what it reads with what it wrote",
    source: "paveg/hono-idempotency#91",
    handler: comparesContent,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "renews without its fence",
    source: "awslabs/amazon-dynamodb-lock-client#116",
    handler: renewsWithoutFence,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "renews too late",
    source: "swarthy/redis-semaphore#200",
    handler: renewsTooLate,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "continues when its renewals fail",
    source: "gchq/stroom#5772",
    handler: ignoresLostRenewals,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "never stops renewing",
    source: "OptimalBits/bull#25",
    handler: neverStopsRenewing,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "locks in the memory of one process",
    source: "Particular/NServiceBus#6583",
    handler: locksInMemory,
    breaks: "G3",
    why: /began the effect of E1/,
  },
  {
    name: "trusts the number of deliveries",
    source: "the redelivery flag of a broker",
    handler: trustsDeliveryCount,
    breaks: "G3",
    why: /E1/,
  },
  {
    name: "remembers events in memory",
    source: "ThreeDotsLabs/watermill#626",
    handler: remembersInMemory,
    breaks: "G3",
    why: /^R2 began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "unlocks after a timeout while its effect continues",
    source: "OptimalBits/bull#1310",
    handler: timesOutAndUnlocks,
    breaks: "G3",
    why: /began the effect of E1 after it had been acknowledged/,
  },
  {
    name: "commits under a changed id",
    source: "aws-powertools/powertools-lambda-typescript#5715",
    handler: changesItsEvent,
    breaks: "G3",
    why: /began the effect of E1/,
  },
];
