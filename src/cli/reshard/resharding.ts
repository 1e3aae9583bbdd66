import type { StreamConfig } from "@nats-io/jetstream";
import type { Clock } from "../../internal/clock.ts";
import { untilReadable, untilWritable } from "../../nats/kv/bucket-readiness.ts";
import { type AssignedRole, LIVE, roleSettings } from "../../nats/kv/bucket-role.ts";
import { highestFence, withoutOffset } from "../../nats/kv/revision-offset.ts";
import { shardNames } from "../../nats/kv/sharded-store.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import type { BucketServer } from "../connection/open-buckets.ts";
import { type CopyIndex, type CopyVerification, copyKeys, verifyCopy } from "./copy-keys.ts";
import { type CopyRefusal, type OtherKeys, readKeys, refusalOfKeys, refusalOfSettings } from "./copy-plan.ts";
import { type PlanRefusal, planReshard } from "./reshard-plan.ts";
import { findShardSets, openShard, type ShardBucket, type ShardSet } from "./shard-sets.ts";

export interface ReshardOptions {
  readonly to: number;
  readonly isDryRun: boolean;
  readonly deleteOld: boolean;
  /** Stops the reshard before its next step, or while it copies. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Id of this run. */
  readonly run: string;
}

/** Result of a reshard. */
export type ReshardEnd =
  | { readonly end: "refused"; readonly refusal: PlanRefusal | CopyRefusal; readonly from: number | undefined }
  | { readonly end: "dry-run"; readonly from: number; readonly keys: number }
  | { readonly end: "nothing-to-do"; readonly deleted: readonly string[] }
  | { readonly end: "done"; readonly from: number; readonly keys: number; readonly old: OldBuckets }
  /** An earlier run had copied and verified the keys. */
  | { readonly end: "finished"; readonly from: number; readonly old: OldBuckets }
  | { readonly end: "taken-back"; readonly from: number };

/** Old buckets after a reshard. */
export interface OldBuckets {
  readonly kept: readonly string[];
  readonly deleted: readonly string[];
}

/** Steps of a reshard, in order. Until `closing` nothing is changed. From `retiring` on, replicas may start with the new number. */
export type ReshardStep =
  | "checking"
  | "closing"
  | "creating"
  | "copying"
  | "verifying"
  | "opening"
  | "retiring"
  | "deleting"
  | "reopening";

/** The copy differs from the old buckets. */
export class CopyMismatchError extends Error {
  override readonly name = "CopyMismatchError";
  readonly verification: CopyVerification;

  constructor(verification: CopyVerification) {
    const { missing, different, added } = verification;
    super(`the copy is not right: ${missing} keys are missing, ${different} differ, ${added} were added`);
    this.verification = verification;
  }
}

/**
 * Changes the number of shards of a bucket while no replica runs.
 *
 *     checking    no reservation exists in the old buckets                           nothing is changed
 *     closing     the old buckets stop taking writes, and refuse replicas            repeat, or take back
 *     creating    new buckets, closed to replicas, with higher revisions             repeat, or take back
 *     copying     every committed key with its remaining time                        repeat, or take back
 *     verifying   count, content and remaining time; no write since the copy began   repeat, or take back
 *     opening     replicas may use the new buckets once all of them are open         repeat, or take back
 *     retiring    the old buckets say that their keys were moved                     repeat to finish
 *
 * At no point can a replica with either number use a part of the keys. It needs all its buckets, and all of them must be live.
 * A killed run is repeated from the start. So it never matters what it had copied.
 */
export class Resharding {
  readonly #server: BucketServer;
  readonly #options: ReshardOptions;
  /** Last step that began. */
  step: ReshardStep = "checking";
  /** Number of shards that the keys are moved from, once it is known. */
  from: number | undefined;
  /** Number of keys that this run copied. */
  copied = 0;

