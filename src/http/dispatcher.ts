import type { Deduplicator } from "../deduplicator.ts";
import { hasCode } from "../errors.ts";
import { LruMap } from "../internal/lru-map.ts";
import { flag, wholeNumber } from "../internal/validate.ts";
import { parseWholeNumber } from "../internal/whole-number.ts";
import type { Outcome, Reservation } from "../model/decision.ts";
import { payloadFingerprint } from "../model/identify/payload-fingerprint.ts";
import type { Identity } from "../model/identity.ts";
import { isIdTooLong } from "../model/too-long-id.ts";
import { MIN_TTL_MS } from "../options.ts";
import { type BufferedResponse, bufferResponse, toResponse } from "./buffered-response.ts";
import { reportError, type WebhookErrorListener } from "./error-listener.ts";
import { headerName, jsonValue } from "./fields.ts";
import { problem } from "./problem.ts";
import type { RawRequest } from "./raw-request.ts";
import type { EventReference, Source } from "./source.ts";
import { readStoredResponse, replayedResponse, type StoredResponse, storeResponse } from "./stored-response.ts";

/** An event to dispatch. */
export interface WebhookEvent extends EventReference {
  /** JSON value of the body, or of a form's field `payload`; `undefined` if there is none. */
  readonly body: unknown;
  /** The request with its raw body. */
  readonly request: RawRequest;
  /** Reservation of the event: pass `idempotencyKey` and `fence` downstream. */
  readonly reservation: Reservation;
  /** The reservation's signal. A sender that disconnects does not abort it. */
  readonly signal: AbortSignal;
}

/**
 * Dispatches one event. A returned or resolved `Response` is the answer; anything else is answered with 204.
 * A response with a status of 500 or more is passed on, and counts as a failure: the key is released.
 */
export type WebhookDispatch = (event: WebhookEvent) => unknown;

export interface DispatcherOptions {
  readonly dedup: Deduplicator;
  readonly source: Source;
  readonly dispatch: WebhookDispatch;
  readonly windowMs?: number;
  readonly responseTimeoutMs?: number;
  readonly keepResponse?: boolean;
  readonly maxStoredBytes?: number;
  readonly fenceHeader?: string;
  readonly onError?: WebhookErrorListener;
}

const MAX_STORED_BYTES = 48 * 1_024;
const RESPONSE_TIMEOUT_MS = 30_000;
const REMEMBERED_FENCES = 10_000;

/** Guards events and turns outcomes into responses. */
export class WebhookDispatcher {
  readonly #options: DispatcherOptions;
  readonly #retryAfterMs: number;
  readonly #keepResponse: boolean;
  readonly #maxStoredBytes: number;
  readonly #responseTimeoutMs: number;
  /**
   * Highest fence per event that this process has seen, for the latest events. Other replicas learn a fence only from a stored
   * response, so without `keepResponse` they accept a lower one.
   */
  readonly #fences = new LruMap<string, number>(REMEMBERED_FENCES);

  constructor(options: DispatcherOptions, retryAfterMs: number) {
    this.#options = options;
    this.#retryAfterMs = retryAfterMs;
    this.#keepResponse = flag("keepResponse", options.keepResponse ?? false);
    this.#maxStoredBytes = wholeNumber("maxStoredBytes", options.maxStoredBytes ?? 32_768, 0, MAX_STORED_BYTES);
    this.#responseTimeoutMs = wholeNumber("responseTimeoutMs", options.responseTimeoutMs ?? RESPONSE_TIMEOUT_MS, 1);
    if (options.fenceHeader !== undefined) headerName("fenceHeader", options.fenceHeader);
    if (options.windowMs !== undefined) wholeNumber("windowMs", options.windowMs, MIN_TTL_MS);
  }

