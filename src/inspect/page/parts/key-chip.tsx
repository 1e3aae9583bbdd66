import type { VNode } from "preact";
import type { KeyRow } from "../../server/wire.ts";
import { session } from "../browser/page-state.ts";

const tones = { reserved: "held", committed: "dispatched", failed: "failure" } as const;

/** The state of a key, with the suspicion of its attempt in flight. */
export function KeyChip({ row: { identity, state } }: { row: Pick<KeyRow, "identity" | "state"> }): VNode {
  const suspicion = state === "reserved" ? session().attempts.get(identity.storeKey)?.suspicion : undefined;
  const tone = suspicion === undefined ? tones[state] : "expired";
  return <span class={`chip ${tone}`}>{suspicion ?? state}</span>;
}
