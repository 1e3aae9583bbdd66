import type { DeadLetterReason } from "../../machines/delivery.ts";
import type { ResolvedIdentity } from "./identity.ts";
import type { Revision } from "./store.ts";

const isReason: Readonly<Record<DeadLetterReason, true>> = {
  unidentifiable: true,
  "permanent-error": true,
  "max-deliver": true,
  "fingerprint-mismatch": true,
  "identity-too-long": true,
  "last-delivery": true,
};

/** Returns true for the name of a reason. */
export function isDeadLetterReason(text: string): text is DeadLetterReason {
  return Object.hasOwn(isReason, text);
}

/** All reasons. */
export const DEAD_LETTER_REASONS: readonly DeadLetterReason[] = Object.keys(isReason).filter(isDeadLetterReason);

/** A dead letter: a message that a consumer could not dispatch, as its stream keeps it. */
export interface DeadLetter {
  /** Number of the letter in its stream. */
  readonly sequence: number;
  /** Time of its storage, by the server's clock, in milliseconds since 1970. */
  readonly storedAtMs: number;
  /** Why the message could not be dispatched. */
  readonly reason: DeadLetterReason;
  /** Last error, on one line; empty if none is known. */
  readonly error: string;
  /** Consumer that gave up. */
  readonly consumer: string;
  /** Number of deliveries of the original. */
  readonly deliveries: number;
  /** Identity of the event. Missing if the consumer found none. */
  readonly identity?: ResolvedIdentity;
  /** Revision of the commit that conflicts with the letter's payload, for the reason `fingerprint-mismatch`. */
  readonly commitRevision?: Revision;
  /** The message that could not be dispatched. */
  readonly original: OriginalMessage;
  /** Size of the original's body, in bytes. */
  readonly bytes: number;
  /** False if the letter was too large to contain the body. */
  readonly hasBody: boolean;
}

/** Place of a message in its stream. */
export interface OriginalMessage {
  /** Subject. */
  readonly subject: string;
  /** Name of the stream. */
  readonly stream: string;
  /** Number in the stream. */
  readonly sequence: number;
  /** Time of its storage, as the server wrote it. */
  readonly time: string;
}

/** Why a letter stays where it is. */
export type RedriveRefusal =
  /** The event was dispatched, so the letter would repeat it. */
  | { readonly why: "dispatched"; readonly owner: string; readonly committedAtMs: number }
  /** Another delivery of the event is being dispatched. */
  | { readonly why: "in-progress"; readonly owner: string }
  /** The key holds a record that cannot be read. */
  | { readonly why: "unreadable-record"; readonly problem: string }
  /** The letter has no body, and the original is gone. */
  | { readonly why: "no-body" }
  /** The consumer could not read the original's headers, so the letter lacks them. */
  | { readonly why: "no-headers" }
  /** The key kept changing. */
  | { readonly why: "contended" };

/** Result of a redrive. Everything but `redriven` leaves the letter and the key as they are. */
export type RedriveResult =
  /** The original was published to `stream`, and the letter was removed. */
  | { readonly result: "redriven"; readonly stream: string; readonly sequence: number }
  | ({ readonly result: "left" } & RedriveRefusal)
  /** The letter was redriven or dropped in the meantime. */
  | { readonly result: "gone" };

/** The dead letters of a subject. */
export interface DeadLetters {
  /** Lists all letters, oldest first. */
  list(): AsyncIterable<DeadLetter>;
  /** Returns a letter. */
  get(sequence: number): Promise<DeadLetter | undefined>;
  /** Publishes the original under its own subject, then removes the letter. */
  redrive(sequence: number): Promise<RedriveResult>;
  /** Removes a letter for good. Returns false if it was gone. */
  drop(sequence: number): Promise<boolean>;
}
