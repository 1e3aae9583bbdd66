import { closeSync, openSync, writeSync } from "node:fs";
import type { HistoryLine } from "../../src/history/history.ts";
import { formatHistory } from "../../src/history/history-text.ts";
import type { HistoryRecorder } from "../../src/testing/record/history-recorder.ts";
import { recordHistory } from "../../src/testing/record/recorder.ts";

/** A history file that is written line by line. A killed process loses at most its last line. */
export class HistoryFile {
  readonly #descriptor: number;

  constructor(file: string) {
    this.#descriptor = openSync(file, "a");
  }

  /** Returns a recorder for `process`. The operating system has each line when `note` returns. */
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
