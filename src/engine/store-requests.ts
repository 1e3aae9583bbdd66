import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { StoreUnavailableError } from "../errors.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

/** A read that fails changes nothing. A write that fails may have been applied. */
export type RequestKind = "read" | "write";

interface Request {
  readonly kind: RequestKind;
  readonly timeout: Timer;
}

/** Turns an error into an event. Returns `undefined` if it sent another request instead. */
export type InterpretError = (error: unknown, kind: RequestKind) => DedupKeyEvent | undefined;

/**
 * The store requests of one attempt, one at a time. The machine gets each answer once, unless a later request replaced it. A
 * request that takes longer than its timeout counts as failed. Due lease timers run before any answer, so that nothing starts on a
 * lease that has ended.
 */
export class StoreRequests {
  readonly #context: AttemptContext;
  readonly #interpretError: InterpretError;
  #current: Request | undefined;
  #idle: Deferred<void> | undefined;

  constructor(context: AttemptContext, interpretError: InterpretError) {
    this.#context = context;
    this.#interpretError = interpretError;
  }

  /** @param interpret turns the answer into an event, or throws what is wrong with it. It is not called for a dropped request. */
  track<Answer>(
    kind: RequestKind,
    timeoutMs: number,
    answer: Promise<Answer>,
    interpret: (answer: Answer) => DedupKeyEvent,
  ): void {
    const { engine } = this.#context;
    this.drop();
    const timeout = engine.timers.add(engine.nowMs + timeoutMs, () => {
      const message = `The store did not answer within ${Math.round(timeoutMs)} ms`;
      this.#fail(request, new StoreUnavailableError(message, { ambiguous: kind === "write" }));
    });
    const request = { kind, timeout };
    this.#current = request;
    answer.then(
      (value) => {
        if (request === this.#current) this.#finish(request, this.#interpreted(request, value, interpret));
      },
      (error: unknown) => this.#fail(request, error),
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
    this.#idle ??= deferred<void>();
    return this.#idle.promise;
  }

  #interpreted<Answer>(
    { kind }: Request,
    answer: Answer,
    interpret: (answer: Answer) => DedupKeyEvent,
  ): DedupKeyEvent | undefined {
    try {
      return interpret(answer);
    } catch (error) {
      return this.#interpretError(error, kind);
    }
  }

  #fail(request: Request, error: unknown): void {
    if (request === this.#current) this.#finish(request, this.#interpretError(error, request.kind));
  }

  #finish(request: Request, event: DedupKeyEvent | undefined): void {
    // Listeners of an error, and due timers, may have made the machine send the next request.
    if (request !== this.#current || event === undefined) return;
    request.timeout.cancel();
    this.#context.engine.timers.runDue();
    if (request !== this.#current) return;
    this.drop();
    this.#context.actor.send(event);
    if (this.#isIdle()) this.#idle?.resolve();
  }

  #isIdle(): boolean {
    return this.#current === undefined;
  }
}
