import { isDeepStrictEqual } from "node:util";
import { type ResolvedIdentity, resolveIdentity } from "../../src/model/identity.ts";
import type { DedupRecord } from "../../src/model/record.ts";
import type { Entry, Put, Removal, Revision } from "../../src/model/store.ts";
import type { StoreUnderTest } from "../../src/testing/store-contract/fixture.ts";
import { collected } from "./collected.ts";

import { type Expected, filterOf, KEYS, type Question, type Sequence, SUBSCRIPTIONS } from "./store-sequence.ts";

/** A store, and how exactly it counts the time that a key lives. */
export interface TimedStore extends Pick<StoreUnderTest, "store" | "monotonicMs" | "pass"> {
  /** A time to live is rounded up to a multiple of this. */
  readonly grainMs: number;
  /** How much later it may let go of a key. */
  readonly lateMs: number;
}

/** One answer, with everything left out in which stores may differ: revisions are told as the writes that they were given to. */
export type Answer = Readonly<Record<string, unknown>>;

/** Real time has overtaken a sequence: a key may have ended that was to be there. What was answered says nothing. */
export class OvertakenError extends Error {
  override readonly name = "OvertakenError";
}

const POLL_MS = 50;

/** What is known of a key from the store's own answers. */
interface Known {
  /** Which write was given a revision, in the order of the writes. */
  readonly writes: Map<Revision, string>;
  standing: { readonly endsAtPlannedMs: number; readonly isThereUntilMs: number } | undefined;
}

/**
 * Asks a store all that a sequence asks, in a workspace of its own.
 * @throws {OvertakenError} when that took so long that the time to live of a key no longer went as the sequence has it.
 */
export async function answersOf(
  made: TimedStore,
  sequence: Sequence,
  workspaceId = "ws-1",
): Promise<readonly Answer[]> {
  return new Asker(made, workspaceId).answers(sequence);
}

class Asker {
  readonly #made: TimedStore;
  readonly #workspaceId: string;
  readonly #identities: readonly ResolvedIdentity[];
  readonly #known: readonly Known[] = Array.from({ length: KEYS }, () => ({ writes: new Map(), standing: undefined }));
  #plannedMs = 0;
  #asked = 0;

  constructor(made: TimedStore, workspaceId: string) {
    this.#made = made;
    this.#workspaceId = workspaceId;
    this.#identities = SUBSCRIPTIONS.map((subscriptionId, index) =>
      resolveIdentity({ workspaceId, subscriptionId, eventId: `evt-${index}` }),
    );
  }

  async answers(sequence: Sequence): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (const step of sequence) {
      if ("passMs" in step) {
        await this.#made.pass(step.passMs);
        this.#plannedMs += step.passMs;
        continue;
      }
      const late = await Promise.all(this.#known.map((_, key) => this.#ended(key)));
      if ("list" in step) {
        const entries = await collected(this.#made.store.list?.(filterOf(step.list, this.#workspaceId)) ?? nothing());
        this.#checkTime();
        answers.push({ late, listed: entries.map((entry) => this.#shown(this.#keyOf(entry), entry)).sort(byText) });
      } else {
        const names = step.together.map(() => `write ${++this.#asked}`);
        const given = await Promise.all(
          step.together.map((question, index) => this.#answer(question, names[index] ?? "")),
        );
        answers.push({ late, given });
      }
    }
    return answers;
  }

  /** Waits for the end of a key whose time is up, as long as the store may be late; says so when it is still there then. */
  async #ended(key: number): Promise<string | undefined> {
    const { store, pass, lateMs } = this.#made;
    const known = this.#known[key];
    if (known?.standing === undefined || this.#plannedMs < known.standing.endsAtPlannedMs) return undefined;
    known.standing = undefined;
    for (let waitedMs = 0; (await store.get(this.#identity(key).storeKey)) !== undefined; waitedMs += POLL_MS) {
      if (waitedMs >= lateMs) return `key ${key} did not end`;
      await pass(POLL_MS);
    }
    return undefined;
  }

  async #answer(question: Question, name: string): Promise<Answer> {
    const { store } = this.#made;
    const { key } = question;
    const { storeKey } = this.#identity(key);
    let answer: Answer = {};
    let told: Entry | undefined;
    if (question.ask === "put") {
      const put = await this.#put(question, name);
      answer = put.ok ? { stored: name, rises: this.#note(key, put.revision, name) } : { stored: "refused" };
      if (!put.ok) told = put.current;
    } else if (question.ask === "remove") {
      const removal: Removal = (await store.remove?.(storeKey, { expected: this.#revision(key, question.over) })) ?? {
        ok: false,
      };
      answer = { removed: removal.ok };
      if (!removal.ok) told = removal.current;
      else if (this.#known[key] !== undefined) this.#known[key].standing = undefined;
    }
    const stands = await store.get(storeKey);
    this.#checkTime();
    // A store need not tell what stood in the way; where it does, it tells what a read does.
    const isTold = told === undefined || isDeepStrictEqual(told, stands);
    return { ...answer, holds: stands && this.#shown(key, stands), ...(isTold ? {} : { toldInstead: told }) };
  }

  async #put({ key, over, state, ttlMs, result }: Question & { readonly ask: "put" }, name: string): Promise<Put> {
    const { store, monotonicMs, grainMs } = this.#made;
    const { workspaceId, subscriptionId, eventId, storeKey } = this.#identity(key);
    const whose = { workspaceId, subscriptionId, eventId, owner: "replica-1", token: name };
    const fields = { v: 1, ...whose, attempt: 1, fence: 0, leaseMs: 30_000, atMs: 1_893_456_000_000 } as const;
    const record: DedupRecord =
      state === "reserved" ? { ...fields, state } : { ...fields, state, ...(result !== undefined && { result }) };
    const sentMs = monotonicMs();
    const put = await store.put(storeKey, record, { expected: this.#revision(key, over), ttlMs });
    const known = this.#known[key];
    if (put.ok && known !== undefined) {
      const isThereUntilMs = sentMs + Math.ceil(ttlMs / grainMs) * grainMs;
      known.standing = { endsAtPlannedMs: this.#plannedMs + ttlMs, isThereUntilMs };
    }
    return put;
  }

  /** Whether the revision is greater than all that the key had. */
  #note(key: number, revision: Revision, name: string): boolean {
    const rises = revision > Math.max(0, ...this.#revisions(key));
    this.#known[key]?.writes.set(revision, name);
    return rises;
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
      case "what stands there":
        return last;
      case "what stood there before":
        return this.#revisions(key).at(-2) ?? 0;
      case "what another key holds":
        // Keys in different shards may have the same.
        return others === last ? neverGiven : others;
      case "what was never given":
        return neverGiven;
    }
  }

  #shown(key: number, { record, revision }: Entry): Answer {
    return { record, write: this.#known[key]?.writes.get(revision) ?? "none" };
  }

  #keyOf({ key }: Entry): number {
    return this.#identities.findIndex(({ storeKey }) => storeKey === key);
  }

  #checkTime(): void {
    const nowMs = this.#made.monotonicMs();
    for (const { standing } of this.#known) {
      if (standing === undefined || nowMs < standing.isThereUntilMs) continue;
      throw new OvertakenError(`It is ${nowMs - standing.isThereUntilMs} ms later than a key's time to live allows`);
    }
  }

  #identity(key: number): ResolvedIdentity {
    const identity = this.#identities[key];
    if (identity === undefined) throw new RangeError(`There is no key ${key}`);
    return identity;
  }
}

async function* nothing(): AsyncGenerator<never, void> {}

function byText(a: Answer, b: Answer): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
