/** Every code a {@link LatchkeyError} can carry. Match on the code, never on the message. */
export type ErrorCode =
  | "store-unavailable"
  | "store-misconfigured"
  | "record-unreadable"
  | "fingerprint-mismatch"
  | "reservation-lost"
  | "reservation-released"
  | "result-not-kept"
  | "permanent"
  | "unsupported"
  | "closed"
  | "missing-peer"
  | "consumer-misconfigured";

/** The base of every error that Latchkey itself raises; wrong arguments are `TypeError` or `RangeError`. */
export class LatchkeyError extends Error {
  readonly code: ErrorCode;
  override readonly name: string = "LatchkeyError";

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The store could not do what was asked: out of reach, full, or not permitted. */
export class StoreUnavailableError extends LatchkeyError {
  override readonly name: string = "StoreUnavailableError";
  /** Whether the write may have been applied all the same. */
  readonly ambiguous: boolean;

  constructor(message: string, options: { ambiguous: boolean; cause?: unknown }) {
    super("store-unavailable", message, "cause" in options ? { cause: options.cause } : undefined);
    this.ambiguous = options.ambiguous;
  }
}

/** The server or the bucket cannot keep the guarantees; `differences` has a sentence for each setting that is wrong. */
export class StoreMisconfiguredError extends LatchkeyError {
  override readonly name: string = "StoreMisconfiguredError";
  readonly differences: readonly string[];

  constructor(message: string, differences: readonly string[], options?: { cause?: unknown }) {
    super("store-misconfigured", message, options);
    this.differences = differences;
  }
}

/** What stands under a key was not written by a version of Latchkey that this one understands, or is the record of another event. */
export class RecordUnreadableError extends LatchkeyError {
  override readonly name: string = "RecordUnreadableError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("record-unreadable", message, options);
  }
}

/** The same event came with another payload. */
export class FingerprintMismatchError extends LatchkeyError {
  override readonly name: string = "FingerprintMismatchError";
  readonly key: string;

  constructor(key: string) {
    super(
      "fingerprint-mismatch",
      `The event under ${key} was seen before with another fingerprint: two different payloads share one identity`,
    );
    this.key = key;
  }
}

/** Why a handler must stop: its lease ended, another replica holds the key, the store was out of reach until the lease's end, or the deduplicator is closing. */
export type LossReason = "lease-ended" | "superseded" | "store-unavailable" | "shutdown";

/** The reason of a reservation's `AbortSignal`: the handler no longer holds the key, or is about to lose it. */
export class ReservationLostError extends LatchkeyError {
  override readonly name: string = "ReservationLostError";
  readonly key: string;
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
  "store-unavailable": "the store was out of reach until its lease's end",
  shutdown: "the deduplicator is closing",
};

/** The handler's result could not be kept with the commit; the commit itself stands. */
export class ResultNotKeptError extends LatchkeyError {
  override readonly name: string = "ResultNotKeptError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("result-not-kept", message, options);
  }
}

/** Thrown by a dispatch that will never succeed: `consume` sends the event to the dead letters at once. */
export class PermanentError extends LatchkeyError {
  override readonly name: string = "PermanentError";

  constructor(message: string, options?: { cause?: unknown }) {
    super("permanent", message, options);
  }
}

/** What is thrown at those who come after the closing. */
export function closedError(): LatchkeyError {
  return new LatchkeyError("closed", "The deduplicator is closed: it takes no more events");
}

/** Whether `error` carries this code: true also for an error that another copy of the package made. */
export function hasCode(error: unknown, code: ErrorCode): error is Error & { readonly code: ErrorCode } {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Whether `error` is a {@link StoreUnavailableError}, of this or another copy of the package. */
export function isStoreUnavailable(error: unknown): error is StoreUnavailableError {
  return hasCode(error, "store-unavailable") && "ambiguous" in error && typeof error.ambiguous === "boolean";
}
