import { dedupKeyOfStoreKey } from "../../model/dedup-key.ts";
import type { StoreKey } from "../../model/identity.ts";
import { CommandError } from "../terminal/command-error.ts";
import type { OpenKeys } from "./shared-keys.ts";
import type { ListedKey } from "./stored-key.ts";

type Names = readonly [first: string, eventId: string | undefined];

/** The beginning of a key's digest, as `latchkey list` and the inspector print it. A whole digest has 43 characters. */
const SHORT = /^\.?(?<start>[\w-]{6,43})…?$/;
const SHORTEST = 8;

/** Returns the beginnings of digests that tell the keys apart. A dot precedes a hyphen, which would begin an option. */
export function shortKeys(keys: readonly ListedKey[]): ReadonlyMap<ListedKey, string> {
  const digests = new Map(
    keys.flatMap((stored) => (stored.key === undefined ? [] : [[stored, digestOf(stored.key)] as const])),
  );
  const all = new Set(digests.values());
  let length = SHORTEST;
  while (new Set([...all].map((digest) => digest.slice(0, length))).size < all.size) length += 1;
  return new Map(
    [...digests].map(([stored, digest]) => [stored, `${digest.startsWith("-") ? "." : ""}${digest.slice(0, length)}`]),
  );
}

/**
 * Returns the dedup key of a short key, and all other names as they are.
 * @throws {CommandError} if several events have keys that begin with it.
 */
export async function wholeKey(names: Names, { scanAll }: Pick<OpenKeys, "scanAll">): Promise<Names> {
  const [first, eventId] = names;
  const start = eventId === undefined ? SHORT.exec(first)?.groups?.["start"] : undefined;
  if (start === undefined) return names;
  const found = new Set<string>();
  for await (const { key } of scanAll({})) {
    if (key !== undefined && digestOf(key).startsWith(start)) found.add(digestOf(key));
  }
  const [digest, ...others] = found;
  if (digest === undefined) return names;
  if (others.length > 0) throw new CommandError(`${found.size} keys begin with \`${start}\`: give more of it`);
  return [dedupKeyOfStoreKey(digest), undefined];
}

function digestOf(key: StoreKey): string {
  return key.slice(key.lastIndexOf(".") + 1);
}
