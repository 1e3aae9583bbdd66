import { deadLetters } from "../../nats/index.ts";
import { type BucketFlags, openBuckets } from "../connection/open-buckets.ts";
import { storeOf } from "../connection/store-of.ts";
import { asCommandErrorAsync } from "../terminal/command-error.ts";
import type { CliIo } from "../terminal/io.ts";
import type { InspectedStore } from "./inspected.ts";

/** Opens the store of the buckets that the flags select. */
export async function inspectedBuckets(flags: BucketFlags, io: CliIo): Promise<InspectedStore> {
  const buckets = await openBuckets(flags, io);
  try {
    const store = await asCommandErrorAsync(() => storeOf(buckets));
    const { connection, apiPrefix } = buckets;
    return {
      store,
      name: `bucket ${buckets.name}`,
      openDeadLetters: (subject) => deadLetters(connection, { subject, store, apiPrefix }),
      [Symbol.asyncDispose]: () => buckets[Symbol.asyncDispose](),
    };
  } catch (error) {
    await buckets[Symbol.asyncDispose]();
    throw error;
  }
}
