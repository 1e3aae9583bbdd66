import { InvalidArgumentError } from "commander";
import { parseWholeNumber } from "../../internal/whole-number.ts";

/** Collects the values of a repeatable option. */
export function appendText(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** Collects the whole numbers of a repeatable argument. */
export function appendNumber(value: string, previous: readonly number[] = []): readonly number[] {
  return [...previous, wholeNumberFrom(1)(value)];
}

/** Returns a parser of whole numbers in a range. */
export function wholeNumberFrom(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = parseWholeNumber(text);
    if (value !== undefined && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      max === Number.MAX_SAFE_INTEGER
        ? `Expected a whole number of at least ${min}.`
        : `Expected a whole number from ${min} to ${max}.`,
    );
  };
}

/** One year. A longer duration is a mistake and exceeds the limits of some stores. */
const MAX_SECONDS = 366 * 24 * 60 * 60;

/** Returns a parser of seconds that returns milliseconds. */
export function secondsFrom(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= MAX_SECONDS) return Math.round(value * 1_000);
    throw new InvalidArgumentError(`Expected a number of seconds from ${min} to ${MAX_SECONDS}.`);
  };
}

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** Parses a duration such as `15m` and returns milliseconds. */
export function parseDuration(text: string): number {
  const [, amount = "", unit = "s"] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? [];
  const ms = Number.parseFloat(amount) * Number(UNITS_MS.get(unit));
  if (ms <= MAX_SECONDS * 1_000) return Math.round(ms);
  throw new InvalidArgumentError("Expected a duration such as 90s, 15m, 12h or 7d, of at most 366d.");
}
