import { LRUCache } from "lru-cache";
import type { Deduplicator } from "../deduplicator.ts";
import { hasCode } from "../errors.ts";
import { flag, text, wholeNumber } from "../internal/validate.ts";
import type { Outcome, Reservation } from "../model/decision.ts";
import type { Identity } from "../model/identity.ts";
import { parseJson } from "./fields.ts";
import { problem } from "./problem.ts";
import type { RawRequest } from "./raw-request.ts";
import type { EventReference, Source } from "./source.ts";
import { readStoredResponse, replay, type StoredResponse, storeResponse } from "./stored-response.ts";

/** An event to dispatch. */
export interface WebhookEvent extends EventReference {
  /** JSON value of the body; `undefined` if the body is not JSON. */
  readonly body: unknown;
  /** The request with its raw body. */
  readonly request: RawRequest;
  /** Reservation of the event: pass `idempotencyKey` and `fence` downstream. */
  readonly reservation: Reservation;
  /** The reservation's signal. A sender that disconnects does not abort it. */
  readonly signal: AbortSignal;
}

/** Dispatches one event. A returned or resolved `Response` is the answer; anything else is answered with 204. */
export type Dispatch = (event: WebhookEvent) => unknown;

export interface DispatcherOptions {
  readonly dedup: Deduplicator;
  readonly source: Source;
  readonly dispatch: Dispatch;
  readonly windowMs?: number;
  readonly keepResponse?: boolean;
  readonly maxStoredBytes?: number;
  readonly fenceHeader?: string;
}

const MAX_STORED_BYTES = 48 * 1_024;
const REMEMBERED_FENCES = 10_000;

/** Guards events and turns outcomes into responses. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #retryAfterMs: number;
  readonly #keepResponse: boolean;
  readonly #maxStoredBytes: number;
  /** Highest fence per event that this process has seen. Stored responses carry theirs to the other replicas. */
  readonly #fences = new LRUCache<string, number>({ max: REMEMBERED_FENCES });

  constructor(options: DispatcherOptions, retryAfterMs: number) {
    this.#options = options;
    this.#retryAfterMs = retryAfterMs;
    this.#keepResponse = flag("keepResponse", options.keepResponse ?? false);
    this.#maxStoredBytes = wholeNumber("maxStoredBytes", options.maxStoredBytes ?? 32_768, 0, MAX_STORED_BYTES);
    if (options.fenceHeader !== undefined) text("fenceHeader", options.fenceHeader);
  }

  async accept(event: EventReference, identity: Identity, request: RawRequest): Promise<Response> {
    const fence = this.#fenceOf(request);
    if (fence === "malformed")
      return problem("bad-request", { detail: `\`${this.#options.fenceHeader}\` is not a whole number` });
    if (fence !== undefined && this.#isFenced(identity, fence)) return problem("fenced");
    const run = new Run();
    try {
      const outcome = await this.#guard(run, event, identity, request, fence);
      return this.#answer(run, outcome, fence);
    } catch (error) {
      return this.#answerTo(run, error);
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
      const body = parseJson(request.body);
      const response = await run.dispatch(() =>
        dispatch({ ...event, body, request, reservation, signal: reservation.signal }),
      );
      const isStored = this.#keepResponse && response.body.byteLength <= this.#maxStoredBytes;
      return isStored ? storeResponse(response, response.body, fence) : undefined;
    };
    return dedup.guard(identity, handler, {
      keepResult: this.#keepResponse,
      ...(windowMs === undefined ? {} : { windowMs }),
      ...(source.signsId ? {} : { fingerprint: await digest(request.body) }),
    });
  }

  #answer(run: Run, outcome: Outcome<unknown>, fence: number | undefined): Response {
    switch (outcome.outcome) {
      case "dispatched":
        return run.response();
      case "pending":
        return problem("pending", { retryAfterMs: outcome.retryAfterMs });
      case "duplicate": {
        const stored = readStoredResponse(outcome.value);
        if (stored === undefined)
          return new Response(null, { status: 200, headers: { "idempotency-replayed": "true" } });
        return fence !== undefined && fence < (stored.fence ?? 0) ? problem("fenced") : replay(stored);
      }
    }
  }

  #answerTo({ failed }: Run, error: unknown): Response {
    if (failed) return problem(hasCode(error, "permanent") ? "permanent" : "dispatch-failed");
    if (hasCode(error, "fingerprint-mismatch")) return problem("payload-mismatch");
    return problem("unavailable", { retryAfterMs: this.#retryAfterMs });
  }

  #fenceOf({ headers }: RawRequest): number | "malformed" | undefined {
    const { fenceHeader } = this.#options;
    const value = fenceHeader === undefined ? null : headers.get(fenceHeader);
    if (value === null) return undefined;
    const fence = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return Number.isSafeInteger(fence) ? fence : "malformed";
  }

  /** Remembers the highest fence of an event and returns true for a lower one. */
  #isFenced({ workspaceId, subscriptionId, eventId }: Identity, fence: number): boolean {
    const event = JSON.stringify([workspaceId, subscriptionId, eventId]);
    const highest = this.#fences.get(event) ?? 0;
    if (fence > highest) this.#fences.set(event, fence);
    return fence < highest;
  }
}

interface BufferedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One run of the user's dispatch, with its response or the fact that it threw. */
class Run {
  #response: BufferedResponse = { status: 204, headers: new Headers(), body: new Uint8Array() };
  #failed = false;

  get failed(): boolean {
    return this.#failed;
  }

  /** Buffers the response: the commit follows the complete response, and the replay equals it. */
  async dispatch(call: () => unknown): Promise<BufferedResponse> {
    try {
      const response: unknown = await call();
      if (response instanceof Response) {
        const { status, headers } = response;
        this.#response = { status, headers, body: new Uint8Array(await response.arrayBuffer()) };
      }
      return this.#response;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  response(): Response {
    const { status, headers, body } = this.#response;
    return new Response(body.byteLength === 0 ? null : body, { status, headers });
  }
}

async function digest(body: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", body)).toString("base64url");
}
