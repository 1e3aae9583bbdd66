import { join } from "node:path";
import fc from "fast-check";
import { StoreUnavailableError } from "../../src/errors.ts";
import type * as Latchkey from "../../src/index.ts";
import { sleep } from "../../src/internal/clock.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import type * as Marks from "../../src/stores/cache-epoch.ts";
import { type PlantedBug, sow } from "../support/planted-bugs.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";

/** What remembering is made of. */
export type Package = Pick<typeof Latchkey, "Deduplicator" | "memoryStore"> & Pick<typeof Marks, "CacheEpoch">;

/** A copy of it with the bug in it. */
export async function plantedRemembering(bug: PlantedBug): Promise<Package> {
  const folder = join(sow(bug), "src");
  const latchkey: typeof Latchkey = await import(/* @vite-ignore */ join(folder, "index.ts"));
  const marks: typeof Marks = await import(/* @vite-ignore */ join(folder, "stores", "cache-epoch.ts"));
  return { ...latchkey, ...marks };
}

const EVENT = resolveIdentity({ subscriptionId: "s", eventId: "e" });
/** For how long a store is late to let go of a key: as long, what was read is taken to stand. */
const SLACK_MS = 250;
const BUSY_EVERY_MS = 1_000;

/** How the store takes a commit. */
type Taking =
  | { readonly how: "at once" }
  | { readonly how: "refused" }
  | { readonly how: "answered late"; readonly afterMs: number };

/** What happens next. */
export type Move =
  | {
      readonly move: "guard";
      readonly replica: 0 | 1;
      readonly windowMs: number;
      readonly taking: Taking;
    }
  | { readonly move: "clear" }
  /** Whether the replica can be told of clears. */
  | { readonly move: "reach"; readonly replica: 0 | 1; readonly isInReach: boolean }
  /** Time, in which the replicas work on other events, or do not. */
  | { readonly move: "pass"; readonly ms: number; readonly isBusy: boolean };

const replica = fc.constantFrom(0 as const, 1 as const);
const ms = fc.constantFrom(250, 1_000, 2_000);
const atOnce = fc.constant<Taking>({ how: "at once" });
const taking = fc.oneof(
  { arbitrary: atOnce, weight: 2 },
  { arbitrary: fc.constant<Taking>({ how: "refused" }), weight: 1 },
  { arbitrary: fc.record({ how: fc.constant("answered late"), afterMs: fc.constantFrom(600, 2_500) }), weight: 2 },
);
const mostly = fc.constantFrom(true, true, true, false);
const windowMs = fc.constantFrom(1_000, 10_000);

export const anyMoves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ move: fc.constant("guard"), replica, windowMs, taking }), weight: 6 },
    { arbitrary: fc.constant<Move>({ move: "clear" }), weight: 1 },
    { arbitrary: fc.record({ move: fc.constant("reach"), replica, isInReach: fc.boolean() }), weight: 1 },
    { arbitrary: fc.record({ move: fc.constant("pass"), ms, isBusy: mostly }), weight: 6 },
  ),
  { maxLength: 20 },
);

/** What was called a duplicate, and was none: no commit stood, nor had a moment ago, that was not cleared. */
export async function untrueDuplicates(
  { CacheEpoch, Deduplicator, memoryStore }: Package,
  moves: readonly Move[],
): Promise<readonly string[]> {
  const clock = new SimulatedClock();
  const memory = memoryStore({ clock });
  /** The commits that the store took, but for those of which somebody was told that they are cleared: how long they stand. */
  const untilMs = new Map<Latchkey.Revision, number>();
  const untrue: string[] = [];
  let mark = 0;

  const open = () => {
    const way: { isInReach: boolean; taking: Taking } = { isInReach: true, taking: { how: "at once" } };
    const invalidation = new CacheEpoch(clock, {
      read: () => (way.isInReach ? Promise.resolve(mark) : Promise.reject(new Error("out of reach"))),
      change: async () => (mark += 1),
    });
    const put: Latchkey.Store["put"] = async (key, record, how) => {
      if (record.state === "reserved") return memory.put(key, record, how);
      const { taking } = way;
      if (taking.how === "refused") throw new StoreUnavailableError("full", { ambiguous: false });
      const answer = await memory.put(key, record, how);
      if (answer.ok) untilMs.set(answer.revision, clock.monotonicMs() + how.ttlMs);
      if (taking.how === "answered late") await sleep(clock, taking.afterMs, new AbortController().signal);
      return answer;
    };
    return { way, invalidation, dedup: new Deduplicator({ store: { ...memory, put, invalidation }, clock }) };
  };
  const replicas = [open(), open()] as const;
  const operator = open();

  const guard = async ({ dedup }: ReturnType<typeof open>, windowMs: number): Promise<void> => {
    const { outcome } = await dedup.guard(EVENT, () => {}, { windowMs });
    const nowMs = clock.monotonicMs();
    const stands = [...untilMs.values()].some((endsAtMs) => nowMs < endsAtMs + SLACK_MS);
    if (outcome === "duplicate" && !stands) untrue.push(`after ${nowMs} ms`);
  };
  const clear = async (): Promise<void> => {
    const before = await memory.get(EVENT.storeKey);
    const cleared = await operator.dedup.clear(EVENT);
    if (cleared > 0 && before !== undefined) untilMs.delete(before.revision);
  };

  const pass = async (ms: number, isBusy: boolean): Promise<void> => {
    for (let leftMs = ms; leftMs > 0; leftMs -= BUSY_EVERY_MS) {
      if (isBusy) for (const { invalidation } of replicas) invalidation.epoch();
      await clock.advanceAsync(Math.min(leftMs, BUSY_EVERY_MS));
    }
  };

  const underWay: Promise<void>[] = [];
  await pass(1, true);
  for (const move of moves) {
    if (move.move === "pass") await pass(move.ms, move.isBusy);
    else if (move.move === "clear") underWay.push(clear());
    else if (move.move === "reach") replicas[move.replica].way.isInReach = move.isInReach;
    else {
      const one = replicas[move.replica];
      one.way.taking = move.taking;
      underWay.push(guard(one, move.windowMs));
    }
    await clock.advanceAsync(0);
  }
  for (const { way } of replicas) way.taking = { how: "at once" };
  await clock.advanceAsync(60_000);
  await Promise.all(underWay);
  return untrue;
}
