import {
  DEFAULT_WORKSPACE,
  parseStoreKey,
  type ResolvedIdentity,
  resolveIdentity,
  storeKeyPattern,
} from "../../key.ts";
import { subjectOf } from "../../nats/subject.ts";
import { UnusableError, usable } from "../errors.ts";
import { sentences } from "../sentences.ts";

/** Which event a command is about, and where it can stand in a bucket. */
export interface WhichEvent {
  /** With wildcards where it is not known. */
  readonly subjects: string;
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
  bucket: string,
  [first, eventId]: readonly [first: string, eventId: string | undefined],
  workspaceId: string | undefined,
): WhichEvent {
  if (eventId !== undefined) {
    const identity = usable(() =>
      resolveIdentity({ workspaceId: workspaceId ?? DEFAULT_WORKSPACE, subscriptionId: first, eventId }),
    );
    const [, ...rest] = identity.storeKey.split(".");
    return { subjects: subjectOf(bucket, [workspaceToken(workspaceId), ...rest].join(".")), identity, workspaceId };
  }
  const hex = DEDUP_KEY.exec(first)?.groups?.["hex"];
  if (hex !== undefined) {
    const digest = Buffer.from(hex, "hex").toString("base64url");
    const subjects = subjectOf(bucket, `${workspaceToken(workspaceId)}.*.${digest}`);
    return { subjects, identity: undefined, workspaceId };
  }
  return { subjects: subjectIn(bucket, first), identity: undefined, workspaceId };
}

function workspaceToken(workspaceId: string | undefined): string {
  return usable(() => storeKeyPattern(workspaceId === undefined ? {} : { workspaceId }))[0];
}

function subjectIn(bucket: string, text: string): string {
  // Also what is no key: it may stand in the bucket all the same.
  if (text.startsWith(subjectOf(bucket, "")) && !/[*>\s]/.test(text)) return text;
  try {
    return subjectOf(bucket, parseStoreKey(text));
  } catch (cause) {
    throw new UnusableError(sentences.notAKey(text), { cause });
  }
}
