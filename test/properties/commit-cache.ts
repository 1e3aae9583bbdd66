import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { StoreUnavailableError } from "../../src/errors.ts";
import type * as Latchkey from "../../src/index.ts";
import { sleep } from "../../src/internal/clock.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import type * as CacheEpochModule from "../../src/stores/cache-epoch.ts";
import { copyWithBug, type PlantedBug } from "../support/planted-bugs.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** The parts of the package that contain the commit cache. */
export type Package = Pick<typeof Latchkey, "Deduplicator" | "memoryStore"> &
  Pick<typeof CacheEpochModule, "CacheEpoch">;

/** Returns those parts of a copy of the package that contains the bug. */
export async function plantInCache(bug: PlantedBug): Promise<Package> {
  const folder = join(copyWithBug(bug), "src");
  const latchkey: typeof Latchkey = await import(/* @vite-ignore */ join(folder, "index.ts"));
  const cacheEpoch: typeof CacheEpochModule = await import(/* @vite-ignore */ join(folder, "stores", "cache-epoch.ts"));
  return { ...latchkey, ...cacheEpoch };
}

const EVENT = resolveIdentity({ subscriptionId: "s", eventId: "e" });
/** Time after the end of a commit's window during which a duplicate still counts as correct, in milliseconds. */
const SLACK_MS = 250;
const EPOCH_READ_EVERY_MS = 1_000;

/** Answer of the store to a commit. */
type CommitAnswer =
  | { readonly how: "at once" }
  | { readonly how: "refused" }
  | { readonly how: "answered late"; readonly afterMs: number };

/** One step of a run. */
export type Operation =
  | {
      readonly type: "guard";
      readonly replica: 0 | 1;
      readonly windowMs: number;
      readonly commitAnswer: CommitAnswer;
    }
  | { readonly type: "clear" }
  /** Connects the replica to the cache epoch, or cuts it off. */
  | { readonly type: "connection"; readonly replica: 0 | 1; readonly isConnected: boolean }
  /** Lets time pass. Busy replicas read the cache epoch while they work on other events. */
  | { readonly type: "pass"; readonly ms: number; readonly isBusy: boolean };

const replica = fc.constantFrom(0 as const, 1 as const);
const ms = fc.constantFrom(250, 1_000, 2_000);
const atOnce = fc.constant<CommitAnswer>({ how: "at once" });
const commitAnswer = fc.oneof(
  { arbitrary: atOnce, weight: 2 },
  { arbitrary: fc.constant<CommitAnswer>({ how: "refused" }), weight: 1 },
  { arbitrary: fc.record({ how: fc.constant("answered late"), afterMs: fc.constantFrom(600, 2_500) }), weight: 2 },
);
const mostlyTrue = fc.constantFrom(true, true, true, false);
const windowMs = fc.constantFrom(1_000, 10_000);

export const anyOperations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ type: fc.constant("guard"), replica, windowMs, commitAnswer }), weight: 6 },
    { arbitrary: fc.constant<Operation>({ type: "clear" }), weight: 1 },
    { arbitrary: fc.record({ type: fc.constant("connection"), replica, isConnected: fc.boolean() }), weight: 1 },
    { arbitrary: fc.record({ type: fc.constant("pass"), ms, isBusy: mostlyTrue }), weight: 6 },
  ),
  { maxLength: 20 },
);

/** Returns the duplicates reported although the store held no uncleared commit, nor had one within `SLACK_MS` before. */
export async function falseDuplicates(
  { CacheEpoch, Deduplicator, memoryStore }: Package,
  operations: readonly Operation[],
): Promise<readonly string[]> {
  const clock = new SimulatedClock();
  const memory = memoryStore({ clock });
  /** End of the window of each stored commit that no completed clear has removed. */
  const commitEndsAtMs = new Map<Latchkey.Revision, number>();
  const reported: string[] = [];
  let epoch = 0;

  const open = () => {
    const link: { isConnected: boolean; commitAnswer: CommitAnswer } = {
      isConnected: true,
      commitAnswer: { how: "at once" },
    };
    const invalidation = new CacheEpoch(clock, {
      read: () => (link.isConnected ? Promise.resolve(epoch) : Promise.reject(new Error("disconnected"))),
      change: async () => (epoch += 1),
    });
    const put: Latchkey.Store["put"] = async (key, record, how) => {
      if (record.state === "reserved") return memory.put(key, record, how);
      const { commitAnswer } = link;
      if (commitAnswer.how === "refused") throw new StoreUnavailableError("full", { ambiguous: false });
      const answer = await memory.put(key, record, how);
      if (answer.ok) commitEndsAtMs.set(answer.revision, clock.monotonicMs() + how.ttlMs);
      if (commitAnswer.how === "answered late") await sleep(clock, commitAnswer.afterMs, new AbortController().signal);
      return answer;
    };
    return { link, invalidation, dedup: new Deduplicator({ store: { ...memory, put, invalidation }, clock }) };
  };
  const replicas = [open(), open()] as const;
  const operator = open();

  const guard = async ({ dedup }: ReturnType<typeof open>, windowMs: number): Promise<void> => {
    const { outcome } = await dedup.guard(EVENT, () => {}, { windowMs });
    const nowMs = clock.monotonicMs();
    const isStored = [...commitEndsAtMs.values()].some((endsAtMs) => nowMs < endsAtMs + SLACK_MS);
    if (outcome === "duplicate" && !isStored) reported.push(`after ${nowMs} ms`);
  };
  const clear = async (): Promise<void> => {
    const before = await memory.get(EVENT.storeKey);
    const cleared = await operator.dedup.clear(EVENT);
    if (cleared > 0 && before !== undefined) commitEndsAtMs.delete(before.revision);
  };

  const pass = async (ms: number, isBusy: boolean): Promise<void> => {
    for (let leftMs = ms; leftMs > 0; leftMs -= EPOCH_READ_EVERY_MS) {
      if (isBusy) for (const { invalidation } of replicas) invalidation.epoch();
      await clock.advanceAsync(Math.min(leftMs, EPOCH_READ_EVERY_MS));
    }
  };

  const inProgress: Promise<void>[] = [];
  await pass(1, true);
  for (const operation of operations) {
    if (operation.type === "pass") await pass(operation.ms, operation.isBusy);
    else if (operation.type === "clear") inProgress.push(clear());
    else if (operation.type === "connection") replicas[operation.replica].link.isConnected = operation.isConnected;
    else {
      const one = replicas[operation.replica];
      one.link.commitAnswer = operation.commitAnswer;
      inProgress.push(guard(one, operation.windowMs));
    }
    await clock.advanceAsync(0);
  }
  for (const { link } of replicas) link.commitAnswer = { how: "at once" };
  await clock.advanceAsync(60_000);
  await Promise.all(inProgress);
  return reported;
}

/** Holds if no schedule makes the cache report a commit that the store does not hold. */
export const noFalseDuplicates = (of: Package) =>
  fc.asyncProperty(anyOperations, async (operations) => {
    expect(await falseDuplicates(of, operations)).toEqual([]);
  });
