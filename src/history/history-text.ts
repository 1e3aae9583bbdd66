import { isObject, type ObjectLike } from "../internal/is-object.ts";
import { formatNdjson, parseNdjson } from "../internal/ndjson.ts";
import { expected } from "../internal/validate.ts";
import { checkRecord } from "../model/record.ts";
import type { History, HistoryLine, Operation } from "./history.ts";

/** Returns a history as NDJSON. */
export function formatHistory(history: History): string {
  return formatNdjson(history);
}

/**
 * Parses what {@link formatHistory} returned, or several such texts concatenated.
 * @throws {TypeError} naming the line and the reason.
 */
export function parseHistory(text: string): History {
  return parseNdjson(text, "the history", (value, index) => {
    if (index > 0 || value["type"] === "history") return checkLine(value);
    throw new TypeError(expected("type", `"history", since a history begins with its header`, value["type"]));
  });
}

/** @throws {TypeError | RecordUnreadableError} that names what is wrong. */
function checkLine(value: ObjectLike): HistoryLine {
  if (value["type"] === "store.held" && "record" in value) checkRecord(value["record"], String(value["key"]));
  if (isLine(value)) return value;
  throw new TypeError(problemWith(value));
}

function isLine(value: object): value is HistoryLine {
  return isObject(value) && problemWith(value) === undefined;
}

/** Expectation for a field, in words and as a predicate. */
interface Field {
  readonly expectation: string;
  readonly isRight: (value: unknown) => boolean;
}

const text: Field = {
  expectation: "a string that is not empty",
  isRight: (value) => typeof value === "string" && value !== "",
};
const texts: Field = {
  expectation: "an array of strings that are not empty",
  isRight: (value) => Array.isArray(value) && value.every(text.isRight),
};
const flag: Field = { expectation: "a boolean", isRight: (value) => typeof value === "boolean" };
const time: Field = { expectation: "a finite number", isRight: Number.isFinite };
const whole = (min: number): Field => ({
  expectation: `a whole number of at least ${min}`,
  isRight: (value) => Number.isSafeInteger(value) && Number(value) >= min,
});
const oneOf = (...choices: readonly (string | number)[]): Field => ({
  expectation: choices.map((choice) => JSON.stringify(choice)).join(" or "),
  isRight: (value) => choices.some((choice) => choice === value),
});
const optional = ({ expectation, isRight }: Field): Field => ({
  expectation: `${expectation}, or missing`,
  isRight: (value) => value === undefined || isRight(value),
});

const violations: Field = {
  expectation: "an array of violations, each with `guarantee`, `line` and `why`, or missing",
  isRight: (value) => value === undefined || (Array.isArray(value) && value.every(isViolation)),
};

function isViolation(value: unknown): boolean {
  return (
    isObject(value) &&
    text.isRight(value["guarantee"]) &&
    whole(1).isRight(value["line"]) &&
    typeof value["why"] === "string"
  );
}

const operations: Readonly<Record<Operation, true>> = {
  reserve: true,
  renew: true,
  commit: true,
  release: true,
  read: true,
  clear: true,
  get: true,
  put: true,
  delete: true,
};
const commit = optional(oneOf("confirmed", "adopted", "superseded", "unconfirmed"));
const revision = optional(whole(0));
const record = { revision, token: optional(text), state: optional(oneOf("reserved", "committed")) };

const answers: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  acknowledged: { because: oneOf("dispatched", "duplicate", "returned"), commit },
  nak: { because: oneOf("pending", "failed"), afterMs: time, error: optional(text), code: optional(text) },
};

/** The fields of each kind of line, but `process` and `atMs`. */
const fields: Readonly<Record<HistoryLine["type"], Readonly<Record<string, Field>>>> = {
  history: { version: oneOf(1), clock: text, violations },
  delivered: { event: text, delivery: whole(1) },
  answered: { event: text, delivery: whole(1), answer: oneOf(...Object.keys(answers)) },
  invoke: {
    op: whole(1),
    operation: oneOf(...Object.keys(operations)),
    key: text,
    event: optional(text),
    token: optional(text),
    expected: revision,
    fence: revision,
    leaseMs: optional(whole(1)),
    ttlMs: optional(whole(1)),
  },
  ok: { op: whole(1), ...record },
  fail: { op: whole(1), because: oneOf("conflict", "refused"), ...record },
  unknown: { op: whole(1), because: text },
  "effect.began": {
    event: text,
    effect: whole(1),
    name: text,
    fence: whole(0),
    hasSignal: flag,
    turnMs: optional(time),
  },
  "effect.checked": { event: text, effect: whole(1), turnMs: time },
  "effect.aborted": { event: text, effect: whole(1) },
  "effect.ended": { event: text, effect: whole(1), failed: flag },
  "transaction.ended": { event: text, name: text, failed: flag },
  "store.held": { key: text, revision: whole(1) },
  "store.removed": { key: text, revision: whole(1) },
  fault: { fault: text },
  frozen: {},
  died: {},
  settled: { unacknowledged: optional(texts), deadLettered: optional(texts) },
};
const common: Readonly<Record<string, Field>> = { process: text, atMs: time };

function problemWith(value: ObjectLike): string | undefined {
  const { type, answer } = value;
  const specific = Object.entries(fields).find(([name]) => name === type)?.[1];
  if (specific === undefined) return expected("type", oneOf(...Object.keys(fields)).expectation, type);
  const all = {
    ...(type === "history" ? {} : common),
    ...specific,
    ...(type === "answered" && typeof answer === "string" ? answers[answer] : {}),
  };
  for (const [name, { expectation, isRight }] of Object.entries(all)) {
    if (!isRight(value[name])) return expected(name, expectation, value[name]);
  }
  const hasContent = "record" in value || "value" in value;
  return type === "store.held" && !hasContent ? expected("record", "there, or a `value`", value["record"]) : undefined;
}
