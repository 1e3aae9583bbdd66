import { RecordUnreadableError } from "../errors.ts";
import { shown } from "../internal/validate.ts";
import { type ResolvedIdentity, resolveIdentity, type StoreKey } from "./identity.ts";

/** The ids in the order of a store key's parts. */
const IDS = ["workspaceId", "subscriptionId", "eventId"] as const;

/** The ids that a record and an identity share. */
export type EventIds = Readonly<Record<(typeof IDS)[number], string>>;

/**
 * Compares the ids of a record with those of the event whose key holds it. Every deciding read passes here, so nothing is hashed.
 * @throws {RecordUnreadableError} if the record belongs to another event; names the first id that differs.
 */
export function checkIdentity(record: EventIds, key: StoreKey, ids: EventIds): void {
  const id = IDS.find((name) => record[name] !== ids[name]);
  if (id === undefined) return;
  throw anotherEvent(key, `expected its \`${id}\` to be \`${shown(ids[id])}\`, got \`${shown(record[id])}\``);
}

/**
 * Returns the identity of a record, for callers that know only its key. Hashes the ids.
 * @throws {RecordUnreadableError} if the ids belong to another key; names the first id that differs.
 */
export function identityOf(record: EventIds, key: StoreKey): ResolvedIdentity {
  let identity: ResolvedIdentity;
  try {
    identity = resolveIdentity(record);
  } catch (cause) {
    throw new RecordUnreadableError(`The record of ${key} belongs to no event: its ids are not well-formed Unicode`, {
      cause,
    });
  }
  const [actual, expectedParts] = [key.split("."), identity.storeKey.split(".")];
  const id = IDS.find((_, part) => actual[part] !== expectedParts[part]);
  if (id === undefined) return identity;
  throw anotherEvent(key, `its \`${id}\` is \`${shown(record[id])}\`, which belongs to ${identity.storeKey}`);
}

function anotherEvent(key: StoreKey, difference: string): RecordUnreadableError {
  return new RecordUnreadableError(`The record of ${key} belongs to another event: ${difference}`);
}
