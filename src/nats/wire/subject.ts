import { RecordUnreadableError } from "../../errors.ts";
import { type KeyFilter, parseStoreKey, type StoreKey, storeKeyPattern } from "../../model/identity.ts";

/** The stream that is behind a bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** All that a bucket holds. */
export function subjectsOf(bucket: string): string {
  return `${prefixOf(bucket)}>`;
}

export function subjectOf(bucket: string, key: string): string {
  return prefixOf(bucket) + key;
}

/** The subjects of the keys that match. @throws {TypeError} as {@link storeKeyPattern}. */
export function subjectFilter(bucket: string, filter: KeyFilter): string {
  return prefixOf(bucket) + storeKeyPattern(filter).join(".");
}

/** @throws {RecordUnreadableError} for a subject that is none of a key. */
export function keyOf(bucket: string, subject: string): StoreKey {
  try {
    return parseStoreKey(subject.slice(prefixOf(bucket).length));
  } catch (cause) {
    throw new RecordUnreadableError(`What stands under ${subject} has no key of Latchkey`, { cause });
  }
}

function prefixOf(bucket: string): string {
  return `$KV.${bucket}.`;
}
