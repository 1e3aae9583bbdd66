import fc from "fast-check";
import { expect } from "vitest";
import { hasCode } from "../../src/errors.ts";
import type * as Latchkey from "../../src/index.ts";
import { resolveIdentity } from "../../src/model/identity.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { type Limit, sizeLimitedStore, sizeOf } from "../support/size-limited-store.ts";

type Package = Pick<typeof Latchkey, "Deduplicator" | "memoryStore">;

/** A dispatch with a result and identity whose sizes are near the store's limit, which may change during the dispatch. */
interface Sizes {
  readonly idLength: number;
  readonly resultLength: number | undefined;
  /** Limit at the claim and at the commit, relative to the size of the commit without its result. */
  readonly spare: readonly [claim: number, commit: number];
  readonly as: Limit["as"];
}

const near = fc.oneof({ arbitrary: fc.integer({ min: -60, max: 60 }), weight: 2 }, fc.nat(2_000));
const anySizes: fc.Arbitrary<Sizes> = fc.record({
  idLength: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(3_000)),
  resultLength: fc.option(fc.oneof(fc.nat(100), fc.constantFrom(1_000, 65_000)), { nil: undefined }),
  spare: fc.tuple(near, near),
  as: fc.constantFrom("too large", "full"),
});

/** Returns deviations from the documented behaviour of a store with a size limit. */
async function deviations({ Deduplicator, memoryStore }: Package, sizes: Sizes): Promise<readonly string[]> {
  const clock = new SimulatedClock();
  const memory = memoryStore({ clock });
  const event = { subscriptionId: "s", eventId: "e".repeat(sizes.idLength) };
  const identity = resolveIdentity(event);
  // Uses the largest numbers that the engine writes here, so the bare commit is never longer than this.
  const bare = sizeOf({
    ...{ v: 1, state: "committed", owner: "replica", token: "token-1", attempt: 1, fence: 1, leaseMs: 30_000 },
    ...{ atMs: clock.wallMs(), workspaceId: "default", subscriptionId: "s", eventId: event.eventId },
  });
  let spare = sizes.spare[0];
  const limit = (): Limit => ({ maxBytes: bare + spare, as: sizes.as });
  const store = sizeLimitedStore(memory, limit);
  let tokens = 0;
  const newId = (): string => `token-${++tokens}`;
  const dedup = new Deduplicator({ store, clock, owner: "replica", keepResults: true, newId, cacheSize: 0 });
  const found: string[] = [];
  let dispatches = 0;
  const guard = () =>
    dedup.guard(event, () => {
      dispatches += 1;
      spare = sizes.spare[1];
      return sizes.resultLength === undefined ? undefined : "r".repeat(sizes.resultLength);
    });

  const startedMs = clock.monotonicMs();
  let first: Awaited<ReturnType<typeof guard>> | undefined;
  let error: unknown;
  const guarding = guard().then(
    (outcome) => (first = outcome),
    (reason: unknown) => (error = reason),
  );
  await clock.advanceAsync(0);
  const settledAtOnce = first !== undefined || error !== undefined;
  await clock.advanceAsync(60_000);
  await guarding;

  if (dispatches === 0) {
    const code = sizes.as === "full" ? "store-unavailable" : "record-too-large";
    if (!hasCode(error, code)) found.push(`the refused claim was reported as ${String(error)}`);
    if (!settledAtOnce) found.push("the refused claim was retried");
    return found;
  }
  if (first?.outcome !== "dispatched") return [`the dispatch was reported as ${first?.outcome}: ${String(error)}`];
  const { commit, resultError } = first;
  const record = (await memory.get(identity.storeKey))?.record;
  if (sizes.spare[1] < 0) {
    if (commit !== "unconfirmed") found.push(`a commit that exceeds the limit was ${commit}`);
    return found;
  }
  if (commit !== "confirmed") return [`the commit was ${commit}`];
  if (!settledAtOnce) found.push(`the commit waited until ${clock.monotonicMs() - startedMs} ms`);
  const isStored = record?.state === "committed" && record.result !== undefined;
  const fits = sizes.resultLength !== undefined && sizes.resultLength + 12 <= sizes.spare[1];
  if (sizes.resultLength !== undefined && fits !== isStored)
    found.push(`a result was ${isStored ? "stored" : "dropped"}`);
  if ((resultError !== undefined) !== (sizes.resultLength !== undefined && !isStored)) {
    found.push(`the result error is ${String(resultError)}`);
  }
  spare = 10_000;
  if ((await guard()).outcome !== "duplicate" || dispatches !== 1)
    found.push(`the event was dispatched ${dispatches} times`);
  return found;
}

/** Holds if a store with a size limit behaves as documented, whatever the sizes. */
export const noDeviations = (of: Package) =>
  fc.asyncProperty(anySizes, async (sizes) => {
    expect(await deviations(of, sizes)).toEqual([]);
  });
