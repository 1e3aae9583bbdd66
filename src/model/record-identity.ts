import { RecordUnreadableError } from "../errors.ts";
import { shown } from "../internal/validate.ts";
import { type ResolvedIdentity, resolveIdentity, type StoreKey } from "./identity.ts";
import type { DedupRecord } from "./record.ts";

/** In the order of the parts of a key of the store. */
const IDS = ["workspaceId", "subscriptionId", "eventId"] as const;

/** What a record and an identity have in common. */
export type EventIds = Readonly<Record<(typeof IDS)[number], string>>;

/**
 * Compares the ids of a record with those of the event whose key it stands under. Every read that can decide comes through here,
 * so nothing is hashed.
 * @throws {RecordUnreadableError} when the record is that of another event; names the first id that differs.
 */
export function checkIdentity(record: EventIds, key: StoreKey, ids: EventIds): void {
  const id = IDS.find((name) => record[name] !== ids[name]);
  if (id === undefined) return;
  throw ofAnotherEvent(key, `expected its \`${id}\` to be \`${shown(ids[id])}\`, got \`${shown(record[id])}\``);
}

/**
 * Which event a record is of, where only the key is known that it stands under. Hashes.
 * @throws {RecordUnreadableError} when another key belongs to its ids; names the first id that makes it another.
 */
export function identityOf(record: DedupRecord, key: StoreKey): ResolvedIdentity {
  let identity: ResolvedIdentity;
  try {
    identity = resolveIdentity(record);
  } catch (cause) {
    throw new RecordUnreadableError(`The record under ${key} is that of no event: its ids are no Unicode`, { cause });
  }
  const [stands, belongs] = [key.split("."), identity.storeKey.split(".")];
  const id = IDS.find((_, part) => stands[part] !== belongs[part]);
  if (id === undefined) return identity;
  throw ofAnotherEvent(key, `its \`${id}\` is \`${shown(record[id])}\`, and belongs under ${identity.storeKey}`);
}

function ofAnotherEvent(key: StoreKey, difference: string): RecordUnreadableError {
  return new RecordUnreadableError(`The record under ${key} is that of another event: ${difference}`);
}
