import { JetStreamApiError } from "@nats-io/jetstream";
import {
  ClosedConnectionError,
  DrainingConnectionError,
  InvalidArgumentError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from "@nats-io/nats-core";
import { StoreUnavailableError } from "../../errors.ts";

/** The server's codes that say more than that something failed. */
export const apiCodes = {
  clusterUnavailable: 10_008,
  notLeader: 10_009,
  noConsumer: 10_014,
  noMessage: 10_037,
  nameInUse: 10_058,
  noStream: 10_059,
  wrongLastSequence: 10_071,
  anotherWriteInFlight: 10_164,
} as const;

/** What each code says of a write: it was not stored. */
const refusals: ReadonlyMap<number, string> = new Map([
  [10_002, "the account has used up its JetStream storage"],
  [apiCodes.clusterUnavailable, "JetStream is out of service for the moment"],
  [apiCodes.notLeader, "no server leads the bucket for the moment"],
  [10_023, "the server has no resources left for JetStream"],
  [10_039, "JetStream is not enabled for the account"],
  [10_054, "the record is larger than the bucket's `max_msg_size`"],
  [apiCodes.noStream, "the bucket does not exist"],
  [10_060, "another stream has taken the bucket's subjects"],
  [10_076, "JetStream is not enabled on the server"],
  [10_077, "the bucket is full"],
  [10_109, "the bucket is sealed"],
  [apiCodes.anotherWriteInFlight, "other writes to the key would not let it through"],
  [10_165, "the server does not take the record's time to live"],
  [10_166, "the bucket does not allow records a time to live (`allow_msg_ttl`)"],
]);

/** The error for a write that the server answered with a code: only a code that is known is sure not to be stored. */
export function refused(bucket: string, code: number, cause: unknown): StoreUnavailableError {
  const reason = refusals.get(code);
  return new StoreUnavailableError(`Bucket ${bucket} refused a write: ${reason ?? `code ${code}`}`, {
    ambiguous: reason === undefined,
    cause,
  });
}

/** The error for a write that got no answer, or none that can be read. */
export function writeFailed(bucket: string, cause: unknown): StoreUnavailableError {
  const reason = reasonNotSent(cause);
  return reason === undefined
    ? new StoreUnavailableError(`Bucket ${bucket} did not say whether it stored a write`, { ambiguous: true, cause })
    : new StoreUnavailableError(`Bucket ${bucket} cannot be written: ${reason}`, { ambiguous: false, cause });
}

/** The error for a request that changes nothing. */
export function readFailed(bucket: string, cause: unknown): StoreUnavailableError {
  const code = apiCodeOf(cause);
  const reason =
    reasonNotSent(cause) ??
    reasonNotHeard(cause) ??
    (code === undefined ? "no answer" : (refusals.get(code) ?? `code ${code}`));
  return new StoreUnavailableError(`Bucket ${bucket} cannot be read: ${reason}`, { ambiguous: false, cause });
}

/** The code with which the server answered, if it did. */
export function apiCodeOf(error: unknown): number | undefined {
  return found(error, JetStreamApiError)?.code;
}

/** Whether the server forbade what was asked. */
export function isForbidden(error: unknown): boolean {
  return found(error, PermissionViolationError) !== undefined;
}

/** Whether no server said that it answers for what was asked. */
export function isUnheardOf(error: unknown): boolean {
  return found(error, NoRespondersError) !== undefined;
}

/** Whether no answer came in time. */
export function isUnanswered(error: unknown): boolean {
  return found(error, TimeoutError) !== undefined;
}

/** Why a request never reached a stream, if that is sure. */
function reasonNotSent(error: unknown): string | undefined {
  const violation = found(error, PermissionViolationError);
  // Who may not subscribe to an answer has sent the request all the same.
  if (violation?.operation === "publish") return `the connection may not publish to ${violation.subject}`;
  if (isUnheardOf(error)) return "nothing answers for it; it does not exist, or no server leads it";
  // The client says these before it sends anything; a request that is under way fails with another error.
  if (found(error, ClosedConnectionError) !== undefined) return "the connection is closed";
  if (found(error, DrainingConnectionError) !== undefined) return "the connection is closed";
  if (found(error, InvalidArgumentError)) return "the client does not send what is asked";
  return undefined;
}

/** Why no answer can be heard, if that is sure. */
function reasonNotHeard(error: unknown): string | undefined {
  const violation = found(error, PermissionViolationError);
  return violation?.operation === "subscription"
    ? `the connection may not subscribe to ${violation.subject}, where answers come`
    : undefined;
}

/** The error itself, or the nearest of its causes, that is of the kind. */
function found<Kind extends Error>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof kind) return one;
  }
  return undefined;
}
