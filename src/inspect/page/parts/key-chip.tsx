import type { VNode } from "preact";
import type { KeyRow } from "../../server/wire.ts";
import { session } from "../browser/page-state.ts";

/** The state of a key, with the suspicion of its attempt in flight. */
export function KeyChip({ row: { identity, state } }: { row: Pick<KeyRow, "identity" | "state"> }): VNode {
  const suspicion = state === "reserved" ? session().attempts.get(identity.storeKey)?.suspicion : undefined;
  const tone = state === "committed" ? "dispatched" : suspicion === undefined ? "held" : "expired";
  return <span class={`chip ${tone}`}>{suspicion ?? state}</span>;
}
