import type { DedupKeyEvent } from "../machines/dedup-key.ts";
import type { Clock } from "./clock.ts";
import type { Deadline, DeadlineQueue } from "./deadline-queue.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { StoreUnavailableError } from "./errors.ts";

/** A read that fails changes nothing; a write may have been applied all the same. */
export type QuestionKind = "read" | "write";

/** What the questions of a flight need. */
export interface QuestionTerms {
  /** An answer that takes longer is not waited for. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly deadlines: DeadlineQueue;
  readonly send: (event: DedupKeyEvent) => void;
  readonly judgeTrouble: (error: unknown, kind: QuestionKind) => DedupKeyEvent;
}

/**
 * The questions of one flight to the store, one at a time: an answer is told once, unless another question was asked meanwhile.
 * Leases that have ended are told before any answer: nothing is begun on a lease that is over.
 */
export class Questions {
  readonly #terms: QuestionTerms;
  #turn = 0;
  #isAsking = false;
  #answerBy: Deadline | undefined;
  #idle: Deferred<void> | undefined;

  constructor(terms: QuestionTerms) {
    this.#terms = terms;
  }

  ask(kind: QuestionKind, question: () => Promise<DedupKeyEvent>): void {
    const { clock, deadlines, judgeTrouble, patienceMs } = this.#terms;
    this.drop();
    const turn = this.#turn;
    this.#isAsking = true;
    this.#answerBy = deadlines.add(clock.monotonicMs() + patienceMs, () => {
      if (turn !== this.#turn) return;
      const message = `The store did not answer within ${patienceMs} ms`;
      const ambiguous = kind === "write";
      this.#tell(turn, judgeTrouble(new StoreUnavailableError(message, { ambiguous }), kind));
    });
    void question().then(
      (event) => {
        if (turn === this.#turn) this.#tell(turn, event);
      },
      (error: unknown) => {
        if (turn === this.#turn) this.#tell(turn, judgeTrouble(error, kind));
      },
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

  #tell(turn: number, event: DedupKeyEvent): void {
    this.#answerBy?.cancel();
    this.#terms.deadlines.runDue();
    if (turn !== this.#turn) return;
    this.drop();
    const answered = this.#turn;
    this.#terms.send(event);
    if (answered === this.#turn) this.#idle?.resolve();
  }
}
