import { amount, counted } from "../../internal/counted.ts";
import { errorMessage } from "../../internal/error-message.ts";
import { printable } from "../terminal/printable.ts";
import type { CopyRefusal } from "./copy-plan.ts";
import type { PlanRefusal } from "./reshard-plan.ts";
import type { OldBuckets, ReshardEnd, Resharding, ReshardStep } from "./resharding.ts";

/** Names in the command's messages. */
interface Names {
  readonly bucket: string;
  readonly to: number;
}

/** Maximum number of keys that a message names. */
const MAX_NAMED = 10;

export function reshardEndText(end: ReshardEnd, names: Names): string {
  const { bucket, to } = names;
  switch (end.end) {
    case "refused":
      return `Nothing was changed: ${refusalText(end.refusal, names)}\n`;
    case "dry-run":
      return `Nothing was changed: this was a dry run. ${counted(end.keys, "key")} of bucket ${bucket} would be moved from ${counted(end.from, "shard")} to ${to}.\n`;
    case "nothing-to-do":
      return `Bucket ${bucket} has ${counted(to, "shard")} already.${deletedText(end.deleted)}\n`;
    case "done":
      return `Moved ${counted(end.keys, "key")} of bucket ${bucket} from ${counted(end.from, "shard")} to ${to}, and verified them.\n${nextText(end.old, names)}`;
    case "finished":
      return `Finished the move of bucket ${bucket} from ${counted(end.from, "shard")} to ${to}: an earlier run had verified the keys.\n${nextText(end.old, names)}`;
    case "taken-back":
      return `Took the move of bucket ${bucket} back. Replicas start with \`shards: ${end.from}\`, as before.\n`;
  }
}

function nextText({ kept, deleted }: OldBuckets, { bucket, to }: Names): string {
  const old =
    kept.length === 0
      ? deletedText(deleted).trim()
      : `The old buckets are kept, closed to replicas: ${kept.join(", ")}. Delete them with latchkey reshard --bucket ${bucket} --to ${to} --delete-old.`;
  return `Now set \`shards: ${to}\` in every replica, and start them.\n${old}\n`;
}

function deletedText(deleted: readonly string[]): string {
  return deleted.length === 0 ? "" : ` Deleted ${counted(deleted.length, "old bucket")}: ${deleted.join(", ")}.`;
}

function refusalText(refusal: PlanRefusal | CopyRefusal, { bucket, to }: Names): string {
  switch (refusal.reason) {
    case "no-bucket":
      return `there is no bucket ${bucket}.`;
    case "odd-roles":
      return `the buckets for ${counted(refusal.shards, "shard")} have roles that do not fit together. Compare their metadata \`latchkey_reshard\`.`;
    case "missing-buckets":
      return `of the buckets for ${counted(refusal.shards, "shard")}, ${refusal.missing.join(", ")} ${refusal.missing.length === 1 ? "does" : "do"} not exist.`;
    case "several-live":
      return `buckets for ${refusal.numbers.join(" and ")} shards are in use. Delete those that the replicas do not use.`;
    case "keys-gone":
      return `the keys were moved from ${counted(refusal.shards, "shard")} to ${refusal.to}, and one of these sets of buckets no longer exists. Restore it, or delete all buckets of ${bucket} to start without keys.`;
    case "in-the-way":
      return `old buckets for ${counted(refusal.shards, "shard")} exist. Delete them with latchkey reshard --bucket ${bucket} --to ${refusal.live} --delete-old.`;
    case "interrupted":
      return `a move from ${counted(refusal.from, "shard")} to ${refusal.to} was interrupted. Finish it with --to ${refusal.to}, or take it back with --to ${refusal.from}.`;
    case "finish-first":
      return `a move from ${counted(refusal.from, "shard")} to ${refusal.to} was interrupted after the new buckets were opened. Finish it with --to ${refusal.to} first.`;
    case "reserved": {
      const keys = refusal.reserved.map(
        ({ identity, record }) =>
          `${printable(identity.subscriptionId)} ${printable(identity.eventId)} (owner ${printable(record.owner)})`,
      );
      return `${counted(keys.length, "reservation exists", "reservations exist")}: ${listText(keys)}. Stop every replica, and wait until ${keys.length === 1 ? "its lease ends" : "their leases end"}.`;
    }
    case "unreadable": {
      const keys = refusal.unreadable.map(({ subject }) => printable(subject));
      return `${counted(keys.length, "record")} cannot be read: ${listText(keys)}. Look at them with latchkey list --state unreadable, and remove them.`;
    }
    case "settings":
      return `bucket ${refusal.bucket} has wrong settings: ${refusal.settings.join(", ")}. See latchkey doctor.`;
    case "too-large":
      return `each of ${counted(to, "bucket")} would hold ${amount(refusal.bytes)} bytes, and \`max_bytes\` allows ${amount(refusal.maxBytes)}. Raise it first.`;
  }
}

