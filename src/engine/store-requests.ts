import type { DedupKeyEvent } from "../../machines/dedup-key.ts";
import { StoreUnavailableError } from "../errors.ts";
import { type Deferred, deferred } from "../internal/deferred.ts";
import type { Timer } from "../internal/timer-queue.ts";
import type { AttemptContext } from "./attempt-context.ts";

/** A read that fails changes nothing; a write may have been applied all the same. */
export type RequestKind = "read" | "write";

/** Says what a question that failed means. */
type JudgeTrouble = (error: unknown, kind: RequestKind) => DedupKeyEvent;

/**
 * The questions of one flight to the store, one at a time: an answer is told once, unless another question was asked meanwhile.
 * One that takes longer than a lease is not waited for. Leases that have ended are told before any answer: nothing is begun on a
 * lease that is over.
 */
export class StoreRequests {
  readonly #of: AttemptContext;
  readonly #judgeTrouble: JudgeTrouble;
  #turn = 0;
  #isAsking = false;
  #answerBy: Timer | undefined;
  #idle: Deferred<void> | undefined;

  constructor(of: AttemptContext, judgeTrouble: JudgeTrouble) {
    this.#of = of;
    this.#judgeTrouble = judgeTrouble;
  }

  /** `judge` says what the answer means, or throws what is wrong with it; it is not asked when the answer is no longer of interest. */
  ask<Answer>(
    kind: RequestKind,
    question: () => Answer | Promise<Answer>,
    judge: (answer: Answer) => DedupKeyEvent,
  ): void {
    const { clock, deadlines, how } = this.#of;
    this.drop();
    const turn = this.#turn;
    this.#isAsking = true;
    this.#answerBy = deadlines.add(clock.monotonicMs() + how.leaseMs, () => {
      const message = `The store did not answer within ${how.leaseMs} ms`;
      this.#fail(turn, kind, new StoreUnavailableError(message, { ambiguous: kind === "write" }));
    });
    promised(question).then(
      (answer) => {
        if (turn === this.#turn) this.#tell(turn, this.#judged(answer, kind, judge));
      },
      (error: unknown) => this.#fail(turn, kind, error),
    );
  }

  /** The answer to the last question is no longer of interest. */
  drop(): void {
    this.#turn += 1;
    this.#isAsking = false;
    this.#answerBy?.cancel();
  }

  /** Resolves when no answer is waited for. */
  idle(): Promise<void> {
    if (!this.#isAsking) return Promise.resolve();
    this.#idle ??= deferred<void>();
    return this.#idle.promise;
  }

  #judged<Answer>(answer: Answer, kind: RequestKind, judge: (answer: Answer) => DedupKeyEvent): DedupKeyEvent {
    try {
      return judge(answer);
    } catch (error) {
      return this.#judgeTrouble(error, kind);
    }
  }

  #fail(turn: number, kind: RequestKind, error: unknown): void {
    if (turn === this.#turn) this.#tell(turn, this.#judgeTrouble(error, kind));
  }

  #tell(turn: number, event: DedupKeyEvent): void {
    // Listeners have heard of trouble meanwhile, and may have asked the next.
    if (turn !== this.#turn) return;
    this.#answerBy?.cancel();
    this.#of.deadlines.runDue();
    if (turn !== this.#turn) return;
    this.drop();
    const answered = this.#turn;
    this.#of.send(event);
    if (answered === this.#turn) this.#idle?.resolve();
  }
}

/** A store may throw at once, or answer without a promise. */
function promised<Answer>(question: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return Promise.resolve(question());
  } catch (error) {
    return Promise.reject(error);
  }
}
