import type { StreamInfo } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { StoreMisconfiguredError } from "../../errors.ts";
import { ADVISED_SERVER, LEADER_VERSION_METADATA_KEY, NEEDED_SERVER, whyUnusable } from "../wire/server-version.ts";
import { closedReason } from "./bucket-role.ts";
import { differenceSentence, differences, optionDifferences, type WantedSettings } from "./bucket-settings.ts";
import type { BucketJudgement, BucketUse } from "./live-bucket.ts";
import { lastRevision, mayRepeatFences, revisionOffset } from "./revision-offset.ts";

export function misconfigured(what: string, wrong: readonly string[], cause?: unknown): StoreMisconfiguredError {
  return new StoreMisconfiguredError(`${what}: ${wrong.join("; ")}`, wrong, cause === undefined ? {} : { cause });
}

/** Returns the error for a server that cannot keep the guarantees, or has no readable version; `undefined` for others. */
export function serverRefusal(version: string, what = "The server"): StoreMisconfiguredError | undefined {
  const why = whyUnusable(version);
  if (why === undefined) return undefined;
  return misconfigured(`${what} cannot keep the guarantees`, [
    `its version is ${version || "unknown"}, and Latchkey needs ${NEEDED_SERVER}; ${why}; ` +
      `use ${ADVISED_SERVER} or later with \`sync_interval: always\` and three replicas`,
  ]);
}

/** Returns the error for a bucket that replicas must not use, whatever their options are; `undefined` for others. */
export function bucketRefusal(info: StreamInfo, bucket: string): StoreMisconfiguredError | undefined {
  const { config } = info;
  const closed = closedReason(config);
  if (closed !== undefined) return misconfigured(`Bucket ${bucket} is closed to replicas`, [closed]);
  const wrong = differences(config, bucket).map(differenceSentence);
  if (wrong.length > 0) return unusable(bucket, wrong);
  if (mayRepeatFences(info)) return unusable(bucket, [repeatedFences(info)]);
  // The server to which a client is connected need not lead the bucket.
  return serverRefusal(config.metadata?.[LEADER_VERSION_METADATA_KEY] ?? "", `The server that leads bucket ${bucket}`);
}

function repeatedFences(info: StreamInfo): string {
  return (
    `its last revision ${lastRevision(info)} is lower than the time of its creation, ${info.created}, in microseconds, so fences may ` +
    "repeat: it was restored from a backup, or the replica that created it had a clock that was behind; stop every replica, and run " +
    "`latchkey raise-fences`"
  );
}

/** Returns the error for a bucket that differs from the options; `undefined` if it does not. */
export function optionRefusal({ config }: StreamInfo, wanted: WantedSettings): StoreMisconfiguredError | undefined {
  const wrong = optionDifferences(config, wanted).map(differenceSentence);
  return wrong.length > 0 ? unusable(wanted.bucket, wrong) : undefined;
}

/** Judges a bucket that a store has used: what the start would refuse, and what contradicts the store's own writes. */
export function judgeBucket(info: StreamInfo, wanted: WantedSettings, use: BucketUse, offset: number): BucketJudgement {
  const { bucket } = wanted;
  const notes = optionDifferences(info.config, wanted).map(differenceSentence);
  const refusal = bucketRefusal(info, bucket);
  if (refusal !== undefined) return { refusal, notes };
  const wrong = contradictions(info, use, offset);
  return { refusal: wrong.length > 0 ? unusable(bucket, wrong) : undefined, notes };
}

function contradictions(info: StreamInfo, { highestRevision, longestTtlMs }: BucketUse, offset: number): string[] {
  const { config, state } = info;
  const wrong: string[] = [];
  if (config.max_age > 0 && config.max_age < nanos(longestTtlMs)) {
    wrong.push(
      `\`max_age\` is ${config.max_age}, must be at least ${nanos(longestTtlMs)}: records would end before their window, and their events would run again`,
    );
  }
  if (revisionOffset(info) !== offset) {
    wrong.push("its fences were raised: start this replica again");
  } else if (state.last_seq + offset < highestRevision) {
    wrong.push(
      `its last revision is ${state.last_seq + offset}, but this replica has seen ${highestRevision}: it was restored or created again; stop every replica, and run \`latchkey raise-fences --above ${highestRevision}\``,
    );
  }
  return wrong;
}

function unusable(bucket: string, wrong: readonly string[]): StoreMisconfiguredError {
  return misconfigured(`Bucket ${bucket} cannot be used as it is`, wrong);
}
