import type { ConsumerConfig, ConsumerInfo } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";
import { LEADER_VERSION_METADATA_KEY, NEEDED_SERVER, whyUnusable } from "../wire/server-version.ts";
import { subjectMatches } from "../wire/subject-pattern.ts";
import { type ConsumerFinding, finding } from "./consumer-finding.ts";
import { checkGroup, type PriorityGroup } from "./priority-group.ts";

/** Use of a consumer, against which its settings are checked. */
export interface ConsumerUse {
  /** Lease of the reservations, in milliseconds. */
  readonly leaseMs: number;
  /** Time that the store keeps a reservation beyond its lease, in milliseconds. */
  readonly skewMs: number;
  /** Window of a committed key, in milliseconds. */
  readonly windowMs: number;
  /** Number of messages that are dispatched at a time. */
  readonly concurrency: number;
  /** Number of failed dispatches after which a message is dead-lettered. */
  readonly maxDeliver: number;
  /** True if the caller gave a `subscriptionId`; otherwise it is made of the stream's and the consumer's names. */
  readonly namesSubscription: boolean;
  /** Subject of the dead letters, if any. */
  readonly deadLetterSubject: string | undefined;
  /** Priority group of the caller, if any. */
  readonly group?: PriorityGroup | undefined;
}

/** Thrown when a consumer's settings could lose events; `findings` has an entry for each of them. */
export class ConsumerMisconfiguredError extends LatchkeyError {
  override readonly name: string = "ConsumerMisconfiguredError";
  /** Problems of the consumer, most severe first. */
  readonly findings: readonly ConsumerFinding[];

  constructor(consumer: string, findings: readonly ConsumerFinding[]) {
    super(
      "consumer-misconfigured",
      `The consumer ${consumer} cannot be used: ${findings.map(({ sentence }) => sentence).join("; ")}`,
    );
    this.findings = findings;
  }
}

/** A shorter wait can end between two in-progress acks. */
const SHORTEST_ACK_WAIT_MS = 1_000;
const DEFAULT_ACK_WAIT_MS = 30_000;
/** A wait longer than this many reservations only delays the messages of a crashed replica. */
const LONG_ACK_WAITS = 4;

/** Returns the server's shortest wait for an answer before it redelivers a message: `backoff` overrides `ack_wait`. */
export function ackWaitOf({ ack_wait, backoff = [] }: ConsumerConfig): { setting: string; waitMs: number } {
  const waitsMs = backoff.map((nanos) => millis(nanos));
  const waitMs = Math.min(...waitsMs);
  if (waitsMs.length > 0) return { setting: `backoff[${waitsMs.indexOf(waitMs)}]`, waitMs };
  return { setting: "ack_wait", waitMs: ack_wait === undefined ? DEFAULT_ACK_WAIT_MS : millis(ack_wait) };
}

/** Returns the number of deliveries after which the server drops a message; `Infinity` without a limit. */
export function serverMaxDeliver({ max_deliver = -1 }: ConsumerConfig): number {
  return max_deliver > 0 ? max_deliver : Number.POSITIVE_INFINITY;
}

/** Checks a consumer's waits and limits against the lease and the concurrency. Returns an empty list if all fit. */
export function checkConsumer(config: ConsumerConfig, use: ConsumerUse): readonly ConsumerFinding[] {
  return [
    ...checkServer(config),
    ...checkKind(config),
    ...checkGroup(config, use.group),
    ...checkWaits(config, use),
    ...checkWindow(config, use),
    ...checkMaxDeliver(config, use),
    ...checkMaxAckPending(config, use),
    ...checkSubscription(config, use),
    ...checkInactivity(config),
    ...checkDeadLetterSubject(config, use),
  ];
}

/** A server since 2.11 adds its version to the consumer's metadata when it answers. */
function checkServer({ metadata }: ConsumerConfig): ConsumerFinding[] {
  const version = metadata?.[LEADER_VERSION_METADATA_KEY];
  const reason =
    version === undefined ? "it does not report its version, as servers do since 2.11" : whyUnusable(version);
  if (reason === undefined) return [];
  const server =
    version === undefined
      ? "the server that leads the consumer is too old"
      : `the server that leads the consumer is ${version}`;
  return [finding("error", "server", `${server}: ${reason}`, `use ${NEEDED_SERVER}`)];
}

function checkKind({ ack_policy, deliver_subject, headers_only, mem_storage }: ConsumerConfig): ConsumerFinding[] {
  const findings: ConsumerFinding[] = [];
  if (ack_policy !== "explicit") {
    const problem = `\`ack_policy\` is \`${ack_policy}\`, so messages count as acknowledged that were never dispatched`;
    findings.push(finding("error", "ack_policy", problem, "make it `explicit`"));
  }
  if (deliver_subject !== undefined) {
    const remedy = "create one without `deliver_subject`";
    findings.push(finding("error", "deliver_subject", "it is a push consumer", remedy));
  }
  if (headers_only === true) {
    const problem =
      "`headers_only` removes the payload from dispatches and dead letters, and the identity from structured CloudEvents";
    findings.push(finding("warning", "headers_only", problem, "create one without it"));
  }
  if (mem_storage === true) {
    const problem =
      "`mem_storage` keeps the acknowledgements in memory: after a restart of its servers, they deliver the stream again, and events older than the window are dispatched again";
    findings.push(finding("warning", "mem_storage", problem, "create one without it"));
  }
  return findings;
}

/** Reports a paused consumer, which looks like one without messages. */
export function checkPause({ config, paused = false }: ConsumerInfo): ConsumerFinding[] {
  if (!paused) return [];
  const problem = `it is paused until ${config.pause_until}, and the server delivers nothing before`;
  return [
    finding("warning", "pause_until", problem, "resume it with `nats consumer resume`, if the pause is not intended"),
  ];
}

