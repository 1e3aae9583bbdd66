import { hostname } from "node:os";
import type { HistoryLine } from "../../history/history.ts";
import { text } from "../../internal/validate.ts";
import { HistoryRecorder } from "./history-recorder.ts";

/** The process to record, the clock, and where the lines go. */
export interface RecorderOptions {
  /** Name of the process: the `owner` in its records. */
  readonly process: string;
  /** Receives each line at once, for example to append `formatHistory([line])` to a file. */
  readonly write: (line: HistoryLine) => void;
  /** Name of the clock. Only times of clocks with equal names are compared. @default the machine's clock, which its processes share */
  readonly clock?: string;
  /** Returns milliseconds by that clock. @default the machine's monotonic clock */
  readonly monotonicMs?: () => number;
}

/** Writes the header of a process's history, and returns the recorder for its lines. */
export function recordHistory(options: RecorderOptions): HistoryRecorder {
  const { write, clock = `the monotonic clock of ${hostname()}`, monotonicMs = machineMs } = options;
  const recorder = new HistoryRecorder(text("process", options.process), monotonicMs, write);
  write({ type: "history", version: 1, clock: text("clock", clock) });
  return recorder;
}

/** Unlike `performance.now()`, this clock is the same for all processes of a machine. */
function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
