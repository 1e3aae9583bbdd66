import { RecordUnreadableError } from "../../errors.ts";
import { expected, text } from "../../internal/validate.ts";
import { type KeyFilter, parseStoreKey, type StoreKey, storeKeyPattern } from "../../model/identity.ts";

const STREAM_PREFIX = "KV_";

/** Returns the name of a bucket's stream. */
export function bucketStream(bucket: string): string {
  return STREAM_PREFIX + bucket;
}

/** Returns the bucket of a stream; `undefined` if the stream is not a bucket's. */
export function bucketOf(stream: string): string | undefined {
  return stream.startsWith(STREAM_PREFIX) ? stream.slice(STREAM_PREFIX.length) : undefined;
}

/** Returns the wildcard that matches every key of a bucket. */
export function subjectsOf(bucket: string): string {
  return `${prefixOf(bucket)}>`;
}

export function subjectOf(bucket: string, key: string): string {
  return prefixOf(bucket) + key;
}

/** Returns the wildcard that matches the filtered keys. @throws {TypeError} as {@link storeKeyPattern}. */
export function subjectFilter(bucket: string, filter: KeyFilter): string {
  return prefixOf(bucket) + storeKeyPattern(filter).join(".");
}

/** Returns the key of a subject. @throws {RecordUnreadableError} if the subject does not contain a key. */
export function keyOf(bucket: string, subject: string): StoreKey {
  try {
    return parseStoreKey(subject.slice(prefixOf(bucket).length));
  } catch (cause) {
    throw new RecordUnreadableError(
      `The message at ${subject} does not have a Latchkey key. Remove it, and use a bucket for Latchkey alone`,
      { cause },
    );
  }
}

/** Returns `subject` if messages can be published to it. @throws {TypeError} for wildcards and empty parts. */
export function publishableSubject(field: string, subject: unknown): string {
  const value = text(field, subject);
  if (!/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(value)) {
    throw new TypeError(expected(field, "a subject without wildcards", subject));
  }
  return value;
}

function prefixOf(bucket: string): string {
  return `$KV.${bucket}.`;
}
