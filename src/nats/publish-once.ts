import { hash } from "node:crypto";
import type { JetStreamClient, JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import { RecordTooLargeError, StoreForbiddenError, StoreMisconfiguredError, StoreUnavailableError } from "../errors.ts";
import type { BackoffRange } from "../internal/backoff.ts";
import { systemClock } from "../internal/clock.ts";
import { retryUntil } from "../internal/retry.ts";
import { objectWith, text, wholeNumber } from "../internal/validate.ts";
import type { Reservation } from "../model/decision.ts";
import type { Telemetry } from "../model/telemetry.ts";
import { apiCodeOf, apiCodes, hasNoResponders, isForbidden, isTimeout, isTooLarge } from "./wire/error-codes.ts";
import { publishableSubject } from "./wire/subject.ts";

/** Options of {@link publishOnce}. */
export interface PublishOnceOptions {
  /**
   * Time for which a repetition is recognised, in milliseconds, by the stream's `duplicate_window`. The message is then published to
   * `subject` itself. @default as long as the stream keeps the message, under `<subject>.<digest>`
   */
  readonly withinMs?: number;
  /** Name of this message, for an event that sends several to one subject. @default "" */
  readonly name?: string;
  /** More headers. */
  readonly headers?: MsgHdrs;
  /** Writes the trace context into the message: the result of `instrument` in `latchkey/otel`. */
  readonly telemetry?: Pick<Telemetry, "inject">;
  /** Time limit, repetitions included, in milliseconds, at least 1. @default 5_000 */
  readonly timeoutMs?: number;
}

/** A message that the stream has stored once. */
export interface PublishedOnce {
  /** Name of the stream. */
  readonly stream: string;
  /** Sequence of the message. */
  readonly seq: number;
  /** Subject of the message. */
  readonly subject: string;
  /** True if the message was stored before. It may be this call's own message, if the answer to its first attempt was lost. */
  readonly duplicate: boolean;
}

/** The NATS client's default for JetStream requests. */
const DEFAULT_TIMEOUT_MS = 5_000;
/** Time after which an attempt counts as unanswered, in milliseconds. Half of a shorter time limit leaves room for another. */
const ATTEMPT_TIMEOUT_MS = 2_500;
const BACKOFF: BackoffRange = { firstMs: 5, longestMs: 500 };

/** Codes of refusals that pass: another write is on its way, or the stream has no leader. */
const passingCodes: ReadonlySet<number> = new Set([
  apiCodes.anotherWriteInFlight,
  apiCodes.wrongLastSequence,
  apiCodes.clusterUnavailable,
  apiCodes.notLeader,
]);

/**
 * Publishes a message to a JetStream stream once per idempotency key, however often it is called.
 *
 * Without `withinMs`, the message gets a subject of its own, `<subject>.<digest of the key>`, and is stored only if that subject is
 * empty. This holds as long as the stream keeps the message, so the stream must capture `<subject>.*` with `limits` retention. With
 * `withinMs`, the message is published to `subject`, and the stream recognises a repetition for the duplicate window.
 *
 * An attempt without an answer is repeated. Headers carry the key (`Latchkey-Idempotency-Key`), the fence (`Latchkey-Fence`), and a
 * `Nats-Msg-Id` by which `consume` recognises the message.
 * @throws {StoreMisconfiguredError} if the stream cannot keep the promise.
 * @throws {StoreUnavailableError} that is `ambiguous` if the message may be stored: call it again.
 * @throws {StoreForbiddenError} if the connection may not publish, or not read the stream's configuration.
 * @throws {RecordTooLargeError} if the message is larger than the server or the stream accepts. It was not stored.
 * @throws {TypeError | RangeError} that names the wrong argument.
 */
export async function publishOnce(
  js: JetStreamClient,
  subject: string,
  payload: string | Uint8Array,
  reservation: Pick<Reservation, "fence" | "idempotencyKey">,
  options: PublishOnceOptions = {},
): Promise<PublishedOnce> {
  objectWith("js", js, "publish", "jetstreamManager");
  objectWith("reservation", reservation);
  objectWith("options", options);
  const { withinMs, name = "", timeoutMs = DEFAULT_TIMEOUT_MS, telemetry } = options;
  wholeNumber("timeoutMs", timeoutMs, 1);
  if (withinMs !== undefined) wholeNumber("withinMs", withinMs, 1);
  if (telemetry !== undefined) objectWith("telemetry", telemetry, "inject");
  const base = publishableSubject("subject", subject);
  const key = text("reservation.idempotencyKey", reservation.idempotencyKey);
  const fence = wholeNumber("reservation.fence", reservation.fence, 0);
  const id = JSON.stringify([key, base, ...(name === "" ? [] : [text("name", name)])]);
  const target = withinMs === undefined ? `${base}.${hash("sha256", id, "base64url")}` : base;
  const deadlineMs = systemClock.monotonicMs() + timeoutMs;
  const attemptTimeoutMs = () =>
    Math.max(1, Math.ceil(Math.min(ATTEMPT_TIMEOUT_MS, timeoutMs / 2, deadlineMs - systemClock.monotonicMs())));
  const stream = await checkedStream(js, target, withinMs, deadlineMs);
  const fields = headers();
  for (const [field, values] of options.headers ?? []) for (const value of values) fields.append(field, value);
  telemetry?.inject(fields);
  fields.set("Latchkey-Idempotency-Key", key);
  fields.set("Latchkey-Fence", String(fence));
  const expect = { streamName: stream, ...(withinMs === undefined ? { lastSubjectSequence: 0 } : {}) };

  let inDoubt = false;
  return untilAnswered(deadlineMs, async (isLast): Promise<PublishedOnce | undefined> => {
    try {
      const how = { msgID: hash("sha256", id, "hex"), headers: fields, expect, timeout: attemptTimeoutMs() };
      const { seq, duplicate } = await js.publish(target, payload, how);
      return { stream, seq, subject: target, duplicate: duplicate || inDoubt };
    } catch (cause) {
      const code = apiCodeOf(cause);
      if (code === apiCodes.wrongLastSequence) {
        const seq = await storedSequence(js, stream, target);
        if (seq !== undefined) return { stream, seq, subject: target, duplicate: true };
      } else if (isForbidden(cause)) {
        throw new StoreForbiddenError(`The connection may not publish to ${target}: allow it in its permissions`, {
          cause,
        });
      }
      if (isTooLarge(cause)) throw tooLarge(stream, target, cause);
      inDoubt ||= code === undefined && !hasNoResponders(cause);
      if (isLast || (code !== undefined && !passingCodes.has(code))) {
        const message = `Stream ${stream} did not say that it stored the message for ${target}: call publishOnce again`;
        throw new StoreUnavailableError(message, { ambiguous: inDoubt, cause });
      }
      return undefined;
    }
  });
}

function tooLarge(stream: string, target: string, cause: unknown): RecordTooLargeError {
  const limits = `larger than \`max_msg_size\` of stream ${stream}, or than the server's \`max_payload\``;
  const message = `The message for ${target} was not stored: it is ${limits}; raise the limit, or publish a smaller message`;
  return new RecordTooLargeError(message, { cause });
}

/** Repeats an attempt until it returns a result. The last one returns a result or throws. */
async function untilAnswered<Result>(
  deadlineMs: number,
  attempt: (isLast: boolean) => Promise<Result | undefined>,
): Promise<Result> {
  const timeoutMs = deadlineMs - systemClock.monotonicMs();
  const result = await retryUntil({ clock: systemClock, timeoutMs, backoff: BACKOFF }, attempt);
  if (result === undefined) throw new Error("The last attempt ended without a result");
  return result;
}

/**
 * Returns the sequence of the message that is in the way; `undefined` if it cannot be read now, so that the attempt is repeated.
 * @throws {StoreForbiddenError} if the connection may not read messages.
 */
async function storedSequence(js: JetStreamClient, stream: string, target: string): Promise<number | undefined> {
  try {
    const jsm = await js.jetstreamManager(false);
    return (await jsm.streams.getMessage(stream, { last_by_subj: target }))?.seq;
  } catch (cause) {
    if (!isForbidden(cause)) return undefined;
    const message = `The connection may not read stream ${stream}: allow it to publish to $JS.API.STREAM.MSG.GET.${stream}`;
    throw new StoreForbiddenError(message, { cause });
  }
}

/** Returns the name of the stream that captures a subject, once its configuration is checked. */
async function checkedStream(
  js: JetStreamClient,
  target: string,
  withinMs: number | undefined,
  deadlineMs: number,
): Promise<string> {
  const config = await untilAnswered(deadlineMs, async (isLast): Promise<StreamConfig | undefined> => {
    try {
      return await configOf(await js.jetstreamManager(false), target);
    } catch (cause) {
      // A stream whose leader is gone does not answer.
      if (!isLast && (isTimeout(cause) || hasNoResponders(cause))) return undefined;
      throw unreadableStream(target, cause);
    }
  });
  const differences = [
    ...(withinMs === undefined ? keepsNothing(config) : forgetsEarly(config, withinMs)),
    ...unsuitable(config),
  ];
  if (differences.length === 0) return config.name;
  const message = `Stream ${config.name} cannot store a message once: ${differences.join("; ")}`;
  throw new StoreMisconfiguredError(message, differences);
}

function unreadableStream(target: string, cause: unknown): StoreForbiddenError | StoreUnavailableError {
  const failure = `The stream that captures ${target} cannot be read`;
  if (isForbidden(cause)) {
    const needed = "$JS.API.STREAM.NAMES and $JS.API.STREAM.INFO.*";
    return new StoreForbiddenError(`${failure}: allow the connection to publish to ${needed}`, { cause });
  }
  const message = `${failure}: check that it exists, and call publishOnce again`;
  return new StoreUnavailableError(message, { ambiguous: false, cause });
}

async function configOf(jsm: JetStreamManager, target: string): Promise<StreamConfig> {
  const { config } = await jsm.streams.info(await jsm.streams.find(target));
  return config;
}

/** Returns the settings with which no message is stored as it was published, or is not known to be. */
function unsuitable(config: StreamConfig): string[] {
  const settings: ReadonlyArray<readonly [isWrong: boolean | undefined, why: string]> = [
    [config.no_ack, "`no_ack` must be off: with it, the publisher does not learn what was stored"],
    [config.sealed, "it must not be sealed: it accepts no messages"],
    [config.allow_msg_counter, "`allow_msg_counter` must be off: with it, the stream accepts counters only"],
    [
      config.subject_transform !== undefined,
      "it must have no `subject_transform`: the message would be stored under another subject",
    ],
    [
      config.persist_mode === "async",
      "`persist_mode` must not be `async`: the server would acknowledge messages that it has not stored",
    ],
  ];
  return settings.flatMap(([isWrong, why]) => (isWrong === true ? [why] : []));
}

/** An acknowledged or evicted message would make room for a second one. */
function keepsNothing({ retention }: StreamConfig): string[] {
  if (retention === "limits") return [];
  return [`its retention must be limits, not ${retention}: it removes acknowledged messages. Or set \`withinMs\``];
}

function forgetsEarly({ duplicate_window }: StreamConfig, withinMs: number): string[] {
  const windowMs = duplicate_window / 1e6;
  if (windowMs >= withinMs) return [];
  return [`its \`duplicate_window\` must be at least \`withinMs\`, ${withinMs} ms, got ${windowMs} ms`];
}
