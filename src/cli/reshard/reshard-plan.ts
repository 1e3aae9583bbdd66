import type { BucketRole } from "../../nats/kv/bucket-role.ts";

/** Part of a {@link ShardSet} that decides what a reshard does. */
export interface PlannedSet {
  readonly shards: number;
  readonly buckets: readonly { readonly name: string; readonly role: BucketRole }[];
  readonly missing: readonly string[];
}

/** Why a reshard does not start. It changed nothing. */
export type PlanRefusal =
  | { readonly reason: "no-bucket" }
  /** A bucket of the set has an unknown role, or one that does not fit the others. */
  | { readonly reason: "odd-roles"; readonly shards: number }
  | { readonly reason: "missing-buckets"; readonly shards: number; readonly missing: readonly string[] }
  /** Replicas may use several sets, so none of them has all keys. */
  | { readonly reason: "several-live"; readonly numbers: readonly number[] }
  /** The keys were moved or copied to `to` shards, but the buckets that held them no longer exist. */
  | { readonly reason: "keys-gone"; readonly shards: number; readonly to: number }
  /** Old buckets for the new number exist. */
  | { readonly reason: "in-the-way"; readonly shards: number; readonly live: number }
  /** Another reshard was interrupted. */
  | { readonly reason: "interrupted"; readonly from: number; readonly to: number }
  /** The interrupted reshard had already opened the new buckets. */
  | { readonly reason: "finish-first"; readonly from: number; readonly to: number };

export type ReshardPlan<Set extends PlannedSet> =
  | { readonly type: "refuse"; readonly refusal: PlanRefusal }
  /** The keys are in the wanted number of shards. */
  | { readonly type: "nothing"; readonly current: Set }
  /** Copy the keys, from the start: an interrupted copy is deleted first. */
  | { readonly type: "copy"; readonly from: Set; readonly interrupted: Set | undefined }
  /** Every key is copied and verified, and the new buckets are open. Mark the old buckets. */
  | { readonly type: "finish"; readonly from: Set; readonly to: Set }
  /** Delete the incomplete copy and open the old buckets. */
  | { readonly type: "take-back"; readonly from: Set; readonly interrupted: Set | undefined };

/**
 * Decides what to do to have `to` shards. Every state that an interrupted reshard can leave has a plan:
 *
 *     old buckets        new buckets          plan
 *     all live           none, or targets     copy
 *     some are sources   none, or some live   copy, or take back
 *     all are sources    all live             finish
 *     some are retired   all live             finish
 */
export function planReshard<Set extends PlannedSet>(sets: readonly Set[], to: number): ReshardPlan<Set> {
  const refuse = (refusal: PlanRefusal): ReshardPlan<Set> => ({ type: "refuse", refusal });
  const unknown = sets.find((set) => has(set, "unknown"));
  if (unknown !== undefined) return refuse({ reason: "odd-roles", shards: unknown.shards });
  const [source, otherSource] = sets.filter((set) => has(set, "source"));
  if (otherSource !== undefined) return refuse({ reason: "odd-roles", shards: otherSource.shards });
  if (source !== undefined) return planInterrupted(sets, source, to);
  const live = sets.filter((set) => has(set, "live"));
  const [current, ...others] = live;
  if (others.length > 0) return refuse({ reason: "several-live", numbers: live.map(({ shards }) => shards) });
  if (current === undefined) {
    return refuse(keysGone(sets) ?? { reason: "no-bucket" });
  }
  const { shards, missing } = current;
  if (missing.length > 0) return refuse({ reason: "missing-buckets", shards, missing });
  if (current.buckets.some(({ role }) => role.type !== "live")) return refuse({ reason: "odd-roles", shards });
  if (shards === to) return { type: "nothing", current };
  // The server may create a target after the killed run that asked for it was taken back.
  const leftover = sets.find((set) => set.shards === to);
  const isTarget = leftover?.buckets.every(({ role }) => role.type === "target") ?? true;
  if (!isTarget) return refuse({ reason: "in-the-way", shards: to, live: shards });
  return { type: "copy", from: current, interrupted: leftover };
}

function planInterrupted<Set extends PlannedSet>(sets: readonly Set[], from: Set, to: number): ReshardPlan<Set> {
  const refuse = (refusal: PlanRefusal): ReshardPlan<Set> => ({ type: "refuse", refusal });
  const { shards, missing } = from;
  const goal = from.buckets.flatMap(({ role }) => (role.type === "source" ? [role.to] : []))[0] ?? to;
  const copy = sets.find((set) => set.shards === goal);
  if (copy !== undefined && has(copy, "retired")) return refuse({ reason: "odd-roles", shards: goal });
  const isOpen = copy !== undefined && copy.missing.length === 0 && !has(copy, "target");
  if (isOpen) {
    return to === goal
      ? { type: "finish", from, to: copy }
      : refuse({ reason: "finish-first", from: shards, to: goal });
  }
  // Retired buckets prove that the new ones were open before.
  if (has(from, "retired")) return refuse({ reason: "keys-gone", shards, to: goal });
  if (missing.length > 0) return refuse({ reason: "missing-buckets", shards, missing });
  if (to === goal) return { type: "copy", from, interrupted: copy };
  if (to === shards) return { type: "take-back", from, interrupted: copy };
  return refuse({ reason: "interrupted", from: shards, to: goal });
}

function keysGone(sets: readonly PlannedSet[]): PlanRefusal | undefined {
  const refusals = sets.flatMap(({ shards, buckets }) =>
    buckets.flatMap(({ role }): PlanRefusal[] => {
      if (role.type === "retired") return [{ reason: "keys-gone", shards, to: role.to }];
      return role.type === "target" ? [{ reason: "keys-gone", shards: role.from, to: shards }] : [];
    }),
  );
  return refusals[0];
}

function has({ buckets }: PlannedSet, type: BucketRole["type"]): boolean {
  return buckets.some(({ role }) => role.type === type);
}
