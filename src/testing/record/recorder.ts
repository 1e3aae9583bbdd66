import { hostname } from "node:os";
import type { HistoryLine, Seen } from "../../history/history.ts";
import { text } from "../../internal/validate.ts";
import type { Store } from "../../model/store.ts";
import { type Ending, Operations, type Sent } from "./operations.ts";
import { recordedStore } from "./recorded-store.ts";

/** Who records what, and by which clock. */
export interface RecorderOptions {
  /** The name of the process, as in its records: its `owner`. */
  readonly process: string;
  /** Takes the lines as they come: append them to a file with `formatHistory([line])`. */
  readonly write: (line: HistoryLine) => void;
  /** Names the clock; times by clocks of one name are compared. @default the machine's, which its processes share */
  readonly clock?: string;
  /** Milliseconds by that clock. @default the machine's monotonic clock */
  readonly monotonicMs?: () => number;
}

/** What an effect may know of its reservation; a `Reservation` will do. */
export interface KnownToEffect {
  readonly fence?: number;
  readonly signal?: AbortSignal;
}

/** Records what one process does. */
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

  /** Records what was seen; see {@link Seen} for when to call it. */
  note(seen: Seen): void {
    this.#write({ atMs: this.#monotonicMs(), process: this.#process, ...seen });
  }

  /** The store, each of whose operations is recorded; what an operator removes is a `clear`. */
  store(store: Store, removals: "release" | "clear" = "release"): Store {
    return recordedStore(store, removals, this.#operations);
  }

  /** Records an operation on a register of another kind: what is sent, and how its answer is to be read. */
  operation<Answer>(sent: Sent, ask: () => Promise<Answer>, endingOf: (answer: Answer) => Ending): Promise<Answer> {
    return this.#operations.record(sent, ask, endingOf);
  }

  /** Runs `work`, an effect of the event on the world, and records when it begins, when it is told to stop, and when it ends. */
  async effect<Value>(
    event: string,
    known: KnownToEffect,
    work: () => Promise<Value>,
    name = "effect",
  ): Promise<Value> {
    const { fence = 0, signal } = known;
    const effect = ++this.#effects;
    this.note({ type: "effect.began", event, effect, name, fence, hasSignal: signal !== undefined });
    const told = (): void => this.note({ type: "effect.told", event, effect });
    if (signal?.aborted === true) told();
    else signal?.addEventListener("abort", told, { once: true });
    let failed = true;
    try {
      const value = await work();
      failed = false;
      return value;
    } finally {
      signal?.removeEventListener("abort", told);
      this.note({ type: "effect.ended", event, effect, failed });
    }
  }
}

/** Begins the history of a process: writes its header, and gives what records the rest. */
export function recordHistory(options: RecorderOptions): HistoryRecorder {
  const { write, clock = `the monotonic clock of ${hostname()}`, monotonicMs = machineMs } = options;
  const recorder = new HistoryRecorder(text("process", options.process), monotonicMs, write);
  write({ type: "history", version: 1, clock: text("clock", clock) });
  return recorder;
}

/** Unlike `performance.now()`, the same for all processes of a machine. */
function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