  async accept(event: EventReference, identity: Identity, request: RawRequest): Promise<Response> {
    const fence = this.#fenceOf(request);
    if (fence === "malformed")
      return problem("bad-request", { detail: `\`${this.#options.fenceHeader}\` is not a whole number` });
    if (fence !== undefined && this.#isFenced(identity, fence)) return problem("fenced");
    const run = new Run(this.#responseTimeoutMs);
    try {
      const outcome = await this.#guard(run, event, identity, request, fence);
      return this.#answer(run, outcome, fence);
    } catch (error) {
      return this.#answerTo(run, error, event, identity);
    }
  }

  async #guard(
    run: Run,
    event: EventReference,
    identity: Identity,
    request: RawRequest,
    fence: number | undefined,
  ): Promise<Outcome<StoredResponse | undefined>> {
    const { dedup, dispatch, source, windowMs } = this.#options;
    const handler = async (reservation: Reservation) => {
      const body = jsonValue(request);
      const { signal } = reservation;
      const response = await run.dispatch(() => dispatch({ ...event, body, request, reservation, signal }), signal);
      return this.#keepResponse ? storeResponse(response, this.#maxStoredBytes, fence) : undefined;
    };
    return dedup.guard(identity, handler, {
      keepResult: this.#keepResponse,
      ...(windowMs === undefined ? {} : { windowMs }),
      ...(source.signsId ? {} : { fingerprint: payloadFingerprint(request.body) }),
    });
  }

  #answer(run: Run, outcome: Outcome<unknown>, fence: number | undefined): Response {
    switch (outcome.outcome) {
      case "dispatched":
        return run.response();
      case "pending":
        return problem("pending", {
          retryAfterMs: outcome.retryAfterMs,
          ...(this.#options.source.retriesOnlyServerErrors === true ? { status: 503 } : {}),
        });
      case "duplicate": {
        const stored = readStoredResponse(outcome.value);
        if (stored === undefined) return new Response(null, { status: 200 });
        return fence !== undefined && fence < (stored.fence ?? 0) ? problem("fenced") : replayedResponse(stored);
      }
    }
  }

  #answerTo(run: Run, error: unknown, event: EventReference, identity: Identity): Response {
    if (hasCode(error, "fingerprint-mismatch") && !run.failed) return problem("payload-mismatch");
    if (hasCode(error, "permanent") && !run.failed) return problem("permanent");
    if (isIdTooLong(error, identity) && !run.failed) {
      reportError(this.#options.onError, error, { code: "refused", event });
      return problem("no-identity", { detail: "The event's id is too long to be stored" });
    }
    reportError(this.#options.onError, error, { code: run.failed ? "dispatch-failed" : "unavailable", event });
    if (error instanceof FailedResponseError) return run.response();
    if (run.failed) return problem(hasCode(error, "permanent") ? "permanent" : "dispatch-failed");
    return problem("unavailable", { retryAfterMs: this.#retryAfterMs });
  }

  #fenceOf({ headers }: RawRequest): number | "malformed" | undefined {
    const { fenceHeader } = this.#options;
    const value = fenceHeader === undefined ? null : headers.get(fenceHeader);
    return value === null ? undefined : (parseWholeNumber(value) ?? "malformed");
  }

  /** Remembers the highest fence of an event and returns true for a lower one. */
  #isFenced({ workspaceId, subscriptionId, eventId }: Identity, fence: number): boolean {
    const event = JSON.stringify([workspaceId, subscriptionId, eventId]);
    const highest = this.#fences.get(event) ?? 0;
    if (fence > highest) this.#fences.set(event, fence);
    return fence < highest;
  }
}

/** Releases the key of an event whose handler returned a response with a status of 500 or more. */
class FailedResponseError extends Error {
  override readonly name: string = "FailedResponseError";

  constructor(status: number) {
    super(`The handler returned a response with status ${status}`);
  }
}

/** One run of the user's dispatch, with its response or the fact that it failed. */
class Run {
  #response: BufferedResponse = { status: 204, headers: new Headers(), body: new Uint8Array() };
  #failed = false;
  readonly #responseTimeoutMs: number;

  constructor(responseTimeoutMs: number) {
    this.#responseTimeoutMs = responseTimeoutMs;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** Buffers the response: the commit follows the complete response, and the replay equals it. */
  async dispatch(call: () => unknown, signal: AbortSignal): Promise<BufferedResponse> {
    try {
      const response: unknown = await call();
      if (response instanceof Response)
        this.#response = await bufferResponse(response, this.#responseTimeoutMs, signal);
      if (this.#response.status >= 500) throw new FailedResponseError(this.#response.status);
      return this.#response;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  response(): Response {
    return toResponse(this.#response);
  }
}
