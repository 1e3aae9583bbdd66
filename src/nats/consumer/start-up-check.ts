import type { ConsumerConfig } from "@nats-io/jetstream";
import { millis } from "@nats-io/nats-core";
import { LatchkeyError } from "../../errors.ts";

/** Something in a consumer's configuration that does not go with how it is used. */
export interface ConsumerFinding {
  /** With an error events could get lost, or be dispatched for ever, and `consume` refuses to start. */
  readonly severity: "error" | "warning";
  /** The setting to change. */
  readonly setting: string;
  /** What is wrong, and what follows from it. */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Both, for a log. */
  readonly sentence: string;
}

export function finding(
  severity: ConsumerFinding["severity"],
  setting: string,
  problem: string,
  remedy: string,
): ConsumerFinding {
  return { severity, setting, problem, remedy, sentence: `${problem}; ${remedy}` };
}

/** How a consumer is to be used. */
export interface ConsumerUse {
  readonly leaseMs: number;
  readonly skewMs: number;
  readonly concurrency: number;
  readonly maxDeliver: number;
  /** Whether the caller named the subscription, rather than leaving it to the consumer's name. */
  readonly namesSubscription: boolean;
  readonly deadLetterSubject: string | undefined;
}

/** The consumer cannot be used as asked; `findings` has a sentence for each setting that is wrong. */
export class ConsumerMisconfiguredError extends LatchkeyError {
  override readonly name: string = "ConsumerMisconfiguredError";
  readonly findings: readonly ConsumerFinding[];

  constructor(consumer: string, findings: readonly ConsumerFinding[]) {
    super(
      "consumer-misconfigured",
      `The consumer ${consumer} cannot be used: ${findings.map(({ sentence }) => sentence).join("; ")}`,
    );
    this.findings = findings;
  }
}

/** Shorter waits run out between two of the signs of life that a consumer sends. */
const SHORTEST_ACK_WAIT_MS = 1_000;
const DEFAULT_ACK_WAIT_MS = 30_000;
/** A wait so much longer than the reservation delays what a crashed replica left behind, and serves nothing. */
const LONG_ACK_WAITS = 4;

/** How long the server waits at least for an answer before it delivers a message again: `backoff` overrides `ack_wait`. */
export function ackWaitOf({ ack_wait, backoff = [] }: ConsumerConfig): { setting: string; waitMs: number } {
  const waitsMs = backoff.map((nanos) => millis(nanos));
  const waitMs = Math.min(...waitsMs);
  if (waitsMs.length > 0) return { setting: `backoff[${waitsMs.indexOf(waitMs)}]`, waitMs };
  return { setting: "ack_wait", waitMs: ack_wait === undefined ? DEFAULT_ACK_WAIT_MS : millis(ack_wait) };
}

/** After how many deliveries the server gives up; `Infinity` if never. */
export function serverMaxDeliver({ max_deliver = -1 }: ConsumerConfig): number {
  return max_deliver > 0 ? max_deliver : Number.POSITIVE_INFINITY;
}

/** Checks lease, waits and limits against each other. What it does not mention is well. */
export function checkConsumer(config: ConsumerConfig, use: ConsumerUse): readonly ConsumerFinding[] {
  return [
    ...checkKind(config),
    ...checkWaits(config, use),
    ...checkMaxDeliver(config, use),
    ...checkMaxAckPending(config, use),
    ...checkSubscription(config, use),
    ...checkDeadLetters(config, use),
  ];
}

function checkKind({
  ack_policy,
  deliver_subject,
  headers_only,
  priority_groups = [],
}: ConsumerConfig): ConsumerFinding[] {
  const findings: ConsumerFinding[] = [];
  if (ack_policy !== "explicit") {
    const problem = `\`ack_policy\` is \`${ack_policy}\`, so that messages count as acknowledged which were never dispatched`;
    findings.push(finding("error", "ack_policy", problem, "make it `explicit`"));
  }
  if (deliver_subject !== undefined) {
    const remedy = "create one without `deliver_subject`";
    findings.push(finding("error", "deliver_subject", "it is a push consumer", remedy));
  }
  if (priority_groups.length > 0) {
    const problem = "it has `priority_groups`, so that the server refuses requests that name none, as these do";
    findings.push(finding("error", "priority_groups", problem, "create one without"));
  }
  if (headers_only === true) {
    const problem =
      "`headers_only` leaves the payload out of dispatches and dead letters, and structured CloudEvents without identity";
    findings.push(finding("warning", "headers_only", problem, "create one without it"));
  }
  return findings;
}

