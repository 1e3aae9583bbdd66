import { JetStreamApiError } from "@nats-io/jetstream";
import {
  ClosedConnectionError,
  DrainingConnectionError,
  InvalidArgumentError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import { RecordTooLargeError, StoreForbiddenError, StoreUnavailableError } from "../../errors.ts";
import { isObject } from "../../internal/is-object.ts";

/** Error codes of the server that Latchkey handles. */
export const apiCodes = {
  noSuitablePeers: 10_005,
  clusterUnavailable: 10_008,
  notLeader: 10_009,
  noConsumer: 10_014,
  noMessage: 10_037,
  notClustered: 10_074,
  nameInUse: 10_058,
  noStream: 10_059,
  tooLarge: 10_054,
  wrongLastSequence: 10_071,
  anotherWriteInFlight: 10_164,
} as const;

/** Codes that prove a write was not stored, with the reason. */
const refusals: ReadonlyMap<number, string> = new Map([
  [10_002, "the account has used up its JetStream storage"],
  [apiCodes.clusterUnavailable, "JetStream is temporarily unavailable"],
  [apiCodes.notLeader, "the bucket has no leader at the moment"],
  [10_023, "the server has no resources left for JetStream"],
  [10_039, "JetStream is not enabled for the account"],
  [apiCodes.noStream, "the bucket does not exist"],
  [10_060, "another stream has taken the bucket's subjects"],
  [10_076, "JetStream is not enabled on the server"],
  [10_077, "the bucket is full"],
  [10_109, "the bucket is sealed"],
  [apiCodes.anotherWriteInFlight, "other writes to the key kept it waiting"],
  [10_165, "the server refuses the record's time to live"],
  [10_166, "the bucket does not allow a time to live (`allow_msg_ttl`)"],
]);

/** Codes of a full bucket, account or server. */
const fullCodes: ReadonlySet<number> = new Set([10_002, 10_023, 10_077]);

/** Error of a write that is not known to be stored. */
export type WriteError = StoreUnavailableError | StoreForbiddenError | RecordTooLargeError;

/** Builds the error for a write that the server refused. With an unknown code, the write may be stored. */
export function refused(bucket: string, code: number, cause: unknown): WriteError {
  if (code === apiCodes.tooLarge) return tooLarge(bucket, "the bucket's `max_msg_size`", cause);
  const reason = refusals.get(code);
  return new StoreUnavailableError(`Bucket ${bucket} refused a write: ${reason ?? serverText(cause, code)}`, {
    ambiguous: reason === undefined,
    full: fullCodes.has(code),
    cause,
  });
}

/** Builds the error for a write without a readable answer. */
export function writeFailed(bucket: string, cause: unknown): WriteError {
  const violation = found(cause, PermissionViolationError);
  if (violation !== undefined) return forbidden(`Bucket ${bucket} cannot be written`, violation, cause);
  // The subjects and headers are valid, so the client refuses nothing but a payload that is too large.
  if (found(cause, InvalidArgumentError)) return tooLarge(bucket, "the server's `max_payload`", cause);
  const reason = reasonNotSent(cause);
  return reason === undefined
    ? new StoreUnavailableError(`Bucket ${bucket} did not say whether it stored a write`, { ambiguous: true, cause })
    : new StoreUnavailableError(`Bucket ${bucket} cannot be written: ${reason}`, { ambiguous: false, cause });
}

/** Builds the error for a failed request that changes nothing. */
export function readFailed(bucket: string, cause: unknown): StoreUnavailableError | StoreForbiddenError {
  const violation = found(cause, PermissionViolationError);
  if (violation !== undefined) return forbidden(`Bucket ${bucket} cannot be read`, violation, cause);
  const code = apiCodeOf(cause);
  const reason =
    reasonNotSent(cause) ?? (code === undefined ? "no answer" : (refusals.get(code) ?? serverText(cause, code)));
  return new StoreUnavailableError(`Bucket ${bucket} cannot be read: ${reason}`, { ambiguous: false, cause });
}

/** Returns the error code that the server answered with; `undefined` if the error is not an answer. */
export function apiCodeOf(error: unknown): number | undefined {
  return found(error, JetStreamApiError)?.code;
}

/** Returns true if the server refused a request for lack of permission. */
export function isForbidden(error: unknown): boolean {
  return found(error, PermissionViolationError) !== undefined;
}

/** Returns true if nothing subscribes to the subject of a request. */
export function hasNoResponders(error: unknown): boolean {
  return found(error, NoRespondersError) !== undefined;
}

/** Returns true if the client, the server or the stream refused a message for its size. */
export function isTooLarge(error: unknown): boolean {
  return apiCodeOf(error) === apiCodes.tooLarge || found(error, InvalidArgumentError) !== undefined;
}

/** Returns true if a request timed out. */
export function isTimeout(error: unknown): boolean {
  return found(error, TimeoutError) !== undefined;
}

/** Returns true if the error proves that the write was not stored. */
export function isCertainlyNotStored(error: WriteError): boolean {
  if (error instanceof StoreUnavailableError) return !error.ambiguous;
  // Without permission to subscribe to the answer, the request is sent nevertheless.
  return found(error, PermissionViolationError)?.operation !== "subscription";
}

function tooLarge(bucket: string, limit: string, cause: unknown): RecordTooLargeError {
  const message = `Bucket ${bucket} refused a record: it is larger than ${limit}; raise the limit, or use shorter ids`;
  return new RecordTooLargeError(message, { cause });
}

function forbidden(failure: string, violation: PermissionViolationError, cause: unknown): StoreForbiddenError {
  const { operation, subject } = violation;
  const what = operation === "publish" ? `publish to ${subject}` : `subscribe to ${subject}, where answers come`;
  return new StoreForbiddenError(`${failure}: the connection may not ${what}`, { cause });
}

/** Returns the server's own words about a code that Latchkey does not know. */
function serverText(cause: unknown, code: number): string {
  const text = isObject(cause) ? (cause["description"] ?? cause["message"]) : undefined;
  return typeof text === "string" && text !== "" ? `the server says: ${text} (code ${code})` : `code ${code}`;
}

/** Returns why a request certainly never reached a stream; `undefined` if it may have. */
function reasonNotSent(error: unknown): string | undefined {
  if (hasNoResponders(error)) return "nothing answers for it; it does not exist, or no server leads it";
  // The client throws these before it sends anything. A request in flight fails with another error.
  if (found(error, ClosedConnectionError) !== undefined) return "the connection is closed";
  if (found(error, DrainingConnectionError) !== undefined) return "the connection is closed";
  return undefined;
}

/** Returns the error itself or its nearest cause of the given class. */
function found<Kind extends Error>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof kind) return one;
  }
  return undefined;
}
