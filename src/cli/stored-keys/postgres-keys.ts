import { RecordUnreadableError } from "../../errors.ts";
import { parseStoreKey, type StoreKey } from "../../model/identity.ts";
import { subjectOf } from "../../nats/wire/subject.ts";
import { openPostgres, POSTGRES_NAME } from "../connection/open-postgres.ts";
import type { CliIo } from "../terminal/io.ts";
import type { EventSelector } from "./event-selector.ts";
import { type FilterFlags, subjectsOfFilter } from "./key-filter.ts";
import { matchingKeys, withoutFailed } from "./matching-keys.ts";
import { type RecordSource, readKey } from "./read-key.ts";
import type { OpenKeys } from "./shared-keys.ts";
import type { ListedKey, StoredKey } from "./stored-key.ts";

/** Describes the table of the keys. Its subjects are the keys. */
export const POSTGRES_SOURCE: RecordSource = {
  bucket: POSTGRES_NAME,
  title: "PostgreSQL",
  keyOf: keyOfRow,
  maxAgeMs: Number.POSITIVE_INFINITY,
};

/** Opens the keys of a `postgresStore`. @throws as {@link openPostgres}. */
export async function openPostgresKeys(url: string, schema: string | undefined, io: CliIo): Promise<OpenKeys> {
  const postgres = await openPostgres(url, schema, io);
  const { serverMs, difference } = postgres;
  const scan = (
    filter: FilterFlags,
    subjectsIn: EventSelector["subjectsIn"] = (bucket) => subjectsOfFilter(bucket, filter),
  ): AsyncIterable<ListedKey> =>
    matchingKeys(postgres.rows(keysLike(subjectsIn(POSTGRES_NAME))), POSTGRES_SOURCE, filter, serverMs);
  return {
    name: POSTGRES_NAME,
    title: POSTGRES_SOURCE.title,
    bucketNames: [POSTGRES_NAME],
    serverMs,
    difference,
    scan: (filter, subjectsIn) => withoutFailed(scan(filter, subjectsIn)),
    scanAll: (filter) => scan(filter),
    async lookUp(subjectsIn) {
      const found: StoredKey[] = [];
      for await (const row of postgres.rows(keysLike(subjectsIn(POSTGRES_NAME)))) {
        found.push(readKey(row, POSTGRES_SOURCE));
      }
      return found;
    },
    openStores: async () => new Map([[POSTGRES_NAME, postgres.store]]),
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

/** Returns the pattern of LIKE for a subject with wildcards. */
function keysLike(subjects = ""): string {
  return subjects
    .slice(subjectOf(POSTGRES_NAME, "").length)
    .replaceAll(/[\\%_]/g, "\\$&")
    .replaceAll(/[*>]/g, "%");
}

function keyOfRow(text: string): StoreKey {
  try {
    return parseStoreKey(text);
  } catch (cause) {
    throw new RecordUnreadableError(`The row of ${text} does not have a Latchkey key. Remove it`, { cause });
  }
}
