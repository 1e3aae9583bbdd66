const FIRST_MS = 500;
const LONGEST_MS = 30_000;
/** An endpoint may ask for more patience than the backoff has, within reason. */
const LONGEST_ASKED_MS = 120_000;

/** How long to wait after the `attempt`-th failure: doubling from half a second, with half of it left to chance, at least what was asked for. */
export function backoffMs(attempt: number, random: () => number, askedMs = 0): number {
  const full = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
  return Math.max(full / 2 + (full / 2) * random(), Math.min(askedMs, LONGEST_ASKED_MS));
}
