import { ResultNotKeptError } from "../errors.ts";
import { utf8Length } from "../internal/utf8.ts";
import { isNestedWithin, MAX_RESULT_DEPTH } from "../model/record.ts";

/** Maximum size of a result, because every duplicate reads it. */
export const MAX_RESULT_BYTES = 65_536;

/** A handler's result as JSON, or why it cannot be stored. */
export type StoredResult =
  | { readonly state: "none" }
  | { readonly state: "stored"; readonly result: unknown; readonly bytes: number }
  | { readonly state: "failed"; readonly error: ResultNotKeptError };

const ADVICE = "Return a smaller or plainer value, or set `keepResult: false`";

/** Returns a copy of the result to store with the commit, or why it cannot be stored. */
export function storeResult(value: unknown): StoredResult {
  if (value === undefined) return { state: "none" };
  let encoded: unknown;
  try {
    encoded = JSON.stringify(value);
  } catch (cause) {
    return { state: "failed", error: new ResultNotKeptError(`The result has no JSON form. ${ADVICE}`, { cause }) };
  }
  if (typeof encoded !== "string") {
    return {
      state: "failed",
      error: new ResultNotKeptError(`A value of type ${typeof value} has no JSON form. ${ADVICE}`),
    };
  }
  const bytes = utf8Length(encoded);
  if (bytes > MAX_RESULT_BYTES) {
    const message = `The result has ${bytes} bytes as JSON; at most ${MAX_RESULT_BYTES} are kept. ${ADVICE}`;
    return { state: "failed", error: new ResultNotKeptError(message) };
  }
  const result: unknown = JSON.parse(encoded);
  if (isNestedWithin(result, MAX_RESULT_DEPTH)) return { state: "stored", result, bytes };
  return {
    state: "failed",
    error: new ResultNotKeptError(`The result is nested more than ${MAX_RESULT_DEPTH} levels deep. ${ADVICE}`),
  };
}
