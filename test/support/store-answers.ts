import { isDeepStrictEqual } from "node:util";
import { type ResolvedIdentity, resolveIdentity } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { Entry, Put, Removal, Revision } from "../../src/model/store.ts";
import type { StoreUnderTest } from "../../src/testing/store-contract/fixture.ts";
import { collected } from "./collected.ts";
import { type Expected, filterOf, KEYS, type Sequence, type StoreCall, SUBSCRIPTIONS } from "./store-sequence.ts";

/** A store and the precision of its times to live. */
export interface TimedStore extends Pick<StoreUnderTest, "store" | "monotonicMs" | "pass"> {
  /** The store rounds a time to live up to a multiple of this, in milliseconds. */
  readonly grainMs: number;
  /** Maximum delay with which the store expires a key, in milliseconds. */
  readonly lateMs: number;
}

/** Answer of a store without the details in which stores may differ. The name of its write replaces each revision. */
export type ComparableAnswer = Readonly<Record<string, unknown>>;

/** Error for a sequence that real time overtook: a key may have expired too early, so the answers are inconclusive. */
export class OvertakenError extends Error {
  override readonly name = "OvertakenError";
}

const POLL_MS = 50;

/** State of a key according to the store's own answers. */
interface Known {
  /** Name of the write for each revision, in the order of the writes. */
  readonly writes: Map<Revision, string>;
  live: { readonly endsAtPlannedMs: number; readonly livesUntilMs: number } | undefined;
}

/**
 * Runs a sequence on a store, in its own workspace.
 * @throws {OvertakenError} if it took so long that a key may have expired before the sequence expects it.
 */
export async function answersOf(
  made: TimedStore,
  sequence: Sequence,
  workspaceId = "ws-1",
): Promise<readonly ComparableAnswer[]> {
  return new SequenceRunner(made, workspaceId).answers(sequence);
}

class SequenceRunner {
  readonly #made: TimedStore;
  readonly #workspaceId: string;
  readonly #identities: readonly ResolvedIdentity[];
  readonly #known: readonly Known[] = Array.from({ length: KEYS }, () => ({ writes: new Map(), live: undefined }));
  #plannedMs = 0;
  #calls = 0;

