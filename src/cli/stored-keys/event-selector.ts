import {
  DEFAULT_WORKSPACE,
  parseStoreKey,
  type ResolvedIdentity,
  resolveIdentity,
  storeKeyPattern,
} from "../../model/identity.ts";
import { subjectOf } from "../../nats/wire/subject.ts";
import { asCommandError, CommandError } from "../terminal/command-error.ts";
import { printable } from "../terminal/printable.ts";

/** An event that a command line selects, and the subjects that can hold its key. */
export interface EventSelector {
  /** Returns a subject, with wildcards for unknown parts. Undefined if the bucket cannot hold the key. */
  readonly subjectsIn: (bucket: string) => string | undefined;
  /** Undefined if only a key was given: ids cannot be derived from it. */
  readonly identity: ResolvedIdentity | undefined;
  /** Undefined for any workspace. */
  readonly workspaceId: string | undefined;
}

const DEDUP_KEY = /^trigger\.dedup\.v1:(?<hex>[0-9a-f]{64})$/;

/**
 * Parses the event of a command line: a subscription and an event id, a dedup key, a store key, or a subject of the bucket.
 * @throws {CommandError} if the text is none of these.
 */
export function parseEventSelector(
  [first, eventId]: readonly [first: string, eventId: string | undefined],
  { workspaceId, bucketNames }: { readonly workspaceId: string | undefined; readonly bucketNames: readonly string[] },
): EventSelector {
  if (eventId !== undefined) {
    const identity = asCommandError(() =>
      resolveIdentity({ workspaceId: workspaceId ?? DEFAULT_WORKSPACE, subscriptionId: first, eventId }),
    );
    const [, ...rest] = identity.storeKey.split(".");
    return { subjectsIn: keyIn([workspaceToken(workspaceId), ...rest].join(".")), identity, workspaceId };
  }
  const hex = DEDUP_KEY.exec(first)?.groups?.["hex"];
  if (hex !== undefined) {
    const digest = Buffer.from(hex, "hex").toString("base64url");
    const subjectsIn = keyIn(`${workspaceToken(workspaceId)}.*.${digest}`);
    return { subjectsIn, identity: undefined, workspaceId };
  }
  return { subjectsIn: keyOrSubject(first, bucketNames), identity: undefined, workspaceId };
}

function workspaceToken(workspaceId: string | undefined): string {
  return asCommandError(() => storeKeyPattern(workspaceId === undefined ? {} : { workspaceId }))[0];
}

function keyIn(key: string): EventSelector["subjectsIn"] {
  return (bucket) => subjectOf(bucket, key);
}

function keyOrSubject(text: string, bucketNames: readonly string[]): EventSelector["subjectsIn"] {
  const home = bucketNames.find((bucket) => text.startsWith(subjectOf(bucket, "")));
  // A subject of the bucket is accepted even if it is not a valid key.
  if (home !== undefined && !/[*>\s]/.test(text)) return (bucket) => (bucket === home ? text : undefined);
  try {
    return keyIn(parseStoreKey(text));
  } catch (cause) {
    throw new CommandError(
      `\`${printable(text)}\` is not a key, nor the beginning of a stored one: give a subscription and an event id, a dedup key (trigger.dedup.v1:…), or a store key as \`latchkey list --json\` prints it`,
      { cause },
    );
  }
}
