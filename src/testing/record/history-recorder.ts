import type { HistoryLine, Seen } from "../../history/history.ts";
import type { Store } from "../../model/store.ts";
import { type OperationRequest, type OperationResult, Operations } from "./operations.ts";
import { recordedStore } from "./recorded-store.ts";

/** The reservation that an effect runs under. A `Reservation` has both members. */
export interface RecordedReservation {
  /** Fence of the reservation. */
  readonly fence?: number;
  /** Signal of the reservation. */
  readonly signal?: AbortSignal;
}

/** Records the actions of one process. */
export class HistoryRecorder {
  readonly #process: string;
  readonly #monotonicMs: () => number;
  readonly #write: (line: HistoryLine) => void;
  readonly #operations = new Operations((seen) => this.note(seen));
  #effects = 0;

  constructor(process: string, monotonicMs: () => number, write: (line: HistoryLine) => void) {
    this.#process = process;
    this.#monotonicMs = monotonicMs;
    this.#write = write;
  }

  /** Records one line. {@link Seen} says when to record each kind. */
  note(seen: Seen): void {
    this.#write({ atMs: this.#monotonicMs(), process: this.#process, ...seen });
  }

  /** Returns a store that records each operation. A removal is a `release`, or a `clear` by an operator. */
  store(store: Store, removals: "release" | "clear" = "release"): Store {
    return recordedStore(store, removals, this.#operations);
  }

  /** Records an operation on a register of another kind: the request, and the result as `resultOf` reads the response. */
  operation<Response>(
    request: OperationRequest,
    send: () => Promise<Response>,
    resultOf: (response: Response) => OperationResult,
  ): Promise<Response> {
    return this.#operations.record(request, send, resultOf);
  }

  /** Runs `work` as an effect of the event, and records when it begins, when its signal aborts, and when it ends. */
  async effect<Value>(
    event: string,
    reservation: RecordedReservation,
    work: () => Promise<Value>,
    name = "effect",
  ): Promise<Value> {
    const { fence = 0, signal } = reservation;
    const effect = ++this.#effects;
    this.note({ type: "effect.began", event, effect, name, fence, hasSignal: signal !== undefined });
    const aborted = (): void => this.note({ type: "effect.aborted", event, effect });
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
    let failed = true;
    try {
      const value = await work();
      failed = false;
      return value;
    } finally {
      signal?.removeEventListener("abort", aborted);
      this.note({ type: "effect.ended", event, effect, failed });
    }
  }
}
