import type { OpenBuckets } from "../connection/open-buckets.ts";
import { CommandError } from "../terminal/command-error.ts";
import { scanBuckets } from "./scan.ts";

type Names = readonly [first: string, eventId: string | undefined];

/** The beginning of a key's digest, as the inspector and `latchkey list` print it. A whole digest has 43 characters. */
const SHORT = /^(?<start>[\w-]{6,42})…?$/;

/**
 * Returns the whole key of a short one, and all other names as they are.
 * @throws {CommandError} if several keys begin with it.
 */
export async function wholeKey(names: Names, buckets: OpenBuckets): Promise<Names> {
  const [first, eventId] = names;
  const start = eventId === undefined ? SHORT.exec(first)?.groups?.["start"] : undefined;
  if (start === undefined) return names;
  const found = new Set<string>();
  for await (const { key } of scanBuckets(buckets, {})) {
    if (key?.slice(key.lastIndexOf(".") + 1).startsWith(start) === true) found.add(key);
  }
  const [key, ...others] = found;
  if (key === undefined) return names;
  if (others.length > 0) throw new CommandError(`${found.size} keys begin with \`${start}\`: give more of it`);
  return [key, undefined];
}
