import type { Revision } from "../../model/store.ts";
import type { BucketWriter } from "../wire/bucket-writer.ts";
import type { CompareAndSet } from "../wire/compare-and-set.ts";
import { writeFailed } from "../wire/error-codes.ts";

/**
 * Repeats a member of a refused batch as a single write, so that it gets a result of its own.
 * Unless the refusal is `certain`, the batch may have stored the member, and a conflict may be with the member itself.
 * @returns the new revision, or `undefined` for a conflict.
 * @throws {StoreUnavailableError} also for such a conflict.
 */
export async function repeatRefused(
  { bucket, writer }: { readonly bucket: string; readonly writer: BucketWriter },
  write: CompareAndSet,
  certain: boolean,
): Promise<Revision | undefined> {
  const revision = await writer.write(write);
  if (revision !== undefined || certain) return revision;
  throw writeFailed(bucket, new Error("The batch failed while it was stored, and the key holds something"));
}
