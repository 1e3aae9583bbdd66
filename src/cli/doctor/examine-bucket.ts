import type { ClusterInfo, JetStreamAccountStats, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { type Difference, differenceSentence, differences, REQUIRED_SETTINGS } from "../../nats/kv/bucket-settings.ts";
import { bucketStream } from "../../nats/wire/subject.ts";
import { amount, count, span } from "../terminal/style.ts";
import { type Finding, findingsAbout } from "./finding.ts";

const bucket = findingsAbout("bucket");

/** What a bucket is to be good for. */
export interface BucketUse {
  readonly name: string;
  readonly isCluster: boolean;
  readonly windowMs: number;
  readonly leaseMs: number;
  readonly skewMs: number;
}

export function examineBucket(info: StreamInfo, use: BucketUse): readonly Finding[] {
  return [
    ...examineSettings(info.config, use.name),
    examineReplicas(info.config, use),
    ...examinePeers(info.config.num_replicas, info.cluster),
    ...examineStorage(info.config),
    examineWindow(info.config, use),
    examineFullness(info, use.name),
  ];
}

/** How the `nats` command line sets what must be so. */
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
  const wrong = differences(config, { bucket: name });
  if (wrong.length === 0) {
    return [bucket.ok("settings", `all ${REQUIRED_SETTINGS.length} that the guarantees rest on are as they must be`)];
  }
  return wrong.map((one) => bucket.error(one.setting, differenceSentence(one), remedyOf(one, name)));
}

function remedyOf({ setting, must }: Difference, name: string): string {
  const edit = EDITS[setting];
  if (edit !== undefined) return `nats stream edit ${bucketStream(name)} ${edit}`;
  if (setting === "subjects") return `set \`subjects\` of the stream ${bucketStream(name)} to ${must}`;
  return "it cannot be put right here: make another bucket, and have all replicas use that from one moment on; in it all events are new";
}

function examineReplicas({ num_replicas }: StreamConfig, { name, isCluster }: BucketUse): Finding {
  const held = `${count(num_replicas, "server holds", "servers hold")} it`;
  if (num_replicas >= 3) return bucket.ok("num_replicas", held);
  const evidence = `${held}: while ${num_replicas === 1 ? "it" : "one of them"} is away nothing is dispatched${num_replicas === 1 ? ", and if its disk is lost all events are new" : ""}`;
  if (!isCluster) return bucket.note("num_replicas", evidence, "use a cluster of three servers where that matters");
  return bucket.warning("num_replicas", evidence, `nats stream edit ${bucketStream(name)} --replicas=3`);
}

/** Whether the servers that hold a bucket are all there. */
export function examinePeers(replicaCount: number, cluster: ClusterInfo = {}): readonly Finding[] {
  if (replicaCount === 1) return [];
  const { leader, replicas = [] } = cluster;
  if (leader === undefined || leader === "") {
    const evidence = "no server leads it: nothing can be reserved or committed";
    return [bucket.error("cluster", evidence, "bring back the servers that hold it: more than half must run")];
  }
  const absent = replicas.filter(({ offline, current }) => offline || !current);
  if (absent.length === 0) return [bucket.ok("cluster", `${leader} leads, the others follow`)];
  const words = absent.map((peer) => `${peer.name} ${peer.offline ? "is away" : `lags by ${amount(peer.lag)} writes`}`);
  return [bucket.warning("cluster", `${leader} leads, but ${words.join(", ")}`, "look after those servers")];
}

function examineStorage({ storage }: StreamConfig): readonly Finding[] {
  if (storage === "file") return [];
  const evidence = "it is kept in memory: when all its servers have stopped, all events are new";
  return [bucket.warning("storage", evidence, "use a bucket with `storage: file`")];
}

function examineWindow({ max_age }: StreamConfig, { name, windowMs, leaseMs, skewMs }: BucketUse): Finding {
  const maxAgeMs = max_age === 0 ? Number.POSITIVE_INFINITY : millis(max_age);
  const raise = `nats stream edit ${bucketStream(name)} --max-age=<duration>`;
  if (windowMs > maxAgeMs) {
    const evidence = `it keeps records for ${span(maxAgeMs)}, less than the window of ${span(windowMs)}: replicas refuse to start`;
    return bucket.error("max_age", evidence, `${raise}, or a shorter TRIGGER_DEDUP_TTL_SECONDS`);
  }
  if (leaseMs + skewMs > maxAgeMs) {
    const evidence = `it keeps records for ${span(maxAgeMs)}, less than a lease of ${span(leaseMs)} with ${span(skewMs)} of skew: replicas refuse to start`;
    return bucket.error("max_age", evidence, `${raise}, or a shorter LATCHKEY_LEASE_SECONDS`);
  }
  const kept = max_age === 0 ? "for ever" : `for ${span(maxAgeMs)}`;
  return bucket.ok("max_age", `it keeps records ${kept}, the window is ${span(windowMs)}`);
}

/** From here on it is time to act, and to be alarmed. */
const FILLING = 0.8;
const FULL = 0.95;

function examineFullness({ config: { max_bytes }, state }: StreamInfo, name: string): Finding {
  const holds = `${bytesText(state.bytes)} in ${count(state.messages, "record")}`;
  const limit = `nats stream edit ${bucketStream(name)} --max-bytes=<bytes>`;
  if (max_bytes <= 0) {
    const evidence = `${holds}, without a limit: it can grow until the server's storage is full`;
    return bucket.note("max_bytes", evidence, `${limit}; a record takes about half a kilobyte`);
  }
  const share = state.bytes / max_bytes;
  const evidence = `${holds}, ${Math.round(share * 100)} % of the ${bytesText(max_bytes)} that it may hold`;
  if (share < FILLING) return bucket.ok("max_bytes", evidence);
  const remedy = `${limit}, or a shorter window, or latchkey clear --older-than <duration>`;
  const full = `${evidence}: a bucket that is full refuses to reserve, and perhaps to commit`;
  return share < FULL ? bucket.warning("max_bytes", full, remedy) : bucket.error("max_bytes", full, remedy);
}

/** What is left to the account that the bucket belongs to. */
export function examineAccount(stats: JetStreamAccountStats, storage: StreamConfig["storage"]): readonly Finding[] {
  const { limits } = stats;
  const [used, limit] = storage === "memory" ? [stats.memory, limits.max_memory] : [stats.storage, limits.max_storage];
  if (limit <= 0) return [];
  const evidence = `the account has used ${bytesText(used)}, ${Math.round((used / limit) * 100)} % of its ${bytesText(limit)}`;
  if (used < limit * FILLING) return [bucket.ok("account", evidence)];
  const full = `${evidence}: when that is used up nothing is reserved or committed`;
  const remedy = "raise the account's limit, or make room in its streams";
  return [used < limit * FULL ? bucket.warning("account", full, remedy) : bucket.error("account", full, remedy)];
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** `1.3 GB` */
export function bytesText(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const value = bytes / 1_000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[power]}`;
}
