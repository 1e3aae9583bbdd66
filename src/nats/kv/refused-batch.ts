import { isStoreUnavailable, StoreUnavailableError } from "../../errors.ts";
import type { Revision } from "../../model/store.ts";
import type { BucketWriter } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";

/**
 * Repeats a member of a refused batch as a single write, so that it gets a result of its own.
 * Unless the refusal is `certain`, the batch may have stored the member. Then only success is conclusive: a conflict may be with the
 * member itself, and a failed repeat says nothing about the batch.
 * @returns the new revision, or `undefined` for a conflict.
 * @throws {StoreUnavailableError}
 */
export async function repeatRefused(
  { bucket, writer }: { readonly bucket: string; readonly writer: BucketWriter },
  write: CompareAndSet,
  certain: boolean,
): Promise<Revision | undefined> {
  if (certain) return writer.write(write);
  const message = `Bucket ${bucket} did not say whether it stored a write: its batch failed halfway`;
  let cause: unknown;
  let full = false;
  try {
    const revision = await writer.write(write);
    if (revision !== undefined) return revision;
    cause = new Error("The key holds a record, which may be the write itself");
  } catch (error) {
    if (!isStoreUnavailable(error) || error.ambiguous) throw error;
    cause = error;
    full = error.full;
  }
  throw new StoreUnavailableError(message, { ambiguous: true, full, cause });
}