function checkWaits(config: ConsumerConfig, { leaseMs, skewMs }: ConsumerUse): ConsumerFinding[] {
  const { setting, waitMs } = ackWaitOf(config);
  const overrides = setting === "ack_wait" ? "" : ", which overrides `ack_wait`,";
  const wait = `\`${setting}\`${overrides} is ${waitMs} ms`;
  const reservedMs = leaseMs + skewMs;
  if (waitMs < SHORTEST_ACK_WAIT_MS) {
    const problem = `${wait}, too short for signs of life to arrive in time, so that messages come back while they are dispatched`;
    return [finding("error", setting, problem, `make it at least ${SHORTEST_ACK_WAIT_MS} ms`)];
  }
  if (waitMs < leaseMs) {
    const problem = `${wait}, less than the lease of ${leaseMs} ms: what a crashed replica left behind comes back before its reservation ends, and is put back once more or oftener`;
    return [finding("warning", setting, problem, "make it at least the lease")];
  }
  if (waitMs > reservedMs * LONG_ACK_WAITS) {
    const problem = `${wait}, while a reservation ends after ${reservedMs} ms: what a crashed replica left behind waits for long`;
    const remedy = "make it shorter: a dispatch that takes time needs no longer wait, since signs of life extend it";
    return [finding("warning", setting, problem, remedy)];
  }
  return [];
}

function checkMaxDeliver(config: ConsumerConfig, { maxDeliver }: ConsumerUse): ConsumerFinding[] {
  const limit = serverMaxDeliver(config);
  if (limit === Number.POSITIVE_INFINITY) return [];
  const less =
    limit < maxDeliver ? `; dispatches that fail are dead-lettered after ${limit} deliveries, not ${maxDeliver}` : "";
  const problem = `\`max_deliver\` is ${limit}: the server drops a message silently when its last delivery ends without an answer, as in a crash, and a delivery that is put back counts too${less}`;
  return [finding("warning", "max_deliver", problem, "make it -1, `maxDeliver` counts and keeps what fails")];
}

function checkMaxAckPending({ max_ack_pending = -1 }: ConsumerConfig, { concurrency }: ConsumerUse): ConsumerFinding[] {
  if (max_ack_pending <= 0 || max_ack_pending >= concurrency) return [];
  const problem = `\`max_ack_pending\` is ${max_ack_pending} for all replicas together, less than the concurrency of ${concurrency}, which is never reached`;
  const remedy = "make it at least the concurrency times the number of replicas";
  return [finding("warning", "max_ack_pending", problem, remedy)];
}

function checkSubscription({ durable_name }: ConsumerConfig, { namesSubscription }: ConsumerUse): ConsumerFinding[] {
  if (namesSubscription || (durable_name !== undefined && durable_name !== "")) return [];
  const problem =
    "it is not durable, and its name is part of every event's identity: under a new name all events are new";
  return [finding("warning", "durable_name", problem, "make it durable, or give a `subscriptionId`")];
}

function checkDeadLetters(
  { filter_subject, filter_subjects }: ConsumerConfig,
  { deadLetterSubject }: ConsumerUse,
): ConsumerFinding[] {
  if (deadLetterSubject === undefined) {
    const problem = "there is no `deadLetter`: messages that cannot be dispatched are terminated, and no copy is kept";
    return [finding("warning", "deadLetter", problem, "give a subject that a stream stores")];
  }
  const filters = [...(filter_subjects ?? []), ...(filter_subject === undefined ? [] : [filter_subject])];
  const filter = filters.find((pattern) => subjectMatches(pattern, deadLetterSubject));
  if (filter === undefined) return [];
  const problem = `dead letters for \`${deadLetterSubject}\` come back to this very consumer by its filter \`${filter}\``;
  return [finding("error", "deadLetter", problem, "use another subject")];
}

function subjectMatches(pattern: string, subject: string): boolean {
  const patterns = pattern.split(".");
  const tokens = subject.split(".");
  const isRest = patterns.at(-1) === ">";
  if (isRest ? tokens.length < patterns.length : tokens.length !== patterns.length) return false;
  return patterns.every((wanted, index) => wanted === "*" || wanted === ">" || wanted === tokens[index]);
}
