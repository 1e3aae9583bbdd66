import type { ResolvedIdentity } from "../../model/identity.ts";
import type { EventSelector } from "../stored-keys/event-selector.ts";
import type { ListedKey, RemovedKey, StoredKey } from "../stored-keys/stored-key.ts";

/** The stored key of an event, if any. */
export interface LookUpResult {
  readonly stored: ListedKey | RemovedKey | undefined;
  /** Undefined if neither the record nor the command line contains it. */
  readonly identity: ResolvedIdentity | undefined;
  /** True if no workspace holds a key for the event. */
  readonly isAnyWorkspace: boolean;
}

/** Returns one entry per workspace that holds the event, or a single entry if none does. */
export function lookUpResults(
  event: EventSelector,
  all: ReadonlyArray<ListedKey | RemovedKey>,
): readonly LookUpResult[] {
  const { identity, workspaceId } = event;
  // A tombstone does not identify its event, so it counts only if nothing else was found.
  const stored = all.filter((one): one is ListedKey => one.state !== "removed");
  if (stored.length === 0) return [{ stored: all[0], identity, isAnyWorkspace: workspaceId === undefined }];
  return stored.map((one) => ({ stored: one, identity: identityIn(one) ?? identity, isAnyWorkspace: false }));
}

function identityIn(stored: ListedKey): ResolvedIdentity | undefined {
  return stored.state === "unreadable" ? undefined : stored.identity;
}

/** Returns the state that a delivery of the event would find. The key of a failed event is empty. */
export function stateOf({ stored }: LookUpResult): StoredKey["state"] | "unseen" {
  return stored === undefined || stored.state === "removed" || stored.state === "failed" ? "unseen" : stored.state;
}