function listText(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  const named = names.slice(0, MAX_NAMED).join("; ");
  return more > 0 ? `${named}; and ${amount(more)} more` : named;
}

/** A reshard that stopped before its end. */
export interface StoppedReshard extends Names {
  readonly step: ReshardStep;
  readonly from: number | undefined;
  /** Undefined if an operator interrupted it. */
  readonly error: unknown;
}

export function stoppedReshardText({ step, from, to, bucket, error }: StoppedReshard): string {
  const stopped = error === undefined ? `Interrupted while ${step}.` : `Stopped while ${step}: ${errorMessage(error)}.`;
  return `${stopped} ${stateText(step, { bucket, to, from })}`;
}

/** Says what is half done, and what to do. */
function stateText(
  step: ReshardStep,
  { bucket, to, from = to }: Names & { readonly from: number | undefined },
): string {
  const again = `latchkey reshard --bucket ${bucket} --to ${to}`;
  const back = `latchkey reshard --bucket ${bucket} --to ${from}`;
  switch (step) {
    case "checking":
      return "Nothing was changed.";
    case "closing":
    case "creating":
    case "copying":
    case "verifying":
    case "opening":
      return `The move to ${counted(to, "shard")} is half done: do not start replicas. Repeat ${again} to finish it, or run ${back} to take it back.`;
    case "retiring":
      return `Every key is copied and verified, and replicas may start with \`shards: ${to}\`. Repeat ${again} to finish.`;
    case "deleting":
      return `Replicas may start with \`shards: ${to}\`, but old buckets are left. Repeat ${again} --delete-old.`;
    case "reopening":
      return `Some buckets for ${counted(from, "shard")} may be closed: do not start replicas. Run ${back} to open them.`;
  }
}

export function reshardProgressText({ step, copied }: Pick<Resharding, "step" | "copied">): string {
  return step === "copying" ? `${step} · ${counted(copied, "key")}` : step;
}

/** Returns the JSON object for a reshard that ended. */
export function endReport(end: ReshardEnd, { bucket, to }: Names): object {
  if (end.end !== "refused") return { bucket, to, ...end };
  const { refusal, from = null } = end;
  const { reason } = refusal;
  if (reason === "reserved") {
    const keys = refusal.reserved.map(({ identity, record, key }) => {
      const { workspaceId, subscriptionId, eventId } = identity;
      return { workspaceId, subscriptionId, eventId, storeKey: key, owner: record.owner };
    });
    return { bucket, to, end: end.end, from, reason, reserved: keys };
  }
  if (reason === "unreadable") {
    return { bucket, to, end: end.end, from, reason, unreadable: refusal.unreadable.map(({ subject }) => subject) };
  }
  return { bucket, to, end: end.end, from, ...refusal };
}

/** Returns the JSON object for a reshard that stopped. */
export function stoppedReport({ step, from, to, bucket, error }: StoppedReshard): object {
  const reason = error === undefined ? null : errorMessage(error);
  return { bucket, to, end: error === undefined ? "interrupted" : "stopped", from: from ?? null, step, reason };
}
