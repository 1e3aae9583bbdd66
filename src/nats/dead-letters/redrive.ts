import type { JetStreamClient, StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/nats-core";
import { hasCode, LatchkeyError } from "../../errors.ts";
import { errorMessage } from "../../internal/error-message.ts";
import type { DeadLetter, RedriveRefusal, RedriveResult } from "../../model/dead-letter.ts";
import type { Entry, Store } from "../../model/store.ts";
import { letterOf } from "./letter.ts";
import { letterHeaders, redrivenHeaders } from "./letter-headers.ts";
import type { LetterStream } from "./letter-stream.ts";

type Letters = Pick<LetterStream, "message" | "originalMessage" | "checkRemovable" | "remove">;

/** Everything that a redrive reads and changes. */
export interface RedriveContext {
  readonly letters: Letters;
  readonly jetstream: Pick<JetStreamClient, "publish">;
  /** Store of the replicas that dispatch the original. */
  readonly store: Pick<Store, "get" | "remove" | "invalidation">;
}

/** The message to publish. */
interface Original {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/**
 * Publishes a letter's original again, in an order that loses nothing:
 *
 *     clear the conflicting commit ─▶ invalidate caches ─▶ publish the original ─▶ remove the letter
 *
 * The key is empty before the original arrives, or its delivery would be acknowledged as a duplicate. The letter is removed last,
 * so a redrive that was killed can be repeated. Repeating it may publish the original twice. Both copies have the identity of the
 * original, so only one is dispatched. A commit is cleared only at the revision that the letter names, so a dispatch of the
 * original is never repeated.
 */
export async function redriveLetter(context: RedriveContext, sequence: number): Promise<RedriveResult> {
  const { letters } = context;
  const message = await letters.message(sequence);
  const letter = message === undefined ? undefined : letterOf(message);
  if (message === undefined || letter === undefined) return { result: "gone" };
  const original = await originalOf(letters, letter, message);
  if ("why" in original) return { result: "left", ...original };
  await letters.checkRemovable();
  const refusal = await freeKey(context, letter);
  if (refusal !== undefined) return { result: "left", ...refusal };
  const published = await publish(context.jetstream, original);
  await letters.remove(sequence);
  return { result: "redriven", ...published };
}

/** Returns the original as the letter contains it, or as its stream still contains it. */
async function originalOf(
  letters: Letters,
  { original, hasBody }: DeadLetter,
  { header, data }: StoredMsg,
): Promise<Original | RedriveRefusal> {
  const { subject, stream, sequence, time } = original;
  if (header.has(letterHeaders.originalHeaders)) return { why: "no-headers" };
  if (hasBody) return { subject, headers: redrivenHeaders(header), data };
  const stored = await letters.originalMessage(stream, sequence);
  // A stream that was created again has other messages under the same numbers.
  if (stored?.subject !== subject || !isSameTime(stored.time, time)) return { why: "no-body" };
  return { subject, headers: redrivenHeaders(stored.header), data: stored.data };
}

/** A consumer reports times in milliseconds, rounded differently from a stream's. */
function isSameTime(stored: Date, reported: string): boolean {
  return Math.abs(stored.getTime() - Date.parse(reported)) <= 1;
}

/** Maximum number of attempts to clear a key that changes. */
const MAX_ROUNDS = 5;

/** Makes sure that the key is empty and no replica believes otherwise. Returns why that is impossible. */
async function freeKey(
  { store }: RedriveContext,
  { identity, commitRevision }: DeadLetter,
): Promise<RedriveRefusal | undefined> {
  if (identity === undefined) return undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const entry = await readKey(store, identity.storeKey);
    if (entry !== undefined && "why" in entry) return entry;
    const refusal = entry === undefined ? undefined : refusalOf(entry, commitRevision);
    if (refusal !== undefined) return refusal;
    const removal = entry === undefined ? undefined : await removed(store, entry);
    if (removal?.ok === false) continue;
    // A redrive that was killed may have cleared the key without invalidating the caches.
    if (commitRevision !== undefined) await store.invalidation?.invalidate();
    return undefined;
  }
  return { why: "contended" };
}

async function readKey(store: RedriveContext["store"], key: Entry["key"]): Promise<Entry | RedriveRefusal | undefined> {
  try {
    return await store.get(key);
  } catch (error) {
    if (hasCode(error, "record-unreadable")) return { why: "unreadable-record", problem: error.message };
    throw error;
  }
}

function removed(
  { remove }: RedriveContext["store"],
  { key, revision }: Entry,
): ReturnType<NonNullable<Store["remove"]>> {
  if (remove === undefined)
    throw new LatchkeyError("unsupported", "The store cannot clear keys, which a redrive needs");
  return remove(key, { expected: revision });
}

/** Decides from a key's record whether the original must not be published. */
function refusalOf({ record, revision }: Entry, commitRevision: number | undefined): RedriveRefusal | undefined {
  const { owner, atMs } = record;
  if (record.state === "reserved") return { why: "in-progress", owner };
  return revision === commitRevision ? undefined : { why: "dispatched", owner, committedAtMs: atMs };
}

async function publish(
  jetstream: RedriveContext["jetstream"],
  { subject, headers, data }: Original,
): Promise<{ readonly stream: string; readonly sequence: number }> {
  try {
    // Without a message id: within its duplicate window, the server would drop the copy.
    const { stream, seq } = await jetstream.publish(subject, data, { headers });
    return { stream, sequence: seq };
  } catch (cause) {
    throw new LatchkeyError(
      "dead-letters-unavailable",
      `The original could not be published to \`${subject}\`, so its letter stays: ${errorMessage(cause)}`,
      { cause },
    );
  }
}
