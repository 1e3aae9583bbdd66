import { RecordUnreadableError } from "../errors.ts";
import { shown } from "../internal/validate.ts";

/** A number that grows with every reservation of a key; pass it downstream, so that a late writer can be refused. */
export type Fence = number;

interface RecordFields {
  readonly v: 1;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  /** The replica that wrote the record. */
  readonly owner: string;
  /** New for every attempt at a reservation; by it a replica recognises its own write. */
  readonly token: string;
  /** Which attempt at dispatching the event this is, counting from 1. */
  readonly attempt: number;
  /** The revision under which the reservation was first written; 0 in that first write, which is its own fence. */
  readonly fence: Fence;
  readonly leaseMs: number;
  /** When the record was written, by the writer's wall clock: for people, never for a decision. */
  readonly atMs: number;
  readonly fingerprint?: string;
}

/** The right to dispatch one event, held until its lease ends. */
export interface ReservationRecord extends RecordFields {
  readonly state: "reserved";
}

/** A dispatch that succeeded; suppresses duplicates until its window ends. */
export interface CommitRecord extends RecordFields {
  readonly state: "committed";
  /** What the handler returned, as JSON, when results are kept. */
  readonly result?: unknown;
}

/** What a store holds under a key: small JSON that a person can read. */
export type DedupRecord = ReservationRecord | CommitRecord;

/** The fence of what stands under `revision`: the first write of a reservation has none of its own, and is its own fence. */
export function fenceOf({ fence }: { readonly fence: Fence }, revision: number): Fence {
  return fence === 0 ? revision : fence;
}

/** The record as JSON, for a store to keep. */
export function encodeRecord(record: DedupRecord): string {
  return JSON.stringify(record);
}

/**
 * Reads what {@link encodeRecord} wrote.
 * @param where names the key in the error.
 * @throws {RecordUnreadableError} for anything but a record of version 1.
 */
export function decodeRecord(encoded: string, where: string): DedupRecord {
  let value: unknown;
  try {
    value = JSON.parse(encoded);
  } catch (cause) {
    throw new RecordUnreadableError(`What stands under ${where} is not JSON`, { cause });
  }
  const record = checkRecord(value, where);
  if (record.state === "reserved" || isNestedWithin(record.result, DEEPEST_RESULT)) return record;
  throw new RecordUnreadableError(`The record under ${where} has no valid \`result\``);
}

/** How many levels of arrays and objects a result may have. What copies or writes it recurses, and ends somewhere beyond a thousand. */
export const DEEPEST_RESULT = 100;

/** Whether a value of JSON has at most so many levels. */
export function isNestedWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isNestedWithin(inner, levels - 1));
}

/** @throws {RecordUnreadableError} for anything but a record of version 1; names the field. */
export function checkRecord(value: unknown, where: string): DedupRecord {
  if (!isObject(value)) throw new RecordUnreadableError(`What stands under ${where} is not a record of Latchkey`);
  if (value["v"] !== 1) {
    throw new RecordUnreadableError(
      `The record under ${where} has version ${shown(value["v"])}; this Latchkey reads version 1`,
    );
  }
  if (!isRecord(value)) {
    throw new RecordUnreadableError(`The record under ${where} has no valid \`${wrongField(value)}\``);
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRecord(value: object): value is DedupRecord {
  return wrongField(value) === undefined;
}

function wrongField(value: object): string | undefined {
  return fieldChecks.find(([field, isRight]) => !isRight(Reflect.get(value, field)))?.[0];
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isCount =
  (min: number) =>
  (value: unknown): boolean =>
    Number.isSafeInteger(value) && Number(value) >= min;

/** A `Date` reaches so far in both directions. */
const LATEST_MS = 8.64e15;
const isTime = (value: unknown): boolean => typeof value === "number" && Math.abs(value) <= LATEST_MS;

const fieldChecks: ReadonlyArray<readonly [keyof DedupRecord, (value: unknown) => boolean]> = [
  ["state", (value) => value === "reserved" || value === "committed"],
  ["workspaceId", isText],
  ["subscriptionId", isText],
  ["eventId", isText],
  ["owner", isText],
  ["token", isText],
  ["attempt", isCount(1)],
  ["fence", isCount(0)],
  ["leaseMs", isCount(1)],
  ["atMs", isTime],
  ["fingerprint", (value) => value === undefined || typeof value === "string"],
];
