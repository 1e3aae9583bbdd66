import type { Deduplicator } from "./deduplicator.ts";
import { LatchkeyError, ResultNotKeptError } from "./errors.ts";
import { isObject } from "./internal/is-object.ts";
import { callable, objectWith, text } from "./internal/validate.ts";
import type { Reservation } from "./model/decision.ts";
import type { Identity } from "./model/identity.ts";
import type { ReserveOptions } from "./options.ts";

/** Options of {@link idempotent}. */
export interface IdempotentOptions<Args extends unknown[]>
  extends Omit<ReserveOptions, "fingerprint" | "attempt" | "keepResult"> {
  /** Decides which calls run. */
  readonly dedup: Pick<Deduplicator, "guard">;
  /** Returns the key of a call: calls with the same key are the same call. Or an identity, if the function has several tenants. */
  readonly key: (...args: Args) => string | Identity;
  /** Name of the function, as `subscriptionId` of its keys. Two functions with one name share their keys. @default the name of the function */
  readonly name?: string;
  /** Returns a hash of the arguments. The same key with another fingerprint throws {@link FingerprintMismatchError}. */
  readonly fingerprint?: (...args: Args) => string;
}

/** Thrown by an {@link idempotent} function whose first call with this key is still running. Call it again after `retryAfterMs`. */
export class CallPendingError extends LatchkeyError {
  override readonly name: string = "CallPendingError";
  /** Time after which the running call ends unless it renews its reservation, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(name: string, owner: string, retryAfterMs: number) {
    super("call-pending", `${name} is running for this key on ${owner}. Call it again in ${retryAfterMs} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Returns a function that runs once per key. A later call with the same key returns the result of the first.
 *
 * The result is kept as JSON, as `{ "value": … }`, until the window ends. So a later call gets a copy, without what JSON cannot hold.
 * If the function throws, its key is released, and the next call runs it again.
 * @param run gets the arguments of the call, and the reservation as `this`: pass its idempotency key and its signal on.
 * @throws {TypeError} for a wrong option, and from the returned function for a wrong key.
 * @throws {CallPendingError} from the returned function while another call with its key runs. `onPending: "wait"` waits for it instead.
 * @throws {ResultNotKeptError} from a later call if the first result was larger than 64 KiB or has no JSON form.
 * @throws the function's error, unchanged, and the errors of {@link Deduplicator.reserve}.
 */
export function idempotent<Args extends unknown[], Value>(
  run: (this: Reservation, ...args: Args) => Value | PromiseLike<Value>,
  options: IdempotentOptions<Args>,
): (...args: Args) => Promise<Value> {
  callable("run", run);
  objectWith("options", options, "key");
  const { dedup, key, fingerprint, name = run.name, ...reserveOptions } = options;
  objectWith("dedup", dedup, "guard");
  text("name", name);
  if (fingerprint !== undefined) callable("fingerprint", fingerprint);
  return async (...args) => {
    const chosen = key(...args);
    const identity = typeof chosen === "object" ? chosen : { subscriptionId: name, eventId: text("key", chosen) };
    const outcome = await dedup.guard<Kept<Value>>(
      identity,
      async (reservation) => ({ value: await run.call(reservation, ...args) }),
      { ...reserveOptions, keepResult: true, ...(fingerprint !== undefined && { fingerprint: fingerprint(...args) }) },
    );
    if (outcome.outcome === "pending") throw new CallPendingError(name, outcome.owner, outcome.retryAfterMs);
    if (outcome.outcome === "dispatched") return outcome.value.value;
    if (isKept<Value>(outcome.value)) return outcome.value.value;
    throw new ResultNotKeptError(
      `An earlier call of ${name} finished, but its result was not kept. Return a smaller or plainer value`,
    );
  };
}

/** Result in the record. The object distinguishes a function without a result from a result that was not kept. */
interface Kept<Value> {
  readonly value: Value;
}

/** Also true for `{}`, because JSON drops a value of `undefined`. */
function isKept<Value>(result: unknown): result is Kept<Value> {
  return isObject(result) && !Array.isArray(result) && Object.keys(result).every((name) => name === "value");
}