  constructor(server: BucketServer, options: ReshardOptions) {
    this.#server = server;
    this.#options = options;
  }

  /** @throws {Error} at any {@link step}. Run it again to finish or to take it back. */
  async run(): Promise<ReshardEnd> {
    const { to, isDryRun, deleteOld } = this.#options;
    const sets = await findShardSets(this.#server, this.#options.clock);
    const plan = planReshard(sets, to);
    switch (plan.type) {
      case "refuse":
        return { end: "refused", refusal: plan.refusal, from: undefined };
      case "nothing":
        return { end: "nothing-to-do", deleted: deleteOld && !isDryRun ? await this.#deleteUnused(sets) : [] };
      case "copy":
        this.from = plan.from.shards;
        return this.#copy(plan.from);
      case "finish":
        this.from = plan.from.shards;
        if (isDryRun) return { end: "dry-run", from: this.from, keys: 0 };
        return { end: "finished", from: this.from, old: await this.#retire(plan.from) };
      case "take-back":
        this.from = plan.from.shards;
        if (isDryRun) return { end: "dry-run", from: this.from, keys: 0 };
        await this.#reopen(plan.from, plan.interrupted);
        return { end: "taken-back", from: this.from };
    }
  }

  async #copy(from: ShardSet): Promise<ReshardEnd> {
    const { to, isDryRun } = this.#options;
    const { shards } = from;
    const checked = await this.#check(from);
    if (typeof checked !== "number") return { end: "refused", refusal: checked, from: shards };
    if (isDryRun) return { end: "dry-run", from: shards, keys: checked };
    await this.#begin("closing");
    await this.#giveRole(from.buckets, { type: "source", to });
    // Read again: the state includes what was written until the buckets closed, and another reshard may have run.
    const plan = planReshard(await findShardSets(this.#server, this.#options.clock), to);
    if (plan.type !== "copy")
      throw new Error("another reshard changed the buckets: wait for its end, then run this one again");
    const { from: sources, interrupted } = plan;
    await this.#begin("creating");
    if (interrupted !== undefined) await this.#delete(interrupted.buckets);
    const targets = await this.#createTargets(sources);
    await this.#begin("copying");
    const others: OtherKeys = { reserved: [], unreadable: [] };
    const index = await copyKeys(sources, targets, others, (count) => {
      this.copied = count;
      this.#options.signal.throwIfAborted();
    });
    const refusal = refusalOfKeys(others);
    if (refusal !== undefined) {
      await this.#reopen(sources, { shards: to, buckets: targets, missing: [] });
      return { end: "refused", refusal, from: shards };
    }
    await this.#begin("verifying");
    await this.#verify(sources, targets, index);
    await this.#begin("opening");
    await this.#giveRole(targets, LIVE);
    return { end: "done", from: shards, keys: index.size, old: await this.#retire(from) };
  }

  /** Returns the number of committed keys, or why they cannot be copied. */
  async #check(from: ShardSet): Promise<number | CopyRefusal> {
    const refusal = refusalOfSettings(from, this.#options.to);
    if (refusal !== undefined) return refusal;
    const others: OtherKeys = { reserved: [], unreadable: [] };
    let keys = 0;
    for await (const _ of readKeys(from, others)) {
      keys += 1;
      this.#options.signal.throwIfAborted();
    }
    return refusalOfKeys(others) ?? keys;
  }

  /** Creates the new buckets with the settings of the old ones. Their revisions, and so all fences, are above those of the old ones. */
  async #createTargets({ shards, buckets }: ShardSet): Promise<readonly ShardBucket[]> {
    const { to, clock, run } = this.#options;
    const [first] = buckets;
    if (first === undefined) throw new RangeError("A set has at least one bucket");
    const { first_seq: _, metadata = {}, ...settings } = first.info.config;
    const own = withoutOffset(
      Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith("_nats."))),
    );
    const firstRevision = Math.max(...buckets.map(({ info }) => highestFence(info))) + 1;
    const created = shardNames(this.#server.name, to).map(async (name) => {
      const config: Partial<StreamConfig> & Pick<StreamConfig, "name"> = {
        ...settings,
        ...roleSettings(name, { metadata: own }, { type: "target", from: shards, run }),
        name: bucketStream(name),
        first_seq: firstRevision,
      };
      const { connection, jsm } = this.#server;
      await jsm.streams.add(config);
      await untilWritable(connection, { ...first.read, bucket: name });
      await untilReadable(jsm, { ...first.read, bucket: name });
      return openShard(this.#server, name, clock);
    });
    return Promise.all(created);
  }

  /** @throws {CopyMismatchError} @throws {Error} if another process wrote to the buckets. */
  async #verify(sources: ShardSet, targets: readonly ShardBucket[], index: CopyIndex): Promise<void> {
    const verification = await verifyCopy(targets, index);
    const { missing, different, added } = verification;
    if (missing + different + added > 0) throw new CopyMismatchError(verification);
    const { buckets } = await this.#current(sources);
    for (const [at, { name, info }] of buckets.entries()) {
      if (info.state.last_seq === sources.buckets[at]?.info.state.last_seq) continue;
      throw new Error(`bucket ${name} was written to while it was copied: stop every replica`);
    }
    await this.#checkRun(targets);
  }

  /** Makes sure that no other reshard replaced the new buckets. */
  async #checkRun(targets: readonly ShardBucket[]): Promise<void> {
    const { clock, run } = this.#options;
    for (const { name } of targets) {
      const { role } = await openShard(this.#server, name, clock);
      if (role.type !== "target" || role.run !== run)
        throw new Error(`another reshard replaced bucket ${name}: wait for its end, then run this one again`);
    }
  }

  async #retire(from: ShardSet): Promise<OldBuckets> {
    const { to, clock, deleteOld } = this.#options;
    await this.#begin("retiring");
    await this.#giveRole(from.buckets, { type: "retired", to });
    if (deleteOld) return { kept: [], deleted: await this.#deleteUnused(await findShardSets(this.#server, clock)) };
    return { kept: from.buckets.map(({ name }) => name), deleted: [] };
  }

  /** Deletes the buckets that no replica can use. Must not run while the plan is to finish or to take back a move. */
  async #deleteUnused(sets: readonly ShardSet[]): Promise<readonly string[]> {
    await this.#begin("deleting");
    const unused = sets.flatMap(({ buckets }) =>
      buckets.filter(({ role }) => role.type === "retired" || role.type === "target"),
    );
    await this.#delete(unused);
    return unused.map(({ name }) => name);
  }

  /** Deletes the copy first: an old bucket is never open while a copy exists. */
  async #reopen(from: ShardSet, copy: ShardSet | undefined): Promise<void> {
    // Not interruptible: until it ends, no replica can start.
    this.step = "reopening";
    if (copy !== undefined) await this.#delete(copy.buckets);
    await this.#giveRole(from.buckets, LIVE);
  }

  async #giveRole(buckets: readonly ShardBucket[], role: AssignedRole): Promise<void> {
    for (const { jsm, name, info } of buckets) {
      await jsm.streams.update(bucketStream(name), roleSettings(name, info.config, role));
    }
  }

  async #delete(buckets: readonly ShardBucket[]): Promise<void> {
    for (const { jsm, name } of buckets) await jsm.streams.delete(bucketStream(name));
  }

  /** Returns the same buckets with their current state. */
  async #current(set: ShardSet): Promise<ShardSet> {
    const { clock } = this.#options;
    const buckets = await Promise.all(set.buckets.map(({ name }) => openShard(this.#server, name, clock)));
    return { ...set, buckets };
  }

  async #begin(step: ReshardStep): Promise<void> {
    this.#options.signal.throwIfAborted();
    this.step = step;
  }
}
