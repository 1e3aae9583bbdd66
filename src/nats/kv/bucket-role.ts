import type { StreamConfig } from "@nats-io/jetstream";
import { subjectsOf } from "../wire/subject.ts";

/** Role of a bucket in `latchkey reshard`, which changes the number of shards. Replicas may use live buckets only. */
export type AssignedRole =
  | { readonly type: "live" }
  /** Its keys are being copied to `to` shards. */
  | { readonly type: "source"; readonly to: number }
  /** Its keys were copied to `to` shards. */
  | { readonly type: "retired"; readonly to: number }
  /** It is being filled from `from` shards, by the reshard with the id `run`. */
  | { readonly type: "target"; readonly from: number; readonly run: string };

/** A role as it was read. An unknown one is of a later version of Latchkey. */
export type BucketRole = AssignedRole | { readonly type: "unknown"; readonly text: string };

export const LIVE: AssignedRole = { type: "live" };

/** Metadata entry of the bucket's stream that holds its role. A live bucket has none. */
const ENTRY = "latchkey_reshard";

export function roleOf({ metadata }: Pick<StreamConfig, "metadata">): BucketRole {
  const text = metadata?.[ENTRY] ?? "";
  if (text === "") return LIVE;
  const [type, shards, run] = text.split(" ");
  const count = Number(shards);
  if (Number.isSafeInteger(count) && count > 0) {
    if (type === "source" || type === "retired") return { type, to: count };
    if (type === "target" && run !== undefined) return { type, from: count, run };
  }
  return { type: "unknown", text };
}

/**
 * Returns the settings that give a bucket a role. A source and a retired bucket take no messages: they do not listen to their
 * keys' subjects. So a replica that still runs with the old number of shards gets `StoreUnavailableError` for every write.
 */
export function roleSettings(
  bucket: string,
  { metadata }: Pick<StreamConfig, "metadata">,
  role: AssignedRole,
): Pick<StreamConfig, "metadata" | "subjects"> {
  const { [ENTRY]: _, ...others } = metadata ?? {};
  const isClosed = role.type === "source" || role.type === "retired";
  return {
    metadata: role.type === "live" ? others : { ...others, [ENTRY]: roleText(role) },
    subjects: [isClosed ? `latchkey.closed.${bucket}` : subjectsOf(bucket)],
  };
}

function roleText(role: Exclude<AssignedRole, { readonly type: "live" }>): string {
  return role.type === "target" ? `${role.type} ${role.from} ${role.run}` : `${role.type} ${role.to}`;
}

/** Returns why a replica may not use a bucket and what to do; `undefined` if it may. */
export function closedReason(config: Pick<StreamConfig, "metadata">): string | undefined {
  const role = roleOf(config);
  switch (role.type) {
    case "live":
      return undefined;
    case "retired":
      return `its keys were moved to ${role.to} shards: set \`shards\` to ${role.to}`;
    case "source":
      return `\`latchkey reshard\` is moving its keys to ${role.to} shards: let it finish, or repeat it`;
    case "target":
      return `\`latchkey reshard\` has not finished copying keys from ${role.from} shards to it: let it finish, or repeat it`;
    case "unknown":
      return `its stream has the metadata \`${ENTRY}: ${role.text}\`, which this version of Latchkey does not know`;
  }
}
