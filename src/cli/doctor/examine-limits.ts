import type { ConsumerConfig, StreamConfig } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { MAX_RESULT_BYTES } from "../../engine/stored-result.ts";
import { span } from "../../inspect/conclusions/duration.ts";
import { bytesText } from "./bytes-text.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const bucket = findingsAbout("bucket");
const consumer = findingsAbout("consumer");

/** Size of a record without a result and without its ids, with subject and headers. */
const BARE_RECORD_BYTES = 700;
/** Ids that are longer than this are rare. */
const LONG_IDS_BYTES = 1_300;

/** Checks what fits into a record: both limits hold for payload and headers together. */
export function examineRecordSize({ max_msg_size }: StreamConfig, maxPayload: number | undefined): Finding {
  const limits = [
    ...(maxPayload === undefined ? [] : [{ name: "the server's `max_payload`", bytes: maxPayload }]),
    ...(max_msg_size > 0 ? [{ name: "the bucket's `max_msg_size`", bytes: max_msg_size }] : []),
  ].toSorted((one, other) => one.bytes - other.bytes);
  const [lowest] = limits;
  if (lowest === undefined) return bucket.ok("record size", "records of any size are stored");
  const limit = `a record has at most ${bytesText(lowest.bytes)}, ${lowest.name}`;
  const forIds = Math.max(0, lowest.bytes - BARE_RECORD_BYTES);
  if (forIds < LONG_IDS_BYTES) {
    const evidence = `${limit}: events whose ids have more than about ${bytesText(forIds)} are refused`;
    return bucket.error("record size", evidence, "raise the limit");
  }
  if (forIds >= MAX_RESULT_BYTES) return bucket.ok("record size", limit);
  const evidence = `${limit}: results beyond about ${bytesText(forIds)} are not kept, and their events are committed without them`;
  return bucket.note("record size", evidence, "raise the limit if results are kept");
}

/** Names the limits that the server sets for one request of a replica. */
export function examinePullLimits({ max_batch, max_expires, max_bytes }: ConsumerConfig): readonly Finding[] {
  const limits = [
    ...((max_batch ?? 0) > 0 ? [`${max_batch} messages (\`max_batch\`)`] : []),
    ...((max_expires ?? 0) > 0 ? [`${span(millis(max_expires ?? 0))} of waiting (\`max_expires\`)`] : []),
    ...((max_bytes ?? 0) > 0 ? [`${bytesText(max_bytes ?? 0)} (\`max_bytes\`)`] : []),
  ];
  if (limits.length === 0) return [];
  return [consumer.note("pull limits", `one request of a replica is limited to ${limits.join(", ")}`)];
}
