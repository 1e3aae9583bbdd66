import { errorMessage } from "./error-message.ts";
import { isObject, type ObjectLike } from "./is-object.ts";
import { expected } from "./validate.ts";

/** Writes values as NDJSON: one line of JSON each. */
export function formatNdjson(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/**
 * Reads NDJSON whose lines are objects.
 * @param name of the text, for errors: "Line 3 of the history: …".
 * @param check returns a checked line, or throws an error that says what is wrong with it.
 * @throws {TypeError} that names the first unreadable line, with the error of `check` as its cause.
 */
export function parseNdjson<Line>(
  text: string,
  name: string,
  check: (value: ObjectLike, index: number) => Line,
): readonly Line[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, index) => {
      try {
        return check(parseLine(line), index);
      } catch (cause) {
        throw new TypeError(`Line ${index + 1} of ${name}: ${errorMessage(cause)}`, { cause });
      }
    });
}

function parseLine(line: string): ObjectLike {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new TypeError(line.trim() === "" ? "It is empty" : "It is not JSON", { cause });
  }
  if (isObject(value) && !Array.isArray(value)) return value;
  throw new TypeError(expected("line", "an object", value));
}
