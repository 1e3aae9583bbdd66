import type { ResolvedIdentity } from "../../model/identity.ts";
import type { RemovedKey, StoredKey } from "../bucket/stored-key.ts";
import type { WhichEvent } from "../bucket/which-event.ts";

/** What a bucket holds for an event, or that it holds nothing. */
export interface Found {
  readonly kept: StoredKey | RemovedKey | undefined;
  /** Undefined when neither the record nor the question tells it. */
  readonly identity: ResolvedIdentity | undefined;
  /** Whether nothing was found, in whatever workspace. */
  readonly isAnyWorkspace: boolean;
}

/** One for each workspace in which the event was found, or one for all of them. */
export function foundOf(event: WhichEvent, all: ReadonlyArray<StoredKey | RemovedKey>): readonly Found[] {
  const { identity, workspaceId } = event;
  // Of a mark it is not known whose it is: it counts where nothing else does.
  const kept = all.filter((one): one is StoredKey => one.state !== "removed");
  if (kept.length === 0) return [{ kept: all[0], identity, isAnyWorkspace: workspaceId === undefined }];
  return kept.map((one) => ({ kept: one, identity: identityIn(one) ?? identity, isAnyWorkspace: false }));
}

function identityIn(kept: StoredKey): ResolvedIdentity | undefined {
  return kept.state === "unreadable" ? undefined : kept.identity;
}

/** As a delivery finds it. */
export function stateOf({ kept }: Found): StoredKey["state"] | "unseen" {
  return kept === undefined || kept.state === "removed" ? "unseen" : kept.state;
}
