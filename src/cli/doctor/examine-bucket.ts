import type { ClusterInfo, JetStreamAccountStats, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { span } from "../../inspect/conclusions/duration.ts";
import { amount, counted } from "../../internal/counted.ts";
import {
  differenceSentence,
  differences,
  REQUIRED_SETTINGS,
  type SettingDifference,
} from "../../nats/kv/bucket-settings.ts";
import { lastRevision, mayRepeatFences } from "../../nats/kv/revision-offset.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import { bytesText } from "./bytes-text.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const bucket = findingsAbout("bucket");

/** Requirements of a bucket. */
export interface BucketRequirements {
  readonly name: string;
  readonly isCluster: boolean;
  readonly windowMs: number;
  readonly leaseMs: number;
  readonly skewMs: number;
}

export function examineBucket(info: StreamInfo, use: BucketRequirements): readonly Finding[] {
  return [
    ...examineSettings(info.config, use.name),
    ...examineFences(info, use.name),
    examineReplicas(info.config, use),
    ...examinePeers(info.config.num_replicas, info.cluster),
    ...examineStorage(info.config),
    examineWindow(info.config, use),
    examineFullness(info, use.name),
  ];
}

function examineFences(info: StreamInfo, name: string): readonly Finding[] {
  if (!mayRepeatFences(info)) return [];
  const evidence = `the last revision ${lastRevision(info)} is older than the stream, which was created at ${info.created}, so fences may repeat: it was restored, or created by a replica with a slow clock`;
  return [bucket.error("fences", evidence, `stop every replica, and run latchkey raise-fences --bucket ${name}`)];
}

/** Options of `nats stream edit` that correct a setting. */
const EDITS: Partial<Record<keyof StreamConfig, string>> = {
  allow_msg_ttl: "--allow-msg-ttl",
  subject_delete_marker_ttl: "--subject-del-markers-ttl=0s",
  max_msgs_per_subject: "--max-msgs-per-subject=1",
  discard: "--discard=new",
  discard_new_per_subject: "--no-discard-per-subject",
  retention: "--retention=limits",
  max_msgs: "--max-msgs=-1",
  no_ack: "--ack",
  deny_delete: "--deny-delete",
  allow_direct: "--allow-direct",
  subject_transform: "--no-transform",
};

function examineSettings(config: StreamConfig, name: string): readonly Finding[] {
  const wrong = differences(config, name);
  if (wrong.length === 0) {
    return [bucket.ok("settings", `all ${REQUIRED_SETTINGS.length} settings that the guarantees need are correct`)];
  }
  return wrong.map((one) => bucket.error(one.setting, differenceSentence(one), remedyOf(one, name)));
}

function remedyOf({ setting, must }: SettingDifference, name: string): string {
  const edit = EDITS[setting];
  if (edit !== undefined) return `nats stream edit ${bucketStream(name)} ${edit}`;
  if (setting === "subjects") return `set \`subjects\` of the stream ${bucketStream(name)} to ${must}`;
  return "this setting cannot be changed: create another bucket and switch all replicas to it at the same moment; all events count as new in it";
}

function examineReplicas({ num_replicas }: StreamConfig, { name, isCluster }: BucketRequirements): Finding {
  const held = `${counted(num_replicas, "server stores", "servers store")} the bucket`;
  if (num_replicas >= 3) return bucket.ok("num_replicas", held);
  const evidence = `${held}: nothing is dispatched while ${num_replicas === 1 ? "it" : "one of them"} is down${num_replicas === 1 ? ", and all events count as new if its disk is lost" : ""}`;
  if (!isCluster) return bucket.note("num_replicas", evidence, "use a cluster of three servers in production");
  return bucket.warning("num_replicas", evidence, `nats stream edit ${bucketStream(name)} --replicas=3`);
}

/** Checks that all servers of a bucket are available. */
export function examinePeers(replicaCount: number, cluster: ClusterInfo = {}): readonly Finding[] {
  if (replicaCount === 1) return [];
  const { leader, replicas = [] } = cluster;
  if (leader === undefined || leader === "") {
    const evidence = "the bucket has no leader: nothing can be reserved or committed";
    return [bucket.error("cluster", evidence, "restart its servers: more than half must run")];
  }
  const absent = replicas.filter(({ offline, current }) => offline || !current);
  if (absent.length === 0) return [bucket.ok("cluster", `${leader} leads, and all followers are current`)];
  const words = absent.map((peer) => `${peer.name} is ${peer.offline ? "offline" : lagText(peer.lag)}`);
  return [bucket.warning("cluster", `${leader} leads, but ${words.join(", ")}`, "check those servers")];
}

/** Servers omit a lag of 0: a follower can be outdated without one. */
function lagText(lag = 0): string {
  return lag > 0 ? `${amount(lag)} writes behind` : "behind";
}

function examineStorage({ storage }: StreamConfig): readonly Finding[] {
  if (storage === "file") return [];
  const evidence = "the bucket is stored in memory: all events count as new after all its servers stopped";
  return [bucket.warning("storage", evidence, "use a bucket with `storage: file`")];
}

function examineWindow({ max_age }: StreamConfig, { name, windowMs, leaseMs, skewMs }: BucketRequirements): Finding {
  const maxAgeMs = max_age === 0 ? Number.POSITIVE_INFINITY : millis(max_age);
  const raise = `nats stream edit ${bucketStream(name)} --max-age=<duration>`;
  if (windowMs > maxAgeMs) {
    const evidence = `records are stored for ${span(maxAgeMs)}, which is shorter than the window of ${span(windowMs)}: replicas refuse to start`;
    return bucket.error("max_age", evidence, `${raise}, or a shorter TRIGGER_DEDUP_TTL_SECONDS`);
  }
  if (leaseMs + skewMs > maxAgeMs) {
    const evidence = `records are stored for ${span(maxAgeMs)}, which is shorter than a lease of ${span(leaseMs)} with ${span(skewMs)} of skew: replicas refuse to start`;
    return bucket.error("max_age", evidence, `${raise}, or a shorter LATCHKEY_LEASE_SECONDS`);
  }
  const stored = max_age === 0 ? "without an age limit" : `for ${span(maxAgeMs)}`;
  return bucket.ok("max_age", `records are stored ${stored}, and the window is ${span(windowMs)}`);
}

/** Fill levels that warrant a warning and an error. */
const FILLING = 0.8;
const FULL = 0.95;

function examineFullness({ config: { max_bytes }, state }: StreamInfo, name: string): Finding {
  const holds = `${bytesText(state.bytes)} in ${counted(state.messages, "record")}`;
  const limit = `nats stream edit ${bucketStream(name)} --max-bytes=<bytes>`;
  if (max_bytes <= 0) {
    const evidence = `${holds}, without a limit: the bucket can fill the server's storage`;
    return bucket.note("max_bytes", evidence, `${limit}; a record takes about 500 bytes`);
  }
  const share = state.bytes / max_bytes;
  const evidence = `${holds}, ${Math.round(share * 100)} % of its limit of ${bytesText(max_bytes)}`;
  if (share < FILLING) return bucket.ok("max_bytes", evidence);
  const remedy = `${limit}, or a shorter window, or latchkey clear --older-than <duration>`;
  const full = `${evidence}: a full bucket rejects reservations and may reject commits`;
  return share < FULL ? bucket.warning("max_bytes", full, remedy) : bucket.error("max_bytes", full, remedy);
}

/** Checks the storage limit of the bucket's account. */
export function examineAccount(stats: JetStreamAccountStats, storage: StreamConfig["storage"]): readonly Finding[] {
  const { limits } = stats;
  const [used, limit] = storage === "memory" ? [stats.memory, limits.max_memory] : [stats.storage, limits.max_storage];
  if (limit <= 0) return [];
  const evidence = `the account uses ${bytesText(used)}, ${Math.round((used / limit) * 100)} % of its limit of ${bytesText(limit)}`;
  if (used < limit * FILLING) return [bucket.ok("account", evidence)];
  const full = `${evidence}: at the limit, nothing can be reserved or committed`;
  const remedy = "raise the account's limit, or delete data from its streams";
  return [used < limit * FULL ? bucket.warning("account", full, remedy) : bucket.error("account", full, remedy)];
}
