/** Every code a {@link LatchkeyError} can carry. Match on the code, never on the message. */
export type ErrorCode =
  | "store-unavailable"
  | "store-misconfigured"
  | "store-forbidden"
  | "record-too-large"
  | "record-unreadable"
  | "fingerprint-mismatch"
  | "reservation-lost"
  | "reservation-released"
  | "result-not-kept"
  | "fenced"
  | "permanent"
  | "unsupported"
  | "closed"
  | "missing-peer"
  | "consumer-misconfigured"
  | "dead-letters-unavailable"
  | "unidentified"
  | "deadlock"
  | "call-pending";

/** Base class of Latchkey's errors. Wrong arguments throw `TypeError` or `RangeError` instead. */
export class LatchkeyError extends Error {
  /** Kind of the error, from a closed set. */
  readonly code: ErrorCode;
  override readonly name: string = "LatchkeyError";

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The store failed: it is unreachable or full. */
export class StoreUnavailableError extends LatchkeyError {
  override readonly name: string = "StoreUnavailableError";
  /** True if the write may have been applied. */
  readonly ambiguous: boolean;
  /** True if the store had no room for the record. It may have room for a shorter one. */
  readonly full: boolean;

  constructor(message: string, options: { ambiguous: boolean; full?: boolean; cause?: unknown }) {
    super("store-unavailable", message, "cause" in options ? { cause: options.cause } : undefined);
    this.ambiguous = options.ambiguous;
    this.full = options.full ?? false;
  }
}

/** The store does not permit the request. A repetition fails too, until the permissions change. */
export class StoreForbiddenError extends LatchkeyError {
  override readonly name: string = "StoreForbiddenError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("store-forbidden", message, options);
  }
}

/** The record is larger than the store accepts. It was not written, and no repetition of it can succeed. */
export class RecordTooLargeError extends LatchkeyError {
  override readonly name: string = "RecordTooLargeError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("record-too-large", message, options);
  }
}

/** The configuration of the server or the bucket breaks the guarantees. */
export class StoreMisconfiguredError extends LatchkeyError {
  override readonly name: string = "StoreMisconfiguredError";
  /** One sentence for each wrong setting. */
  readonly differences: readonly string[];

  constructor(message: string, differences: readonly string[], options?: { cause?: unknown }) {
    super("store-misconfigured", message, options);
    this.differences = differences;
  }
}

/** A key holds no record that this version of Latchkey can read, or the record of another event. */
export class RecordUnreadableError extends LatchkeyError {
  override readonly name: string = "RecordUnreadableError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("record-unreadable", message, options);
  }
}

/** The same event arrived with a different payload. */
export class FingerprintMismatchError extends LatchkeyError {
  override readonly name: string = "FingerprintMismatchError";
  /** Dedup key of the event. */
  readonly key: string;
  /** Revision of the commit with the other fingerprint; `undefined` if the event is still being dispatched. */
  readonly commitRevision: number | undefined;

  constructor(key: string, commitRevision?: number) {
    super(
      "fingerprint-mismatch",
      `The event of ${key} arrived before with a different fingerprint: two payloads share one identity. Add the field that distinguishes them to the identity`,
    );
    this.key = key;
    this.commitRevision = commitRevision;
  }
}

/**
 * Reason why a handler must stop. Its lease ended, another replica holds the key, the store was unreachable until the lease ended, or
 * the deduplicator is closing.
 */
export type LossReason = "lease-ended" | "superseded" | "store-unavailable" | "shutdown";

/** Reason of a reservation's `AbortSignal`: the handler lost the key, or is about to lose it. */
export class ReservationLostError extends LatchkeyError {
  override readonly name: string = "ReservationLostError";
  /** Dedup key of the event. */
  readonly key: string;
  /** Why the reservation was lost. */
  readonly reason: LossReason;

  constructor(key: string, reason: LossReason, options?: { cause?: unknown }) {
    super("reservation-lost", `The reservation of ${key} was lost: ${lossSentences[reason]}`, options);
    this.key = key;
    this.reason = reason;
  }
}

const lossSentences: Record<LossReason, string> = {
  "lease-ended": "its lease ended",
  superseded: "the store no longer holds it for this owner",
  "store-unavailable": "the store was unreachable until its lease ended",
  shutdown: "the deduplicator is closing",
};

/** The handler's result could not be stored with the commit. The commit itself is stored. */
export class ResultNotKeptError extends LatchkeyError {
  override readonly name: string = "ResultNotKeptError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("result-not-kept", message, options);
  }
}

/** Thrown by a dispatch that can never succeed: `consume` dead-letters the event at once. */
export class PermanentError extends LatchkeyError {
  override readonly name: string = "PermanentError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("permanent", message, options);
  }
}

/** Thrown by a source that finds no event id in a request. The message is sent to the sender and must not contain the payload. */
export class UnidentifiedError extends LatchkeyError {
  override readonly name: string = "UnidentifiedError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("unidentified", message, options);
  }
}

/** Creates the error for calls made after `close()`. */
export function closedError(): LatchkeyError {
  return new LatchkeyError("closed", "The deduplicator is closed and accepts no more events. Create a new one");
}

/** Creates the error for a handler that waits for the reservation it runs under. */
export function deadlockError(key: string): LatchkeyError {
  const message = `The handler of ${key} waits for its own key, which is free only after it returns: guard another event, or do not wait`;
  return new LatchkeyError("deadlock", message);
}

/** Returns true if `error` carries this code, even if another copy of the package created it. */
export function hasCode(error: unknown, code: ErrorCode): error is Error & { readonly code: ErrorCode } {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Returns true if `error` is a {@link StoreUnavailableError} of this or another copy of the package. */
export function isStoreUnavailable(error: unknown): error is StoreUnavailableError {
  return hasCode(error, "store-unavailable") && "ambiguous" in error && typeof error.ambiguous === "boolean";
}

/** Returns true if the record is too large for the store, or for the room that it has left. */
export function isForLackOfRoom(error: unknown): boolean {
  return hasCode(error, "record-too-large") || (isStoreUnavailable(error) && error.full);
}
