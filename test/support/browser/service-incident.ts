import { setTimeout as pause } from "node:timers/promises";
import { Deduplicator } from "../../../src/deduplicator.ts";
import type { DeadLetter, DeadLetters, RedriveResult } from "../../../src/model/dead-letter.ts";
import { type Identity, parseStoreKey, resolveIdentity } from "../../../src/model/identity.ts";
import type { DedupRecord } from "../../../src/model/record.ts";
import { type MemoryStore, memoryStore } from "../../../src/stores/memory-store.ts";

/** Default owner names: pod, process and a random part. */
const PODS = [
  "orders-7d9f8b6c5-x2kqp/1/3f9c21aa",
  "orders-7d9f8b6c5-n4vtz/1/b07de41c",
  "orders-7d9f8b6c5-9lw6h/1/51e8a0d3",
] as const;
const DEAD_POD = "orders-7d9f8b6c5-q8rjd/1/c44e9f20";
/** A replica whose events the inspector sees in the store only. */
const REMOTE_POD = "orders-7d9f8b6c5-tt2mb/1/08f1d6be";

const SUBSCRIPTIONS = ["billing.invoice-paid.v2", "shipping.label-requested.v1", "crm.contact-synced.v1"];
const HOUR_MS = 3_600_000;

/** A service of three replicas during an incident, with the names that CloudEvents and Kubernetes produce. */
export interface ServiceIncident extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly replicas: readonly Deduplicator[];
  readonly deadLetters: DeadLetters;
  /** Writes the record of a dead holder. */
  die(): Promise<void>;
  /** Starts the incident: a handler that hangs, handlers that fail, and a superseded one. */
  begin(): void;
  /** Commits this many events of the past. */
  fill(keys: number): Promise<void>;
}

/** @param random Source of reproducible numbers in [0, 1). */
export function serviceIncident(random: () => number): ServiceIncident {
  const store = memoryStore();
  const replicas = PODS.map((owner) => new Deduplicator({ store, owner, leaseMs: 30_000 }));
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;
  const running: Promise<unknown>[] = [];
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  const uuid = (): string => [8, 4, 4, 4, 12].map(hex).join("-");
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError("Nothing to pick from");
    return item;
  };
  /** An identity like that of a CloudEvent. */
  const event = (subscriptionId = pick(SUBSCRIPTIONS)): Identity => ({
    workspaceId: "prod-eu-west-1",
    subscriptionId,
    eventId: JSON.stringify(["//events.example.com/prod/orders", uuid()]),
  });
  const replica = (): Deduplicator => pick(replicas);

  /** Writes a record as another process would have written it. */
  async function write(identity: Identity, fields: Partial<DedupRecord>, expected = 0): Promise<number> {
    const { storeKey, ...ids } = resolveIdentity(identity);
    const { leaseMs = 30_000 } = fields;
    const record: DedupRecord = {
      v: 1,
      ...ids,
      state: "reserved",
      owner: DEAD_POD,
      token: "a-token",
      attempt: 1,
      fence: 0,
      atMs: Date.now(),
      ...fields,
      leaseMs,
    };
    const put = await store.put(parseStoreKey(storeKey), record, { expected, ttlMs: 24 * HOUR_MS });
    return put.ok ? put.revision : 0;
  }

  /** A holder whose pod died: no renewal for more than two thirds of its lease. */
  async function die(): Promise<void> {
    await write(event("billing.invoice-paid.v2"), { leaseMs: 900_000, atMs: Date.now() - 640_000, attempt: 2 });
  }

  /** A handler that hangs while its lease is renewed. */
  async function hang(): Promise<void> {
    const identity = event("shipping.label-requested.v1");
    const fields = { owner: REMOTE_POD, token: "hung" };
    const fence = await write(identity, { ...fields, atMs: Date.now() - 1_060_000 });
    let revision = fence;
    let renewals = 0;
    while (!isStopped() && renewals < 106) {
      renewals += 1;
      revision = await write(identity, { ...fields, fence }, revision);
    }
    while (!isStopped()) {
      await pause(5_000, undefined, { signal: stopped.signal }).catch(() => {});
      revision = await write(identity, { ...fields, fence }, revision);
    }
  }

  async function fail(identity: Identity, attempt: number): Promise<void> {
    await replica()
      .guard(
        identity,
        async ({ signal }) => {
          await pause(300 + random() * 600, undefined, { signal });
          throw new Error("connect ECONNREFUSED 10.42.7.19:5432 (ledger-primary)");
        },
        { attempt },
      )
      .catch(() => {});
  }

  async function failOften(): Promise<void> {
    const failing = Array.from({ length: 4 }, () => event("billing.invoice-paid.v2"));
    for (let attempt = 1; !isStopped() && attempt < 8; attempt += 1) {
      for (const identity of failing) await fail(identity, attempt);
      await pause(800, undefined, { signal: stopped.signal }).catch(() => {});
    }
  }

  /** Ends a holder's reservation by hand while its handler runs. Another replica dispatches the event again. */
  async function supersede(): Promise<void> {
    const identity = event("crm.contact-synced.v1");
    const [first, second] = replicas;
    const slow = first?.guard(identity, () => pause(2_000));
    await pause(300);
    await first?.clear(identity);
    await second?.guard(identity, () => undefined, { attempt: 2 });
    await slow;
  }

  /** Ordinary traffic, with duplicates. */
  async function deliver(): Promise<void> {
    while (!isStopped()) {
      const identity = event();
      const lengthMs = random() < 0.1 ? 4_000 + random() * 9_000 : 60 + random() * 400;
      const handler = ({ signal }: { readonly signal: AbortSignal }): Promise<void> =>
        pause(lengthMs, undefined, { signal });
      void replica()
        .guard(identity, handler)
        .catch(() => {});
      if (random() < 0.4) {
        void pause(700 + random() * 1_500).then(() =>
          replica()
            .guard(identity, handler)
            .catch(() => {}),
        );
      }
      await pause(200 + random() * 300, undefined, { signal: stopped.signal }).catch(() => {});
    }
  }

  return {
    store,
    replicas,
    deadLetters: lettersOf(Array.from({ length: 7 }, (_, index) => letterOf(index, event("billing.invoice-paid.v2")))),
    die,
    begin() {
      running.push(deliver(), hang(), failOften(), supersede());
    },
    async fill(keys) {
      for (let index = 0; index < keys; index += 1) {
        const atMs = Date.now() - Math.floor(random() * 20 * HOUR_MS);
        await write(event(), { state: "committed", owner: pick(PODS), fence: index + 1, atMs });
      }
    },
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await Promise.all([...running, ...replicas.map((one) => one.close({ drainMs: 0 }))]);
    },
  };
}

