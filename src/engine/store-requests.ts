import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { StoreUnavailableError } from "../errors.ts";
import { Deferred } from "../internal/deferred.ts";
import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

/** A read that fails changes nothing. A write that fails may have been applied. */
export type RequestKind = "read" | "write";

/** Sends requests, and turns their results into events. */
interface Requester {
  /** Turns an error into an event. Returns `undefined` if it sent another request instead. */
  interpretError(error: unknown, kind: RequestKind): DedupKeyEvent | undefined;
}

/** The request in flight. See "What waits is a class instance" in docs/performance.md. */
class Request {
  readonly kind: RequestKind;
  readonly timeoutMs: number;
  readonly timeout: Timer;

  constructor(kind: RequestKind, timeoutMs: number, timeout: Timer) {
    this.kind = kind;
    this.timeoutMs = timeoutMs;
    this.timeout = timeout;
  }
}

/**
 * The store requests of one attempt, one at a time. The machine gets each answer once, unless a later request replaced it. A
 * request that takes longer than its timeout counts as failed. Due lease timers run before any answer, so that nothing starts on a
 * lease that has ended.
 */
export class StoreRequests<Client extends Requester> {
  readonly #context: AttemptContext;
  readonly #client: Client;
  #current: Request | undefined;
  #idle: Deferred<void> | undefined;

  constructor(context: AttemptContext, client: Client) {
    this.#context = context;
    this.#client = client;
  }

  /**
   * @param interpret turns the answer into an event, or throws what is wrong with it. It is not called for a dropped request. It gets
   * the client as an argument. Pass a function that exists: V8 allocates a closure even for one that captures nothing.
   */
  track<Answer>(
    kind: RequestKind,
    timeoutMs: number,
    answer: Promise<Answer>,
    interpret: (client: Client, answer: Answer) => DedupKeyEvent,
  ): void {
    const { engine } = this.#context;
    this.drop();
    const timeout = engine.timers.addFor(this, engine.nowMs + timeoutMs, StoreRequests.#timedOut);
    const request = new Request(kind, timeoutMs, timeout);
    this.#current = request;
    answer.then(
      (value) => this.#answered(request, value, interpret),
      (error: unknown) => {
        if (request === this.#current) this.#finishInTime(request, this.#client.interpretError(error, request.kind));
      },
    );
  }

  /** Ignores the answer to the request in flight. */
  drop(): void {
    this.#current?.timeout.cancel();
    this.#current = undefined;
  }

  /** Resolves when no request is in flight. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    this.#idle ??= new Deferred<void>();
    return this.#idle.promise;
  }

  /** The timer is cancelled with its request, so it is that of the current one. */
  static #timedOut<Client extends Requester>(requests: StoreRequests<Client>): void {
    const request = requests.#current;
    if (request === undefined) return;
    const message = `The store did not answer within ${Math.round(request.timeoutMs)} ms`;
    const error = new StoreUnavailableError(message, { ambiguous: request.kind === "write" });
    // The timers that were due before this one have run.
    requests.#finish(request, requests.#client.interpretError(error, request.kind));
  }

  #answered<Answer>(
    request: Request,
    answer: Answer,
    interpret: (client: Client, answer: Answer) => DedupKeyEvent,
  ): void {
    if (request !== this.#current) return;
    let event: DedupKeyEvent | undefined;
    try {
      event = interpret(this.#client, answer);
    } catch (error) {
      event = this.#client.interpretError(error, request.kind);
    }
    this.#finishInTime(request, event);
  }

  #finishInTime(request: Request, event: DedupKeyEvent | undefined): void {
    // Listeners of an error may have made the machine send the next request.
    if (request !== this.#current || event === undefined) return;
    request.timeout.cancel();
    this.#context.engine.timers.runDue();
    this.#finish(request, event);
  }

  #finish(request: Request, event: DedupKeyEvent | undefined): void {
    // Due timers may have done the same.
    if (request !== this.#current || event === undefined) return;
    this.drop();
    this.#context.actor.send(event);
    if (this.#isIdle()) this.#idle?.resolve();
  }

  #isIdle(): boolean {
    return this.#current === undefined;
  }
}
