import type { DeadLetter } from "../../model/dead-letter.ts";

/** Returns a letter as JSON output. */
export function letterReport({ identity, ...letter }: DeadLetter, nowMs: number): object {
  const { workspaceId = null, subscriptionId = null, eventId = null, key = null, storeKey = null } = identity ?? {};
  const { commitRevision = null, ...fields } = letter;
  return {
    ...fields,
    ageMs: Math.max(0, Math.round(nowMs - letter.storedAtMs)),
    commitRevision,
    workspaceId,
    subscriptionId,
    eventId,
    key,
    storeKey,
  };
}
