import { closeSync, openSync, writeSync } from "node:fs";
import type { HistoryLine } from "../../src/history/history.ts";
import { formatHistory } from "../../src/history/history-text.ts";
import { type HistoryRecorder, recordHistory } from "../../src/testing/record/recorder.ts";

/** A history that is written down as it is made, line by line: a process that is killed loses its last line at the most. */
export class HistoryFile {
  readonly #descriptor: number;

  constructor(file: string) {
    this.#descriptor = openSync(file, "a");
  }

  /** Records what `process` does; each line is with the operating system when `note` returns. */
  recorder(process: string): HistoryRecorder {
    return recordHistory({
      process,
      write: (line: HistoryLine) => void writeSync(this.#descriptor, formatHistory([line])),
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
