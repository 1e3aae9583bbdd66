import { expected, oneOf, text } from "./internal/validate.ts";
import { type DeduplicatorOptions, MIN_TTL_MS, ON_STORE_UNAVAILABLE } from "./options.ts";

/**
 * Returns the options that the environment sets. Ignores blank variables, and spaces around values.
 *
 * `TRIGGER_DEDUP_TTL_SECONDS` (`windowMs`), `LATCHKEY_LEASE_SECONDS` (`leaseMs`), `LATCHKEY_SKEW_SECONDS` (`skewMs`),
 * `LATCHKEY_OWNER` (`owner`), `LATCHKEY_ON_STORE_UNAVAILABLE` (`onStoreUnavailable`).
 * @throws {TypeError | RangeError} that names the variable and the value.
 */
export function optionsFromEnv(env: Environment = ownEnvironment()): Partial<DeduplicatorOptions> {
  const read = <Value>(name: string, parse: (name: string, value: string) => Value): Value | undefined => {
    const value = setting(env, name);
    return value === undefined ? undefined : parse(name, value);
  };
  const windowMs = read("TRIGGER_DEDUP_TTL_SECONDS", duration);
  const leaseMs = read("LATCHKEY_LEASE_SECONDS", duration);
  const skewMs = read("LATCHKEY_SKEW_SECONDS", (name, value) => wholeSecondsMs(name, value, 0));
  const owner = read("LATCHKEY_OWNER", text);
  const onStoreUnavailable = read("LATCHKEY_ON_STORE_UNAVAILABLE", (name, value) =>
    oneOf(name, value, ON_STORE_UNAVAILABLE),
  );
  return {
    ...(windowMs !== undefined && { windowMs }),
    ...(leaseMs !== undefined && { leaseMs }),
    ...(skewMs !== undefined && { skewMs }),
    ...(owner !== undefined && { owner }),
    ...(onStoreUnavailable !== undefined && { onStoreUnavailable }),
  };
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Returns this process's variables. A browser has none. */
function ownEnvironment(): Environment {
  return "process" in globalThis ? process.env : {};
}

/** Returns an environment variable without surrounding spaces, or `undefined` if it is unset or blank. */
export function setting(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

/**
 * Returns the number of dispatches that `TRIGGER_DISPATCH_MAX_RETRIES` allows: the retries and the first attempt.
 * @throws {TypeError | RangeError} if the variable is not a whole number.
 */
export function maxAttemptsFromEnv(env: Environment): number | undefined {
  const name = "TRIGGER_DISPATCH_MAX_RETRIES";
  const value = setting(env, name);
  if (value === undefined) return undefined;
  const range = `a whole number from 0 to ${MAX_RETRIES}, in digits`;
  if (!/^\d+$/.test(value)) throw new TypeError(expected(name, range, value));
  if (Number(value) > MAX_RETRIES) throw new RangeError(expected(name, range, value));
  return Number(value) + 1;
}

const MAX_RETRIES = 1_000_000;

const duration = (name: string, value: string): number => wholeSecondsMs(name, value, MIN_TTL_MS);

const SECOND_MS = 1_000;
/** Largest number of seconds whose milliseconds are still an exact number. */
const MAX_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / SECOND_MS);

function wholeSecondsMs(name: string, value: string, minMs: number): number {
  const range = `whole seconds from ${minMs / SECOND_MS} to ${MAX_SECONDS}, in digits`;
  if (!/^\d+$/.test(value)) throw new TypeError(expected(name, range, value));
  const seconds = Number(value);
  if (seconds * SECOND_MS < minMs || seconds > MAX_SECONDS) throw new RangeError(expected(name, range, value));
  return seconds * SECOND_MS;
}
