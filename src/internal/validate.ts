/** Returns the message for a wrong argument: the field, the expectation, and the value with its type. */
export function expected(field: string, expectation: string, got: unknown): string {
  return `Expected \`${field}\` to be ${expectation}, got \`${shown(got)}\` (${kindOf(got)})`;
}

const SHOWN_LENGTH = 60;

/** Returns a value for an error message: shortened, and without the contents of an object. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : typeof value === "object" && value !== null ? "…" : String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Returns `value`. @throws {TypeError | RangeError} if it is not a whole number in the range. */
export function wholeNumber(field: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const isNumber = typeof value === "number";
  if (isNumber && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  const upTo = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const message = expected(field, `a whole number ${upTo}`, value);
  throw isNumber ? new RangeError(message) : new TypeError(message);
}

/** Returns `value`. @throws {TypeError} if it is not one of `choices`. */
export function oneOf<const Choice extends string>(field: string, value: unknown, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    throw new TypeError(expected(field, choices.map((choice) => `"${choice}"`).join(" or "), value));
  }
  return found;
}

/** Returns `value`. @throws {TypeError} if it is not a boolean. */
export function flag(field: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(expected(field, "a boolean", value));
  return value;
}

/** Returns `value`. @throws {TypeError} if it is not a non-empty, well-formed string. */
export function text(field: string, value: unknown): string {
  if (typeof value !== "string" || value === "")
    throw new TypeError(expected(field, "a string that is not empty", value));
  if (!value.isWellFormed()) {
    throw new TypeError(expected(field, "well-formed Unicode without lone surrogates", value.toWellFormed()));
  }
  return value;
}

/** @throws {TypeError} if `value` is not an object with all of `methods`. */
export function objectWith(field: string, value: unknown, ...methods: readonly string[]): void {
  if (typeof value !== "object" || value === null) throw new TypeError(expected(field, "an object", value));
  for (const method of methods) callable(`${field}.${method}`, Reflect.get(value, method));
}

/** Returns `value`. @throws {TypeError} if it is not an AbortSignal. */
export function abortSignal(field: string, value: unknown): AbortSignal {
  if (!(value instanceof AbortSignal)) throw new TypeError(expected(field, "an AbortSignal", value));
  return value;
}

/** @throws {TypeError} if `value` is not a function. */
export function callable(field: string, value: unknown): void {
  if (typeof value !== "function") throw new TypeError(expected(field, "a function", value));
}
