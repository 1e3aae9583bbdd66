import { setTimeout as pause } from "node:timers/promises";
import { Deduplicator } from "../../../src/deduplicator.ts";
import { PermanentError } from "../../../src/errors.ts";
import type { Identity } from "../../../src/model/identity.ts";
import { type MemoryStore, memoryStore } from "../../../src/stores/memory-store.ts";

const SUBSCRIPTIONS = ["order-paid", "invoice-mailed", "stock-synced", "webhook-relay"];
const WORKSPACES = ["acme", "globex", "initech"];

/** A service of three replicas under load, for screenshots. */
export interface TriggerService extends AsyncDisposable {
  readonly store: MemoryStore;
  readonly replicas: readonly Deduplicator[];
}

/** Starts replicas that receive random events, many of them repeatedly, until disposal. */
export function startTriggerService(random: () => number): TriggerService {
  const store = memoryStore();
  const replicas = ["worker-a", "worker-b", "worker-c"].map(
    (owner) => new Deduplicator({ store, owner, leaseMs: 4_000 }),
  );
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;
  let events = 0;
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError("Nothing to pick from");
    return item;
  };

  async function deliver(identity: Identity, lengthMs: number, fails: boolean): Promise<void> {
    await pick(replicas)
      .guard(identity, async ({ signal }) => {
        await pause(lengthMs, undefined, { signal });
        if (fails) throw new PermanentError("the endpoint answered 503");
      })
      .catch(() => {});
  }

  async function run(): Promise<void> {
    while (!isStopped()) {
      events += 1;
      const identity = {
        workspaceId: pick(WORKSPACES),
        subscriptionId: pick(SUBSCRIPTIONS),
        eventId: `evt-${(0x4f3a00 + events).toString(16)}`,
      };
      const lengthMs = random() < 0.15 ? 3_000 + random() * 9_000 : 40 + random() * 300;
      const fails = random() < 0.04;
      void deliver(identity, lengthMs, fails);
      if (random() < 0.3) void pause(10 + random() * 150).then(() => deliver(identity, lengthMs, false));
      if (random() < 0.4) void pause(600 + random() * 2_000).then(() => deliver(identity, lengthMs, false));
      await pause(12 + random() * 40);
    }
  }
  const running = run();
  return {
    store,
    replicas,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await running;
      await Promise.all(replicas.map((replica) => replica.close({ drainMs: 0 })));
    },
  };
}
