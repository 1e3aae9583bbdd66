import {
  DEFAULT_WORKSPACE,
  parseStoreKey,
  type ResolvedIdentity,
  resolveIdentity,
  storeKeyPattern,
} from "../../model/identity.ts";
import { subjectOf } from "../../nats/wire/subject.ts";
import { UnusableError, usable } from "../terminal/errors.ts";
import { sentences } from "../terminal/sentences.ts";

/** Which event a command is about, and where it can stand in a bucket. */
export interface WhichEvent {
  /** With wildcards where it is not known; undefined for a bucket in which it is not. */
  readonly subjectsIn: (bucket: string) => string | undefined;
  /** Undefined when only a key was given, from which ids cannot be told. */
  readonly identity: ResolvedIdentity | undefined;
  /** Undefined: any. */
  readonly workspaceId: string | undefined;
}

const DEDUP_KEY = /^trigger\.dedup\.v1:(?<hex>[0-9a-f]{64})$/;

/**
 * An event is named by its subscription and its id, in one workspace or any; by its dedup key; by its key in the store; or by a
 * subject of the bucket. @throws {UnusableError} when it is none of these.
 */
export function whichEvent(
  [first, eventId]: readonly [first: string, eventId: string | undefined],
  { workspaceId, bucketNames }: { readonly workspaceId: string | undefined; readonly bucketNames: readonly string[] },
): WhichEvent {
  if (eventId !== undefined) {
    const identity = usable(() =>
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
  return usable(() => storeKeyPattern(workspaceId === undefined ? {} : { workspaceId }))[0];
}

function keyIn(key: string): WhichEvent["subjectsIn"] {
  return (bucket) => subjectOf(bucket, key);
}

function keyOrSubject(text: string, bucketNames: readonly string[]): WhichEvent["subjectsIn"] {
  const home = bucketNames.find((bucket) => text.startsWith(subjectOf(bucket, "")));
  // Also what is no key: it may stand in a bucket all the same.
  if (home !== undefined && !/[*>\s]/.test(text)) return (bucket) => (bucket === home ? text : undefined);
  try {
    return keyIn(parseStoreKey(text));
  } catch (cause) {
    throw new UnusableError(sentences.notAKey(text), { cause });
  }
}
