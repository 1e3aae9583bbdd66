import { expected, oneOf, text } from "./internal/validate.ts";
import { type DeduplicatorOptions, MIN_TTL_MS, ON_STORE_UNAVAILABLE } from "./options.ts";

/**
 * The options that the environment sets; what is unset or empty is left out.
 *
 * `TRIGGER_DEDUP_TTL_SECONDS` (`windowMs`), `LATCHKEY_LEASE_SECONDS` (`leaseMs`), `LATCHKEY_SKEW_SECONDS` (`skewMs`),
 * `LATCHKEY_OWNER` (`owner`), `LATCHKEY_ON_STORE_UNAVAILABLE` (`onStoreUnavailable`).
 * @throws {TypeError | RangeError} that names the variable and the value.
 */
export function optionsFromEnv(env: NodeJS.ProcessEnv = process.env): Partial<DeduplicatorOptions> {
  const read = <Value>(name: string, parse: (name: string, value: string) => Value): Value | undefined =>
    env[name] ? parse(name, env[name]) : undefined;
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

const duration = (name: string, value: string): number => wholeSecondsMs(name, value, MIN_TTL_MS);

const SECOND_MS = 1_000;
/** So that the milliseconds are still an exact number. */
const MAX_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / SECOND_MS);

function wholeSecondsMs(name: string, value: string, minMs: number): number {
  const range = `whole seconds from ${minMs / SECOND_MS} to ${MAX_SECONDS}, in digits`;
  if (!/^\d+$/.test(value)) throw new TypeError(expected(name, range, value));
  const seconds = Number(value);
  if (seconds * SECOND_MS < minMs || seconds > MAX_SECONDS) throw new RangeError(expected(name, range, value));
  return seconds * SECOND_MS;
}
