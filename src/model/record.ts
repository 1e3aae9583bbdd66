import { RecordUnreadableError } from "../errors.ts";
import { isObject } from "../internal/is-object.ts";
import { shown } from "../internal/validate.ts";

/** Fencing token: rises with every reservation of a key. Pass it downstream, where it lets a receiver refuse a late writer. */
export type Fence = number;

interface RecordFields {
  readonly v: 1;
  readonly workspaceId: string;
  readonly subscriptionId: string;
  readonly eventId: string;
  /** The replica that wrote the record. */
  readonly owner: string;
  /** Random id, new for every attempt. A replica recognises its own writes by it. */
  readonly token: string;
  /** Number of this attempt to dispatch the event, counting from 1. */
  readonly attempt: number;
  /** Revision of the reservation's first write; 0 in that first write, whose revision is the fence. */
  readonly fence: Fence;
  /** Lease of the reservation, in milliseconds. */
  readonly leaseMs: number;
  /** Time of the write by the writer's wall clock, in milliseconds since 1970. For people, never for a decision. */
  readonly atMs: number;
  /** Fence of the reservation that this one followed after its lease had ended, if the owner saw that one. For people. */
  readonly tookOverFrom?: Fence;
  /** Fingerprint of the payload, if the caller gave one. */
  readonly fingerprint?: string;
}

/** Record of a reservation: its owner may dispatch the event until the lease ends. */
export interface ReservationRecord extends RecordFields {
  /** The key is reserved. */
  readonly state: "reserved";
  /** Time from the reservation's first write to this renewal, by the writer's clock. For people, never for a decision. */
  readonly heldMs?: number;
}

/** Record of a successful dispatch, which suppresses duplicates until its window ends. */
export interface CommitRecord extends RecordFields {
  /** The key is committed. */
  readonly state: "committed";
  /** Return value of the handler as JSON, if results are kept. */
  readonly result?: unknown;
  /** True if the dispatch failed for good: later deliveries fail without another one. */
  readonly failed?: true;
}

/** Record under a key: small, readable JSON. */
export type DedupRecord = ReservationRecord | CommitRecord;

/** Returns the fence of the record at `revision`. The first write of a reservation is its own fence. */
export function fenceOf({ fence }: { readonly fence: Fence }, revision: number): Fence {
  return fence === 0 ? revision : fence;
}

/** Returns the record as JSON. */
export function encodeRecord(record: DedupRecord): string {
  return JSON.stringify(record);
}

/** Advice for a value that Latchkey did not write. */
const FOREIGN = "Another program wrote it: clear the key, and use a bucket for Latchkey alone";

/**
 * Decodes what {@link encodeRecord} returned.
 * @param where key named by the error.
 * @throws {RecordUnreadableError} for anything but a record of version 1.
 */
export function decodeRecord(encoded: string, where: string): DedupRecord {
  let value: unknown;
  try {
    value = JSON.parse(encoded);
  } catch (cause) {
    throw new RecordUnreadableError(`Key ${where} does not hold JSON. ${FOREIGN}`, { cause });
  }
  const record = checkRecord(value, where);
  if (record.state === "reserved" || isNestedWithin(record.result, MAX_RESULT_DEPTH)) return record;
  throw new RecordUnreadableError(`The record of ${where} has no valid \`result\`. ${FOREIGN}`);
}

/** Maximum nesting of a result. Copying and encoding recurse, and overflow the stack beyond about a thousand levels. */
export const MAX_RESULT_DEPTH = 100;

/** Returns true if a JSON value has at most `levels` levels of arrays and objects. */
export function isNestedWithin(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isNestedWithin(inner, levels - 1));
}

/** Returns `value` as a record. @throws {RecordUnreadableError} for anything but a record of version 1; names the field. */
export function checkRecord(value: unknown, where: string): DedupRecord {
  if (!isObject(value) || Array.isArray(value))
    throw new RecordUnreadableError(`Key ${where} does not hold a Latchkey record. ${FOREIGN}`);
  if (value["v"] !== 1) {
    throw new RecordUnreadableError(
      `The record of ${where} has version ${shown(value["v"])}; this version of Latchkey reads version 1. Upgrade this replica`,
    );
  }
  if (!isRecord(value)) {
    throw new RecordUnreadableError(`The record of ${where} has no valid \`${wrongField(value)}\`. ${FOREIGN}`);
  }
  return value;
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

/** Range of `Date`, in both directions. */
const LATEST_MS = 8.64e15;
const isTime = (value: unknown): boolean => typeof value === "number" && Math.abs(value) <= LATEST_MS;

const fieldChecks: ReadonlyArray<readonly [keyof DedupRecord | "heldMs" | "failed", (value: unknown) => boolean]> = [
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
  ["heldMs", (value) => value === undefined || (isTime(value) && Number(value) >= 0)],
  ["tookOverFrom", (value) => value === undefined || isCount(1)(value)],
  ["failed", (value) => value === undefined || value === true],
  ["fingerprint", (value) => value === undefined || typeof value === "string"],
];