function checkWaits(config: ConsumerConfig, { leaseMs, skewMs }: ConsumerUse): ConsumerFinding[] {
  const { setting, waitMs } = ackWaitOf(config);
  const overrides = setting === "ack_wait" ? "" : ", which overrides `ack_wait`,";
  const wait = `\`${setting}\`${overrides} is ${waitMs} ms`;
  const reservedMs = leaseMs + skewMs;
  if (waitMs < SHORTEST_ACK_WAIT_MS) {
    const problem = `${wait}, too short for in-progress acks to arrive in time, so messages are redelivered while they are dispatched`;
    return [finding("error", setting, problem, `make it at least ${SHORTEST_ACK_WAIT_MS} ms`)];
  }
  if (waitMs < leaseMs) {
    const problem = `${wait}, less than the lease of ${leaseMs} ms: a crashed replica's messages are redelivered before its reservations end, and are nak'd until then`;
    return [finding("warning", setting, problem, "make it at least the lease")];
  }
  if (waitMs > reservedMs * LONG_ACK_WAITS) {
    const problem = `${wait}, while a reservation ends after ${reservedMs} ms: a crashed replica's messages wait too long`;
    const remedy = "make it shorter: in-progress acks extend it while a dispatch runs";
    return [finding("warning", setting, problem, remedy)];
  }
  return [];
}

function checkWindow(config: ConsumerConfig, { windowMs }: ConsumerUse): ConsumerFinding[] {
  const longestMs = Math.max(ackWaitOf(config).waitMs, ...(config.backoff ?? []).map((nanos) => millis(nanos)));
  if (windowMs >= longestMs) return [];
  const problem = `the window of ${windowMs} ms is shorter than the server's wait of ${longestMs} ms for an answer, so one lost acknowledgement dispatches the event again`;
  return [finding("warning", "ack_wait", problem, "make the window longer, such as 24 h, or the wait shorter")];
}

function checkInactivity({ inactive_threshold = 0, durable_name }: ConsumerConfig): ConsumerFinding[] {
  if (inactive_threshold <= 0 || durable_name === undefined || durable_name === "") return [];
  const problem = `\`inactive_threshold\` is ${millis(inactive_threshold)} ms: the server deletes the consumer if all replicas stay away longer, and with it the events of a stream with \`interest\` retention`;
  return [finding("warning", "inactive_threshold", problem, "remove it")];
}

function checkMaxDeliver(config: ConsumerConfig, { maxDeliver }: ConsumerUse): ConsumerFinding[] {
  const limit = serverMaxDeliver(config);
  if (limit === Number.POSITIVE_INFINITY) return [];
  const less =
    limit < maxDeliver ? `; failing messages are dead-lettered after ${limit} deliveries, not ${maxDeliver}` : "";
  const problem = `\`max_deliver\` is ${limit}: the server drops a message silently if its last delivery gets no answer, as after a crash, and counts nak'd deliveries too${less}`;
  return [
    finding(
      "warning",
      "max_deliver",
      problem,
      "make it -1: `maxDeliver` counts failed dispatches and keeps dead letters",
    ),
  ];
}

/** Failing messages wait for their next attempt inside `max_ack_pending`. */
const DELAYED_PER_SLOT = 10;

function checkMaxAckPending({ max_ack_pending = -1 }: ConsumerConfig, { concurrency }: ConsumerUse): ConsumerFinding[] {
  if (max_ack_pending <= 0) return [];
  if (max_ack_pending < concurrency) {
    const problem = `\`max_ack_pending\` is ${max_ack_pending} for all replicas together, less than the concurrency of ${concurrency}, which is never reached`;
    const remedy = "make it at least the concurrency times the number of replicas";
    return [finding("warning", "max_ack_pending", problem, remedy)];
  }
  if (max_ack_pending < concurrency * DELAYED_PER_SLOT) {
    const problem = `\`max_ack_pending\` is ${max_ack_pending}: as many failing messages, which wait for their next attempt, block all others`;
    const remedy = `make it at least ${concurrency * DELAYED_PER_SLOT}, ${DELAYED_PER_SLOT} times the concurrency`;
    return [finding("warning", "max_ack_pending", problem, remedy)];
  }
  return [];
}

function checkSubscription({ durable_name }: ConsumerConfig, { namesSubscription }: ConsumerUse): ConsumerFinding[] {
  if (namesSubscription || (durable_name !== undefined && durable_name !== "")) return [];
  const problem =
    "it is not durable, and its name is part of every event's identity: under a new name, all events are new";
  return [finding("warning", "durable_name", problem, "make it durable, or give a `subscriptionId`")];
}

/** Returns the subjects that the consumer reads; none if it reads the whole stream. */
export function filtersOf({ filter_subject, filter_subjects }: ConsumerConfig): readonly string[] {
  return [...(filter_subjects ?? []), ...(filter_subject === undefined ? [] : [filter_subject])];
}

function checkDeadLetterSubject(config: ConsumerConfig, { deadLetterSubject }: ConsumerUse): ConsumerFinding[] {
  if (deadLetterSubject === undefined) {
    const problem =
      "there is no `deadLetter`: messages that cannot be dispatched are terminated, and no copy is stored";
    return [finding("warning", "deadLetter", problem, "give a subject that a stream stores")];
  }
  const filter = filtersOf(config).find((pattern) => subjectMatches(pattern, deadLetterSubject));
  if (filter === undefined) return [];
  const problem = `dead letters for \`${deadLetterSubject}\` come back to this consumer through its filter \`${filter}\``;
  return [finding("error", "deadLetter", problem, "use another subject")];
}
