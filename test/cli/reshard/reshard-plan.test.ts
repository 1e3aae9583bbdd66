import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PlannedSet, planReshard } from "../../../src/cli/reshard/reshard-plan.ts";
import type { BucketRole } from "../../../src/nats/kv/bucket-role.ts";
import { shardNames } from "../../../src/nats/kv/sharded-store.ts";

const live: BucketRole = { type: "live" };
const source: BucketRole = { type: "source", to: 3 };
const retired: BucketRole = { type: "retired", to: 3 };
const target: BucketRole = { type: "target", from: 2, run: "r" };
const unknown: BucketRole = { type: "unknown", text: "new" };

/** Returns a set with one shard per role. `undefined` is a bucket that does not exist. */
function setOf(...roles: ReadonlyArray<BucketRole | undefined>): PlannedSet {
  const names = shardNames("b", roles.length);
  return {
    shards: roles.length,
    buckets: names.flatMap((name, index) => {
      const role = roles[index];
      return role === undefined ? [] : [{ name, role }];
    }),
    missing: names.filter((_, index) => roles[index] === undefined),
  };
}

const refusal = (value: object) => ({ type: "refuse", refusal: value });

describe("planReshard", () => {
  const two = setOf(live, live);
  const closed = setOf(source, source);
  const half = setOf(source, live);
  const open = setOf(live, live, live);
  const filling = setOf(target, target, target);
  const opening = setOf(live, target, target);
  const deleting = setOf(undefined, target, undefined);
  const finishing = setOf(retired, source);
  const moved = setOf(retired, retired);

  it.each<readonly [what: string, sets: readonly PlannedSet[], to: number, plan: object]>([
    ["copies from live buckets", [two], 3, { type: "copy", from: two, interrupted: undefined }],
    ["does nothing if the number is right", [two], 2, { type: "nothing", current: two }],
    ["does nothing beside retired buckets", [moved, open], 3, { type: "nothing", current: open }],
    ["continues while buckets are being closed", [half], 3, { type: "copy", from: half, interrupted: undefined }],
    ["starts an incomplete copy again", [closed, filling], 3, { type: "copy", from: closed, interrupted: filling }],
    [
      "starts again while a copy is deleted",
      [closed, deleting],
      3,
      { type: "copy", from: closed, interrupted: deleting },
    ],
    ["starts again while a copy is opened", [closed, opening], 3, { type: "copy", from: closed, interrupted: opening }],
    ["finishes after the copy was opened", [closed, open], 3, { type: "finish", from: closed, to: open }],
    ["finishes while old buckets retire", [finishing, open], 3, { type: "finish", from: finishing, to: open }],
    ["takes an incomplete copy back", [closed, filling], 2, { type: "take-back", from: closed, interrupted: filling }],
    ["takes closed buckets back", [half], 2, { type: "take-back", from: half, interrupted: undefined }],
    [
      "refuses another number until the first is finished",
      [closed],
      4,
      refusal({ reason: "interrupted", from: 2, to: 3 }),
    ],
    ["refuses to take an open copy back", [closed, open], 2, refusal({ reason: "finish-first", from: 2, to: 3 })],
    [
      "copies over a target that was created late",
      [two, filling],
      3,
      { type: "copy", from: two, interrupted: filling },
    ],
    ["refuses old buckets for the new number", [moved, open], 2, refusal({ reason: "in-the-way", shards: 2, live: 3 })],
    ["refuses two live sets", [two, open], 3, refusal({ reason: "several-live", numbers: [2, 3] })],
    [
      "refuses a set with a missing bucket",
      [setOf(live, undefined)],
      3,
      refusal({ reason: "missing-buckets", shards: 2, missing: ["b-2-of-2"] }),
    ],
    [
      "refuses closed buckets of which one is missing",
      [setOf(source, undefined)],
      3,
      refusal({ reason: "missing-buckets", shards: 2, missing: ["b-2-of-2"] }),
    ],
    ["refuses if there is no bucket", [], 3, refusal({ reason: "no-bucket" })],
    ["refuses if the new buckets are gone", [moved], 3, refusal({ reason: "keys-gone", shards: 2, to: 3 })],
    [
      "refuses if the new buckets are gone while old ones retire",
      [finishing],
      3,
      refusal({ reason: "keys-gone", shards: 2, to: 3 }),
    ],
    ["refuses if the old buckets of a copy are gone", [filling], 3, refusal({ reason: "keys-gone", shards: 2, to: 3 })],
    ["refuses an unknown role", [setOf(live, unknown)], 3, refusal({ reason: "odd-roles", shards: 2 })],
    ["refuses roles that do not fit together", [setOf(live, retired)], 3, refusal({ reason: "odd-roles", shards: 2 })],
  ])("%s", (_, sets, to, plan) => {
    expect(planReshard(sets, to)).toEqual(plan);
  });

  it("copies from complete sets only, and never plans to delete open or retired buckets", () => {
    const role = fc.constantFrom<BucketRole | undefined>(live, source, retired, target, unknown, undefined);
    const sets = fc.array(
      fc.array(role, { minLength: 1, maxLength: 4 }).map((roles) => setOf(...roles)),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 4 }), (given, to) => {
        const unique = given.filter((set, at) => given.findIndex(({ shards }) => shards === set.shards) === at);
        const plan = planReshard(unique, to);
        if (plan.type !== "copy" && plan.type !== "take-back") return;
        expect(plan.from.missing).toEqual([]);
        expect(plan.from.buckets.map((bucket) => bucket.role.type)).not.toContain("retired");
        if (plan.interrupted === undefined) return;
        const types = plan.interrupted.buckets.map((bucket) => bucket.role.type);
        expect(types).not.toContain("retired");
        expect(types.every((type) => type === "live") && plan.interrupted.missing.length === 0).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
