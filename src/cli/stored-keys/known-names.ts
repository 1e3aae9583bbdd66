import { escaped } from "../terminal/printable.ts";
import type { FilterFlags } from "./key-filter.ts";
import type { StoredKey } from "./stored-key.ts";

/** The names in a bucket that help with a lookup which found nothing. */
export interface KnownNames {
  readonly subscriptions: ReadonlySet<string>;
  /** Subscriptions that have a key of the event. */
  readonly subscriptionsOfEvent: ReadonlySet<string>;
  /** Ids that are the same JSON as the event's id, but spelled differently. */
  readonly spellings: ReadonlySet<string>;
  /** Some ids of CloudEvents, whose own id is the event's id. Their sources are part of them. */
  readonly withSource: ReadonlySet<string>;
}

interface Wanted {
  /** Undefined for any. */
  readonly subscriptionId: string | undefined;
  readonly eventId: string | undefined;
}

/** Maximum number of names. A suggestion from more would not help. */
const MOST_NAMES = 10_000;
const MOST_SUGGESTED = 3;

/** Reads the names from all keys of the bucket. */
export async function readKnownNames(
  scan: (flags: FilterFlags) => AsyncIterable<StoredKey>,
  { workspaceId, eventId }: { readonly workspaceId: string | undefined; readonly eventId: string | undefined },
): Promise<KnownNames> {
  const names = {
    subscriptions: new Set<string>(),
    subscriptionsOfEvent: new Set<string>(),
    spellings: new Set<string>(),
    withSource: new Set<string>(),
  };
  const ending = eventId === undefined ? undefined : `,${JSON.stringify(eventId)}]`;
  const json = eventId === undefined ? undefined : compactJson(eventId);
  for await (const stored of scan(workspaceId === undefined ? {} : { workspace: workspaceId })) {
    if (stored.state === "unreadable" || names.subscriptions.size === MOST_NAMES) continue;
    const { identity } = stored;
    names.subscriptions.add(identity.subscriptionId);
    if (identity.eventId === eventId) names.subscriptionsOfEvent.add(identity.subscriptionId);
    else if (json !== undefined && compactJson(identity.eventId) === json) names.spellings.add(identity.eventId);
    else if (ending !== undefined && identity.eventId.endsWith(ending) && names.withSource.size < MOST_SUGGESTED) {
      names.withSource.add(identity.eventId);
    }
  }
  return names;
}

/** Explains why a lookup found nothing, with the names that may have been meant. */
export function lookUpHints(
  { subscriptionId, eventId }: Wanted,
  { subscriptions, subscriptionsOfEvent, spellings, withSource }: KnownNames,
): readonly string[] {
  const hints: string[] = [];
  if (subscriptionId !== undefined && subscriptions.size > 0 && !subscriptions.has(subscriptionId)) {
    const similar = mostSimilar(subscriptionId, subscriptions);
    const meant = similar === undefined ? "" : `; did you mean ${quoted(similar)}?`;
    hints.push(`No key has subscription ${quoted(subscriptionId)}${meant === "" ? "." : meant}`);
  }
  if (eventId === undefined) return hints;
  const others = [...subscriptionsOfEvent].filter((other) => other !== subscriptionId).sort();
  if (others.length > 0) hints.push(`The event has keys under ${others.map(quoted).join(", ")}.`);
  for (const spelling of spellings) {
    hints.push(
      `There is a key of ${quoted(spelling)}, which is the same JSON. Ids are compared as text, so these are two events.`,
    );
  }
  if (withSource.size > 0) {
    hints.push(`The event id of a CloudEvent is its source and its id: ${[...withSource].map(quoted).join(", ")}.`);
  }
  const json = compactJson(eventId);
  if (spellings.size === 0 && json !== undefined && json !== eventId) {
    hints.push(`The event id of a CloudEvent has no spaces: ${quoted(json)}.`);
  }
  return hints;
}

/** Returns the text as compact JSON, if it is a JSON array. */
function compactJson(text: string): string | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function quoted(name: string): string {
  return `\`${escaped(name)}\``;
}

/** Returns the name with the fewest changed characters, if at most a third differ, or one that has `name` as its stream or consumer. */
export function mostSimilar(name: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  if (best !== undefined && best.distance <= Math.ceil(name.length / 3)) return best.name;
  return [...names].find((candidate) => candidate.split("/").includes(name));
}

/** Returns the number of inserted, removed and replaced characters between two texts. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, character] of Array.from(one).entries()) {
    let [diagonal, left] = [index, index + 1];
    row = row.map((above, at) => {
      if (at === 0) return left;
      const replaced = diagonal + (character === other[at - 1] ? 0 : 1);
      [diagonal, left] = [above, Math.min(replaced, above + 1, left + 1)];
      return left;
    });
  }
  return row.at(-1) ?? 0;
}