const REASONS = [
  ["max-deliver", "connect ECONNREFUSED 10.42.7.19:5432 (ledger-primary)"],
  ["permanent-error", "Invoice total does not match its lines"],
  ["max-deliver", "The ledger answered 503 Service Unavailable after 30 s"],
] as const;

function letterOf(index: number, identity: Identity): DeadLetter {
  const [reason, error] = REASONS[index % REASONS.length] ?? REASONS[0];
  return {
    sequence: 4_811 + index,
    storedAtMs: Date.now() - (index + 1) * 190_000,
    reason,
    error,
    consumer: "billing",
    deliveries: reason === "max-deliver" ? 10 : 1,
    identity: resolveIdentity(identity),
    original: {
      subject: "orders.eu-west-1.invoice.paid",
      stream: "ORDERS",
      sequence: 918_273 + index * 31,
      time: new Date(Date.now() - (index + 1) * 240_000).toISOString(),
    },
    bytes: 1_204,
    hasBody: true,
  };
}

/** Letters in memory. The second one cannot be redriven. */
function lettersOf(all: DeadLetter[]): DeadLetters {
  const take = (sequence: number): boolean => {
    const index = all.findIndex((one) => one.sequence === sequence);
    if (index !== -1) all.splice(index, 1);
    return index !== -1;
  };
  return {
    async *list() {
      yield* all;
    },
    get: async (sequence) => all.find((one) => one.sequence === sequence),
    async redrive(sequence): Promise<RedriveResult> {
      if (sequence === 4_812) return { result: "left", why: "dispatched", owner: PODS[1], committedAtMs: Date.now() };
      return take(sequence)
        ? { result: "redriven", stream: "ORDERS", sequence: 919_000 + sequence }
        : { result: "gone" };
    },
    drop: async (sequence) => take(sequence),
  };
}
