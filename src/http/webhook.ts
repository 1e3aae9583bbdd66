import type { Deduplicator } from "../deduplicator.ts";
import { hasCode, UnidentifiedError } from "../errors.ts";
import { systemClock } from "../internal/clock.ts";
import { jsonKind } from "../internal/json-kind.ts";
import { callable, expected, objectWith, text, wholeNumber } from "../internal/validate.ts";
import { cloudEventId } from "../model/cloud-event.ts";
import { DEFAULT_WORKSPACE, type ResolvedIdentity, resolveIdentity } from "../model/identity.ts";
import type { Telemetry, TracedOutcome } from "../model/telemetry.ts";
import { answerToBatch } from "./batch-answer.ts";
import type { WebhookDispatch } from "./dispatcher.ts";
import { WebhookDispatcher } from "./dispatcher.ts";
import type { Publish } from "./enqueue.ts";
import { reportError, type WebhookErrorListener } from "./error-listener.ts";
import { methodNotAllowed, problem } from "./problem.ts";
import { publishRefusal } from "./publish-refusal.ts";
import { type RawRequest, readRequest } from "./raw-request.ts";
import type { EventReference, Source } from "./source.ts";
import { UnreadFetchRequest, type UnreadRequest, unreadReceivers } from "./unread-request.ts";
import { checkSource, type WebhookWarning } from "./warnings.ts";

interface CommonOptions {
  /** Sender of the requests. */
  readonly source: Source;
  /** Subscription of the events. @default the source's name */
  readonly subscriptionId?: string;
  /** Tenant of a request. @default "default" */
  readonly workspaceId?: string | ((request: RawRequest) => string);
  /** Maximum size of a body, in bytes, from 1 to 100 MiB. @default 1_048_576 */
  readonly maxBodyBytes?: number;
  /** Time within which a body must arrive, in milliseconds, at least 1. @default 10_000 */
  readonly bodyTimeoutMs?: number;
  /** Traces requests: the result of `instrument` in `latchkey/otel`. */
  readonly telemetry?: Telemetry;
  /** Called for each error whose details the sender does not get. @default emits a process warning without details */
  readonly onError?: WebhookErrorListener;
  /** Called at construction for each risky setting. @default emits a process warning */
  readonly onWarning?: (warning: WebhookWarning) => void;
}

/** Options of a receiver that dispatches events itself. */
export interface DispatchOptions extends CommonOptions {
  /** Deduplicator that guards the events. */
  readonly dedup: Deduplicator;
  /** Handles one event. Returns the response, or nothing for 204. */
  readonly dispatch: WebhookDispatch;
  /** Time for which a processed event suppresses duplicates, in milliseconds. @default the deduplicator's */
  readonly windowMs?: number;
  /** Time after the handler returned a response within which its body must end, in milliseconds, at least 1. @default 30_000 */
  readonly responseTimeoutMs?: number;
  /** True to store the handler's response with the commit and to replay it to duplicates. @default false */
  readonly keepResponse?: boolean;
  /** Maximum size of a stored body, in bytes, from 0 to 48 KiB. A larger body is left out of the replay. @default 32_768 */
  readonly maxStoredBytes?: number;
  /**
   * Header with the sender's fencing token. A request with a lower token gets 412 if this process saw the higher one. It also gets 412
   * if the response to the higher one is stored (`keepResponse`).
   */
  readonly fenceHeader?: string;
}

/** Options of a receiver that stores events in a stream. */
export interface EnqueueingOptions extends CommonOptions {
  /** Stores the event in a stream: see {@link enqueue}. */
  readonly enqueue: Publish;
}

/** Options of {@link webhook}: either `dispatch` with `dedup`, or `enqueue`. */
export type WebhookOptions = DispatchOptions | EnqueueingOptions;

/** Answers requests, for any framework with `Request` and `Response`. It never rejects. */
export type Receive = (request: Request) => Promise<Response>;

const MAX_BODY_BYTES = 100 * 1_024 * 1_024;
/** Time after which a sender may try again when the store or the stream is unavailable. */
const RETRY_AFTER_MS = 5_000;

/**
 * Creates a receiver of webhooks: it verifies a request, finds its event, and dispatches the event once.
 *
 *     read ─▶ verify ─▶ identify ─▶ guard ─▶ dispatched 2xx │ duplicate 200 │ pending 409
 *      413      401       400          └──▶ enqueue ─▶ 202 │ 413 │ 422 │ 503
 *
 * @throws {TypeError | RangeError} naming the wrong option.
 */