  constructor(made: TimedStore, workspaceId: string) {
    this.#made = made;
    this.#workspaceId = workspaceId;
    this.#identities = SUBSCRIPTIONS.map((subscriptionId, index) =>
      resolveIdentity({ workspaceId, subscriptionId, eventId: `evt-${index}` }),
    );
  }

  async answers(sequence: Sequence): Promise<readonly ComparableAnswer[]> {
    const answers: ComparableAnswer[] = [];
    for (const step of sequence) {
      if ("passMs" in step) {
        await this.#made.pass(step.passMs);
        this.#plannedMs += step.passMs;
        continue;
      }
      const late = await Promise.all(this.#known.map((_, key) => this.#ended(key)));
      // The answer already differs. Meanwhile, other keys may have expired, so later answers would be inconclusive.
      if (late.some((message) => message !== undefined)) return [...answers, { late }];
      if ("list" in step) {
        const entries = await collected(this.#made.store.list?.(filterOf(step.list, this.#workspaceId)) ?? nothing());
        this.#checkTime();
        answers.push({ late, listed: entries.map((entry) => this.#shown(this.#keyOf(entry), entry)).sort(byText) });
      } else {
        const names = step.together.map(() => `write ${++this.#calls}`);
        const given = await Promise.all(step.together.map((call, index) => this.#answer(call, names[index] ?? "")));
        answers.push({ late, given });
      }
    }
    return answers;
  }

  /** Waits until an overdue key expires, at most `lateMs`. Returns a message if it still exists then. */
  async #ended(key: number): Promise<string | undefined> {
    const { store, pass, lateMs } = this.#made;
    const known = this.#known[key];
    if (known?.live === undefined || this.#plannedMs < known.live.endsAtPlannedMs) return undefined;
    known.live = undefined;
    for (let waitedMs = 0; (await store.get(this.#identity(key).storeKey)) !== undefined; waitedMs += POLL_MS) {
      if (waitedMs >= lateMs) return `key ${key} did not end`;
      await pass(POLL_MS);
    }
    return undefined;
  }

  async #answer(call: StoreCall, name: string): Promise<ComparableAnswer> {
    const { store } = this.#made;
    const { key } = call;
    const { storeKey } = this.#identity(key);
    let answer: ComparableAnswer = {};
    let conflicting: Entry | undefined;
    if (call.method === "put") {
      const put = await this.#put(call, name);
      answer = put.ok ? { stored: name, increases: this.#note(key, put.revision, name) } : { stored: "refused" };
      if (!put.ok) conflicting = put.current;
    } else if (call.method === "remove") {
      const removal: Removal = (await store.remove?.(storeKey, { expected: this.#revision(key, call.over) })) ?? {
        ok: false,
      };
      this.#checkTime();
      answer = { removed: removal.ok };
      if (!removal.ok) conflicting = removal.current;
      else if (this.#known[key] !== undefined) this.#known[key].live = undefined;
    }
    const current = await store.get(storeKey);
    this.#checkTime();
    // A conflict need not contain the current entry. If it does, it equals what a read returns.
    const isConsistent = conflicting === undefined || isDeepStrictEqual(conflicting, current);
    return {
      ...answer,
      holds: current && this.#shown(key, current),
      ...(isConsistent ? {} : { conflictEntry: conflicting }),
    };
  }

  async #put({ key, over, state, ttlMs, result }: StoreCall & { readonly method: "put" }, name: string): Promise<Put> {
    const { store, monotonicMs, grainMs } = this.#made;
    const { workspaceId, subscriptionId, eventId, storeKey } = this.#identity(key);
    const whose = { workspaceId, subscriptionId, eventId, owner: "replica-1", token: name };
    const fields = { v: 1, ...whose, attempt: 1, fence: 0, leaseMs: 30_000, atMs: 1_893_456_000_000 } as const;
    const record: DedupRecord =
      state === "reserved" ? { ...fields, state } : { ...fields, state, ...(result !== undefined && { result }) };
    const sentMs = monotonicMs();
    const put = await store.put(storeKey, record, { expected: this.#revision(key, over), ttlMs });
    // A write over a key that expired too early is stored. It would hide that from the check after it.
    this.#checkTime();
    const known = this.#known[key];
    if (put.ok && known !== undefined) {
      const livesUntilMs = sentMs + Math.ceil(ttlMs / grainMs) * grainMs;
      known.live = { endsAtPlannedMs: this.#plannedMs + ttlMs, livesUntilMs };
    }
    return put;
  }

  /** Records a revision. Returns true if it is greater than all earlier ones of the key. */
  #note(key: number, revision: Revision, name: string): boolean {
    const increases = revision > Math.max(0, ...this.#revisions(key));
    this.#known[key]?.writes.set(revision, name);
    return increases;
  }

  #revisions(key: number): readonly Revision[] {
    return [...(this.#known[key % KEYS]?.writes.keys() ?? [])];
  }

  #revision(key: number, over: Expected): Revision {
    const last = this.#revisions(key).at(-1) ?? 0;
    const others = this.#revisions(key + 1).at(-1) ?? 0;
    const neverGiven = Math.max(last, others) + 1_000_000;
    switch (over) {
      case "nothing":
        return 0;
      case "the current revision":
        return last;
      case "the previous revision":
        return this.#revisions(key).at(-2) ?? 0;
      case "the revision of another key":
        // Keys in different shards may have the same revision.
        return others === last ? neverGiven : others;
      case "an unknown revision":
        return neverGiven;
    }
  }

  #shown(key: number, { record, revision }: Entry): ComparableAnswer {
    return { record, write: this.#known[key]?.writes.get(revision) ?? "none" };
  }

  #keyOf({ key }: Entry): number {
    return this.#identities.findIndex(({ storeKey }) => storeKey === key);
  }

  #checkTime(): void {
    const nowMs = this.#made.monotonicMs();
    for (const { live } of this.#known) {
      if (live === undefined || nowMs < live.livesUntilMs) continue;
      throw new OvertakenError(`It is ${nowMs - live.livesUntilMs} ms later than a key's time to live allows`);
    }
  }

  #identity(key: number): ResolvedIdentity {
    const identity = this.#identities[key];
    if (identity === undefined) throw new RangeError(`There is no key ${key}`);
    return identity;
  }
}

async function* nothing(): AsyncGenerator<never, void> {}

function byText(a: ComparableAnswer, b: ComparableAnswer): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