export function webhook(options: WebhookOptions): Receive {
  objectWith("options", options);
  objectWith("source", options.source, "identify");
  const { source, subscriptionId = source.name, workspaceId = DEFAULT_WORKSPACE, onError, telemetry } = options;
  text("subscriptionId", subscriptionId);
  if (typeof workspaceId !== "function") text("workspaceId", workspaceId);
  if (onError !== undefined) callable("onError", onError);
  const limits = {
    maxBodyBytes: wholeNumber("maxBodyBytes", options.maxBodyBytes ?? 1_048_576, 1, MAX_BODY_BYTES),
    bodyTimeoutMs: wholeNumber("bodyTimeoutMs", options.bodyTimeoutMs ?? 10_000, 1),
  };
  const accept = accepting(options);

  /** Identifies the event of a request. @throws {UnidentifiedError} */
  const identified = (raw: RawRequest): (() => Promise<Response>) => {
    const event = checkReference(source.identify(raw));
    const identity = resolveIdentity({
      workspaceId: typeof workspaceId === "string" ? workspaceId : workspaceId(raw),
      subscriptionId,
      eventId: cloudEventId(event),
    });
    return () => accept(event, identity, raw);
  };

  const respond = async (request: UnreadRequest): Promise<Response> => {
    if (request.method !== "POST") return methodNotAllowed();
    if (request.isConsumed) {
      reportError(onError, new TypeError("The request's body was read before the receiver got it"), { code: "misuse" });
      return problem("misused");
    }
    const raw = await readRequest(request, limits, systemClock);
    if (typeof raw === "string") return problem(raw);
    // From here on, the request's span is the parent.
    telemetry?.inject(raw.headers);
    const verification = await source.verify?.(raw);
    if (verification?.verified === false) return problem("bad-signature", { detail: verification.reason });
    const handshake = await source.handshake?.(raw);
    if (handshake !== undefined) return handshake;
    const parts = source.split?.(raw);
    if (parts === undefined) return identified(raw)();
    // One unreadable event refuses the batch, before any of its events is reserved.
    const events = parts.map(identified);
    const answers: Response[] = [];
    for (const acceptEvent of events) answers.push(await acceptEvent());
    return answerToBatch(answers);
  };

  const answer = async (request: UnreadRequest): Promise<Response> => {
    try {
      return await respond(request);
    } catch (error) {
      if (hasCode(error, "unidentified")) return problem("no-identity", { detail: error.message });
      // A certificate that cannot be fetched, for example: the sender shall try again.
      reportError(onError, error, { code: "source-failed" });
      return problem("unavailable", { retryAfterMs: RETRY_AFTER_MS });
    }
  };
  if (telemetry !== undefined) objectWith("telemetry", telemetry, "trace", "inject");
  const receiveUnread = (request: UnreadRequest): Promise<Response> => {
    if (telemetry === undefined) return answer(request);
    const { headers } = request;
    return telemetry.trace({ kind: "request", source: source.name, headers }, () => answer(request), tracedOutcome);
  };
  const receive: Receive = (request) => receiveUnread(new UnreadFetchRequest(request));
  unreadReceivers.set(receive, receiveUnread);
  return receive;
}

/**
 * Checks what a source of the user's own returned. The id may be any value of a payload, but JSON parsers round large numbers, so two
 * ids could become one.
 * @throws {UnidentifiedError} for the id.
 * @throws {TypeError} for a mistake in the source.
 */
function checkReference(event: EventReference): EventReference {
  text("source.identify().source", event.source);
  text("source.identify().type", event.type);
  const id: unknown = event.id;
  if (typeof id === "string" && id !== "" && id.isWellFormed()) return event;
  throw new UnidentifiedError(`The event's id is ${jsonKind(id)}, not a non-empty string`);
}

function tracedOutcome({ status }: Response): TracedOutcome {
  return { outcome: String(status), failed: status >= 500 };
}

type Accept = (event: EventReference, identity: ResolvedIdentity, request: RawRequest) => Promise<Response>;

/** @throws {TypeError | RangeError} naming the wrong option. */
function accepting(options: WebhookOptions): Accept {
  if (!("dispatch" in options)) return enqueueing(options);
  if ("enqueue" in options) throw new TypeError("Expected either `dispatch` or `enqueue`, got both");
  return dispatching(options);
}

function dispatching(options: DispatchOptions): Accept {
  objectWith("dedup", options.dedup, "guard");
  callable("dispatch", options.dispatch);
  const dispatcher = new WebhookDispatcher(options, RETRY_AFTER_MS);
  const { source, windowMs = options.dedup.windowMs, keepResponse = false, onWarning } = options;
  checkSource(source, { windowMs, keepsResponses: keepResponse }, onWarning);
  return (event, identity, request) => dispatcher.accept(event, identity, request);
}

function enqueueing({ source, enqueue: publish, onError, onWarning }: EnqueueingOptions): Accept {
  if (typeof publish !== "function") throw new TypeError(expected("dispatch` or `enqueue", "a function", publish));
  checkSource(source, { keepsResponses: false }, onWarning);
  return async (event, identity, request) => {
    try {
      await publish(event, identity, request);
    } catch (error) {
      const refusal = publishRefusal(error);
      reportError(onError, error, { code: refusal === undefined ? "unavailable" : "refused", event });
      return refusal === undefined ? problem("unavailable", { retryAfterMs: RETRY_AFTER_MS }) : problem(refusal);
    }
    return new Response(null, { status: 202 });
  };
}
